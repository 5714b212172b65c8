"""A judge's word is heard only from the judge that the settings ask; what another one left behind decides nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from nichetune.core.errors import UserError
from nichetune.core.files import hash_file, read_json, write_json
from nichetune.core.settings import HOW_IT_IS_ASKED, JudgeSettings

GROUPS = list(range(60))
RIGHT, HALF = [1.0] * 60, [1.0] * 30 + [0.0] * 30
ASKED = JudgeSettings(url="local", labels="labels.jsonl")


def leave_word(folder: Path, judge: JudgeSettings, listed: bool = True) -> None:
    """judge.json as an evaluation leaves it; not `listed`: as somebody copies it there."""
    agreement = {"value": 0.9, "low": 0.8, "high": 1.0, "n": 50}
    told = {"agreement": agreement, "least": 0.6, "may_decide": True, "judged": {}, "replies": 100, "unclear": 0}
    write_json(folder / "judge.json", told)
    outputs = {"judge.json": hash_file(folder / "judge.json")} if listed else {}
    own: dict[str, Any] = {"judge": judge.model_dump(mode="json", exclude=set(HOW_IT_IS_ASKED))}
    write_json(folder / "manifest.json", read_json(folder / "manifest.json") | {"settings": own, "outputs": outputs})


def set_desk(make_desk, asked: JudgeSettings, left_by: JudgeSettings, primary: str, listed: bool = True):
    """Two rungs, of which the judge alone prefers the dearer one."""
    desk = make_desk(GROUPS, primary=primary)
    desk.settings = desk.settings.model_copy(update={"judge": asked})
    for rung, judged in (("base", HALF), ("qlora", RIGHT)):
        leave_word(desk.score(rung, HALF, judged=judged), left_by, listed)
    return desk


def heard(verdict: dict[str, Any]) -> bool:
    return any(reason.startswith("Judge: ") for reason in verdict["reasons"])


def test_the_judge_that_is_asked_decides_and_how_it_is_asked_changes_nothing(make_desk):
    quicker = ASKED.model_copy(update={"concurrency": 9})
    verdict = set_desk(make_desk, quicker, ASKED, "ask.judged").decide()
    assert verdict["ship"] == "qlora" and heard(verdict)
    assert verdict["rungs"]["base"]["metrics"]["ask.judged"]["value"] == 0.5


@pytest.mark.parametrize(
    ("asked", "left_by", "listed"),
    [
        (JudgeSettings(), ASKED, True),
        (ASKED, ASKED.model_copy(update={"min_kappa": 0.1}), True),
        (ASKED, ASKED.model_copy(update={"url": "https://host/v1", "model": "other"}), True),
        (ASKED, ASKED, False),
    ],
    ids=["none is asked now", "another bound", "another judge", "a stray file"],
)
def test_what_another_judge_left_is_neither_told_nor_decided_by(make_desk, asked, left_by, listed):
    verdict = set_desk(make_desk, asked, left_by, "ask.exact", listed).decide()
    assert not heard(verdict)
    assert "ask.judged" not in verdict["rungs"]["qlora"]["metrics"]
    with pytest.raises(UserError, match=r"no rung was scored on ask\.judged \(no judge of these settings"):
        set_desk(make_desk, asked, left_by, "ask.judged", listed).decide()
