"""The sentence encoder: unit vectors that depend on a text alone, close where meanings are close."""

from __future__ import annotations

import numpy as np
import pytest

from nichetune.models.encoder import Encoder, load_encoder


@pytest.fixture(scope="module")
def encoder() -> Encoder:
    return load_encoder("all-minilm-l6-v2")


TEXTS = ["A cat sits on the mat.", "A feline rests on a rug.", "Quarterly tax filings are due.", "", "x " * 600]


def test_vectors_are_float32_of_length_one(encoder: Encoder):
    vectors = encoder.encode(TEXTS)
    assert vectors.shape == (5, 384) and vectors.dtype == np.float32
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)


def test_close_meanings_lie_closer_than_far_ones(encoder: Encoder):
    cat, feline, tax = encoder.encode(TEXTS[:3])
    assert cat @ feline > 0.5 > 0.2 > cat @ tax


def test_padding_beside_longer_texts_does_not_pull_a_vector(encoder: Encoder):
    alone, together = encoder.encode(TEXTS[:1]), encoder.encode(TEXTS, batch_size=8)
    assert np.allclose(alone[0], together[0], atol=1e-5)


def test_vectors_come_back_in_the_order_of_the_texts(encoder: Encoder):
    texts = [f"note {'on the eye ' * (n % 7)}{n}" for n in range(40)]
    shuffled = np.random.default_rng(0).permutation(40)
    straight, mixed = encoder.encode(texts, batch_size=4), encoder.encode([texts[n] for n in shuffled], batch_size=4)
    assert np.allclose(straight[shuffled], mixed, atol=1e-5)


def test_the_same_texts_give_the_same_bits(encoder: Encoder):
    assert np.array_equal(encoder.encode(TEXTS), encoder.encode(TEXTS))


def test_texts_over_the_window_are_counted(encoder: Encoder):
    assert encoder.count_overlong(TEXTS) == 1
    assert encoder.count_overlong([]) == 0


def test_encoding_leaves_torchs_threads_to_training(encoder: Encoder):
    import torch

    before = torch.get_num_threads()
    encoder.encode(TEXTS)
    assert torch.get_num_threads() == before


def test_nothing_to_encode_gives_no_rows(encoder: Encoder):
    assert encoder.encode([]).shape == (0, 384)
