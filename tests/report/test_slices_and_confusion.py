"""Slices and confusions: every item in its place, every mistake counted once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from finished_run import Run, make_items, make_note

from nichetune.evaluate.intervals import estimate_mean
from nichetune.report.confusion import MOST_PAIRS, build_confusions
from nichetune.report.material import Material, read_material
from nichetune.report.slices import MOST_VALUES, build_slices, slice_items
from nichetune.report.words import write_interval, write_value


@pytest.fixture
def run(finished: Run) -> Material:
    return read_material(finished.settings, finished.inputs)


def test_slices_of_a_dimension_hold_every_item_once(run):
    task = run.settings.tasks["triage"]
    items = [
        make_note(n).model_copy(update={"document_class": f"class {n % 20}", "valid_from": f"{2020 + n % 3}-05-01"})
        for n in range(60)
    ]
    found = slice_items(items, task)
    assert set(found) == {"document class", "valid from", "what is due", "length of the text"}
    for values in found.values():
        assert sorted(item.id for own in values.values() for item in own) == sorted(item.id for item in items)
    assert list(found["valid from"]) == ["2020", "2021", "2022"]
    assert len(found["document class"]) == MOST_VALUES + 1 and "(8 others)" in found["document class"]
    assert len(found["what is due"]["to abstain"]) == 10


def test_a_slices_figure_is_the_mean_of_its_own_items(run):
    found = build_slices(run)
    assert found is not None
    triage = next(task for task in found if task.task == "triage")
    row = next(row for row in triage.rows if row.value == "to abstain")
    items = [item for item in run.items if (item.expected.fields or {}).get("action") == "query laterality"]
    assert row.n == len(items) == 4
    for rung, cell in zip(triage.rungs, row.cells, strict=True):
        scores = next(one for one in run.rungs if one.name == rung).scores
        figure = estimate_mean([scores[i.id].scores["success"] for i in items], [i.group for i in items])
        assert (cell.value, cell.interval, cell.n) == (write_value(figure), write_interval(figure), 4)


def test_items_that_are_all_alike_have_no_slices(run):
    alike = [make_note(0).model_copy(update={"id": f"n{n}"}) for n in range(6)]
    assert slice_items(alike, run.settings.tasks["triage"]) == {}
    assert build_slices(replace(run, items=[])) is None


def test_every_wrong_field_is_one_confusion(run):
    found = build_confusions(run)
    assert found is not None and found.ship == run.ship
    assert {one.field for one in found.fields} <= {"finding", "side", "action"}
    for one in found.fields:
        if one.hidden:
            continue
        for place, name in enumerate(one.rungs):
            rung = next(r for r in run.rungs if r.name == name)
            wrong = sum(s.scores[one.field] < 1 for s in rung.scores.values() if s.task == "triage")
            assert sum(pair.counts[place] for pair in one.pairs) == wrong
        assert len(one.pairs) <= MOST_PAIRS
        ship = one.rungs.index(run.ship)
        counts = [pair.counts[ship] for pair in one.pairs]
        assert counts == sorted(counts, reverse=True)


def test_a_confusion_names_what_was_due_and_what_was_written(run):
    found = build_confusions(run)
    assert found is not None
    side = next(one for one in found.fields if one.field == "side")
    assert {pair.written for pair in side.pairs} <= {"left", "(not readable)"}
    mistaken = {pair.expected for pair in side.pairs if pair.written == "left"}
    assert mistaken and mistaken <= {"right", "bilateral", "none"}


def test_spellings_that_compare_as_equal_are_one_confusion(make_run: Callable[..., Run]):
    made = make_run(items=make_items())
    run = read_material(made.settings, made.inputs)
    base = next(rung for rung in run.rungs if rung.name == "base")
    changed = {}
    for n, (item, prediction) in enumerate(base.predictions.items()):
        fields = dict(prediction.answer.fields or {})
        if fields.get("side") == "left":
            fields["side"] = ("left", "Left", " LEFT.")[n % 3]
        answer = prediction.answer.model_copy(update={"fields": fields or None})
        changed[item] = prediction.model_copy(update={"answer": answer})
    respelt = replace(run, rungs=[replace(r, predictions=changed) if r is base else r for r in run.rungs])
    before, after = build_confusions(run), build_confusions(respelt)
    assert before is not None and before == after


def test_perfect_answers_leave_nothing_to_confuse(run):
    perfect = []
    for rung in run.rungs:
        scores = {i: s.model_copy(update={"scores": dict.fromkeys(s.scores, 1.0)}) for i, s in rung.scores.items()}
        perfect.append(replace(rung, scores=scores))
    assert build_confusions(replace(run, rungs=perfect)) is None
