"""The rung below all models: it learns what a bag of words can, answers every kind, and lies on disk without pickle."""

from __future__ import annotations

import json

import pytest

from nichetune.core.errors import UserError
from nichetune.core.files import hash_folder, write_jsonl
from nichetune.core.records import Example, Expected, Message, Source
from nichetune.core.settings import AbstainSettings, FieldSettings, Settings, TaskSettings
from nichetune.train.classical import fit_classical, load_classical, run

FORM = TaskSettings(
    kind="form",
    fields={  # in an order that sorting would change
        "side": FieldSettings(values=["left", "right"]),
        "finding": FieldSettings(),
        "desk": FieldSettings(values=["eye"]),
        "action": FieldSettings(values=["code", "ask"]),
    },
    abstain=AbstainSettings(field="action", value="ask"),
)
WORDS = ["amber", "basil", "cedar", "dune", "ember", "fjord", "grove", "heath"]


def _example(task: str, n: int, prompt: str, expected: Expected) -> Example:
    turn = Message(role="user", content=prompt)
    return Example(
        id=f"{task}-{n}", group=str(n), task=task, messages=[turn], expected=expected, source=Source(file="f")
    )


def _notes(first: int, last: int) -> list[Example]:
    notes = []
    for n in range(first, last):
        side, word = ("left", "right", "")[n % 3], WORDS[n % 8]
        fields = {
            "side": side or "left",
            "finding": f"{word} disease",
            "desk": "eye",
            "action": "code" if side else "ask",
        }
        where = f"in the {side} eye" if side else "in one of the eyes, it is not said which"
        notes.append(_example("form", n, f"Patient {n} came with {word} {where}.", Expected(fields=fields)))
    return notes


def test_closed_fields_are_classified_and_the_open_one_is_the_nearest_example():
    fit = fit_classical(_notes(0, 72), _notes(72, 90), {"form": FORM})
    items = _notes(90, 130)
    predictions = zip(items, fit.model.predict(items), strict=True)
    assert sum(prediction.answer.fields == item.expected.fields for item, prediction in predictions) >= 36
    assert fit.choices["form.side"].strength in (0.1, 1.0, 10.0, 100.0)
    assert fit.choices["form.finding"].strength is None
    assert fit.flops > 0


def test_a_form_is_written_in_the_order_of_its_fields_and_abstains_by_its_field():
    fit = fit_classical(_notes(0, 72), [], {"form": FORM})
    predictions = fit.model.predict(_notes(90, 120))
    for prediction in predictions:
        assert list(json.loads(prediction.text)) == ["side", "finding", "desk", "action"]
        assert prediction.answer.abstain == (prediction.answer.fields["action"] == "ask")
    assert any(prediction.answer.abstain for prediction in predictions)


def test_a_field_with_one_value_in_training_is_always_that_value():
    fit = fit_classical(_notes(0, 24), _notes(24, 30), {"form": FORM})
    assert {p.answer.fields["desk"] for p in fit.model.predict(_notes(90, 99))} == {"eye"}


KINDS = {
    "exact": (TaskSettings(kind="exact"), Expected(answer="12 mg"), Expected(answer="30 mg")),
    "free": (TaskSettings(kind="free"), Expected(answer="Rest well."), Expected(answer="Call us.")),
    "choice": (TaskSettings(kind="choice", values=["yes", "no"]), Expected(answer="yes"), Expected(answer="no")),
    "workflow": (TaskSettings(kind="workflow"), Expected(steps=["wash", "dry"]), Expected(steps=["file"])),
    "grounded": (TaskSettings(kind="grounded"), Expected(answer="H10", evidence=["d1"]), Expected(abstain=True)),
}


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_task_is_answered_in_the_form_that_its_task_reads(kind):
    task, one, other = KINDS[kind]
    asked = ["about the amber cat", "on that basil dog"]
    train = [_example(kind, n, f"{asked[n % 2]} number {n}", (one, other)[n % 2]) for n in range(20)]
    first, second = fit_classical(train, train[:4], {kind: task}).model.predict(
        [_example(kind, 90, "about an amber cat", one), _example(kind, 91, "basil dog", other)]
    )
    assert first.answer.parsed and second.answer.parsed
    assert (first.answer.answer, first.answer.steps) == (one.answer, one.steps)
    assert first.answer.citations == one.evidence
    assert second.answer.abstain == other.abstain


def test_two_fits_give_the_same_bytes_and_a_loaded_model_the_same_answers(tmp_path):
    items = _notes(90, 110)
    for name in ("a", "b"):
        fit = fit_classical(_notes(0, 60), _notes(60, 80), {"form": FORM})
        fit.model.save(tmp_path / name)
    assert hash_folder(tmp_path / "a") == hash_folder(tmp_path / "b")
    assert load_classical(tmp_path / "a").predict(items) == fit.model.predict(items)
    assert sorted(p.name for p in (tmp_path / "a").iterdir()) == ["arrays.safetensors", "classical.json"]


def test_the_space_of_the_examples_gives_the_regression_that_the_terms_themselves_give(monkeypatch):
    items = _notes(90, 130)
    rotated = fit_classical(_notes(0, 72), [], {"form": FORM}).model.predict(items)
    monkeypatch.setattr("nichetune.train.classical._ROTATED", 0)
    plain = fit_classical(_notes(0, 72), [], {"form": FORM}).model.predict(items)
    assert [one.text for one in plain] == [one.text for one in rotated]
    assert [one.confidence for one in plain] == pytest.approx([one.confidence for one in rotated], abs=2e-3)


def test_runs_of_three_words_are_read_where_only_they_tell():
    task = TaskSettings(kind="choice", values=["left", "right"])

    def order(n: int) -> Example:
        # Both answers hold the same words and the same pairs of words.
        parts = [("x y z", "p y q"), ("x y q", "p y z")][n % 2]
        first, last = parts if n // 2 % 2 else parts[::-1]
        return _example("t", n, f"{first} {WORDS[n % 7]} {last}", Expected(answer=["left", "right"][n % 2]))

    fit = fit_classical([order(n) for n in range(56)], [order(n) for n in range(56, 84)], {"t": task})
    assert (fit.choices["t"].reads, fit.choices["t"].dev) == ("phrases", 1.0)


def test_a_text_without_a_single_word_is_answered_too():
    fit = fit_classical(_notes(0, 24), [], {"form": FORM})
    (prediction,) = fit.model.predict([_example("form", 1, "…", Expected())])
    assert prediction.answer.parsed


def test_a_task_that_was_never_trained_gets_an_empty_answer_that_no_one_mistakes_for_one():
    tasks = {"form": FORM, "other": TaskSettings(kind="exact")}
    model = fit_classical(_notes(0, 24), [], tasks).model
    (prediction,) = model.predict([_example("other", 1, "hello", Expected(answer="x"))])
    assert (prediction.text, prediction.answer.parsed) == ("", False)


def test_no_training_example_at_all_is_refused():
    with pytest.raises(UserError, match="no training example for any task"):
        fit_classical([], [], {"form": FORM})


def test_the_stage_reports_what_the_development_set_chose(tmp_path):
    write_jsonl(tmp_path / "split" / "train.jsonl", _notes(0, 48))
    write_jsonl(tmp_path / "split" / "dev.jsonl", _notes(48, 60))
    settings = Settings.model_validate({"project": "p", "sources": [], "tasks": {"form": FORM.model_dump()}})
    report = run(settings, {"split": tmp_path / "split"}, tmp_path / "out")
    assert report.facts["chosen"]["form.side"]["C"] > 0
    assert report.facts["train_flops"] > 0 and report.facts["flops_per_answer"] > 0
    assert (tmp_path / "out" / "model" / "arrays.safetensors").is_file()
