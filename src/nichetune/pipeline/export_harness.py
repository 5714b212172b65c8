"""The sealed benchmark as a task of inspect_ai or lm-evaluation-harness, with a candidate's own prompts.

    inspect   task.py                          lm-eval   <name>.yaml <name>_<task>.yaml lm_eval_task.py
    both      items.jsonl tasks.json nichetune_scorers/ README.md, and documents.jsonl where answers quote them

Scores are equal since the scorers are the very ones: a copy of their source goes along, under another name, so that
the harness's environment needs no nichetune. The sealed texts leave the private folder by this, as the output says.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from nichetune.core.files import read_json, read_records, write_jsonl, write_text
from nichetune.core.records import Candidate, Document, Estimate, Example
from nichetune.core.tasks import render_answer
from nichetune.evaluate.candidates import rung_method
from nichetune.evaluate.metrics import LOWER_IS_BETTER
from nichetune.evaluate.scoring import metric_names
from nichetune.generate.prompts import candidate_prompt
from nichetune.pipeline.harness.copying import copy_modules

if TYPE_CHECKING:
    from nichetune.pipeline.export_formats import Source

HARNESSES = ("inspect", "lm-eval")
_HARNESS = {"inspect": "inspect_ai", "lm-eval": "lm_eval"}
SCORERS = "nichetune_scorers"
_NOTE = "the sealed items and their answers are in this folder: whoever reads it, or trains on it, has seen the exam"


def write_harness(source: Source, to: str, items: Sequence[Example], run_dir: Path, out: Path) -> list[str]:
    """Writes the task; returns what whoever takes it should know.

    Args:
        to: one of `HARNESSES`.
        items: of the sealed benchmark, those of the candidate's tasks.
        run_dir: where mask/documents.jsonl and the candidate's own figures stand.
    """
    candidate = source.candidate
    lines = _make_lines(source, items)
    tasks = [name for name in candidate.tasks if any(line["task"] == name for line in lines)]
    write_jsonl(out / "items.jsonl", lines)
    told = {name: candidate.tasks[name].model_dump(mode="json") for name in tasks}
    write_text(out / "tasks.json", json.dumps(told, indent=2, ensure_ascii=False) + "\n")
    if any(candidate.tasks[name].kind == "grounded" for name in tasks):
        documents = read_records(run_dir / "mask" / "documents.jsonl", Document)
        write_jsonl(out / "documents.jsonl", ({"id": d.id, "text": d.text} for d in documents))
    module = "for_inspect" if to == "inspect" else "for_lm_eval"
    needed = copy_modules([f"nichetune.pipeline.harness.{module}"], out, SCORERS)
    commands = _write_inspect(source.name, tasks, out) if to == "inspect" else _write_lm_eval(source, tasks, lines, out)
    write_text(out / "README.md", _compose_readme(source, to, lines, commands, needed, _read_figures(source, run_dir)))
    return [_NOTE]


def _make_lines(source: Source, items: Sequence[Example]) -> list[dict[str, Any]]:
    candidate, found = source.candidate, source.runner.passages(items)
    lines = []
    for item in items:
        hits = found.get(item.id, [])
        lines.append({
            "id": item.id, "task": item.task, "group": item.group,
            "messages": [m.model_dump() for m in candidate_prompt(candidate, item, hits)],
            "target": render_answer(candidate.tasks[item.task], item.expected), "item": item.model_dump(mode="json"),
            "retrieved": [hit.id for hit in hits], "index_version": candidate.index_version if found else "",
        })  # fmt: skip
    return lines


def _write_inspect(name: str, tasks: Sequence[str], out: Path) -> list[str]:
    """task.py, a function a task: inspect_ai finds them by reading the file, so each stands there by itself."""
    head = '''\
"""The sealed benchmark for inspect_ai; README.md says how it is run."""

import sys
from pathlib import Path

from inspect_ai import Task, task

sys.path.insert(0, str(Path(__file__).parent))
from nichetune_scorers.pipeline.harness.for_inspect import make_task
'''
    parts = [head]
    for own in tasks:
        parts.append(f"""

@task
def {_identifier(own)}(temperature: float | None = None) -> Task:
    return make_task({own!r}, temperature)
""")
    write_text(out / "task.py", "".join(parts))
    return [
        "inspect eval task.py --model hf/local -M model_path=MODEL -M do_sample=false -M dtype=float32",
        f"inspect eval task.py --model openai/{name} -T temperature=0",
    ]


def _write_lm_eval(source: Source, tasks: Sequence[str], lines: Sequence[Mapping[str, Any]], out: Path) -> list[str]:
    """A YAML file a task, one for all of them, and the module that they call."""
    write_text(
        out / "lm_eval_task.py",
        '"""What the YAML files call."""\n\nimport sys\nfrom pathlib import Path\n\n'
        "sys.path.insert(0, str(Path(__file__).parent))\n"
        f"from {SCORERS}.pipeline.harness.for_lm_eval import load, process_results  # noqa: F401\n",
    )
    group = _identifier(source.name)
    names = {task: f"{group}_{_identifier(task)}" for task in tasks}
    for task, name in names.items():
        first = next(line for line in lines if line["task"] == task)
        write_text(out / f"{name}.yaml", _compose_task(source.candidate, task, name, first))
    weighed = {"metric": "success", "aggregation": "mean", "weight_by_size": True}
    whole = {"group": group, "task": list(names.values()), "aggregate_metric_list": [weighed]}
    write_text(out / f"{group}.yaml", yaml.safe_dump(whole, sort_keys=False))
    return [
        "lm_eval --model hf --model_args pretrained=MODEL,dtype=float32 --include_path . "
        f"--tasks {group} --apply_chat_template --batch_size 16"
    ]


def _compose_task(candidate: Candidate, task: str, name: str, first: Mapping[str, Any]) -> str:
    """One task. `until` is empty: the harness would cut the closing brace off, which tells a form from half a one."""
    shown = first["messages"][1:-1]
    shots = [{"user": q["content"], "target": a["content"]} for q, a in zip(shown[::2], shown[1::2], strict=True)]
    metrics = [
        {"metric": metric, "aggregation": "mean", "higher_is_better": metric not in LOWER_IS_BETTER}
        for metric in [*metric_names(candidate.tasks[task]), "success"]
    ]
    told: dict[str, Any] = {
        "task": name, "dataset_kwargs": {"task": task}, "test_split": "test", "output_type": "generate_until",
        "description": "system", "doc_to_text": "user", "doc_to_target": "target", "num_fewshot": len(shots),
        "generation_kwargs": {
            "until": [], "do_sample": False, "max_gen_toks": candidate.tasks[task].max_new_tokens,
        },
        "metric_list": metrics, "metadata": {"version": 1.0},
    }  # fmt: skip
    if shots:
        told["fewshot_config"] = {"sampler": "first_n", "samples": shots}
    calls = "custom_dataset: !function lm_eval_task.load\nprocess_results: !function lm_eval_task.process_results\n"
    return yaml.safe_dump(told, sort_keys=False, allow_unicode=True) + calls


def _identifier(name: str) -> str:
    """A name as both harnesses take it."""
    cleaned = re.sub(r"\W+", "_", name).strip("_").lower()
    return cleaned if cleaned[:1].isalpha() else f"task_{cleaned}"


def _read_figures(source: Source, run_dir: Path) -> dict[str, Estimate]:
    """What nichetune itself measured for the rung, if it was evaluated here."""
    file = run_dir / "evaluate" / source.candidate.rung / "metrics.json"
    if not file.is_file() or "version" in source.origin:
        return {}
    return {name: Estimate.model_validate(value) for name, value in read_json(file).items()}


def _compose_readme(
    source: Source, to: str, lines: Sequence[Mapping[str, Any]], commands: Sequence[str], needed: set[str],
    figures: Mapping[str, Estimate],
) -> str:  # fmt: skip
    candidate = source.candidate
    model = "the weights that `nichetune export --to merged` writes"
    parts = [
        f"# {source.name}: {len(lines)} sealed items for {to}\n",
        f"**These are the texts and answers of a sealed benchmark**: {_NOTE}.\n",
        f"Run in this folder, in an environment that has {', '.join(sorted(needed | {_HARNESS[to]}))} and, for models "
        f"that run there, torch and transformers; MODEL is a folder or name that those load, such as {model}:\n",
        "```\n" + "\n".join(commands) + "\n```\n",
        f"The prompts are those of rung `{candidate.rung}`"
        + (", which a tuned model was taught: others are told too little." if rung_method(candidate.rung) else "."),
        "Scores come from a copy of nichetune's own scorers; a metric's mean is over the items that it applies to.",
    ]
    if figures:
        parts.append(f"\nnichetune's own figures for `{candidate.rung}`:\n\n| metric | value | n |\n|---|---|---|")
        parts += [f"| `{name}` | {e.value:.4f} | {e.n} |" for name, e in figures.items() if e.value is not None]
    return "\n".join(parts) + "\n"
