"""The benchmark under its lock, driven by the command line: a classical and a tiny language model, run for real."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from tests.conftest import ROOT
from tests.tiny_models import save_tiny

from nichetune.cli.app import run
from nichetune.core.files import hash_file
from nichetune.pipeline import final, sealing

SETTINGS = """\
project: characters
rungs: [classical, base]
base: {{model: {model}, dtype: float32}}
sources:
  - {{path: data/*.csv, task: kind, map: {{text: name, answer: kind}}}}
tasks:
  kind:
    kind: choice
    values: [lower-case letter, upper-case letter, digit, mathematical symbol, punctuation, combining mark]
    abstain: {{answer: I cannot say.}}
    max_new_tokens: 4
mask: {{enabled: false, because: names of characters}}
split: {{holdout: 0.2, blind: 0.15, dev: 0.1}}
evaluate: {{shots: [0], choice_items: 4}}
benchmark: {{bootstrap: 1000}}
suites: {{policy: ready, general: ready}}
"""
RUN = Path("runs/characters")


def ask(*arguments: str) -> int:
    return run([*arguments])


def read_log(folder: Path) -> list[dict]:
    return [json.loads(line) for line in (folder / RUN / "benchmark.log.jsonl").read_text().splitlines()]


def read_verdict(folder: Path) -> dict:
    return json.loads((folder / RUN / "decide/verdict.json").read_text())


def decide_digest(folder: Path) -> str:
    return str(json.loads((folder / RUN / "decide/manifest.json").read_text())["digest"])


@pytest.fixture(scope="module")
def decided(tmp_path_factory):
    """A project after one unbroken run."""
    from nichetune.models.loading import load_tokenizer
    from nichetune.models.packaged import resolve_model

    root = tmp_path_factory.mktemp("sealing")
    model = save_tiny(root / "model", load_tokenizer(resolve_model("smollm2-135m")))
    folder = root / "mine"
    builder = ROOT / "examples" / "starter" / "build_corpus.py"
    subprocess.run([sys.executable, builder, "--out", folder / "data"], check=True, capture_output=True)
    (folder / "nichetune.yaml").write_text(SETTINGS.format(model=model))
    assert ask("run", "--project", str(folder)) == 0
    return folder


@pytest.fixture
def project(decided, tmp_path):
    """A copy to change."""
    return Path(shutil.copytree(decided, tmp_path / "mine"))


def edit(project: Path, old: str, new: str) -> None:
    file = project / "nichetune.yaml"
    assert old in file.read_text()
    file.write_text(file.read_text().replace(old, new))


def last_error(capsys) -> str:
    lines = [line for line in capsys.readouterr().err.splitlines() if line.startswith("error: ")]
    assert len(lines) == 1
    return lines[0]


def test_a_run_seals_before_it_trains_and_counts_every_look(decided):
    assert [one["kind"] for one in read_log(decided)] == ["seal", "look", "look"]
    looks = read_verdict(decided)["looks"]
    assert {one["rung"]: one["times"] for one in looks["candidates"]} == {"base": 1, "classical": 1}
    assert looks["total"] == 2 and looks["warnings"] == []
    assert ask("benchmark", "verify", "--project", str(decided)) == 0


def test_a_reused_stage_is_no_new_look_and_a_repeated_one_is(project):
    assert ask("run", "--project", str(project)) == 0
    assert len(read_log(project)) == 3
    assert ask("decide", "--project", str(project)) == 0 and len(read_log(project)) == 3
    assert ask("run", "--project", str(project), "--from", "evaluate/base", "--until", "decide") == 0
    looks = read_verdict(project)["looks"]
    assert {one["rung"]: one["times"] for one in looks["candidates"]} == {"base": 2, "classical": 1}
    assert looks["warnings"] == []  # the same candidate, scored twice: nothing was chosen


def test_candidates_with_other_settings_scored_on_the_sealed_items_are_warned_of(project):
    assert ask("decide", "--project", str(project), "--set", "index.k=5") == 0
    verdict = read_verdict(project)
    assert verdict["looks"]["choices"] == {"base": 2, "classical": 2}
    assert any("base: 2 candidates with different settings" in one for one in verdict["reasons"])


def test_a_run_killed_before_its_look_was_noted_ends_with_the_verdict_of_an_unbroken_one(project, monkeypatch):
    unbroken = decide_digest(project)
    shutil.rmtree(project / RUN)
    note = sealing.note_look

    def die(*arguments):
        raise KeyboardInterrupt

    monkeypatch.setattr(sealing, "note_look", die)
    assert ask("decide", "--project", str(project)) == 130
    monkeypatch.setattr(sealing, "note_look", note)
    assert ask("decide", "--project", str(project)) == 0
    assert decide_digest(project) == unbroken


def test_a_locked_benchmark_is_not_edited_but_superseded_and_the_log_says_why(project, capsys):
    edit(project, "bootstrap: 1000", "bootstrap: 1000, margin: 0.05")
    assert ask("benchmark", "verify", "--project", str(project)) == 1
    assert "margin is not what was sealed (sealed 0.02, now 0.05)" in last_error(capsys)
    for verb in (["run"], ["benchmark", "seal"]):
        assert ask(*verb, "--project", str(project)) == 2
        line = last_error(capsys)
        assert "is locked" in line and "margin" in line and "supersede" in line
    old = read_log(project)[0]["benchmark"]
    assert json.loads((project / RUN / "benchmark/benchmark.json").read_text())["digest"] == old

    assert ask("benchmark", "supersede", "--project", str(project), "--why", "the desk asked for five points") == 0
    assert "had been trained before this seal" in capsys.readouterr().err
    assert (project / RUN / "seals" / old / "items.jsonl").is_file()
    trained = (project / RUN / "train/classical/manifest.json").stat().st_mtime_ns
    assert ask("decide", "--project", str(project)) == 0
    assert (project / RUN / "train/classical/manifest.json").stat().st_mtime_ns == trained  # the items are the same
    verdict = read_verdict(project)
    assert verdict["margin"] == 0.05 and any("scored under an earlier seal" in one for one in verdict["reasons"])
    capsys.readouterr()
    assert ask("benchmark", "show", "--project", str(project)) == 0
    shown = capsys.readouterr().out
    assert "the desk asked for five points" in shown and "look" in shown
    assert ask("benchmark", "supersede", "--project", str(project), "--why", "again") == 2
    assert "nothing to supersede" in last_error(capsys)


def test_prices_gates_and_suites_are_sealed_too(project, capsys):
    for old, new, word in [
        ("benchmark:", "economics: {answers: 5}\nbenchmark:", "prices"),
        ("economics: {answers: 5}", "gates: {critical_failures: allow}", "gates"),
        ("gates: {critical_failures: allow}\n", "", ""),
        (", general: ready", "", "suites"),
    ]:
        edit(project, old, new)
        assert ask("benchmark", "verify", "--project", str(project)) == (1 if word else 0)
        if word:
            assert f"the settings' {word}" in last_error(capsys)


def test_the_log_is_held_against_what_stands(project, capsys):
    log = project / RUN / "benchmark.log.jsonl"
    lines = log.read_text().splitlines(keepends=True)
    log.write_text("".join(lines[:-1]))
    assert ask("benchmark", "verify", "--project", str(project)) == 1
    assert "was scored, and the log holds no such look" in last_error(capsys)
    log.write_text("".join(lines[:1]).replace('"why":""', '"why":"fine"'))
    assert ask("benchmark", "verify", "--project", str(project)) == 1
    assert "jsonl:1: the log was changed here" in last_error(capsys)


def test_data_may_change_until_something_was_trained_unless_a_person_sealed(project):
    shutil.rmtree(project / RUN)
    until = ("--project", str(project), "--until", "benchmark")
    assert ask("run", *until) == 0
    edit(project, "bootstrap: 1000", "bootstrap: 1000, margin: 0.05")
    assert ask("run", *until) == 0 and [one["kind"] for one in read_log(project)] == ["seal", "seal"]
    assert ask("benchmark", "seal", "--project", str(project)) == 0
    edit(project, "margin: 0.05", "margin: 0.06")
    assert ask("run", *until) == 2


def test_the_blind_holdout_stays_closed_until_the_end_and_opens_once(project, capsys, monkeypatch):
    blind = [json.loads(line) for line in (project / RUN / "split/blind.jsonl").read_text().splitlines()]
    others = {
        json.loads(line)["group"] for part in ("train", "dev", "holdout")
        for line in (project / RUN / f"split/{part}.jsonl").read_text().splitlines()
    }  # fmt: skip
    assert len(blind) >= 20 and not others & {one["group"] for one in blind}
    later = [
        p for name in ("benchmark", "train", "evaluate", "decide") for p in (project / RUN / name).rglob("*.json*")
    ]
    assert not any(f'"{blind[0]["id"]}"' in p.read_text() for p in later)

    work, seen = final._work, []

    def die_halfway(*arguments):
        seen.append(work(*arguments))
        raise KeyboardInterrupt

    monkeypatch.setattr(final, "_work", die_halfway)
    assert ask("decide", "--final", "--project", str(project)) == 130
    monkeypatch.setattr(final, "_work", work)
    capsys.readouterr()
    assert ask("decide", "--final", "--project", str(project), "--json") == 0
    told = json.loads(capsys.readouterr().out)
    assert told["n"] == len(blind) and {told["ship"], told["against"]} == {"classical", "base"}
    assert told == json.loads((project / RUN / "final/final.json").read_text())
    assert [one["kind"] for one in read_log(project)].count("open") == 1

    assert told["holds"] in (True, False, None) and "By the sealed rule" in told["sentence"]
    opened = read_log(project)[-1]
    assert ask("decide", "--final", "--project", str(project)) == 2
    line = last_error(capsys)
    assert opened["at"] in line and opened["who"] in line and "opens once" in line
    capsys.readouterr()
    larger = ("--project", str(project), "--set", "split.blind=0.2")  # another holdout with the same items in it
    assert ask("benchmark", "supersede", *larger, "--why", "more blind items") == 0
    assert ask("decide", "--final", *larger) == 2
    assert "part of it, was opened by" in last_error(capsys)
    assert ask("benchmark", "supersede", "--project", str(project), "--why", "back again") == 0
    shutil.rmtree(project / RUN / "final")  # nor by other candidates, once its answer is thrown away
    assert ask("decide", "--final", "--project", str(project), "--set", "index.k=5") == 2


def test_a_changed_blind_item_is_found(project, capsys):
    file, manifest = project / RUN / "split/blind.jsonl", project / RUN / "split/manifest.json"
    file.write_text(file.read_text().replace('"content": "', '"content": "A ', 1))
    told = json.loads(manifest.read_text())
    told["outputs"]["blind.jsonl"] = hash_file(file)  # even where the stage's own record was forged
    manifest.write_text(json.dumps(told))
    assert ask("decide", "--final", "--project", str(project)) == 2
    assert "is locked" in (line := last_error(capsys)) and "(blind)" in line


def test_without_a_blind_holdout_there_is_nothing_to_open(project, capsys):
    assert ask("decide", "--final", "--project", str(project), "--set", "split.blind=0") == 2
    assert "split.blind" in last_error(capsys)


def test_suites_stand_in_the_verdict_with_n_and_interval(decided):
    suites = read_verdict(decided)["suites"]
    figure = suites["general"]["base"]["metrics"]["general_sum.exact"]
    assert figure["n"] == 12 and figure["low"] <= figure["value"] <= figure["high"]
    assert suites["general"]["base"]["metrics"]["all.success"]["n"] == 60
    assert "classical" not in suites["general"]  # it knows no task but those it was trained on
    assert suites["policy"]["classical"]["critical"]["n"] == 40


def test_critical_failures_block_promotion_but_never_the_run(decided, capsys):
    verdict = read_verdict(decided)
    critical = verdict["suites"]["policy"][verdict["ship"]]["critical"]
    assert critical["missed"] == len(critical["items"]) == 40
    assert critical["items"][0] in verdict["blocked"][0]
    where = ("--project", str(decided))
    assert ask("registry", "list", *where, "--json") == 0
    version = json.loads(capsys.readouterr().out)[0]
    assert version["aliases"] == ["candidate"]  # not even the first version gets to production by itself
    assert ask("registry", "promote", version["digest"], *where) == 1
    assert critical["items"][0] in last_error(capsys)
    assert ask("registry", "promote", version["digest"], *where, "--force", "--reason", "a trial behind a person") == 0
