"""Rankings, against figures worked out by hand."""

from __future__ import annotations

import math

import pytest

from nichetune.evaluate.ranking import ndcg, recall_at, reciprocal_rank

RANKED = ["b", "a", "d", "c"]


def test_recall_counts_what_was_never_found():
    assert [recall_at(RANKED, {"a", "c", "z"}, k) for k in (1, 2, 4)] == pytest.approx([0, 1 / 3, 2 / 3])


def test_reciprocal_rank_is_one_over_the_first_hit():
    assert [reciprocal_rank(RANKED, relevant) for relevant in ({"b"}, {"d", "c"}, {"z"})] == [1, 1 / 3, 0]


def test_ndcg_discounts_by_place_and_knows_the_best_order():
    assert ndcg(RANKED, {"b"}, 4) == 1
    assert ndcg(RANKED, {"a", "c"}, 4) == pytest.approx((1 / math.log2(3) + 1 / math.log2(5)) / (1 + 1 / math.log2(3)))
    assert ndcg(RANKED, {"a", "c"}, 1) == 0
    assert ndcg(["a", "a"], {"a"}, 2) == 1  # a passage that comes twice gains once
