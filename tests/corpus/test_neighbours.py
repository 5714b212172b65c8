"""Which texts count as nearly the same: short ones, templates, big clusters, and the one that stays."""

from __future__ import annotations

from random import Random

import pytest
from corpus_tools import make_example, make_settings
from hypothesis import given, settings
from hypothesis import strategies as st

from nichetune.core.records import Example, Source
from nichetune.core.settings import DedupeSettings
from nichetune.corpus.cleaning import clean_examples
from nichetune.corpus.neighbours import find_neighbours
from nichetune.corpus.normal import loosen_text, normalise_text
from nichetune.corpus.shingles import jaccard, shingle
from nichetune.corpus.subjects import Subject

LETTER = (
    "Dear customer thank you for your letter about {own} which we have passed on to the office that looks after such "
    "matters and you will hear from us again as soon as there is an answer to your question so please be patient"
)


def subjects(texts, file="notes.jsonl"):
    return [Subject(loosen_text(text), normalise_text(text), file, str(n)) for n, text in enumerate(texts)]


def find(texts, **rules):
    found = find_neighbours(subjects(texts), DedupeSettings(**rules), 7)
    return {(pair.a, pair.b) for pair in found.pairs}


def make_letters(count, own=1):
    """Letters of one template: each says something of its own in a few words."""
    draw = Random(3)
    words = [["".join(draw.choices("bcdfgklmnprst", k=7)) for _ in range(own)] for _ in range(count)]
    return [LETTER.format(own=" ".join(one)) for one in words]


def free(name, text, **more):
    return make_example(name, text, task="explain", answer="Yes.").model_copy(update=more)


@pytest.mark.parametrize(
    ("one", "other", "alike"),
    [
        ("eye lid cyst", "eyelid cyst", True),
        ("cyst, left", "left cyst", True),
        ("valve 12 stuck", "valve 13 stuck", False),
        ("greek letter pi", "greek letter phi", False),
        ("blocked pump", "blocked valve", False),
    ],
)
def test_short_texts_are_alike_by_their_words_or_letters_and_numbers_count(one, other, alike):
    assert find([one, other]) == ({(0, 1)} if alike else set())


def test_a_templated_source_keeps_every_record_and_joins_none():
    letters = make_letters(200)
    plain = find(letters, boilerplate_share=1.0)
    assert len({b for _, b in plain}) > 150  # by all of their words nearly all would go
    done = clean_examples([free(f"l{n}", text) for n, text in enumerate(letters)], make_settings())
    assert len(done.kept) == 200 and done.joined_groups == 0 and done.template_shingles > 20


def test_a_templated_source_in_a_folder_of_one_text_a_file_keeps_every_record():
    letters = [free(f"l{n}", text, source=Source(file=f"letters/{n}.txt")) for n, text in enumerate(make_letters(100))]
    assert len(clean_examples(letters, make_settings()).kept) == 100


def test_lines_that_are_all_template_but_for_their_numbers_are_kept_apart():
    log = [f"The pressure at the inlet of pump {n} was {n * 7 % 97} bar when the shift began" for n in range(60)]
    assert len(clean_examples([free(f"p{n}", text) for n, text in enumerate(log)], make_settings()).kept) == 60


def test_a_copy_inside_a_templated_source_is_still_found():
    letters = make_letters(100, own=8)
    copy = letters[40] + " Regards!"
    done = clean_examples([free(f"l{n}", text) for n, text in enumerate([*letters, copy])], make_settings())
    assert [(one.id, one.because_of) for one in done.dropped] == [("l100", "l40")]


def test_no_copy_is_below_the_threshold_to_the_text_that_stays_for_it():
    words = [f"w{letter}{other}" for letter in "abcdefgh" for other in "abcdefgh"]
    chain = [" ".join([*(f"x{k}y" for k in range(n)), *words[n:]]) for n in range(30)]
    chain = [text.translate(str.maketrans("0123456789", "klmnopqrst")) for text in chain]
    done = clean_examples([free(f"c{n:02}", text) for n, text in enumerate(chain)],
                          make_settings(dedupe={"max_group_share": 1.0}))  # fmt: skip
    text = {f"c{n:02}": shingle(one, 3) for n, one in enumerate(chain)}
    assert len(done.kept) > 3
    assert done.dropped and all(jaccard(text[one.id], text[one.because_of]) >= 0.8 for one in done.dropped)
    assert all(copy.similarity >= 0.8 for cluster in done.clusters for copy in cluster.copies)


@pytest.mark.parametrize(
    ("keep", "stays", "why"),
    [("central", "a", "with most copies"), ("first", "a", "read first"), ("longest", "b", "that is longest"),
     ("newest", "c", "that is newest"), ("trusted", "d", "from the most trusted source")],
)  # fmt: skip
def test_the_setting_says_which_copy_stays_and_the_cluster_says_why(keep, stays, why):
    note = "The pump at the north gate was stopped after the alarm and started again when the filter was clean"
    files = {"a": "notes.csv", "b": "notes.csv", "c": "notes.csv", "d": "manual/best.csv"}
    texts = {"a": note, "b": note + " again today", "c": note.upper(), "d": note}
    dates = {"a": "2025-01-01", "b": None, "c": "2026-01-01", "d": "2025-02-01"}
    corpus = [free(name, text, valid_from=dates[name], source=Source(file=files[name])) for name, text in texts.items()]
    done = clean_examples(corpus, make_settings(dedupe={"keep": keep, "trusted": ["manual/*"]}))
    assert [one.id for one in done.kept] == [stays]
    [cluster] = done.clusters
    assert (cluster.kept, cluster.why) == (stays, why)
    assert {copy.id for copy in cluster.copies} == set("abcd") - {stays}


def test_a_text_stays_before_its_copies_wherever_it_stands():
    words = [f"w{letter}{other}" for letter in "abcde" for other in "abcdefgh"]
    one, other = ["x", "y", *words[2:]], [*words[:-2], "z", "q"]
    corpus = [free(name, " ".join(text)) for name, text in (("one", one), ("text", words), ("other", other))]
    done = clean_examples(corpus, make_settings(dedupe={"threshold": 0.9}))
    assert [(gone.id, gone.because_of) for gone in done.dropped] == [("one", "text"), ("other", "text")]
    assert len(clean_examples(corpus, make_settings(dedupe={"threshold": 0.9, "keep": "first"})).kept) == 2


def test_twins_are_listed_for_a_look_and_none_is_dropped():
    note = "The patient was seen today for an opacity of the {} eye and is to come back within two weeks from now on"
    corpus = [
        make_example(side, note.format(side), fields={"finding": "Opacity", "side": side, "hint": ""})
        for side in ("right", "left")
    ]
    done = clean_examples(corpus, make_settings(dedupe={"threshold": 0.6}))
    assert len(done.kept) == 2
    [look] = done.lookalikes
    assert (look.a, look.b, look.how, look.same_answer) == ("right", "left", "near", False)


@settings(max_examples=25, deadline=None)
@given(st.lists(st.lists(st.sampled_from("abcdefghij"), min_size=1, max_size=9).map(" ".join), max_size=12))
def test_whatever_goes_has_a_kept_text_and_nothing_goes_twice(texts: list[str]):
    corpus = [free(f"t{n}", text) for n, text in enumerate(texts)]
    done = clean_examples(corpus, make_settings(dedupe={"max_group_share": 1.0}))
    kept, gone = [one.id for one in done.kept], [one.id for one in done.dropped]
    assert sorted(kept + gone) == sorted(one.id for one in corpus)
    assert {cluster.kept for cluster in done.clusters} <= set(kept)
    assert sorted(copy.id for cluster in done.clusters for copy in cluster.copies) == sorted(gone)


@settings(max_examples=10, deadline=None)
@given(st.randoms(use_true_random=False))
def test_the_order_of_the_corpus_does_not_change_what_is_alike(draw: Random):
    texts = [*make_letters(3), "a b c d e f g h", "a b c d e f g h i", "x y"]
    order = list(range(len(texts)))
    draw.shuffle(order)
    pairs = find([texts[n] for n in order])
    assert {tuple(sorted((order[a], order[b]))) for a, b in pairs} == find(texts)


def test_meaning_is_found_by_the_encoder_and_listed_grouped_or_dropped(load_toy_encoder):
    corpus = [free("a", "The invoice is wrong"), free("b", "There is a mistake in my bill"), free("c", "Hello there")]
    kept, groups = {}, {}
    for mode in ("list", "group", "drop"):
        done = clean_examples(corpus, make_settings(dedupe={"semantic": mode}), load_toy_encoder)
        kept[mode] = [one.id for one in done.kept]
        groups[mode] = len({one.group for one in done.kept})
        assert (done.meant_texts, done.meant_pairs) == (3, 1)
    assert kept == {"list": ["a", "b", "c"], "group": ["a", "b", "c"], "drop": ["a", "c"]}
    assert groups == {"list": 3, "group": 2, "drop": 2}


def test_too_many_texts_are_not_compared_by_meaning_and_the_record_says_so(load_toy_encoder):
    corpus = [free("a", "The invoice is wrong"), free("b", "There is a mistake in my bill")]
    done = clean_examples(corpus, make_settings(dedupe={"semantic": "list", "semantic_limit": 1}), load_toy_encoder)
    assert done.meant_texts == 0 and len(done.kept) == 2


@pytest.fixture
def load_toy_encoder():
    """An encoder that knows two topics."""
    import numpy as np

    def encode(texts: list[str]) -> np.ndarray:
        topics = [any(word in text for word in ("invoice", "bill")) for text in texts]
        return np.array([[1.0, 0.0] if topic else [0.0, 1.0] for topic in topics], dtype=np.float32)

    return encode


def test_records_keep_their_order_whichever_copy_stays():
    texts = ["b b b b b b", "a a a a a a a", "c c c c c c"]
    corpus: list[Example] = [free(f"t{n}", text) for n, text in enumerate(texts)]
    done = clean_examples(corpus, make_settings(dedupe={"keep": "longest"}, quality={"max_repeated": 1.0}))
    assert [one.id for one in done.kept] == ["t0", "t1", "t2"]
