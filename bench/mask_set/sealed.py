"""The sealed part of the generated test: sentences by a hand that never saw the recognisers, values of another maker.

templates_sealed.txt + mimesis -> Cases

Sentences and values stand in no training: of mimesis' names and towns those are left out that Faker has, whose lists
the tagger was trained with.
"""

from __future__ import annotations

import functools
import re
from typing import Any

from faker import Faker
from mimesis import Address, Finance, Person
from mimesis.locales import Locale

from mask_set.generate import FOLDER, Case, CaseMaker, unlabel

_ENGLISH = (Locale.EN, Locale.EN_GB, Locale.EN_AU, Locale.EN_CA)
_OTHERS = (
    *(Locale.DE, Locale.DE_CH, Locale.FR, Locale.ES, Locale.ES_MX, Locale.IT, Locale.NL, Locale.PL, Locale.PT_BR),
    *(Locale.SV, Locale.DA, Locale.FI, Locale.CS, Locale.HU, Locale.TR, Locale.HR, Locale.ET, Locale.NO, Locale.IS),
)
_DRAWS, _ENOUGH = 3000, 100


class SealedMaker(CaseMaker):
    """Fills the sealed sentences; the same seed gives the same cases."""

    def __init__(self, seed: int):
        super().__init__(seed)
        self.makers = {one: _Makers(one, seed) for one in (*_ENGLISH, *_OTHERS)}
        lines = (FOLDER / "templates_sealed.txt").read_text(encoding="utf-8").splitlines()
        self.lines = [tuple(line.split(" | ", 1)) for line in lines if " | " in line]
        self.locale = Locale.EN

    def make(self) -> Case:
        """One sentence's text."""
        self.locale = self.rng.choice(_ENGLISH if self.rng.random() < 0.6 else _OTHERS)
        genre, template = self.rng.choice(self.lines)
        truths: list[Any] = []
        text = self._fill(template.replace("\\n", "\n"), "", truths)
        return self._add_noise(Case(genre, text, tuple(truths)))

    def _first(self) -> str:
        return self._draw("first")

    def _last(self) -> str:
        return self._draw("last")

    def _city(self) -> str:
        return self._draw("city")

    def _draw(self, kind: str) -> str:
        values = self.makers[self.locale].unseen[kind]
        # Where a locale has few that Faker lacks (English surnames: 65), others' stand in every second time.
        if len(values) < _ENOUGH and (not values or self.rng.random() < 0.5):
            values = self.makers[self.rng.choice(_OTHERS)].unseen[kind] or self.makers[Locale.EN].unseen[kind]
        return self.rng.choice(values)

    def _address(self) -> str:
        address = self.makers[self.locale].address
        street, town, code = address.address(), self._city(), address.postal_code()
        unit = self.rng.choice(("", "", "", ", Apt {n}", ", Flat {n}", " #{n}", ", Unit {n}"))
        street += unit.replace("{n}", str(self.rng.randrange(1, 90))) if self.locale in _ENGLISH else ""
        if self.rng.random() < 0.25:
            return str(street)
        if self.locale in (Locale.EN, Locale.EN_AU, Locale.EN_CA):
            state = address.state(abbr=True) if self.rng.random() < 0.8 else address.state()
            return f"{street}, {town}, {state} {code}"
        return f"{street}, {town} {code}" if self.locale == Locale.EN_GB else f"{street}, {code} {town}"

    def _company(self) -> str:
        return str(self.makers[self.locale].finance.company())


class _Makers:
    """mimesis' makers of one locale, and what they make that Faker's lists lack."""

    def __init__(self, locale: Locale, seed: int):
        self.address, self.finance = Address(locale, seed), Finance(locale, seed)
        person = Person(locale, seed)
        makes = {"first": person.first_name, "last": person.last_name, "city": self.address.city}
        self.unseen = {kind: _keep_unseen({str(make()) for _ in range(_DRAWS)}) for kind, make in makes.items()}


def _keep_unseen(values: set[str]) -> list[str]:
    known = _known_names()
    return sorted(one for one in values if one.casefold() not in known and re.fullmatch(r"[^\W\d_][^\d_()/]+", one))


@functools.cache
def _known_names() -> frozenset[str]:
    """All names and towns that Faker has for these locales, case-folded."""
    found: set[str] = set()
    for locale in (
        *("en_US", "en_GB", "en_AU", "en_CA", "de_DE", "de_CH", "fr_FR", "es_ES", "es_MX", "it_IT", "nl_NL", "pl_PL"),
        *("pt_BR", "sv_SE", "da_DK", "fi_FI", "cs_CZ", "hu_HU", "tr_TR", "hr_HR", "et_EE", "no_NO"),
    ):
        for provider in Faker(locale).get_providers():
            for name in ("first_names", "first_names_male", "first_names_female", "last_names", "cities", "city_names"):
                found |= {str(one).casefold() for one in getattr(provider, name, ()) or ()}
    return frozenset(found)


def make_sealed(count: int, seed: int = 31) -> list[Case]:
    """Sealed cases; a national number's label is no part of it."""
    maker = SealedMaker(seed)
    return [unlabel(maker.make()) for _ in range(count)]
