"""Texts as numbers say what texts say: the same words, the same shingles, and every pair at the threshold."""

from __future__ import annotations

import re
import unicodedata
from itertools import combinations
from random import Random

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from nichetune.core.settings import DedupeSettings
from nichetune.corpus import normal
from nichetune.corpus.minhash import cut_into_bands, pair_up
from nichetune.corpus.normal import fold_text, loosen_folded, loosen_text, normalise_text
from nichetune.corpus.prefixes import propose_pairs
from nichetune.corpus.shingles import cut_shingles, jaccard, shingle
from nichetune.corpus.words import digest_rows, hash_words

WORDS = st.sampled_from(["a", "of", "eye", "cornea", "opacities", "ophthalmologist", "é", "0", "-2.50", "naïvetés"])
TEXTS = st.lists(WORDS, max_size=14).map(" ".join)
ODD = st.text("aZ09 .,:/%+-<>'’[]_()½ªéßİ\u0301\u00a0\u3000\t\n·\ud800ＡＢ１ﬁ", max_size=30)


def number(texts):
    return hash_words([text.encode("utf-8", "surrogatepass") for text in texts])


@given(ODD | st.text(max_size=30))
@example("Pt: [PERSON_1]; Rh- (a)-5 5mm 1/2 don’t İ A\u0301 \u0301")
def test_a_text_folds_as_one_as_it_folds_between_its_blanks(text):
    plain = unicodedata.normalize("NFKC", text)
    plain = re.sub(r"\[([A-Z][A-Z_]*)_\d+\]", lambda match: f" {match.group(1).lower()} ", plain)
    assert normalise_text(text) == " ".join(
        token.casefold().replace("’", "'") for token in normal._TOKEN.findall(plain)
    )
    assert loosen_folded(fold_text(text)).decode("utf-8", "surrogatepass").split() == loosen_text(text).split()


@given(st.lists(TEXTS, min_size=1, max_size=8))
def test_words_and_texts_share_a_number_only_if_they_are_the_same(texts):
    words = number(texts)
    assert words.sizes.tolist() == [len(text.split()) for text in texts]
    spelled = [word for text in texts for word in text.split()]
    assert len(set(words.values.tolist())) == len(set(spelled)) == len(set(zip(spelled, words.values, strict=True)))
    assert len(set(digest_rows(words).tolist())) == len(set(texts))


@given(st.lists(TEXTS, min_size=1, max_size=8), st.integers(1, 4))
def test_numbered_shingles_are_those_of_the_text(texts, run):
    cut = cut_shingles(number(texts), run)
    rows = [set(cut.slice(n, n + 1).values.tolist()) for n in range(len(texts))]
    for (one, text), (other, second) in combinations(zip(rows, texts, strict=True), 2):
        assert len(one) == len(shingle(text, run))
        assert len(one & other) == len(shingle(text, run) & shingle(second, run))


@pytest.mark.parametrize("threshold", [0.5, 0.8, 1.0])
@given(draw=st.randoms(use_true_random=False))
def test_no_pair_at_the_threshold_is_left_out_of_those_proposed(threshold, draw: Random):
    words = [f"w{n}" for n in range(30)]
    texts = [draw.choices(words, k=draw.randint(0, 25)) for _ in range(8)]
    for _ in range(12):
        text = list(draw.choice(texts))
        for _ in range(min(len(text), draw.randint(0, 3))):
            text[draw.randrange(len(text))] = draw.choice(words)
        texts.append(text)
    cut = cut_shingles(number([" ".join(text) for text in texts]), 3)
    sets = [frozenset(cut.slice(n, n + 1).values.tolist()) for n in range(len(texts))]
    wanted = {(a, b) for a, b in combinations(range(len(sets)), 2) if jaccard(sets[a], sets[b]) >= threshold}
    assert wanted <= set(map(tuple, propose_pairs(cut, threshold).tolist()))


def test_rare_words_keep_templated_letters_from_being_compared():
    draw = Random(2)
    body = [f"body{n}" for n in range(40)]
    own = [[f"own{draw.randrange(10**9)}" for _ in range(8)] for _ in range(50)]
    letters = [" ".join([*body[:20], *some[:4], *body[20:], *some[4:]]) for some in own]
    assert len(propose_pairs(cut_shingles(number(letters), 3), 0.8)) < 50  # of 1,225


@given(st.lists(st.integers(0, 3), max_size=300))
def test_all_of_a_small_bucket_and_the_near_ones_of_a_large_one_are_paired(keys):
    rows = np.random.default_rng(1).permutation(len(keys))
    found = pair_up(rows, np.array(keys, np.uint64), np.full(len(keys), 10), 0.8)
    wanted = set()
    for key in set(keys):
        bucket = sorted(rows[np.array(keys) == key].tolist())
        for n, row in enumerate(bucket):
            near = range(n) if len(bucket) <= 64 else {*range(min(32, n)), *range(max(0, n - 32), n)}
            wanted.update((bucket[other], row) for other in near)
    assert len(found) == len(wanted) and set(map(tuple, found.tolist())) == wanted


def test_bands_agree_as_often_as_similarity_says():
    draw, words = Random(4), [f"w{n}" for n in range(5_000)]
    texts = []
    for _ in range(400):
        text = draw.choices(words, k=60)
        other = list(text)
        other[10:15] = draw.choices(words, k=5)
        texts += [" ".join(text), " ".join(other)]
    cut = cut_shingles(number(texts), 3)
    bands = cut_into_bands(cut, DedupeSettings(), 7)
    similarity = np.mean([jaccard(shingle(a, 3), shingle(b, 3)) for a, b in zip(texts[::2], texts[1::2], strict=True)])
    agree = (bands[:, ::2] == bands[:, 1::2]).mean()
    assert agree == pytest.approx(similarity**4, abs=0.02)
    assert len(np.unique(bands[0])) > 600  # others do not agree
