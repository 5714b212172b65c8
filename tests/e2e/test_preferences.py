"""A user's pairs move the finished adapter: from two files to a verdict that knows both rungs."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest
from transformers import AutoTokenizer

from nichetune.models.packaged import resolve_model
from tests.e2e.conftest import nichetune
from tests.tiny_models import save_tiny

pytestmark = pytest.mark.slow
SETTINGS = """\
project: sides
rungs: [qlora, qlora+dpo]
base: {model: base, max_length: 256}
sources:
  - {path: notes.csv, task: side}
  - {path: pairs.jsonl, task: side, as: preferences}
tasks: {side: {kind: exact, short_prompt: Say the side., max_new_tokens: 12}}
mask: {enabled: false, because: made by a test}
train: {rank: 4, alpha: 8, epochs: 1, batch_size: 8, learning_rate: 5.0e-3}
preference: {learning_rate: 5.0e-4}
benchmark: {bootstrap: 1000}
"""
PARTS = [
    "eyelid",
    "cornea",
    "retina",
    "lens",
    "iris",
    "sclera",
    "macula",
    "cochlea",
    "eardrum",
    "mastoid",
    "pinna",
    "stapes",
    "incus",
    "malleus",
    "canal",
]
SIGNS = [
    "redness",
    "itching",
    "swelling",
    "pain",
    "discharge",
    "blur",
    "tearing",
    "ringing",
    "pressure",
    "numbness",
    "burning",
    "dryness",
]
SAID = ["reports", "noticed", "describes", "complains", "mentions", "feels", "suffers", "observed"]


def write_note(n: int, draw: random.Random) -> tuple[str, str]:
    side = ("left", "right")[n % 2]
    (part, other), (sign, more), said = draw.sample(PARTS, 2), draw.sample(SIGNS, 2), draw.choice(SAID)
    return (
        f"{said} {sign} and {more} of the {side} {part} for {n} days, after {other} trouble {draw.choice(SAID)}",
        side,
    )


@pytest.fixture(scope="module")
def project(tmp_path_factory) -> Path:
    """The project, run once in full on a model of two layers: what is shown is the way, not what is learnt."""
    folder, draw = tmp_path_factory.mktemp("sides"), random.Random(5)
    save_tiny(folder / "base", AutoTokenizer.from_pretrained(resolve_model("smollm2-135m")))
    notes = [write_note(n, draw) for n in range(100)]
    rows = [f"n{n},{text.replace(',', ';')},It seems to be the {side} side\n" for n, (text, side) in enumerate(notes)]
    (folder / "notes.csv").write_text("id,text,answer\n" + "".join(rows))
    pairs = [write_note(n, draw) for n in range(200, 240)]
    lines = [
        {"prompt": text, "chosen": f"It seems to be the {side} side", "rejected": f"The {side} side, no doubt at all"}
        for text, side in pairs
    ]
    (folder / "pairs.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    (folder / "nichetune.yaml").write_text(SETTINGS)
    nichetune("run", "--project", str(folder))
    return folder / "runs" / "sides"


def read(path: Path) -> dict:
    return json.loads(path.read_text())


def test_the_verdict_knows_the_moved_rung_as_the_dearer_one(project):
    verdict = read(project / "decide/verdict.json")
    assert verdict["order"] == ["qlora", "qlora+dpo"]
    counted = [read(project / f"evaluate/{rung}/resources.json")["train_flops"] for rung in verdict["order"]]
    assert counted[1] > counted[0] > 0
    facts = read(project / "train/qlora+dpo/manifest.json")["facts"]
    assert facts["preferences"]["after"]["win_rate"]["n"] == facts["held_out_pairs"] > 0
    assert facts["starts_from"] == read(project / "train/qlora/manifest.json")["facts"]


def test_the_report_shows_every_metric_before_and_after(project):
    page = (project / "report/report.html").read_text()
    assert "qlora before, qlora+dpo after" in page and "held-out pairs the chosen answer was the likelier" in page


def test_no_pair_is_sealed_or_taught_by_sft_and_its_way_can_be_followed(project):
    for stage in ("dedupe", "split", "benchmark"):
        assert "pairs.jsonl" not in "".join(path.read_text() for path in (project / stage).glob("*.jsonl"))
    told = nichetune("trace", "pairs.jsonl:1", "--project", str(project.parents[1])).stdout
    assert "pair to learn from" in told or "pair held out" in told


def test_a_second_training_reuses_it(project):
    before = (project / "train/qlora+dpo/manifest.json").stat().st_mtime_ns
    nichetune("train", "qlora+dpo", "--project", str(project.parents[1]))
    assert (project / "train/qlora+dpo/manifest.json").stat().st_mtime_ns == before
