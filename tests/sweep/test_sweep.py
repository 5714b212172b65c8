"""A sweep tries what it says, on the development set alone, and goes on where it was killed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import unicodedata
from pathlib import Path

import pytest
import torch
import yaml
from sweep_tools import SIDES, SPACE, make_examples, make_inputs, make_model, make_settings, shown, sweep_desk

from nichetune.cli.app import run
from nichetune.core.errors import UserError
from nichetune.core.files import hash_file, write_jsonl
from nichetune.models.loading import load_base
from nichetune.sweep.dev import DevLoss, DevSet, read_dev
from nichetune.sweep.page import render_sweep
from nichetune.sweep.result import FINISHED, PRUNED, read_result, write_best
from nichetune.sweep.study import open_sweep, run_trials
from nichetune.sweep.trial import DevWatch
from nichetune.train import sft
from nichetune.train.data import IGNORED

HERE = Path(__file__).parent


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return str(make_model(tmp_path_factory.mktemp("model") / "tiny"))


@pytest.fixture(scope="module")
def inputs(model, tmp_path_factory):
    return make_inputs(tmp_path_factory.mktemp("desk"), make_settings(model))


@pytest.fixture(scope="module")
def unbroken(model, inputs, tmp_path_factory):
    """Three trials in this process."""
    return sweep_desk(make_settings(model), inputs, tmp_path_factory.mktemp("unbroken"))


def test_a_sweep_begins_with_the_projects_own_settings_and_keeps_the_best_trial(unbroken):
    assert unbroken.trials[0].values == {"train.learning_rate": 0.01, "train.rank": 4}
    assert len({t.values["train.learning_rate"] for t in unbroken.trials}) == 3
    values = [t.figure.value for t in unbroken.trials]
    assert unbroken.best.figure.value == min(values) < max(values)
    assert all(len(t.looks) == 2 and t.looks[-1] == pytest.approx(t.figure.value, abs=1e-6) for t in unbroken.trials)


def test_the_best_values_can_be_pasted_and_their_sentence_claims_no_more_than_it_may(unbroken, tmp_path, model):
    write_best(tmp_path / "best.yaml", unbroken)
    text = (tmp_path / "best.yaml").read_text()
    pasted = yaml.safe_load(text)["train"]
    assert {f"train.{key}": value for key, value in pasted.items()} == unbroken.best.values
    for words in ("Best of 3 trials", "8 development examples", "sealed benchmark took no part"):
        assert words in text
    flags = [part for part in unbroken.command.split() if "=" in part]
    assert dict(yaml.safe_load(f.replace("=", ": ")).popitem() for f in flags) == unbroken.best.values


def test_the_page_is_one_file_that_shows_every_trial(unbroken):
    page = render_sweep("desk", unbroken)
    assert page.count('<th scope="row">') == 3 and page.count('class="dot"') == 2 * 3
    assert "http" not in page.replace("http-equiv", "") and "\n<script>" in page


def test_the_same_seed_tries_the_same_values(unbroken, model, inputs, tmp_path):
    assert shown(sweep_desk(make_settings(model), inputs, tmp_path)) == shown(unbroken)


@pytest.mark.slow
def test_a_killed_sweep_tries_what_an_unbroken_one_tries(unbroken, model, inputs, tmp_path):
    for name, path in inputs.items():
        (tmp_path / name).symlink_to(path)
    (tmp_path / "settings.json").write_text(make_settings(model).model_dump_json(by_alias=True))
    call = [sys.executable, str(HERE / "sweep_tools.py"), str(tmp_path)]
    killed = subprocess.Popen(call, stderr=subprocess.PIPE, text=True, cwd=HERE)
    for line in killed.stderr:
        if line.startswith("trial 2 of 3"):
            os.kill(killed.pid, signal.SIGKILL)
            break
    assert killed.wait() == -signal.SIGKILL
    again = subprocess.run(call, capture_output=True, text=True, cwd=HERE)
    assert again.stdout.strip() == "3" and "going on with 1 trial" in again.stderr, again.stderr
    assert shown(read_result(open_sweep(make_settings(model), inputs, tmp_path / "sweep", "lora"))) == shown(unbroken)
    assert not list((tmp_path / "sweep" / "trials").iterdir())  # weights of trials are not kept


def test_other_data_or_another_space_begin_a_new_study_in_the_same_file(unbroken, model, inputs, tmp_path):
    first = open_sweep(make_settings(model), inputs, tmp_path, "lora").study.study_name
    assert first == unbroken.study
    others = [make_settings(model, looks=3), make_settings(model, space={"train.rank": {"choices": [2]}})]
    names = {open_sweep(s, inputs, tmp_path, "lora").study.study_name for s in others}
    (tmp_path / "split").mkdir()
    write_jsonl(tmp_path / "split" / "train.jsonl", make_examples(0, 31))
    write_jsonl(tmp_path / "split" / "dev.jsonl", make_examples(100, 8))
    names.add(
        open_sweep(make_settings(model), inputs | {"split": tmp_path / "split"}, tmp_path, "lora").study.study_name
    )
    assert len(names | {first}) == 4
    assert open_sweep(make_settings(model, trials=9, parallel=2), inputs, tmp_path, "lora").study.study_name == first


def test_a_trial_that_falls_behind_is_ended_early(model, inputs, tmp_path):
    space = {"train.learning_rate": {"choices": [2e-2, 1e-6]}}
    sweep = open_sweep(make_settings(model, trials=6, space=space), inputs, tmp_path, "lora")
    for rate in (2e-2, 2e-2, 2e-2, 2e-2, 1e-6, 2e-2):
        sweep.study.enqueue_trial({"train.learning_rate": rate})
    run_trials(sweep)
    assert [t.state for t in read_result(sweep).trials] == [FINISHED] * 4 + [PRUNED] + [FINISHED]


def test_looking_at_the_development_set_changes_nothing_that_is_learnt(model, inputs, tmp_path):
    settings = make_settings(model)
    sft.run(settings, inputs, tmp_path / "plain", "lora")
    seen = []
    watch = DevWatch(DevSet(settings, read_dev(settings, inputs["split"]), None), 3, lambda *look: seen.append(look))
    sft.run(settings, inputs, tmp_path / "watched", "lora", [watch])
    assert [look for look, _, _ in seen] == [0, 1, 2] and [last for _, _, last in seen] == [False, False, True]
    digests = [hash_file(tmp_path / name / "adapter" / "adapter_model.safetensors") for name in ("plain", "watched")]
    assert digests[0] == digests[1]


def test_the_development_loss_is_that_of_the_models_own_labels(model, inputs):
    settings = make_settings(model)
    dev = DevSet(settings, read_dev(settings, inputs["split"]), None)
    base = load_base(settings.base).model
    found = dev.measure_loss(base)
    for row, total, tokens in zip(dev._rows, found.sums, found.tokens, strict=True):
        assert tokens == sum(label != IGNORED for label in row.labels[1:]) > 0
        with torch.no_grad():
            own = base(input_ids=torch.tensor([row.ids]), labels=torch.tensor([row.labels])).loss
        assert total / tokens == pytest.approx(float(own), abs=1e-4)


def test_the_interval_of_a_loss_is_a_t_interval_over_equal_groups():
    sums = [1.0, 2.0, 3.0, 4.0]
    got = DevLoss(sums, [1] * 4, list("abcd")).estimate(0.05)
    half = 3.182446 * (5 / 3 / 4) ** 0.5  # t quantile of 3 degrees; variance 5/3 over 4 groups
    assert (got.value, got.low, got.high) == pytest.approx((2.5, 2.5 - half, 2.5 + half), abs=1e-4)
    assert DevLoss(sums, [1] * 4, list("aaaa")).estimate(0.05).low is None


_opened: list[tuple[str, bool]] | None = None


def _note_opened(event: str, arguments: tuple) -> None:
    """Notes every file that is opened, and whether what judges a trial opened it."""
    if _opened is None or event != "open":
        return
    frame, judging = sys._getframe(1), False
    while frame is not None and not judging:
        judging = frame.f_code.co_filename.endswith("sweep/dev.py")
        frame = frame.f_back
    _opened.append((str(arguments[0]), judging))


sys.addaudithook(_note_opened)


@pytest.mark.parametrize("objective", ["loss", "side.parsed"])
def test_trials_are_judged_on_the_development_set_and_never_open_the_benchmark(model, inputs, tmp_path, objective):
    global _opened
    _opened = []
    result = sweep_desk(make_settings(model, objective=objective, trials=1), inputs, tmp_path)
    opened, _opened = _opened, None
    assert result.best.figure.n == 8 and result.minimised == (objective == "loss")
    assert any(judging and path.endswith("split/dev.jsonl") for path, judging in opened)
    assert not any(judging and "/benchmark/" in path for path, judging in opened)
    assert not any("holdout" in path for path, _ in opened)
    assert any("/benchmark/items" in path for path, _ in opened)  # training's own check for contamination stays


@pytest.mark.slow
def test_two_workers_over_ray_share_a_study(model, inputs, tmp_path):
    result = sweep_desk(make_settings(model, parallel=2, trials=4), inputs, tmp_path)
    assert [t.state for t in result.trials] == [FINISHED] * 4
    assert len({t.values["train.learning_rate"] for t in result.trials}) == 4


@pytest.mark.slow
def test_the_verb_makes_what_has_to_stand_before_and_writes_its_files(model, tmp_path, capsys):
    names = [unicodedata.name(chr(code)) for code in range(0x3A3, 0x3FF)]  # texts that are no copies of each other
    rows = "".join(f"{name},{SIDES[n % 2]}\n" for n, name in enumerate(names))
    (tmp_path / "data.csv").write_text("note,side\n" + rows)
    settings = make_settings(model).model_dump(
        mode="json", by_alias=True, include={"project", "rungs", "tasks", "base"}
    )
    settings |= {
        "sources": [{"path": "data.csv", "task": "side", "map": {"text": "note"}}], "split": {"dev": 0.15},
        "mask": {"enabled": False, "because": "names of letters"}, "train": {"epochs": 0.2}, "sweep": {"space": SPACE},
    }  # fmt: skip
    (tmp_path / "nichetune.yaml").write_text(yaml.safe_dump(settings, sort_keys=False))
    assert run(["sweep", "qlora", "--project", str(tmp_path)]) == 2
    assert "none of this project's tuned rungs; known: lora" in capsys.readouterr().err
    assert run(["sweep", "--set", "train.method=lora", "--trials", "2", "--project", str(tmp_path), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert len(found["trials"]) == 2 and found["command"].startswith("nichetune train lora --set train.learning_rate=")
    folder = tmp_path / "runs" / "desk" / "sweep"
    assert {path.name for path in folder.iterdir()} == {"study.db", "trials", "best.yaml", "sweep.html"}
    assert not list((tmp_path / "runs" / "desk").glob("train/*"))


@pytest.mark.parametrize(
    ("space", "words"),
    [
        ({"train.rnak": {"choices": [8]}}, "did you mean `train.rank`"),
        ({"base.model": {"choices": ["x"]}}, "no training setting"),
        ({"train.rank": {"choices": [0]}}, "greater than or equal to 1"),
        ({"train.rank": {"low": 1.5, "high": 4}}, "sweep.space.train.rank: 1.5"),
        ({"train.retrieval": {"low": 0, "high": 1}}, "write `choices"),
        ({"train.rank": {"low": 8, "high": 4}}, "below"),
        ({"train.rank": {"low": 0, "high": 4, "log": True}}, "above 0"),
        ({"train.rank": {}}, "either `choices"),
    ],
)
def test_a_mistake_in_the_space_is_told_with_its_mend(space, words, tmp_path, capsys):
    settings = {
        "project": "x", "sources": [{"path": "x.jsonl", "task": "t"}],
        "tasks": {"t": {"kind": "choice", "values": SIDES}}, "sweep": {"space": space},
    }  # fmt: skip
    (tmp_path / "nichetune.yaml").write_text(yaml.safe_dump(settings, sort_keys=False))
    assert run(["sweep", "--project", str(tmp_path)]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("error: nichetune.yaml:") and words in line


def test_an_empty_development_set_an_unknown_objective_and_a_wrong_url_are_one_line(model, inputs, tmp_path):
    write_jsonl(tmp_path / "split" / "dev.jsonl", [])
    write_jsonl(tmp_path / "split" / "train.jsonl", make_examples(0, 8))
    with pytest.raises(UserError, match=r"development set is empty: raise split\.dev"):
        open_sweep(make_settings(model), inputs | {"split": tmp_path / "split"}, tmp_path, "lora")
    with pytest.raises(UserError, match=r"did you mean `side\.exact_form`"):
        open_sweep(make_settings(model, objective="side.exact_from"), inputs, tmp_path, "lora")
    for url in ("nosuchdb://u:secret@host/x", "sqlite:////no/such/folder/x.db", "plain"):
        with pytest.raises(UserError, match="cannot be opened") as error:
            open_sweep(make_settings(model, storage=url), inputs, tmp_path, "lora")
        assert "secret" not in str(error.value)


def test_without_optuna_one_line_says_what_to_install(tmp_path, capsys, monkeypatch):
    settings = {"project": "x", "sources": [{"path": "x.jsonl", "task": "t"}], "tasks": {"t": {"kind": "exact"}}}
    (tmp_path / "nichetune.yaml").write_text(json.dumps(settings))
    monkeypatch.setitem(sys.modules, "optuna", None)
    assert run(["sweep", "--project", str(tmp_path)]) == 2
    assert capsys.readouterr().err == "error: nichetune sweep needs Optuna: pip install nichetune[sweep]\n"


def test_what_fails_three_times_in_a_row_is_not_the_values_fault(model, inputs, tmp_path):
    settings = make_settings(model)
    settings = settings.model_copy(update={"base": settings.base.model_copy(update={"max_length": 64})})
    write_jsonl(tmp_path / "split" / "train.jsonl", [
        e.model_copy(update={"messages": [e.messages[0].model_copy(update={"content": "pain " * 80})]})
        for e in make_examples(0, 8)
    ])  # fmt: skip
    write_jsonl(tmp_path / "split" / "dev.jsonl", make_examples(100, 8))
    sweep = open_sweep(settings, inputs | {"split": tmp_path / "split"}, tmp_path, "lora")
    with pytest.raises(UserError, match=r"base\.max_length is 64"):
        run_trials(sweep)
