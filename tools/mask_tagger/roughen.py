"""Casing, typos and lost signs, as texts of real life have them."""

from __future__ import annotations

import random
from dataclasses import dataclass

Span = tuple[int, int, str]


@dataclass
class Text:
    """A text and what stands in it."""

    text: str
    spans: list[Span]


def roughen(rng: random.Random, one: Text) -> Text:
    """Casing, typos, lost punctuation and doubled spaces, with the spans kept in place."""
    draw = rng.random()
    if draw < 0.20:
        return Text(one.text.lower(), one.spans) if len(one.text.lower()) == len(one.text) else one
    if draw < 0.30:
        return Text(one.text.upper(), one.spans) if len(one.text.upper()) == len(one.text) else one
    if draw < 0.34:
        return _case_names(rng, one)
    return _mistype(rng, one) if draw < 0.48 else one


def _case_names(rng: random.Random, one: Text) -> Text:
    text = one.text
    for start, end, kind in one.spans:
        if kind in ("PERSON", "ADDRESS"):
            value = text[start:end]
            changed = value.upper() if rng.random() < 0.5 else value.lower()
            if len(changed) == len(value):
                text = text[:start] + changed + text[end:]
    return Text(text, one.spans)


def _mistype(rng: random.Random, one: Text) -> Text:
    signs, text = [], one.text
    move: list[int] = []  # the new offset of each old sign
    rate = rng.choice((0.01, 0.03))
    for sign in text:
        move.append(len(signs))
        draw = rng.random()
        if draw < rate and sign.isalpha():
            signs += rng.choice(([], [sign, sign], [rng.choice("aeiorstln")]))
        elif draw < 2 * rate and sign in ",.":
            continue
        elif draw < 2 * rate and sign == " ":
            signs += [" ", " "]
        else:
            signs.append(sign)
    move.append(len(signs))
    return Text("".join(signs), [(move[a], move[b], kind) for a, b, kind in one.spans if move[b] > move[a]])
