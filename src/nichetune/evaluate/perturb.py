"""The same question, written otherwise: what a person would still answer alike.

    typos       "Lattice corneal dystrophy, OD"  ->  "Lattcie corneal dystrophy, OD"
    lower       … in small letters               upper        … in capitals
    paraphrase  "Pt w/ glaucoma"  ->  "Please look at this: patient with glaucoma"
    order       lines such as "side: left" change places; in prompts that list a form's keys, so do these

Codes, numbers and the placeholders of masking stay as they are. The same item, kind and seed give the same text.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable
from typing import Literal, get_args

from nichetune.core.records import Example

Perturbation = Literal["typos", "lower", "upper", "paraphrase", "order"]
PERTURBATIONS: tuple[Perturbation, ...] = get_args(Perturbation)
_KEPT = re.compile(r"\[[A-Z][A-Z_]*_\d+\]|\S*\d\S*")  # placeholders; whatever holds a digit
_TYPED = re.compile(r"[^\W\d_]{5,}")
_EVERY = 8  # words of five letters or more to a typo: about one in fifty letters, as people type
_FIELD_LINE = re.compile(r"^\s*[\w -]{1,40}:\s*\S")
_SAID_OTHERWISE = (
    (r"\bw/o\b", "without"), (r"\bw/", "with "), (r"&", " and "), (r"\bpt\b", "patient"), (r"\bhx\b", "history"),
    (r"\be\.g\.", "for example"), (r"\bi\.e\.", "that is"), (r"\bdoesn't\b", "does not"), (r"\bcan't\b", "cannot"),
    (r"\bwon't\b", "will not"), (r"\bisn't\b", "is not"), (r"\bdon't\b", "do not"), (r"\bapprox\.", "about"),
    (r"\bWhich\b", "What"), (r"\bshow(s|ed)?\b", r"display\1"), (r"\bbig\b", "large"), (r"\bneeds\b", "requires"),
)  # fmt: skip
_FRAMES = ("Please look at this: {}", "Here is the text. {}", "{} Thank you.", "Kindly see to the following: {}")


def perturb_item(item: Example, kind: Perturbation, seed: int) -> Example | None:
    """The item with its question written otherwise; None where that changes nothing."""
    rng = random.Random(f"{kind} {seed} {item.id}")
    text = _WAYS[kind](item.prompt, rng)
    if text == item.prompt:
        return None
    last = max(n for n, one in enumerate(item.messages) if one.role == "user")
    turns = [one.model_copy(update={"content": text}) if n == last else one for n, one in enumerate(item.messages)]
    return item.model_copy(update={"messages": turns})


def _mistype(text: str, rng: random.Random) -> str:
    kept = [match.span() for match in _KEPT.finditer(text)]
    words = [m for m in _TYPED.finditer(text) if not any(a <= m.start() < b for a, b in kept)]
    chosen = rng.sample(words, max(1, len(words) // _EVERY)) if words else []
    for match in sorted(chosen, key=lambda m: -m.start()):
        text = text[: match.start()] + _mistype_word(match.group(), rng) + text[match.end() :]
    return text


def _mistype_word(word: str, rng: random.Random) -> str:
    """Swaps, drops or doubles a letter inside the word, the most common slips (Damerau 1964)."""
    at = rng.randrange(1, len(word) - 1)
    slips = (word[:at] + word[at + 1] + word[at] + word[at + 2 :], word[:at] + word[at + 1 :],
             word[: at + 1] + word[at:])  # fmt: skip
    return rng.choice([slip for slip in slips if slip != word])


def _recase(change: Callable[[str], str]) -> Callable[[str, random.Random], str]:
    def recase(text: str, rng: random.Random) -> str:
        parts, at = [], 0
        for match in _KEPT.finditer(text):
            parts += [change(text[at : match.start()]), match.group()]
            at = match.end()
        return "".join([*parts, change(text[at:])])

    return recase


def _paraphrase(text: str, rng: random.Random) -> str:
    for pattern, instead in _SAID_OTHERWISE:
        text = re.sub(pattern, instead, text, flags=re.IGNORECASE if pattern.islower() else 0)
    return rng.choice(_FRAMES).format(re.sub(r" {2,}", " ", text))


def _reorder(text: str, rng: random.Random) -> str:
    """Only lines that name what they hold may change places; sentences tell a story in their order."""
    lines = text.split("\n")
    places = [n for n, line in enumerate(lines) if _FIELD_LINE.match(line)]
    if len(places) < 2:
        return text
    shuffled = [lines[n] for n in places]
    while len(set(shuffled)) > 1 and shuffled == [lines[n] for n in places]:
        rng.shuffle(shuffled)
    for n, line in zip(places, shuffled, strict=True):
        lines[n] = line
    return "\n".join(lines)


_WAYS: dict[Perturbation, Callable[[str, random.Random], str]] = {
    "typos": _mistype,
    "lower": _recase(str.lower),
    "upper": _recase(str.upper),
    "paraphrase": _paraphrase,
    "order": _reorder,
}
