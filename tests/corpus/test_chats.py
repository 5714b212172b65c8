"""The field's chat formats are recognised by themselves, shown, or mapped; nothing of a conversation is lost unsaid."""

from __future__ import annotations

import json

import pytest
from corpus_tools import ingest_files, lines, make_settings, read_lines

QUESTION, ANSWER = "What is a pinguecula?", "A yellow spot on the conjunctiva."
TURNS = [{"role": "user", "content": QUESTION}, {"role": "assistant", "content": ANSWER}]
SHARED = [{"from": "human", "value": QUESTION}, {"from": "gpt", "value": ANSWER}]
PARTS = [{"role": "user", "content": [{"type": "text", "text": QUESTION}]}, TURNS[1]]
CHATS = {
    "chat messages": {"messages": TURNS},
    "ShareGPT": {"conversations": SHARED},
    "Alpaca": {"instruction": QUESTION, "input": "", "output": ANSWER},
    "prompt–completion": {"prompt": QUESTION, "completion": ANSWER},
    "preference pairs": {"prompt": QUESTION, "chosen": ANSWER, "rejected": "A cyst."},
}
VARIANTS = [
    {"messages": PARTS},
    {"prompt": TURNS[:1], "completion": TURNS[1:]},
    {"chosen": TURNS, "rejected": [TURNS[0], {"role": "assistant", "content": "A cyst."}]},
    {"prompt": TURNS[:1], "chosen": TURNS[1:], "rejected": [{"role": "assistant", "content": "A cyst."}]},
    {"conversations": [{"from": "gpt", "value": "Hello!"}, *SHARED]},
]


def ingest_chats(folder, *records, task="explain", **source):
    """The examples that chats become, and the stage's report."""
    settings = make_settings([{"path": "chats.jsonl", "task": task} | source])
    out, report = ingest_files(folder, {"chats.jsonl": lines(*records)}, settings)
    return read_lines(out / "examples.jsonl"), report, out


@pytest.mark.parametrize("title", CHATS)
def test_each_chat_format_is_recognised_and_shown(tmp_path, capsys, title):
    examples, report, out = ingest_chats(tmp_path, CHATS[title])
    assert examples[0]["messages"] == [{"role": "user", "content": QUESTION}]
    assert examples[0]["expected"]["answer"] == ANSWER
    assert report.facts["read_as"] == {title: 1}
    assert f"chats.jsonl: read as: {title}, 1 record" in capsys.readouterr().err
    assert read_lines(out / "reading.jsonl")[0]["read_as"] == title


@pytest.mark.parametrize("record", VARIANTS, ids=range(len(VARIANTS)))
def test_the_formats_variants_give_the_same_exchange(tmp_path, record):
    examples, _, _ = ingest_chats(tmp_path, record)
    assert (examples[0]["messages"][-1]["content"], examples[0]["expected"]["answer"]) == (QUESTION, ANSWER)


def test_an_alpaca_input_stands_below_its_instruction(tmp_path):
    examples, _, _ = ingest_chats(
        tmp_path, {"instruction": "Name the side.", "input": "Cataract, OD.", "output": "right"}
    )
    assert examples[0]["messages"][0]["content"] == "Name the side.\n\nCataract, OD."


def test_the_system_s_turn_stays_and_later_turns_are_counted(tmp_path):
    system = {"role": "system", "content": "You know eyes."}
    more = [
        {"role": "user", "content": "And a pterygium?"},
        {"role": "assistant", "content": "It grows over the cornea."},
    ]
    examples, report, _ = ingest_chats(tmp_path, {"messages": [system, *TURNS, *more]})
    assert [turn["role"] for turn in examples[0]["messages"]] == ["system", "user"]
    assert examples[0]["expected"]["answer"] == ANSWER
    assert report.facts["later_turns_left_out"] == 2


def test_rejected_answers_are_counted_and_never_written(tmp_path):
    _, report, out = ingest_chats(tmp_path, CHATS["preference pairs"])
    assert report.facts["rejected_answers_left_out"] == 1
    assert "A cyst." not in (out / "examples.jsonl").read_text()


def test_a_column_of_one_s_own_is_mapped_with_its_roles(tmp_path):
    turns = [{"speaker": "caller", "text": QUESTION}, {"speaker": "desk", "text": ANSWER}]
    record = {"ticket": "7", "turns": turns}
    examples, report, _ = ingest_chats(
        tmp_path, record, map={"messages": "turns", "id": "ticket"}, roles={"caller": "user", "desk": "assistant"}
    )
    assert (examples[0]["id"], examples[0]["expected"]["answer"]) == ("7", ANSWER)
    assert report.facts["read_as"] == {"chat messages": 1}


def test_a_form_is_read_from_the_assistant_s_json(tmp_path):
    form = json.dumps({"finding": "Pinguecula", "side": "RIGHT"})
    bad = {"messages": [TURNS[0], {"role": "assistant", "content": "It is on the right."}]}
    record = {"messages": [TURNS[0], {"role": "assistant", "content": form}]}
    examples, report, _ = ingest_chats(tmp_path, record, bad, task="triage")
    assert examples[0]["expected"]["fields"] == {"finding": "Pinguecula", "side": "right", "hint": ""}
    assert report.dropped == {"the answer is not the task's form": 1}


def test_steps_and_citations_are_read_from_the_answer(tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    steps, _, _ = ingest_chats(tmp_path / "a", {"prompt": "jam", "completion": "1. Stop.\n2. Open."}, task="repair")
    quote, _, _ = ingest_chats(tmp_path / "b", {"prompt": "which?", "completion": '"Excludes 1: b" [H66]'}, task="ask")
    assert steps[0]["expected"]["steps"] == ["Stop.", "Open."]
    assert (quote[0]["expected"]["answer"], quote[0]["expected"]["evidence"]) == ("Excludes 1: b", ["H66"])


@pytest.mark.parametrize(
    ("turns", "reason"),
    [
        ([TURNS[0]], "no answer of the assistant"),
        ([TURNS[1]], "no question of the user"),
        (
            [TURNS[0], {"role": "assistant", "content": None, "tool_calls": [{}]}, TURNS[1]],
            "a tool is used before the answer",
        ),
        ([{"role": "user", "content": [{"type": "image_url", "image_url": "x"}]}, TURNS[1]], "a turn is no text"),
        ([{"role": "narrator", "content": "x"}, TURNS[1]], "a turn of an unknown role (sources[].roles)"),
        ([TURNS[0], {"role": "assistant", "content": ""}], ""),
    ],
)
def test_a_conversation_that_holds_no_exchange_is_put_aside_with_its_reason(tmp_path, turns, reason):
    good = [{"messages": TURNS} for _ in range(20)]
    _, report, out = ingest_chats(tmp_path, *good, {"messages": turns})
    assert report.dropped == ({reason: 1} if reason else {})
    assert [one["source"]["line"] for one in read_lines(out / "quarantine.jsonl")] == ([21] if reason else [])


def test_plain_columns_are_not_taken_for_a_chat(tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    mapped = {"path": "chats.jsonl", "task": "explain", "map": {"text": "input", "answer": "output"}}
    record = CHATS["Alpaca"] | {"input": "Only this."}
    out, report = ingest_files(tmp_path / "a", {"chats.jsonl": lines(record)}, make_settings([mapped]))
    assert read_lines(out / "examples.jsonl")[0]["messages"][0]["content"] == "Only this."
    assert report.facts["read_as"] == {"JSON Lines": 1}
    examples, _, _ = ingest_chats(tmp_path / "b", {"prompt": "x", "completion": "y"}, chat="none")
    assert examples[0]["expected"]["answer"] == "y"


def test_the_format_may_be_said_where_the_keys_do_not_tell(tmp_path):
    record = {"conversation": [{"author": "human", "message": QUESTION}, {"author": "bot", "message": ANSWER}]}
    examples, _, _ = ingest_chats(tmp_path, record, chat="sharegpt")
    assert examples[0]["expected"]["answer"] == ANSWER
