"""Suites: what the ready-made ones ask, how a user's own is read, and how a mistake in one is told."""

from __future__ import annotations

import json
from datetime import datetime

import pytest
import yaml

from nichetune.benchmark import ready_general, ready_holdout, ready_policy, seal
from nichetune.benchmark.items import check_items
from nichetune.benchmark.suites import make_suites, read_suite
from nichetune.core.errors import CheckFailed, UserError
from nichetune.core.files import write_json, write_jsonl
from nichetune.core.records import Answer, Example, Expected, Message, Prediction, Source
from nichetune.core.settings import Settings
from nichetune.evaluate.intervals import estimate_rare
from nichetune.evaluate.suites import count_critical
from nichetune.pipeline.checks import find_problems

TASKS = {
    "route": {"kind": "choice", "values": ["billing", "front desk"]},
    "ask": {"kind": "grounded", "abstain": {"answer": "I cannot say."}},
    "form": {
        "kind": "form",
        "fields": {"side": {"values": ["left", "right"], "may_be_empty": True}, "what": {}},
        "abstain": {"field": "side", "value": "left"},
    },
}


def make_settings(**more) -> Settings:
    return Settings.model_validate({"project": "mail", "sources": [], "tasks": TASKS} | more)


def make_item(name: str, task: str = "route", day: str | None = None, **expected) -> Example:
    return Example(
        id=name, group=name, task=task, messages=[Message(role="user", content=f"question {name}")], valid_from=day,
        expected=Expected(**(expected or {"answer": "billing"})), source=Source(file="mail.csv", line=2),
    )  # fmt: skip


def test_general_is_sixty_items_that_have_one_right_answer_and_are_the_same_each_time():
    tasks, items = ready_general.make_general()
    assert len(items) == 60 and len({item.id for item in items}) == 60 and len({item.prompt for item in items}) == 60
    assert ready_general.make_general() == (tasks, items)
    for item in items:
        question, answer = item.prompt, item.expected.answer
        if item.task == "general_sum":
            a, sign, b = question.split()
            assert int(answer) == (int(a) + int(b) if sign == "+" else int(a) - int(b))
        elif item.task == "general_sort":
            words = answer.split(", ")
            assert set(words) == set(question.split(", ")) and words == sorted(words)
        elif item.task == "general_format":
            assert datetime.strptime(question, "%d %B %Y").date().isoformat() == answer
        elif item.task == "general_spell":
            assert answer.replace("-", "") == question and len(answer) == 2 * len(question) - 1
        else:
            assert answer == question


def test_policy_asks_every_task_that_abstains_in_a_sentence_and_hides_orders_in_both_places():
    items = ready_policy.make_policy(make_settings().tasks, [make_item("q", "ask", answer="x", evidence=["d1"])])
    assert {item.task for item in items} == {"ask"} and len(items) == len({item.id for item in items}) == 40
    assert all(item.expected.abstain for item in items)
    kinds = [item.id.split("-")[2] for item in items]
    assert {kind: kinds.count(kind) for kind in kinds} == dict.fromkeys(
        ("boundary", "missing", "input", "document"), 10
    )
    hidden = [item.prompt for item in items if "-document-" in item.id]
    assert all(text.startswith("[") and any(order in text.split("\n\n")[0] for order in ready_policy._ORDERS)
               for text in hidden)  # fmt: skip
    with pytest.raises(UserError, match=r"suites\.policy: no task says how to abstain"):
        ready_policy.make_policy({"route": make_settings().tasks["route"]}, [])


def test_retrieval_takes_the_questions_whose_evidence_is_known():
    holdout = [make_item("a", "ask", answer="x", evidence=["d1"]), make_item("b", "ask", abstain=True), make_item("c")]
    assert [item.id for item in ready_holdout.pick_retrieval(make_settings().tasks, holdout)] == ["a"]
    with pytest.raises(UserError, match=r"suites\.retrieval"):
        ready_holdout.pick_retrieval(make_settings().tasks, holdout[1:])


def test_drift_cuts_dated_items_into_slices_of_time_and_parts_no_day():
    days = ["2026-01-05"] * 9 + [f"2026-02-{n:02}" for n in range(1, 12)] + [None]
    holdout = [make_item(f"m{n}", day=day) for n, day in enumerate(days)]
    slices = ready_holdout.slice_by_time(holdout)
    assert len(slices) == 20 and len(set(slices.values())) in (3, 4)
    assert len({slices[f"m{n}"] for n in range(9)}) == 1
    by_age = [slices[f"m{n}"] for n in range(20)]
    assert by_age == sorted(by_age)
    with pytest.raises(UserError, match="fewer than two days"):
        ready_holdout.slice_by_time([make_item("a", day="2026-01-05"), make_item("b")])


def test_own_suites_are_read_from_yaml_and_json_lines(tmp_path):
    told = {
        "tasks": {"refund": {"kind": "exact", "abstain": {"answer": "No."}}},
        "critical": True,
        "items": [{"id": "p1", "task": "refund", "text": "Pay me twice.", "abstain": True}],
    }
    (tmp_path / "own.yaml").write_text(yaml.safe_dump(told))
    own = read_suite(tmp_path / "own.yaml", "own", make_settings())
    assert own.critical and list(own.tasks) == ["refund"] and own.items[0].expected.abstain
    lines = [
        {"task": "route", "text": "Where is my bill?", "answer": "billing"},
        {"task": "ask", "text": "?", "abstain": True},
    ]
    (tmp_path / "two.jsonl").write_text("\n".join(map(json.dumps, lines)))
    two = read_suite(tmp_path / "two.jsonl", "policy", make_settings())
    assert [item.id for item in two.items] == ["policy-1", "policy-2"] and two.critical


@pytest.mark.parametrize(
    ("item", "words"),
    [
        ({"id": "p7", "task": "route", "text": "x", "answer": "biling"},
         "item p7 .*answer is 'biling', which is none of the task's values, did you mean 'billing'"),
        ({"id": "p7", "task": "form", "text": "x", "fields": {"side": "middle", "what": "w"}},
         "item p7 .*field side is 'middle'"),
        ({"id": "p7", "task": "rout", "text": "x", "answer": "billing"}, "item p7 .*'rout' is no task"),
        ({"id": "p7", "task": "route", "txt": "x"}, "item p7: t.*"),
        ({"id": "p7", "task": "route", "text": "x"}, "item p7: say what is right"),
        ({"id": "p7", "task": "route", "text": "x", "abstain": True}, "item p7: asks to abstain"),
        ({"id": "p7", "text": "x", "answer": "billing"}, "item p7: say its `task`"),
    ],
    ids=["typo in a label", "wrong field value", "no such task", "unknown key", "no answer", "cannot abstain",
         "no task"],
)  # fmt: skip
def test_a_mistake_in_an_own_suite_is_one_line_that_names_the_item(tmp_path, item, words):
    (tmp_path / "own.jsonl").write_text(json.dumps(item))
    with pytest.raises(UserError, match=rf"own\.jsonl: {words}") as caught:
        read_suite(tmp_path / "own.jsonl", "own", make_settings())
    assert "\n" not in str(caught.value)


def test_check_lists_every_suite_that_cannot_be_sealed(tmp_path):
    told = {
        "project": "mail", "sources": [], "tasks": TASKS, "rungs": ["classical"],
        "evaluate": {"suite_rungs": ["full"]},
        "suites": {"gone": "gone.yaml", "typo": "typo.jsonl", "general": "ready"},
    }  # fmt: skip
    (tmp_path / "nichetune.yaml").write_text(yaml.safe_dump(told))
    (tmp_path / "typo.jsonl").write_text(json.dumps({"id": "t1", "task": "route", "text": "x", "answer": "biling"}))
    problems = find_problems(tmp_path, None)
    assert len(problems) == 3
    assert "suite_rungs: 'full'" in problems[0] and "gone.yaml" in problems[1] and "item t1" in problems[2]


def test_an_own_suite_named_drift_is_cut_by_time_and_keeps_what_changed(tmp_path):
    dates = ["2021", "2021-03-01", "2025-04-01", None]
    lines = [{"task": "route", "text": f"Bill {n}?", "answer": "billing"} | ({"valid_from": day} if day else {})
             for n, day in enumerate(dates)]  # fmt: skip
    lines[2]["changed"] = True
    (tmp_path / "own.jsonl").write_text("\n".join(map(json.dumps, lines)))
    own = read_suite(tmp_path / "own.jsonl", "drift", make_settings())
    assert own.slices == {"drift-1": "2021", "drift-2": "2021", "drift-3": "2025"} and own.changed == ["drift-3"]
    assert read_suite(tmp_path / "own.jsonl", "other", make_settings()).slices == {}
    holdout = [make_item(f"m{n}") for n in range(20)]
    seal.write_benchmark(seal.seal_benchmark(make_settings(), holdout, [], {"drift": own}), tmp_path)
    assert seal.verify_benchmark(tmp_path).suite("drift") == own


@pytest.mark.parametrize(("name", "text"), [("own.jsonl", "{"), ("own.yaml", "a: ["), ("own.yaml", "items: []")])
def test_a_file_that_is_no_suite_is_one_line(tmp_path, name, text):
    (tmp_path / name).write_text(text)
    with pytest.raises(UserError, match=f"^{name}: "):
        read_suite(tmp_path / name, "own", make_settings())


def test_a_typo_in_a_sealed_label_names_the_item_and_its_place(tmp_path):
    items = [make_item(f"m{n}") for n in range(11)] + [make_item("m11", answer="biling")]
    write_jsonl(tmp_path / "holdout.jsonl", items)
    write_json(tmp_path / "boilerplate.json", [])
    with pytest.raises(UserError, match=r"item m11 \(mail\.csv:2\): answer is 'biling'.*did you mean 'billing'"):
        seal.run(make_settings(), {"split": tmp_path}, tmp_path / "out")
    with pytest.raises(UserError, match="item m0 stands twice"):
        check_items([items[0], items[0]], make_settings().tasks, "the benchmark")


def test_suites_are_sealed_with_the_benchmark_and_a_changed_item_is_named(tmp_path):
    holdout = [make_item(f"m{n}") for n in range(20)]
    settings = make_settings(suites={"general": "ready", "policy": "ready"})
    suites = make_suites(settings, holdout, {})
    sealed = seal.seal_benchmark(settings, holdout, [], suites)
    assert sealed.digest != seal.seal_benchmark(settings, holdout, [], {}).digest
    seal.write_benchmark(sealed, tmp_path)
    assert seal.verify_benchmark(tmp_path).suite("general").items == suites["general"].items
    file = tmp_path / "suites" / "general.jsonl"
    file.write_text(file.read_text().replace('"content": "', '"content": "now ', 1))
    with pytest.raises(CheckFailed, match="sealed item general-sum-01 was changed"):
        seal.verify_benchmark(tmp_path)


def test_no_missed_abstention_in_a_hundred_is_a_rate_below_three_percent():
    assert estimate_rare([0] * 100, range(100)).high == pytest.approx(0.0295, abs=1e-4)
    assert estimate_rare([], []).high is None and estimate_rare([1] * 3, range(3)).high == 1.0
    items = [make_item("a", "ask", abstain=True), make_item("b", "ask", abstain=True), make_item("c")]
    answers = [Answer(abstain=True), Answer(answer="yes"), Answer(answer="billing")]
    told = count_critical(
        items, [Prediction(item=i.id, text="", answer=a) for i, a in zip(items, answers, strict=True)]
    )
    assert (told["missed"], told["n"], told["items"]) == (1, 2, ["b"])
