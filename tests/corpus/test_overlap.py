"""What gives a sealed item away: in training and in documents; what does not."""

from __future__ import annotations

import pytest
from corpus_tools import make_document, make_example, make_settings, read_lines
from hypothesis import given, settings
from hypothesis import strategies as st
from test_split_stage import make_corpus, reword

from nichetune.core.errors import UserError
from nichetune.core.files import write_jsonl
from nichetune.core.records import Message
from nichetune.corpus import split
from nichetune.corpus.leaks import find_document_overlap
from nichetune.corpus.overlap import SealedRuns, measure_run
from nichetune.corpus.spotting import find_boilerplate

TASKS = make_settings().tasks
QUESTION = "when does the night shift at the north gate hand the keys to the office"
ITEM = make_example("item", QUESTION, task="explain", answer="they go to the porter who keeps them until six o clock")
SHORT = make_example("short", "Where is the spare key?", task="explain", answer="On the hook.")


def ask(text, answer="No idea.", **more):
    return make_example("t", text, task="explain", answer=answer, **more)


def hit(example, *items, boilerplate=frozenset()):
    found = SealedRuns(items, 8, boilerplate, TASKS).find_hit(example)
    return found and (found.item, found.holds, found.reason, found.words)


def test_the_prompt_alone_counts_whatever_the_answer_is():
    found = hit(ask("Tell me when does the night shift at the north gate end"), ITEM)
    assert found == ("item", "question", "shares a run of 8 words with a sealed item", 9)


def test_an_item_shorter_than_a_run_is_matched_whole():
    assert hit(ask("Hello, where is the spare key please?"), SHORT)[2] == "holds the whole text of a short sealed item"
    assert hit(ask("where is the SPARE key"), SHORT)[2] == "same text as a sealed item"
    assert hit(ask("Where is the other key?"), SHORT) is None


def test_a_sealed_question_in_a_taught_answer_is_a_leak():
    taught = ask("What do people ask?")
    answer = Message(role="assistant", content="Some ask " + QUESTION)
    assert hit(taught.model_copy(update={"messages": [*taught.messages, answer]}), ITEM)[1] == "question"


def test_a_sealed_answer_in_a_question_is_a_leak_and_taught_twice_is_none():
    assert hit(ask("Is it true that they go to the porter who keeps them until six?"), ITEM)[1] == "answer"
    taught = ask("Another question altogether?")
    answer = Message(role="assistant", content=ITEM.expected.answer)
    assert hit(taught.model_copy(update={"messages": [*taught.messages, answer]}), ITEM) is None


@pytest.mark.parametrize("groups", [2, 3])
def test_a_run_of_three_groups_is_boilerplate_and_of_two_is_not(groups, tmp_path):
    corpus = [
        ITEM,
        *(make_example(f"t{n}", f"so {QUESTION} x{n}", task="explain", answer="a") for n in range(groups - 1)),
    ]
    boilerplate = find_boilerplate(corpus, [ITEM], 8, 3, TASKS, tmp_path)
    assert bool(boilerplate) == (groups == 3)
    assert (hit(corpus[1], ITEM, boilerplate=boilerplate) is None) == (groups == 3)


@settings(max_examples=40, deadline=None)
@given(st.data())
def test_any_run_of_eight_words_of_an_item_is_found_wherever_it_stands(data: st.DataObject):
    words = QUESTION.split()
    at = data.draw(st.integers(0, len(words) - 8))
    around = st.lists(st.sampled_from(["so", "well", "now"]), max_size=5).map(" ".join)
    text = f"{data.draw(around)} {' '.join(words[at : at + 8])} {data.draw(around)}"
    assert hit(ask(text), ITEM)[0] == "item"


def test_the_longest_common_run_is_measured():
    assert measure_run(["a", "b", "c", "d", "e"], ["x", "b", "c", "d", "y"]) == 3


DOCUMENTS = [
    make_document("faq", f"Q: {QUESTION}? A: the porter has them."),
    make_document("house", "In the evening they go to the porter who keeps them until six in the morning."),
    make_document("other", "The office opens at eight and closes at five on all days but Sunday."),
]


def test_documents_that_hold_a_question_or_an_answer_are_found():
    found = find_document_overlap(DOCUMENTS, [ITEM], 8, frozenset(), TASKS)
    assert [(one.text, one.holds, one.action) for one in found] == [
        ("faq", "question", "listed"),
        ("house", "answer", "listed"),
    ]


def test_of_a_grounded_task_only_questions_count_and_its_evidence_is_exempt():
    grounded = make_example("g", QUESTION, task="ask", answer=DOCUMENTS[1].text, evidence=["house"])
    found = find_document_overlap(DOCUMENTS, [grounded], 8, frozenset(), TASKS)
    assert [(one.text, one.holds) for one in found] == [("faq", "question")]
    own = grounded.model_copy(update={"expected": grounded.expected.model_copy(update={"evidence": ["faq"]})})
    assert find_document_overlap(DOCUMENTS, [own], 8, frozenset(), TASKS) == []


def run_split(folder, corpus, held=(), encode=None, **rules):
    write_jsonl(folder / "dedupe" / "examples.jsonl", corpus)
    write_jsonl(folder / "mask" / "documents.jsonl", held)
    inputs = {"dedupe": folder / "dedupe", "mask": folder / "mask"}
    report = split.run(make_settings(split=rules), inputs, folder / "split", encode)
    return report, read_lines(folder / "split" / "contamination.jsonl")


def test_the_split_reports_each_hit_with_both_places(tmp_path):
    corpus = make_corpus()
    homes = split.assign_groups(corpus, make_settings().split)
    sealed = next(one for one in corpus if homes[one.group] == "holdout")
    leaky = next(one for one in corpus if homes[one.group] == "train")
    corpus = [reword(one, f"so {sealed.prompt}") if one is leaky else one for one in corpus]
    report, found = run_split(tmp_path, corpus, [make_document("faq", sealed.prompt)])
    assert [(one["text"], one["kind"], one["item"], one["words"], one["action"]) for one in found] == [
        (leaky.id, "example", sealed.id, 12, "removed"), ("faq", "document", sealed.id, 12, "listed"),
    ]  # fmt: skip
    assert all(one["source"]["file"] and one["item_source"]["file"] for one in found)
    assert sealed.prompt not in (tmp_path / "split" / "contamination.jsonl").read_text()
    assert report.facts["overlaps"] == {"document, run, listed": 1, "example, run, removed": 1}


def test_documents_that_hold_sealed_questions_can_stop_the_run(tmp_path):
    corpus = make_corpus()
    homes = split.assign_groups(corpus, make_settings().split)
    sealed = next(one for one in corpus if homes[one.group] == "holdout")
    with pytest.raises(UserError, match=rf"faq \(the question of {sealed.id}\).*split\.documents"):
        run_split(tmp_path, corpus, [make_document("faq", sealed.prompt)], documents="stop")


@pytest.mark.parametrize(("mode", "action"), [("list", "listed"), ("remove", "removed")])
def test_training_of_one_meaning_with_a_sealed_item_is_listed_or_removed(tmp_path, mode, action):
    import numpy as np

    def encode(texts: list[str]) -> np.ndarray:
        """Two notes mean the same if they begin alike; here the sealed one and one other do."""
        vectors = np.zeros((len(texts), len(marks)), dtype=np.float32)
        for n, text in enumerate(texts):
            vectors[n, 0 if text in pair else marks[text]] = 1
        return vectors

    corpus = make_corpus()
    marks = {one.prompt: n for n, one in enumerate(corpus, start=1)} | {"": 0}
    homes = split.assign_groups(corpus, make_settings().split)
    sealed = next(one for one in corpus if homes[one.group] == "holdout")
    twin = next(one for one in corpus if homes[one.group] == "train" and one.task == sealed.task)
    pair = {sealed.prompt, twin.prompt}
    marks = {text: n for n, text in enumerate(marks)}
    report, found = run_split(tmp_path, corpus, encode=encode, semantic=mode)
    assert [(one["text"], one["how"], one["item"], one["action"]) for one in found] == [
        (twin.id, "meaning", sealed.id, action)
    ]
    assert report.dropped.get("same meaning as a sealed item", 0) == (mode == "remove")
    assert report.facts["semantic"] == {"mode": mode, "compared": True}
