"""lm-evaluation-harness's side, run in its own environment; prints one JSON object.

    python ask_lm_eval.py FOLDER MODEL --batch 32 [--stop]

FOLDER is what `nichetune export --to lm-eval` wrote. `--stop` lets rows stop at a form's closing brace, as nichetune's
do: quicker, but the harness cuts the brace off, and so the scores of such a run are not compared.
"""

from __future__ import annotations

import argparse
import time
from typing import Any

from lm_eval import simple_evaluate
from lm_eval.models.huggingface import HFLM
from lm_eval.tasks import TaskManager
from side import run_side


def answer_items(options: argparse.Namespace) -> dict[str, Any]:
    """Seconds from task to scores with the model in memory, and every answer."""
    model = HFLM(pretrained=str(options.model), dtype="float32", device="cpu", batch_size=options.batch)
    manager = TaskManager(include_path=str(options.folder), include_defaults=False)
    (name,) = [file.stem for file in options.folder.glob("*.yaml") if "\ntask:\n" in file.read_text()]
    clock = time.monotonic()
    found = simple_evaluate(
        model=model, tasks=[name], task_manager=manager, apply_chat_template=True, bootstrap_iters=0,
        gen_kwargs={"until": ["}"]} if options.stop else None,
    )  # fmt: skip
    seconds = time.monotonic() - clock
    answers = {s["doc"]["id"]: s["resps"][0][0] for task in found["samples"].values() for s in task}
    if options.stop:
        answers = {item: text if "}" in text else f"{text}}}" for item, text in answers.items()}
    scores = {
        f"{task.removeprefix(f'{name}_')}.{key.removesuffix(',none')}": value
        for task in found["samples"]
        for key, value in found["results"][task].items()
        if key.endswith(",none") and "stderr" not in key and not isinstance(value, str)
    }
    return {"seconds": seconds, "answers": answers, "scores": scores}


if __name__ == "__main__":
    run_side(answer_items)
