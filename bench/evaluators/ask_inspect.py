"""inspect_ai's side, run in its own environment; prints one JSON object.

    python ask_inspect.py FOLDER MODEL --batch 32 [--stop]

FOLDER is what `nichetune export --to inspect` wrote. `--stop` lets rows stop at a form's closing brace, as nichetune's
do; inspect_ai keeps the brace, and so its scores stay the same.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from typing import Any

from inspect_ai import eval as evaluate
from inspect_ai.model import get_model
from side import run_side


def answer_items(options: argparse.Namespace) -> dict[str, Any]:
    """Seconds from task to scores with the model in memory, and every answer."""
    model = get_model(
        "hf/local", model_path=str(options.model.resolve()), device="cpu", do_sample=False, dtype="float32"
    )
    given: dict[str, Any] = {"stop_seqs": ["}"]} if options.stop else {}
    os.chdir(options.folder)  # it looks for tasks below the working folder alone
    with tempfile.TemporaryDirectory() as logs:
        clock = time.monotonic()
        logs_of_tasks = evaluate(
            "task.py", model=model, max_connections=options.batch, display="none", log_dir=logs,
            log_level="error", **given,
        )  # fmt: skip
        seconds = time.monotonic() - clock
        # Read before the folder goes: logs hold their samples on disk.
        scores: dict[str, float] = {}
        answers: dict[str, str] = {}
        for log in logs_of_tasks:
            if log.status != "success" or log.results is None:
                raise SystemExit(f"inspect_ai: {log.status}: {log.error.message if log.error else ''}")
            scores |= {
                f"{log.eval.task}.{one.name}": one.metrics["mean"].value
                for one in log.results.scores
                if "mean" in one.metrics
            }
            answers |= {str(sample.id): sample.output.completion for sample in log.samples or []}
    return {"seconds": seconds, "answers": answers, "scores": scores}


if __name__ == "__main__":
    run_side(answer_items)
