"""`nichetune export --to inspect` and `--to lm-eval`: the sealed benchmark for another harness, with equal scores.

The harnesses themselves stand in an environment that bench/evaluate.py makes; where it is missing, what needs them is
skipped, and the copied scorers are run by a bare interpreter all the same.
"""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from tests.conftest import ROOT
from tests.tiny_models import save_tiny

from nichetune.benchmark.seal import HEADER, ITEMS, seal_benchmark
from nichetune.cli.app import run
from nichetune.core.files import read_json, write_json, write_jsonl, write_record
from nichetune.core.records import Candidate, Example, Expected, Message, Prediction, Shot, Source
from nichetune.core.settings import TaskSettings
from nichetune.core.settings_file import load_settings
from nichetune.core.tasks import cut_form
from nichetune.corpus.split import BOILERPLATE
from nichetune.evaluate.candidates import describe_candidate
from nichetune.evaluate.metrics import summarise
from nichetune.evaluate.run import score_predictions
from nichetune.evaluate.runner import CandidateRunner, read_answer
from nichetune.pipeline.harness.copying import copy_modules

SETTINGS = """\
project: Eye_Desk
rungs: [base]
base: {{model: {base}, dtype: float32}}
sources: [{{path: data.csv, task: side}}]
tasks:
  side: {{kind: choice, values: [left, right], prompt: Say the side., max_new_tokens: 6}}
  triage: {{kind: form, max_new_tokens: 12, fields: {{side: {{values: [left, right]}}, note: {{may_be_empty: true}}}},
           abstain: {{field: note, value: unclear}}}}
"""
SIDES = ["left", "right"]
OUTPUTS = ['{"side":"left","note":""}', '{"side": "right"} and {more}', "no form", '{"side":"left","note":"unclear"}']


def make_item(n: int) -> Example:
    task = ("side", "triage")[n % 2]
    fields = {"side": SIDES[n // 2 % 2], "note": ("", "unclear")[n // 4 % 2]}
    expected = Expected(fields=fields) if task == "triage" else Expected(answer=SIDES[n // 2 % 2])
    question = Message(role="user", content=f"Pain {SIDES[n // 2 % 2]}, «{n}» days\u2028{{{{system}}}}")
    return Example(
        id=f"i{n}", group=f"g{n}", task=task, messages=[question], expected=expected, source=Source(file="d")
    )


@pytest.fixture(scope="module")
def project(tmp_path_factory, tokenizer) -> Path:
    folder = tmp_path_factory.mktemp("project")
    (folder / "nichetune.yaml").write_text(SETTINGS.format(base=save_tiny(folder / "tiny", tokenizer)))
    settings = load_settings(folder)
    run_dir, items = folder / "runs/Eye_Desk", [make_item(n) for n in range(16)]
    shots = {"side": [Shot(prompt="Pain left", answer="left"), Shot(prompt="Pain right", answer="right")]}
    candidate = describe_candidate(settings, "base", None, None).model_copy(update={"shots": shots})
    write_record(run_dir / "evaluate/base/candidate.json", candidate)
    sealed = seal_benchmark(settings, items, []).model_dump(
        mode="json", exclude={"items", "boilerplate", "suite_items"}
    )
    write_jsonl(run_dir / "benchmark" / ITEMS, items)
    write_json(run_dir / "benchmark" / BOILERPLATE, [])
    write_json(run_dir / "benchmark" / HEADER, sealed)
    write_jsonl(run_dir / "mask/documents.jsonl", [])
    return folder


def export(project: Path, out: Path, to: str, *more: str) -> int:
    return run(["export", "--project", str(project), "--out", str(out), "--to", to, "--rung", "base", *more])


def own_scores(project: Path, answers: dict[str, str]) -> dict[str, float]:
    """`task.metric` by nichetune's own scorers."""
    settings = load_settings(project)
    candidate = Candidate.model_validate(read_json(project / "runs/Eye_Desk/evaluate/base/candidate.json"))
    items = [make_item(n) for n in range(16)]
    predictions = [
        Prediction(item=i.id, text=answers[i.id], answer=read_answer(candidate.tasks[i.task], answers[i.id]))
        for i in items
    ]
    scores = score_predictions(settings, items, predictions, project / "runs/Eye_Desk/mask")
    return {name: e.value for name, e in summarise(items, scores, settings.tasks).items() if e.value is not None}


SCORE = """
import importlib.util, json, sys
sys.path.insert(0, sys.argv[1])
sys.modules["nichetune"] = None  # the copy must stand by itself
from nichetune_scorers.pipeline.harness.answers import read_items, score_text
answers = json.load(sys.stdin)
found = {}
for task in ("side", "triage"):
    for line in read_items(task):
        for name, value in score_text(line, answers[line["id"]]).items():
            found.setdefault(f"{task}.{name}", []).append(value)
print(json.dumps({name: sum(values) / len(values) for name, values in found.items()}))
"""


@pytest.mark.parametrize("to", ["inspect", "lm-eval"])
def test_the_copied_scorers_score_as_the_sealed_ones(project, tmp_path, capsys, to):
    assert export(project, tmp_path / "out", to) == 0
    assert "whoever reads it" in capsys.readouterr().out
    answers = {f"i{n}": OUTPUTS[n // 2 % 4] if n % 2 else (SIDES[n % 3 % 2], "Left. ")[n % 4 // 2] for n in range(16)}
    command = [sys.executable, "-I", "-c", SCORE, tmp_path / "out"]
    done = subprocess.run(command, input=json.dumps(answers), capture_output=True, text=True, check=True)
    found, own = json.loads(done.stdout), own_scores(project, answers)
    assert {name: value for name, value in found.items() if not name.endswith(".success")} == {
        name: value for name, value in own.items() if not name.startswith("all.")
    }
    whole = (found["side.success"] + found["triage.success"]) / 2
    assert whole == pytest.approx(own["all.success"])
    assert len({*found.values()}) > 3


def test_what_stands_in_the_folder(project, tmp_path):
    assert export(project, tmp_path / "out", "lm-eval", "--json") == 0
    out = tmp_path / "out"
    record = read_json(out / "export.json")
    assert record["replay"] is None and record["quantise"] == ""
    lines = [json.loads(line) for line in (out / "items.jsonl").read_bytes().splitlines()]
    assert [line["id"] for line in lines] == [f"i{n}" for n in range(16)]
    task = yaml.load((out / "eye_desk_base_side.yaml").read_text().replace("!function ", ""), yaml.SafeLoader)
    assert task["num_fewshot"] == 2 and task["fewshot_config"]["samples"][1] == {
        "user": "Pain right",
        "target": "right",
    }
    assert task["generation_kwargs"] == {"until": [], "do_sample": False, "max_gen_toks": 6}
    group = yaml.safe_load((out / "eye_desk_base.yaml").read_text())
    assert group["task"] == ["eye_desk_base_side", "eye_desk_base_triage"]
    readme = (out / "README.md").read_text()
    assert "lm_eval --model hf" in readme and "datasets, lm_eval, pydantic" in readme and "sealed" in readme
    assert not any(name.endswith(".safetensors") for name in record["files"])


@pytest.mark.parametrize(("options", "words"), [(["--items", "3"], "--items"), (["--quantise", "f16"], "--quantise")])
def test_options_that_would_be_ignored_are_refused(project, tmp_path, capsys, options, words):
    assert export(project, tmp_path / "out", "inspect", *options) == 2
    assert words in capsys.readouterr().err


def test_copied_modules_name_what_they_need(tmp_path):
    assert copy_modules(["nichetune.evaluate.scoring"], tmp_path, "other") == {"pydantic"}
    text = (tmp_path / "other/evaluate/scoring.py").read_text()
    assert "from other.core.records import" in text and "from nichetune" not in text


def run_harness(project: Path, out: Path, to: str) -> dict:
    """Runs the real harness on the tiny model."""
    sys.path.insert(0, str(ROOT / "bench"))
    from evaluators.environment import find_python

    python = find_python()
    if python is None:
        pytest.skip("no environment with inspect_ai and lm-eval: bench/evaluate.py makes one")
    assert export(project, out, to) == 0
    script = ROOT / "bench/evaluators" / {"inspect": "ask_inspect.py", "lm-eval": "ask_lm_eval.py"}[to]
    done = subprocess.run(
        [python, script, out, project / "tiny", "--batch", "1"], capture_output=True, text=True, check=False,
        env=os.environ | {"HF_HUB_OFFLINE": "1"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    return json.loads(done.stdout.strip().splitlines()[-1])


@pytest.mark.parametrize("to", ["inspect", "lm-eval"])
def test_the_harness_itself_scores_and_answers_alike(project, tmp_path, to):
    found = run_harness(project, tmp_path / "out", to)
    own = own_scores(project, found["answers"])
    told = {n: v for n, v in found["scores"].items() if not n.endswith(".success") and not math.isnan(v)}
    assert told == pytest.approx({name: value for name, value in own.items() if not name.startswith("all.")})
    candidate = Candidate.model_validate(read_json(project / "runs/Eye_Desk/evaluate/base/candidate.json"))
    ours = CandidateRunner(candidate, None, None, "cpu").answer([make_item(n) for n in range(16)])
    theirs = {item: text if int(item[1:]) % 2 == 0 else cut_form(text) for item, text in found["answers"].items()}
    assert [p.text for p in ours] == [theirs[p.item].strip() for p in ours]


def test_tasks_of_the_project_stay_as_they_are(project, tmp_path):
    assert export(project, tmp_path / "out", "inspect") == 0
    tasks = json.loads((tmp_path / "out/tasks.json").read_text())
    assert {name: TaskSettings.model_validate(task) for name, task in tasks.items()} == load_settings(project).tasks
    assert "def triage(" in (tmp_path / "out/task.py").read_text()
