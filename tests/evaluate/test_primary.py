"""A verdict rests on what every rung has on the same items, and of which more is better; anything else is refused."""

from __future__ import annotations

import pytest

from nichetune.core.errors import UserError
from nichetune.core.settings import Settings
from nichetune.evaluate.primary import check_primary

TASKS = {
    "ask": {"kind": "grounded"},
    "note": {"kind": "form", "fields": {"side": {}}},
    "tell": {"kind": "free"},
}
JUDGE = {"url": "local", "labels": "labels.jsonl"}


def make_settings(primary: str, tasks: dict | None = None, judge: dict | None = None) -> Settings:
    tasks = tasks or TASKS
    return Settings.model_validate(
        {
            "project": "p",
            "sources": [{"path": "f", "task": next(iter(tasks))}],
            "tasks": tasks,
            "benchmark": {"primary": primary},
            "judge": judge or {},
        }
    )


@pytest.mark.parametrize(
    "primary", ["all.success", "ask.answer", "ask.citation_recall", "ask.abstain_recall", "note.side", "tell.rouge_l"]
)
def test_what_every_rung_has_may_decide(primary):
    check_primary(make_settings(primary))


def test_without_a_word_the_first_task_decides_by_its_main_metric():
    check_primary(make_settings(""))


@pytest.mark.parametrize(
    ("primary", "mend"),
    [
        ("ask.answr", "did you mean `ask.answer`"),  # a slip of the pen
        ("ask.over_refusal", "take one of"),  # less of it is better
        ("note.invented_codes", "take one of"),
        ("ask.citation_precision", "take one of"),  # only of answers that cite
        ("note.fields_micro", "take one of"),  # of the set, and of no item
        ("tell.judged", "take one of"),  # nobody judges
        ("note.answer", "take one of: ask.answer, "),  # another task's
    ],
)
def test_what_could_decide_nothing_is_refused_with_the_nearest_one(primary, mend):
    with pytest.raises(UserError, match="a verdict cannot rest on") as refusal:
        check_primary(make_settings(primary))
    assert mend in str(refusal.value)


def test_a_judge_may_decide_and_one_task_has_no_mean_over_tasks():
    check_primary(make_settings("tell.judged", judge=JUDGE))
    with pytest.raises(UserError, match="cannot rest on"):
        check_primary(make_settings("all.success", {"ask": {"kind": "grounded"}}))
