"""One input with two answers: what each rule does with it, and what such inputs say of all labels."""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
import pytest
from corpus_tools import make_example
from hypothesis import given, settings
from hypothesis import strategies as st

from nichetune.core.errors import UserError
from nichetune.core.settings import QualitySettings
from nichetune.corpus.contradictions import estimate_label_noise, settle_contradictions
from nichetune.corpus.traits import read_traits


def ask(name, text, answer, day=None):
    return make_example(name, text, task="explain", answer=answer).model_copy(update={"valid_from": day})


OLD_AND_NEW = [
    ask("a", "May I park here?", "Yes.", "2025-01-01"),
    ask("b", "may I park HERE", "No.", "2026-01-01"),
    ask("c", "May I park here!", "No.", "2026-01-01"),
    ask("d", "Where is the exit?", "Left.", "2025-01-01"),
]


def settle(examples, rule):
    with tempfile.TemporaryDirectory() as folder:
        traits = read_traits(examples, QualitySettings(), Path(folder))
    return settle_contradictions(np.arange(len(examples)), traits, examples, rule)


def kept(examples, rule):
    return [examples[n].id for n in settle(examples, rule).kept]


def measure_noise(examples):
    with tempfile.TemporaryDirectory() as folder:
        return estimate_label_noise(read_traits(examples, QualitySettings(), Path(folder)))


def test_each_rule_keeps_what_it_says():
    assert kept(OLD_AND_NEW, "quarantine") == ["d"]
    assert kept(OLD_AND_NEW, "newest") == ["b", "c", "d"]


def test_the_superseded_one_names_what_took_its_place():
    [gone] = settle(OLD_AND_NEW, "newest").gone
    assert (gone.place, gone.other, gone.reason) == (0, 1, "same input, newer answer")


def test_without_one_clear_newest_all_are_put_aside():
    undated = [OLD_AND_NEW[0], ask("b", "May I park here?", "No.")]
    same_day = [OLD_AND_NEW[0], ask("b", "May I park here?", "No.", "2025-01-01")]
    assert kept(undated, "newest") == [] and kept(same_day, "newest") == []


def test_stop_names_both_places_and_no_text():
    with pytest.raises(UserError, match=r"a \(notes\.jsonl:1\) and b \(notes\.jsonl:1\)") as caught:
        settle(OLD_AND_NEW, "stop")
    assert "park" not in str(caught.value) and "\n" not in str(caught.value)
    assert kept([OLD_AND_NEW[3]], "stop") == ["d"]


def test_label_noise_has_an_interval_and_needs_inputs_that_were_labelled_twice():
    none = measure_noise([OLD_AND_NEW[3]])
    assert (none.value, none.low, none.high, none.n) == (None, None, None, 0)
    twice = [ask(f"x{n}{k}", f"question {n}", "Yes." if n or k else "No.") for n in range(20) for k in range(2)]
    found = measure_noise(twice)
    assert found.n == 20
    assert found.value == pytest.approx(1 - (1 - 1 / 20) ** 0.5, abs=1e-5)
    assert 0 < found.low < found.value < found.high < 0.15


@settings(deadline=None, max_examples=25)
@given(st.lists(st.tuples(st.sampled_from("pqr"), st.sampled_from("xy")), max_size=12))
def test_after_settling_no_input_has_two_answers(rows: list[tuple[str, str]]):
    examples = [ask(f"e{n}", text, answer) for n, (text, answer) in enumerate(rows)]
    done = settle(examples, "quarantine")
    answers: dict[str, set[str | None]] = {}
    for one in (examples[n] for n in done.kept):
        answers.setdefault(one.prompt, set()).add(one.expected.answer)
    assert all(len(held) == 1 for held in answers.values())
    assert len(done.kept) + len(done.gone) == len(examples)
