"""A judge over a real HTTP endpoint: blind, both orders, and without a say unless people bear it out."""

from __future__ import annotations

from contextlib import ExitStack, closing

import pytest
from tests.chat_host import ChatHost, prefer_longer, serve
from tests.tiny_models import save_tiny

from nichetune.core.errors import SystemFailure, UserError
from nichetune.core.files import write_jsonl
from nichetune.core.records import Answer, Example, Expected, ItemScore, Message, Prediction, Source
from nichetune.core.settings import JudgeSettings, Settings
from nichetune.evaluate.agreement import measure_kappa
from nichetune.evaluate.judge import add_judgements, describe_judgement, measure_order, read_labels, run_judge
from nichetune.evaluate.judge_models import open_judge
from nichetune.generate import remote
from nichetune.generate.cache import PredictionCache

GOOD, BAD = "The cornea is the clear front of the eye", "No idea"


@pytest.fixture
def start():
    """Starts a judge that answers by a rule, as `start(rule)`."""
    with ExitStack() as running:
        yield lambda rule: running.enter_context(serve(ChatHost(rule)))


@pytest.fixture(autouse=True)
def short_waits(monkeypatch):
    monkeypatch.setattr(remote, "_FIRST_WAIT_S", 0.01)


def make_settings(url: str, **judge) -> Settings:
    return Settings.model_validate({
        "project": "p", "sources": [{"path": "f", "task": "t"}],
        "tasks": {"t": {"kind": "free"}, "other": {"kind": "exact"}},
        "judge": {"url": url, "allow": True, "model": "m", "labels": "labels.jsonl", **judge},
    })  # fmt: skip


def make_labels(path, right: int = 60):
    """Sixty answers; the first `right` labels are what the rule finds, the others the opposite."""
    rows = []
    for n in range(60):
        text, label = ((GOOD, "yes"), (BAD, "no"))[n % 2]
        if n >= right:
            label = {"yes": "no", "no": "yes"}[label]
        rows.append({"question": f"What is it? {n}", "answer": text, "reference": f"{GOOD}.", "label": label})
    write_jsonl(path, rows)
    return path


def make_items() -> tuple[list[Example], list[Prediction], list[ItemScore]]:
    items, said, scores = [], [], []
    for n in range(6):
        task = "t" if n < 4 else "other"
        item = Example(
            id=str(n), group=str(n), task=task, messages=[Message(role="user", content=f"Say {n}")],
            expected=Expected(answer=GOOD), source=Source(file="f"),
        )  # fmt: skip
        text = f"{GOOD}, yes" if n % 2 else BAD
        items.append(item)
        said.append(Prediction(item=item.id, text=text, answer=Answer(answer=text)))
        scores.append(ItemScore(item=item.id, group=item.group, task=task, scores={"success": 0.5}))
    return items, said, scores


def judge(settings: Settings, folder, labels):
    items, said, scores = make_items()
    cache = PredictionCache(folder / "c.db")
    try:
        found = run_judge(settings, open_judge(settings, cache), labels, items, said)
    finally:
        cache.close()
    return found, add_judgements(scores, found), describe_judgement(settings, found, items)


def test_a_judge_that_people_bear_out_scores_free_texts_alone(start, tmp_path, monkeypatch):
    monkeypatch.setenv("JUDGE_KEY", "k-123")
    endpoint = start(prefer_longer)
    settings = make_settings(endpoint.url, key_env="JUDGE_KEY")
    found, scores, told = judge(settings, tmp_path, make_labels(tmp_path / "labels.jsonl"))
    assert (found.agreement.value, found.agreement.n, found.may_decide) == (1.0, 60, True)
    assert [one.scores.get("judged") for one in scores] == [0.0, 1.0, 0.0, 1.0, None, None]
    assert (told["judged"]["t"].value, told["judged"]["t"].n, told["unclear"]) == (0.5, 4, 0)
    assert endpoint.keys == {"Bearer k-123"}
    assert len(endpoint.asked) == 2 * (60 + 4)
    swapped = [text for text in endpoint.questions if f"Answer B:\n{BAD}\n" in text and "Say" in text]
    assert len(swapped) == 2  # each pair in both orders, and neither text is said to be the reference
    assert not any("reference" in text.casefold() for text in endpoint.questions)
    judge(settings, tmp_path, tmp_path / "labels.jsonl")
    assert len(endpoint.asked) == 128  # what was asked is not asked again


@pytest.mark.parametrize("right", [45, 30])
def test_a_judge_whom_people_contradict_decides_nothing(start, tmp_path, right):
    settings = make_settings(start(prefer_longer).url)
    found, scores, told = judge(settings, tmp_path, make_labels(tmp_path / "labels.jsonl", right))
    assert not found.may_decide and found.agreement.value == pytest.approx(2 * right / 60 - 1)
    assert scores == make_items()[2]
    assert told["judged"]["t"].n == 4  # said all the same, in judge.json


def test_a_judge_that_favours_a_place_agrees_with_nobody(start, tmp_path):
    found, _, told = judge(make_settings(start(lambda body: "A").url), tmp_path, make_labels(tmp_path / "labels.jsonl"))
    assert set(found.scores.values()) == {0.5}
    assert found.agreement.value == 0 and not found.may_decide
    first, turned = told["order"]["first"], told["order"]["turned"]
    assert (first.value, first.n, turned.value, turned.n) == (1.0, 128, 1.0, 64) and first.low > 0.9


def test_the_pull_of_a_place_is_counted_over_both_orders():
    fair = measure_order(["A", "B", "B", "A", "S", "S", "A", None])  # one text, the other, neither, unclear
    assert (fair["first"].value, fair["first"].n) == (0.6, 5) and fair["first"].low < 0.5 < fair["first"].high
    assert (fair["turned"].value, fair["turned"].n) == (0.0, 3)
    late = measure_order(["B", "B"] * 20 + ["A", "B"] * 20)
    assert (late["first"].value, late["turned"].value) == (0.25, 0.5) and late["first"].high < 0.5
    assert measure_order([])["first"].value is None


def test_a_judge_that_goes_down_is_one_line_and_loses_nothing(start, tmp_path):
    endpoint = start(prefer_longer)
    settings, labels = make_settings(endpoint.url), make_labels(tmp_path / "labels.jsonl")
    endpoint.down_after = 50
    with pytest.raises(
        SystemFailure, match=r"judge: .*HTTP 503 in 6 tries: what was answered so far is kept"
    ) as failure:
        judge(settings, tmp_path, labels)
    assert failure.value.exit_status == 3 and "\n" not in str(failure.value)
    asked = len(endpoint.asked)
    endpoint.down_after = 10**9
    found, _, _ = judge(settings, tmp_path, labels)
    assert found.may_decide
    assert (asked, len(endpoint.asked)) == (50, 128)  # what was answered is not asked again


def test_a_judge_that_is_not_there_is_told_so(tmp_path):
    with pytest.raises(SystemFailure, match=r"judge: http://127\.0\.0\.1:9/v1: ConnectError in 2 tries"):
        judge(make_settings("http://127.0.0.1:9/v1", retries=1), tmp_path, make_labels(tmp_path / "labels.jsonl"))


def test_what_is_missing_is_told_before_anything_is_asked(tmp_path, monkeypatch):
    monkeypatch.delenv("NO_SUCH_KEY", raising=False)
    with pytest.raises(UserError, match=r"judge\.key_env: the environment has no NO_SUCH_KEY"):
        judge(make_settings("http://127.0.0.1:9/v1", key_env="NO_SUCH_KEY"), tmp_path, tmp_path / "labels.jsonl")
    write_jsonl(tmp_path / "bad.jsonl", [{"question": "q", "answer": "a", "reference": "r", "label": "perhaps"}])
    with pytest.raises(UserError, match=r"bad.jsonl:1: a label needs"):
        judge(make_settings("http://127.0.0.1:9/v1"), tmp_path, tmp_path / "bad.jsonl")
    with pytest.raises(ValueError, match="leave this machine"):
        JudgeSettings(url="http://h/v1", model="m", labels="l")
    with pytest.raises(ValueError, match="needs `labels`"):
        JudgeSettings(url="local")


def test_the_local_judge_is_asked_the_same_way_and_nonsense_counts_as_unclear(tmp_path, tokenizer):
    folder = save_tiny(tmp_path / "base", tokenizer)
    settings = make_settings("local").model_copy(
        update={"base": Settings.model_fields["base"].default.model_copy(update={"model": str(folder)})}
    )
    found, scores, _ = judge(settings, tmp_path, make_labels(tmp_path / "labels.jsonl"))
    assert found.unclear > 100 and not found.may_decide  # a random model hardly ever writes a letter of ours
    assert scores == make_items()[2]


def test_kappa_is_agreement_beyond_chance():
    judged, labelled = [1] * 25 + [0] * 25, [1] * 20 + [0] * 5 + [1] * 10 + [0] * 15
    found = measure_kappa(judged, labelled)
    assert found.value == pytest.approx(0.4)  # 0.7 agree, 0.5 by chance
    assert found.low == pytest.approx(0.4 - 1.96 * 0.128, abs=0.05)  # Fleiss, Cohen and Everitt's error is 0.128
    assert measure_kappa([1] * 9, [1] * 9).value is None


def test_where_one_side_abstains_the_judge_is_not_asked_and_an_answer_earns_nothing(start, tmp_path):
    endpoint = start(prefer_longer)
    settings = make_settings(endpoint.url)
    items, said, _ = make_items()
    due = Expected(abstain=True)
    items[0] = items[0].model_copy(update={"expected": due})  # and an answer was given, a long one
    said[0] = said[0].model_copy(update={"text": "It says two pills a day, for a week", "answer": Answer(answer="It")})
    items[1] = items[1].model_copy(update={"expected": due})  # and it abstained
    said[2] = said[2].model_copy(update={"answer": Answer(abstain=True)})  # though there was an answer
    said[1] = said[1].model_copy(update={"answer": Answer(abstain=True)})
    with closing(PredictionCache(tmp_path / "c.db")) as cache:
        found = run_judge(settings, open_judge(settings, cache), make_labels(tmp_path / "labels.jsonl"), items, said)
    assert found.scores == {"0": 0.0, "1": 1.0, "2": 0.0, "3": 1.0}
    assert len(endpoint.asked) == 2 * (60 + 1)


def test_a_rubric_is_told_to_the_judge_with_labels_and_answers_alike(start, tmp_path):
    endpoint = start(prefer_longer)
    plain = make_settings(endpoint.url).model_dump(mode="json", by_alias=True)
    plain["tasks"]["t"]["rubric"] = "It names the part of the eye."
    settings = Settings.model_validate(plain)
    judge(settings, tmp_path, make_labels(tmp_path / "labels.jsonl"))
    told = [
        message["content"] for body in endpoint.asked for message in body["messages"] if message["role"] == "system"
    ]
    assert len(told) == 2 * (60 + 4)
    assert all(text.endswith("What a good answer has:\nIt names the part of the eye.") for text in told)


def test_a_label_says_whose_rubric_it_is_marked_by_where_there_are_several(tmp_path):
    plain = make_settings("http://127.0.0.1:9").model_dump(mode="json", by_alias=True)
    plain["tasks"] |= {"u": {"kind": "free", "rubric": "Short."}}
    settings = Settings.model_validate(plain)
    with pytest.raises(UserError, match="say by `task` whose rubric it is marked by, one of: t, u"):
        read_labels(make_labels(tmp_path / "labels.jsonl"), settings)
    rows = [{"question": "q", "answer": "a", "reference": "r", "label": "yes", "task": name} for name in ("t", "u")]
    write_jsonl(tmp_path / "told.jsonl", rows)
    assert [pair.rubric for pair in read_labels(tmp_path / "told.jsonl", settings)[1]] == ["", "Short."]
