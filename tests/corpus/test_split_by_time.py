"""Splits by time: the past trains, the future tests, and no group stands on both sides."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from corpus_tools import make_settings, read_lines
from hypothesis import given, settings
from hypothesis import strategies as st
from test_split_stage import make_corpus

from nichetune.core.errors import UserError
from nichetune.core.files import write_jsonl
from nichetune.corpus import split
from nichetune.corpus.assign import assign_examples

DAYS = [(date(2025, 1, 1) + timedelta(days=n)).isoformat() for n in range(360)]


def dated(corpus, days=DAYS):
    """A day each; a group's examples are months apart."""
    return [one.model_copy(update={"valid_from": days[n * 131 % len(days)]}) for n, one in enumerate(corpus)]


def rules(**more):
    return make_settings(split=more).split


def check(done, total):
    homes = [{one.group for one in done.parts[part]} for part in ("train", "dev", "holdout")]
    assert not homes[0] & homes[2] and not homes[1] & homes[2] and not homes[0] & homes[1]
    assert all(one.valid_from >= done.cut for one in done.parts["holdout"])
    assert all(one.valid_from < done.cut for part in ("train", "dev") for one in done.parts[part])
    assert sum(map(len, done.parts.values())) + len(done.dropped) == total


@pytest.mark.parametrize("by", ["time", "both"])
def test_training_ends_where_the_sealed_future_begins_and_groups_stay_whole(by):
    corpus = dated(make_corpus())
    done = assign_examples(corpus, rules(by=by))
    check(done, len(corpus))
    assert len(done.parts["holdout"]) >= 30 and len(done.parts["train"]) >= 60


@pytest.mark.parametrize("by", ["time", "both"])
def test_a_blind_holdout_lies_in_the_future_too(by):
    corpus = dated(make_corpus(120))
    done = assign_examples(corpus, rules(by=by, blind=0.1))
    check(done, len(corpus))
    blind = done.parts["blind"]
    assert len(blind) >= 20 and all(one.valid_from >= done.cut for one in blind)
    others = {one.group for part in ("train", "dev", "holdout") for one in done.parts[part]}
    assert not others & {one.group for one in blind}


@settings(max_examples=30, deadline=None)
@given(st.lists(st.sampled_from(DAYS[:20]), min_size=24, max_size=24), st.sampled_from(["time", "both"]))
def test_whatever_the_dates_no_future_reaches_training(days: list[str], by: str):
    corpus = [one.model_copy(update={"valid_from": day}) for one, day in zip(make_corpus(4), days, strict=True)]
    check(assign_examples(corpus, rules(by=by)), len(corpus))


def test_examples_without_a_date_are_dropped_and_counted(tmp_path):
    corpus = dated(make_corpus())
    corpus[0] = corpus[0].model_copy(update={"valid_from": "soon"})
    write_jsonl(tmp_path / "dedupe" / "examples.jsonl", corpus)
    report = split.run(make_settings(split={"by": "time"}), {"dedupe": tmp_path / "dedupe"}, tmp_path / "split")
    assert report.dropped["no date to split by"] == 1
    assert report.counts["in"] == sum(report.counts[p] for p in split.PARTS) + sum(report.dropped.values())
    assert report.facts["cut"] in DAYS
    assert any(one["id"] == corpus[0].id for one in read_lines(tmp_path / "split" / "dropped.jsonl"))


def test_without_any_date_the_mistake_is_told_in_one_line():
    with pytest.raises(UserError, match=r"split\.by is time.*none of 360 examples has a date: map valid_from"):
        assign_examples(make_corpus(), rules(by="time"))


def test_shares_can_be_met_within_each_answer():
    corpus = [
        one.model_copy(
            update={"expected": one.expected.model_copy(update={"answer": "rare" if n % 9 == 0 else "usual"})}
        )
        for n, one in enumerate(make_corpus(size=1))
    ]
    homes = split.assign_groups(corpus, rules(stratify="label", holdout=0.5))
    held = [one for one in corpus if homes[one.group] == "holdout"]
    rare = sum(one.expected.answer == "rare" for one in held)
    assert rare == pytest.approx(sum(one.expected.answer == "rare" for one in corpus) / 2, abs=1)
