"""Copies go, twins stay, contradictions are put aside, and near-duplicates share a group."""

from __future__ import annotations

from itertools import product
from random import Random

import pytest
from corpus_tools import make_example, make_settings, read_lines

from nichetune.core.errors import UserError
from nichetune.core.files import write_jsonl
from nichetune.core.settings import DedupeSettings
from nichetune.corpus import dedupe
from nichetune.corpus.minhash import detection_probability
from nichetune.corpus.neighbours import find_neighbours
from nichetune.corpus.normal import normalise_text
from nichetune.corpus.shingles import jaccard, shingle
from nichetune.corpus.subjects import Subject

LONG = (
    "The patient was seen this morning for a central corneal opacity of the {} eye and is to come back in two weeks, "
    "with drops twice daily until then and a photograph taken at the next visit."
)


def dedupe_examples(folder, examples, **sections):
    write_jsonl(folder / "format" / "examples.jsonl", examples)
    out = folder / "dedupe"
    report = dedupe.run(make_settings(**sections), {"format": folder / "format"}, out)
    return {name: read_lines(out / f"{name}.jsonl") for name in ("examples", "dropped", "contradictions")}, report


def side(which):
    return {"finding": "Pinguecula", "side": which, "hint": ""}


def ids(records):
    return [one["id"] for one in records]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Pinguecula, OD.", "pinguecula  OD"),
        ("Pt: [PERSON_1]. Pinguecula.", "Pt: [PERSON_3]; Pinguecula!"),
        ("Ménière’s disease", "Ménière's disease"),
        ("the cyst - left", "The cyst, left"),
    ],
)
def test_case_space_punctuation_and_placeholder_numbers_mean_nothing(one, other):
    assert normalise_text(one) == normalise_text(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [("sphere -2.50", "sphere +2.50"), ("Rh- blood", "Rh+ blood"), ("5.5 mm", "55 mm"), ("< 21", "> 21"),
     ("Pt: [PERSON_1]", "Pt: [ADDRESS_1]"), ("cyst, OD", "cyst, OS")],
)  # fmt: skip
def test_signs_that_change_a_value_make_another_text(one, other):
    assert normalise_text(one) != normalise_text(other)


def test_the_first_of_exact_copies_stays_and_the_others_name_it(tmp_path):
    examples = [make_example("a", "Pinguecula, OD."), make_example("b", "PINGUECULA OD"), make_example("c", "Other.")]
    found, report = dedupe_examples(tmp_path, examples)
    assert ids(found["examples"]) == ["a", "c"]
    [dropped] = found["dropped"]
    assert (dropped["id"], dropped["reason"], dropped["because_of"]) == ("b", "exact duplicate", "a")
    assert report.counts["in"] == report.counts["out"] + sum(report.dropped.values())


def test_one_input_with_two_answers_is_put_aside_with_all_its_copies(tmp_path):
    examples = [
        make_example("a", "Pinguecula, OD.", fields=side("right")),
        make_example("b", "Pinguecula OD", fields=side("left")),
        make_example("c", "pinguecula od!", fields=side("right")),
        make_example("d", "Other.", fields=side("left")),
    ]
    found, report = dedupe_examples(tmp_path, examples)
    assert ids(found["examples"]) == ["d"]
    assert [(one["id"], one["because_of"]) for one in found["contradictions"]] == [("a", "b"), ("b", "a"), ("c", "b")]
    assert report.counts["contradictions"] == 3


def test_two_tenants_may_answer_one_question_differently(tmp_path):
    one = make_example("a", "May I park here?", task="explain", answer="Yes.")
    other = make_example("b", "May I park here?", task="explain", answer="No.").model_copy(update={"tenant": "rival"})
    found, _ = dedupe_examples(tmp_path, [one, other])
    assert ids(found["examples"]) == ["a", "b"]


def test_twins_with_different_answers_are_kept_in_one_group(tmp_path):
    examples = [
        make_example("a", LONG.format("right"), fields=side("right")),
        make_example("b", LONG.format("left"), fields=side("left")),
        make_example("c", "Something else altogether.", fields=side("left")),
    ]
    found, report = dedupe_examples(tmp_path, examples)
    assert [(one["id"], one["group"]) for one in found["examples"]] == [("a", "a"), ("b", "a"), ("c", "c")]
    assert report.counts["joined_groups"] == 1
    assert not report.dropped


def test_near_copies_with_the_same_answer_go_and_numbers_do_not_save_them(tmp_path):
    examples = [
        make_example("a", LONG.format("right") + " Room 12."),
        make_example("b", LONG.format("right") + " Room 7."),
        make_example("c", "Hello. " + LONG.format("right") + " Room 12."),
    ]
    found, report = dedupe_examples(tmp_path, examples)
    assert ids(found["examples"]) == ["a"]
    assert report.dropped == {"near duplicate": 2}


def test_all_examples_of_joined_groups_get_one_name(tmp_path):
    examples = [
        make_example("a", LONG.format("right"), group="g1", fields=side("right")),
        make_example("b", LONG.format("left"), group="g2", fields=side("left")),
        make_example("c", "Another note of the second group.", group="g2"),
        make_example("d", "A note of a third group, far from all.", group="g3"),
    ]
    found, _ = dedupe_examples(tmp_path, examples)
    assert [one["group"] for one in found["examples"]] == ["g1", "g1", "g1", "g3"]


def test_a_giant_joined_group_stops_the_run_and_names_the_linking_texts(tmp_path):
    words = ["".join(letters) for letters in product("abc", repeat=4)]
    chain = [" ".join([*words[:n], "x" * (n + 1), *words[n + 1 :]]) for n in range(12)]
    examples = [
        make_example(f"c{n}", text, fields={"finding": f"finding {n}", "side": "left", "hint": ""})
        for n, text in enumerate(chain)
    ]
    with pytest.raises(UserError, match=r"12 groups into one with 12 of the 12 .*linked by: c\d+ ~ c\d+") as caught:
        dedupe_examples(tmp_path, examples)
    assert "aaab" not in str(caught.value)


def test_no_near_pair_is_missed_and_none_is_false():
    random, vocabulary = Random(5), [f"word{n}" for n in range(400)]
    texts = []
    for _ in range(60):
        words = random.choices(vocabulary, k=40)
        texts.append(" ".join(words))
        for changes in (1, 2, 4, 8):
            copy = list(words)
            for at in random.sample(range(40), changes):
                copy[at] = random.choice(vocabulary)
            texts.append(" ".join(copy))
    settings = DedupeSettings()
    shingles = [shingle(text, settings.ngram_words) for text in texts]
    truth = {
        (a, b)
        for a in range(len(texts))
        for b in range(a + 1, len(texts))
        if jaccard(shingles[a], shingles[b]) >= settings.threshold
    }
    assert len(truth) > 50
    found = find_neighbours([Subject(text, text) for text in texts], settings, 7)
    assert {(pair.a, pair.b) for pair in found.pairs} == truth


def test_the_detection_probability_is_what_the_settings_say():
    assert detection_probability(0.8, DedupeSettings()) == pytest.approx(1 - (1 - 0.8**4) ** 32)
    assert detection_probability(0.8, DedupeSettings()) > 0.9999
