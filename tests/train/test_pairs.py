"""Pairs are cleaned against themselves and the sealed benchmark before any is learnt from."""

from __future__ import annotations

import pytest
from preference_tools import make_pair, make_settings

from nichetune.benchmark import seal
from nichetune.core.errors import UserError
from nichetune.core.files import read_records, write_json, write_jsonl
from nichetune.core.records import Dropped, Example, Message
from nichetune.train import pairs

WORDS = "kappa lambda sigma omega alpha theta iota zeta delta gamma"


def say(n: int, text: str, chosen: str = "left", rejected: str = "It is left.", group: str = "") -> Example:
    turns = [Message(role="user", content=text), Message(role="assistant", content=chosen)]
    return make_pair(n, group).model_copy(update={"messages": turns, "rejected": rejected})


def text(n: int) -> str:
    """A prompt that is like no other."""
    return " ".join(f"{chr(97 + n)}{chr(97 + k)}{chr(122 - n)}" for k in range(8))


@pytest.fixture
def clean(tmp_path):
    """Runs the stage on pairs, beside a sealed benchmark of twenty items, and reads its parts."""
    sealed = [
        say(n, f"{text(n + 15)} {WORDS}" if n < 10 else f"{WORDS} {text(n + 5)}", group=f"sealed{n}") for n in range(20)
    ]
    write_jsonl(tmp_path / "split" / "holdout.jsonl", [one.model_copy(update={"rejected": ""}) for one in sealed])
    write_json(tmp_path / "split" / "boilerplate.json", [])
    seal.run(make_settings(), {"split": tmp_path / "split"}, tmp_path / "benchmark")

    def run(given: list[Example], **more: object):
        write_jsonl(tmp_path / "format" / "preferences.jsonl", given)
        settings = make_settings(preference={"min_pairs": 4, "held_out": 0.25} | more)
        inputs = {"format": tmp_path / "format", "benchmark": tmp_path / "benchmark"}
        report = pairs.run(settings, inputs, tmp_path / "out")
        parts = [read_records(tmp_path / "out" / f"{name}.jsonl", Example) for name in ("train", "heldout")]
        return report, *parts, read_records(tmp_path / "out" / "dropped.jsonl", Dropped)

    return run


def test_copies_reversed_pairs_and_what_overlaps_a_sealed_item_go_with_their_reasons(clean):
    given = [say(n, text(n)) for n in range(8)]
    given += [
        say(8, text(0)),  # a copy of the first
        say(9, text(9), "left", "right"), say(10, text(9), "right", "left"),  # torn
        say(11, f"so {WORDS}?"),  # a sealed question in the prompt
        say(12, text(12), rejected=f"You asked {WORDS}."),  # and in the answer that is rejected
        say(13, text(13), group="sealed3"),
    ]  # fmt: skip
    report, train, held, dropped = clean(given)
    assert {one.id: one.reason for one in dropped} == {
        "pair-08": "exact duplicate",
        "pair-09": "prefers the reverse of another pair", "pair-10": "prefers the reverse of another pair",
        "pair-11": "shares a run of 8 words with a sealed item",
        "pair-12": "shares a run of 8 words with a sealed item",
        "pair-13": "same group as a sealed item",
    }  # fmt: skip
    assert {one.id for one in [*train, *held]} == {f"pair-{n:02}" for n in range(8)}
    assert report.counts == {"in": 14, "out": 8, "train": 6, "heldout": 2} and report.dropped["exact duplicate"] == 1


def test_groups_are_held_out_whole_and_nearly_equal_prompts_are_one_group(clean):
    given = [say(n, text(n // 2), rejected=f"It is left, {n}.") for n in range(12)]  # two pairs a prompt
    _, train, held, _ = clean(given)
    assert len(train) + len(held) == 12 and len(held) >= 2
    assert {one.group for one in train}.isdisjoint(one.group for one in held)
    assert {one.prompt for one in train}.isdisjoint(one.prompt for one in held)
    assert clean(given)[2] == held


def test_too_few_pairs_are_refused_in_one_line(clean):
    with pytest.raises(UserError, match=r"3 preference pairs are left of 3 .*preference\.min_pairs"):
        clean([say(n, text(n)) for n in range(3)])
    with pytest.raises(UserError, match="in at least two groups"):
        clean([say(n, text(n), group="one") for n in range(9)])
