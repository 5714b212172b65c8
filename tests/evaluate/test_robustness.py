"""The same question written otherwise, and how far a real model falls by it."""

from __future__ import annotations

import pytest

from nichetune.core.records import Candidate, Example, Expected, ItemScore, Message, Prediction, Source
from nichetune.core.settings import PRIMARY_METRICS, Settings
from nichetune.evaluate.intervals import estimate_change
from nichetune.evaluate.perturb import PERTURBATIONS, perturb_item
from nichetune.evaluate.robustness import measure_robustness, reorder_keys
from nichetune.evaluate.runner import CandidateRunner
from nichetune.evaluate.scoring import score_item
from nichetune.train.classical import fit_classical

SETTINGS = Settings.model_validate({
    "project": "p", "sources": [{"path": "f", "task": "animal"}],
    "tasks": {"animal": {"kind": "choice", "values": ["cat", "dog"]}},
})  # fmt: skip
SOUNDS = {"cat": "meowing softly beside the window", "dog": "barking loudly beside the garden"}


def make_item(n: int, text: str, answer: str = "cat") -> Example:
    turn = Message(role="user", content=text)
    return Example(
        id=str(n), group=str(n), task="animal", messages=[turn], expected=Expected(answer=answer),
        source=Source(file="f"),
    )  # fmt: skip


@pytest.mark.parametrize("kind", PERTURBATIONS)
def test_codes_numbers_and_placeholders_stay_as_they_are(kind):
    text = "Patient [PERSON_1] needs treatment: H10.1 since 2024\nSide: left eyelid\nStage: early progression"
    changed = perturb_item(make_item(1, text), kind, 7)
    assert changed is not None and changed.prompt != text
    for kept in ("[PERSON_1]", "H10.1", "2024"):
        assert kept in changed.prompt
    assert changed.expected == make_item(1, text).expected
    assert perturb_item(make_item(1, text), kind, 7) == changed


def test_each_kind_does_what_it_says():
    note = make_item(1, "Pt w/ severe conjunctivitis, w/o discharge")
    lower, upper, said = (perturb_item(note, kind, 7).prompt for kind in ("lower", "upper", "paraphrase"))
    assert (lower, upper) == (note.prompt.lower(), note.prompt.upper())
    assert "patient with severe conjunctivitis, without discharge" in said
    typed = perturb_item(note, "typos", 7).prompt
    assert sum(a != b for a, b in zip(typed.split(), note.prompt.split(), strict=True)) == 1
    lines = "Side: left\nFinding: cyst of the lid\nNot a field"
    assert perturb_item(make_item(1, lines), "order", 7).prompt == "Finding: cyst of the lid\nSide: left\nNot a field"


def test_what_changes_nothing_is_not_asked():
    assert perturb_item(make_item(1, "a lid cyst"), "lower", 7) is None
    assert perturb_item(make_item(1, "Side: left"), "order", 7) is None
    assert perturb_item(make_item(1, "a lid"), "typos", 7) is None


def test_only_prompts_that_list_a_forms_keys_can_list_them_otherwise():
    tasks = {"t": {"kind": "form", "fields": {"a": {}, "b": {}}}}
    full = Candidate.model_validate({"rung": "base", "tasks": tasks})
    assert list(reorder_keys(full).tasks["t"].fields) == ["b", "a"]
    short = full.model_copy(update={"prompt_style": "short"})
    assert reorder_keys(short) == short


def test_a_paired_change_has_newcombes_interval():
    before, after = [1.0] * 36 + [0.0] * 14, [1.0] * 22 + [0.0] * 26 + [1.0] * 2
    found = estimate_change(before, after, range(50))
    assert (found.value, found.n) == (-0.24, 50)
    assert found.low < -0.24 < found.high < 0
    same = estimate_change([1.0] * 50, [1.0] * 50, range(50))
    assert same.value == 0 and same.high == -same.low == pytest.approx(0.0713, abs=1e-3)  # Wilson's for 0 of 50


def test_a_real_model_that_reads_words_falls_by_typos_and_not_by_case(tmp_path):
    train = [make_item(n, f"It is {SOUNDS[a]} number {n}", a) for n in range(20) for a in ("cat", "dog")]
    fit_classical(train, [], SETTINGS.tasks).model.save(tmp_path / "model")
    runner = CandidateRunner(Candidate(rung="classical", tasks=SETTINGS.tasks), tmp_path / "model", None)
    items = [make_item(n, f"Today: {SOUNDS[a].split()[0]}", a) for n, a in enumerate(["cat", "dog"] * 15)]

    def score(some: list[Example], said: list[Prediction]) -> list[ItemScore]:
        task = SETTINGS.tasks["animal"]
        rows = [score_item(task, item, one) for item, one in zip(some, said, strict=True)]
        return [
            ItemScore(item=i.id, group=i.group, task=i.task, scores=r | {"success": r[PRIMARY_METRICS[task.kind]]})
            for i, r in zip(some, rows, strict=True)
        ]

    plain = runner.answer(items)
    assert all(0.5 <= one.confidence <= 1 for one in plain)
    found = measure_robustness(SETTINGS, runner, items, score(items, plain), score)
    assert found["order"] == {}  # no item has fields to put in another order
    assert found["upper"]["animal"]["difference"].value == 0
    typos = found["typos"]["animal"]
    assert (typos["before"], typos["difference"].n) == (1.0, 30)
    assert typos["difference"].value == pytest.approx(typos["after"] - 1)
