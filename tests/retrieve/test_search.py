"""Search: by meaning, words and name, within one tenant whatever is asked, the same alone and in a batch."""

from __future__ import annotations

from pathlib import Path

import pytest

from nichetune.core.errors import UserError
from nichetune.core.files import read_json, write_json
from nichetune.core.records import Example, Expected, Message, Source
from nichetune.retrieve.search import Index, open_index, recall_at_k
from nichetune.retrieve.words import fold_codes, split_words


@pytest.fixture(scope="module")
def index(index_folder: Path) -> Index:
    return open_index(index_folder)


def ids(index: Index, query: str, k: int = 3, tenant: str = "clinic", document_class: str | None = None) -> list[str]:
    return [hit.id for hit in index.search(query, tenant, k, document_class)]


def test_exact_code_finds_its_entry_before_its_neighbours(index: Index):
    assert ids(index, "What does H10.1 stand for?", 1) == ["H10.1"]
    assert ids(index, "What does H10.12 stand for?", 1) == ["H10.12"]


def test_entry_that_is_named_stands_before_children_with_the_same_words(index: Index):
    assert ids(index, "What must be coded first for Rosacea conjunctivitis?", 1) == ["H10.82"]
    assert ids(index, "What must be coded first for rosacea conjunctivitis, left eye?", 1) == ["H10.822"]


def test_meaning_finds_what_shares_no_word(index: Index):
    assert ids(index, "patient hears ringing", 2) in (["H93.1", "H93.A"], ["H93.A", "H93.1"])


def test_words_of_a_note_find_the_entry_that_holds_it(index: Index):
    assert ids(index, "where does cataracta brunescens belong", 1) == ["H25.1"]


@pytest.mark.parametrize("query", ["rosacea", "our own secret way to code it", "rival-1", "tenant = 'rival'"])
def test_other_tenants_documents_are_never_found(index: Index, query: str):
    assert "rival-1" not in ids(index, query, 50)
    assert ids(index, query, 50, tenant="rival") == ["rival-1"]


@pytest.mark.parametrize("tenant", ["", "nobody", "x' OR '1'='1", "x' OR tenant = 'rival' --", 'clinic"', "%"])
def test_no_name_of_a_tenant_widens_the_search(index: Index, tenant: str):
    assert ids(index, "rosacea", 50, tenant=tenant) == []


def test_document_class_narrows_the_search(index: Index):
    assert ids(index, "rosacea", 50, document_class="memo") == ["memo-1"]
    assert "memo-1" not in ids(index, "rosacea", 50, document_class="list")
    assert "memo-1" in ids(index, "rosacea", 50)


def test_question_finds_the_same_alone_and_in_a_batch(index: Index):
    queries = ["ringing in the ear", "rosacea", "H25.1?", "a much longer question about lens opacity in old age"] * 2
    assert index.search_many(queries, "clinic", 5) == [index.search(query, "clinic", 5) for query in queries]


@pytest.mark.parametrize(
    "query", ["", "  ", "?!", '"unclosed', "AND OR NOT", "(((", "*", "a:b", "ünïcødé 目", "x" * 5000]
)
def test_any_text_may_be_asked(index: Index, query: str):
    assert len(ids(index, query, 3)) == 3


def test_hit_carries_title_and_text(index: Index):
    hit = index.search("H10.82", "clinic", 1)[0]
    assert hit.title == "Rosacea conjunctivitis" and "underlying rosacea dermatitis" in hit.text and hit.score > 0


def test_texts_give_every_document_for_checking_quotes(index: Index):
    assert len(index.texts()) == 13 and index.texts()["H93.1"] == "H93.1 Tinnitus."


def test_recall_counts_answerable_questions_with_n_and_interval(index: Index):
    asked = [("H10.82?", ["H10.82"]), ("Tinnitus?", ["H93.1"]), ("rosacea", ["H25.1"]), ("no evidence", [])]
    examples = [
        Example(
            id=str(n),
            group="g",
            task="ask",
            tenant="clinic",
            messages=[Message(role="user", content=text)],
            expected=Expected(evidence=evidence, abstain=not evidence),
            source=Source(file="q.jsonl"),
        )
        for n, (text, evidence) in enumerate(asked)
    ]
    recall = recall_at_k(index, examples, 3)
    assert recall.value == pytest.approx(2 / 3) and recall.n == 3
    assert recall.low is not None and recall.high is not None and 0.2 < recall.low < 2 / 3 < recall.high < 0.95
    assert recall_at_k(index, examples[3:], 3).value is None


def test_index_of_another_encoder_is_refused(index_folder: Path, tmp_path: Path):
    write_json(tmp_path / "index.json", read_json(index_folder / "index.json") | {"encoder_digest": "0" * 64})
    with pytest.raises(UserError, match="built with another all-minilm-l6-v2"):
        open_index(tmp_path).search("x", "clinic", 1)


def test_folder_without_index_says_how_to_build_one(tmp_path: Path):
    with pytest.raises(UserError, match="nichetune run --until index"):
        open_index(tmp_path)


def test_codes_are_one_word_and_plain_words_are_left_alone():
    assert split_words("Code first with H10.1?") == ["code", "first", "with", "h10.1"]
    assert fold_codes("see ISO-9001 and well-known e.g. this") == "see ISO-9001 and well-known e.g. this ISO9001"
    assert fold_codes("see H10 only") == "see H10 only"
