"""Three trainings of a rung, from a CSV to a verdict: each its own stage, and the first as if it were alone."""

from __future__ import annotations

import json
import random
import shutil
from pathlib import Path

import pytest

from nichetune.cli.app import run
from nichetune.core.settings_file import load_settings
from nichetune.pipeline.flow import list_stages
from nichetune.pipeline.run import open_project
from tests.e2e.conftest import read_digests
from tests.train.train_tools import save_tiny

pytestmark = pytest.mark.slow
SETTINGS = """\
project: seeds
rungs: [classical, base, lora]
sources: [{path: notes.csv, task: side}]
tasks: {side: {kind: exact, short_prompt: "Side?", max_new_tokens: 4}}
mask: {enabled: false, because: made by a test}
split: {holdout: 0.3, dev: 0.1}
train: {rank: 4, alpha: 8, epochs: 1, batch_size: 4, learning_rate: 5.0e-3}
benchmark: {bootstrap: 1000, seeds: 3}
"""
PARTS = ["eyelid", "cornea", "retina", "lens", "iris", "sclera", "macula", "cochlea", "eardrum", "mastoid"]
SAID = ["reports", "noticed", "describes", "mentions", "feels", "suffers", "observed", "denies"]


@pytest.fixture(scope="module")
def project(tmp_path_factory) -> Path:
    """A run of a tiny random model from three seeds; no answer stands twice, so no rung can know one."""
    folder = tmp_path_factory.mktemp("seeds")
    save_tiny(folder / "base")
    draw = random.Random(5)
    rows = []
    for n, part in enumerate(PARTS * 8):
        said, other, again, since = (draw.choice(words) for words in (SAID, PARTS, SAID, PARTS))
        rows.append(f"{said} {part} {other} trouble {again} since {since} {n},{part}-{n}")
    (folder / "notes.csv").write_text("text,answer\n" + "\n".join(rows) + "\n")
    (folder / "nichetune.yaml").write_text(f"{SETTINGS}base: {{model: {folder / 'base'}, dtype: float32}}\n")
    assert run(["run", "--project", str(folder)]) == 0
    return folder


def _verdict(project: Path) -> dict:
    return dict(json.loads((project / "runs/seeds/decide/verdict.json").read_text()))


def test_each_seed_is_trained_and_evaluated_apart(project):
    digests = read_digests(project / "runs/seeds")
    names = ["train/lora", "train/lora@seed-2", "train/lora@seed-3"]
    assert len({digests[name] for name in names}) == 3
    seeds = [json.loads((project / "runs/seeds" / n / "manifest.json").read_text())["seed"] for n in names]
    assert seeds == [7, 8, 9]
    for seed, name in enumerate(names, start=1):
        candidate = json.loads(
            (project / "runs/seeds" / name.replace("train", "evaluate") / "candidate.json").read_text()
        )
        assert (candidate["rung"], candidate["adapter"]) == ("lora", f"{name}/adapter"), seed
    assert len(_verdict(project)["seeds"]["rungs"]["lora"]["scores"]) == 3


def test_stages_of_the_first_seed_all_come_before_those_of_the_next(project):
    stages = [s for s in list_stages(open_project(load_settings(project), project)) if "lora" in s]
    assert stages == ["train/lora", "train/lora@seed-2", "train/lora@seed-3",
                      "evaluate/lora", "evaluate/lora@seed-2", "evaluate/lora@seed-3"]  # fmt: skip


def test_a_second_run_reuses_every_seed_and_a_lost_one_is_made_again_to_the_same_bytes(project, capsys):
    before = read_digests(project / "runs/seeds")
    shutil.rmtree(project / "runs/seeds/train/lora@seed-3")
    capsys.readouterr()
    assert run(["run", "--project", str(project), "--json"]) == 0
    stages = {s["stage"]: s["reused"] for s in json.loads(capsys.readouterr().out)["stages"]}
    assert [name for name, reused in stages.items() if not reused] == ["train/lora@seed-3"]
    assert read_digests(project / "runs/seeds") == before


def test_the_first_of_several_seeds_is_what_one_seed_alone_would_be(project, tmp_path):
    later = ("train", "evaluate", "registry", "benchmark*", "seals", "decide", "report")
    shutil.copytree(project, tmp_path / "alone", ignore=shutil.ignore_patterns(*later))
    alone = str(tmp_path / "alone")
    assert run(["train", "lora", "--project", alone, "--set", "benchmark.seeds=1"]) == 0
    one, three = (read_digests(folder / "runs/seeds") for folder in (tmp_path / "alone", project))
    assert one["train/lora"] == three["train/lora"]
    assert not list((tmp_path / "alone/runs/seeds/train").glob("*@seed*"))


def test_a_single_seed_can_be_asked_for_by_name(project, capsys):
    assert run(["evaluate", "lora@seed-2", "--project", str(project), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["stage"] == "evaluate/lora@seed-2"
    assert run(["evaluate", "lora@seed-4", "--project", str(project)]) == 2


@pytest.mark.parametrize("verb", ["decide", "run"])
def test_an_open_verdict_fails_only_where_a_conclusive_one_was_asked_for(project, capsys, verb):
    assert _verdict(project)["conclusive"] is False  # no rung knows an answer: too few items to call them equal
    assert run([verb, "--project", str(project)]) == 0
    capsys.readouterr()
    assert run([verb, "--project", str(project), "--require-conclusive"]) == 1
    (line,) = [line for line in capsys.readouterr().err.splitlines() if "Not conclusive" in line]
    assert "items" in line and "would settle it" in line


def test_a_run_that_stops_behind_the_verdict_is_held_to_it(project, capsys):
    assert run(["run", "--project", str(project), "--until", "decide"]) == 0
    capsys.readouterr()
    assert run(["run", "--project", str(project), "--until", "decide", "--require-conclusive"]) == 1
    assert "Not conclusive" in capsys.readouterr().err


@pytest.mark.parametrize("verb", ["decide", "run"])
def test_a_conclusive_verdict_passes(project, verb):
    arguments = ["--set", "benchmark.margin=0.5", "--run-dir", str(project / "runs/wide")]
    shutil.copytree(project / "runs/seeds/cache", project / "runs/wide/cache", dirs_exist_ok=True)
    few = ["--set", "rungs=[classical, base]"]
    assert run([verb, "--project", str(project), *arguments, *few, "--require-conclusive"]) == 0
