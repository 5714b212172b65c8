"""Build-side values: names, streets, towns and companies that the tagger's training text is filled with.

Faker's locales (MIT) + words.txt -> Values, from which every name of the test side has been taken out

    Values.given["de_DE"] -> ["Annegret", ...]
"""

from __future__ import annotations

import contextlib
import random
from dataclasses import dataclass
from pathlib import Path

from faker import Faker


def read_words_file() -> dict[str, list[str]]:
    """The lists of words.txt by name."""
    lists: dict[str, list[str]] = {}
    words: list[str] = []
    for line in (Path(__file__).parent / "words.txt").read_text(encoding="utf-8").splitlines():
        if line.startswith("== "):
            words = lists.setdefault(line[3:], [])
        elif not line.startswith("#"):
            words += line.split("|")
    return lists


WORDS = read_words_file()
LOCALES = WORDS["locales"]  # as often as they are drawn


@dataclass(frozen=True)
class Values:
    """Build-side values by locale."""

    given: dict[str, list[str]]
    last: dict[str, list[str]]
    cities: dict[str, list[str]]
    streets: dict[str, list[str]]
    street_words: list[str]
    org_words: list[str]


def load_values(held_out: frozenset[str], seed: int = 5, each: int = 700) -> Values:
    """Draws each locale's values once; no word of `held_out` (case-folded) is among them."""
    given, last, cities, streets = {}, {}, {}, {}
    for locale in sorted(set(LOCALES) - {"own"}):
        faker = Faker(locale)
        faker.seed_instance(seed)
        given[locale] = _draw(faker, "first_name", each, held_out)
        last[locale] = _draw(faker, "last_name", each, held_out)
        cities[locale] = _draw(faker, "city", each // 3, held_out)
        streets[locale] = _draw(faker, "street_address", each // 2, held_out)
    given["own"], last["own"] = _keep(WORDS["own_given"], held_out), _keep(WORDS["own_last"], held_out)
    cities["own"] = _keep(WORDS["city_own"], held_out)
    own = (_keep(WORDS[name], held_out) for name in ("street_words", "org_words"))
    return Values(given, last, cities, streets, *own)


def _draw(faker: Faker, what: str, count: int, held_out: frozenset[str]) -> list[str]:
    found: set[str] = set()
    with contextlib.suppress(AttributeError):
        found = {str(getattr(faker, what)()).replace("\n", ", ") for _ in range(count)}
    return _keep(sorted(found), held_out)


def _keep(values: list[str], held_out: frozenset[str]) -> list[str]:
    latin = [
        one
        for one in values
        if one and all(ord(sign) < 0x250 or sign in "’ẤấạảắằếềểễệỉịọỏốồổộớờởợụủứừửữựỳỵỷỹĐđ" for sign in one)
    ]
    return [
        one
        for one in latin
        if not {part.casefold() for part in one.replace("-", " ").replace(",", " ").split()} & held_out
    ]


def shuffle(values: list[str], seed: int) -> list[str]:
    """The values in another, fixed order."""
    return random.Random(seed).sample(values, len(values))
