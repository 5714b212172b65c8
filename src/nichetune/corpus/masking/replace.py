"""What stands in a masked value's place: a placeholder, a keyed hash, a surrogate, something wider, or nothing.

    Replacer(policy, key).replace("PERSON", "Maria Keller", "[PERSON_1]")  ->  "Lena Brandt"   (surrogate)

A surrogate is made word by word, so that "Ms Keller" and "Maria Keller" stay one person. With `record` consistency
the same value gets another stand-in in every record; with `corpus` it keeps one in all of them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from nichetune.corpus.masking.keys import derive
from nichetune.corpus.masking.policy import Action, Policy

_GIVEN = [
    "Ada",
    "Alma",
    "Anton",
    "Arlo",
    "Astrid",
    "Bea",
    "Bruno",
    "Cara",
    "Clara",
    "Cosmo",
    "Dana",
    "Dario",
    "Edda",
    "Elio",
    "Elsie",
    "Emil",
    "Enya",
    "Ezra",
    "Fay",
    "Felix",
    "Flora",
    "Gus",
    "Hanna",
    "Hugo",
    "Ida",
    "Ines",
    "Ivo",
    "Jana",
    "Jonas",
    "Juno",
    "Kai",
    "Kira",
    "Lars",
    "Lena",
    "Leo",
    "Lina",
    "Lou",
    "Luca",
    "Mara",
    "Mina",
    "Milo",
    "Nell",
    "Nico",
    "Nora",
    "Odin",
    "Olga",
    "Oona",
    "Orin",
    "Pia",
    "Remy",
    "Rhea",
    "Romy",
    "Runa",
    "Sami",
    "Silas",
    "Tess",
    "Theo",
    "Tilda",
    "Una",
    "Vera",
    "Viggo",
    "Wanda",
    "Yara",
    "Zeno",
]
_LAST = [
    "Abel",
    "Ackers",
    "Amund",
    "Arden",
    "Barlow",
    "Beck",
    "Brandt",
    "Brook",
    "Calder",
    "Carver",
    "Corbin",
    "Dahl",
    "Darrow",
    "Denham",
    "Eastman",
    "Ekberg",
    "Elmore",
    "Fenn",
    "Fisk",
    "Garland",
    "Gilmar",
    "Hale",
    "Hartwell",
    "Holm",
    "Ingram",
    "Jarvis",
    "Keene",
    "Kirby",
    "Lang",
    "Lindow",
    "Lorne",
    "Maddox",
    "Marlow",
    "Merrit",
    "Nash",
    "Norwood",
    "Oakes",
    "Orme",
    "Paxton",
    "Penrose",
    "Quill",
    "Ramsey",
    "Redfern",
    "Rowe",
    "Sander",
    "Selby",
    "Sloane",
    "Stroud",
    "Tarn",
    "Thorne",
    "Tilney",
    "Upton",
    "Vance",
    "Varley",
    "Wells",
    "Winslow",
    "Wray",
    "Yardley",
    "York",
    "Zeller",
]
_TOWNS = [
    "Alderbrook",
    "Barrowmere",
    "Cinderford",
    "Dunhollow",
    "Eastmarch",
    "Fernleigh",
    "Greywater",
    "Highmoor",
    "Ivyport",
    "Kestrelton",
    "Longmere",
    "Northholt",
]
_WORD = re.compile(r"[^\W\d_]+")
_YEAR = re.compile(r"(?<!\d)(?:18|19|20)\d\d(?!\d)")


@dataclass(frozen=True)
class Replacer:
    """Makes what stands in the place of masked values."""

    policy: Policy
    key: bytes = b""
    record: str = ""  # what parts one record's stand-ins from another's; empty: the whole corpus shares them

    def replace(self, entity: str, value: str, placeholder: str, field_name: str = "") -> str:
        """What stands for a value; never the value itself."""
        action: Action = self.policy.action(entity, field_name)
        if action == "drop":
            return ""
        if action == "hash":
            return self.hash_value(entity, value)
        if action == "generalise":
            return _generalise(entity, value) or placeholder
        if action == "surrogate":
            made = self._invent(entity, value)
            return made if made and made.casefold() not in value.casefold() else placeholder
        return placeholder

    def hash_value(self, entity: str, value: str) -> str:
        """A keyed hash in the form of a placeholder."""
        return f"[{entity}_h{self._digest(entity, value).hex()[:12]}]"

    def _digest(self, *parts: str) -> bytes:
        return derive(self.key, self.record, *(" ".join(part.split()).casefold() for part in parts))

    def _invent(self, entity: str, value: str) -> str:
        number = int.from_bytes(self._digest(entity, value)[:8], "big")
        if entity == "PERSON":
            return self._invent_name(value)
        if entity == "ADDRESS":
            return f"{number % 900 + 1} {_LAST[number % len(_LAST)]} Street, {_TOWNS[number % len(_TOWNS)]}"
        if entity == "LOCATION":
            return _TOWNS[number % len(_TOWNS)]
        if entity == "EMAIL_ADDRESS":
            return f"{_GIVEN[number % len(_GIVEN)].lower()}{number % 9973}@example.org"
        if entity in ("URL", "WEB_ADDRESS"):
            return f"https://example.org/{number % 10**8}"
        if entity == "IP_ADDRESS":
            return f"192.0.2.{number % 254 + 1}"  # the range that documentation may use
        if entity == "AGE":
            return "90"
        if entity == "SECRET":
            return ""
        return self._shuffle_signs(entity, value)

    def _invent_name(self, value: str) -> str:
        words = list(_WORD.finditer(value))
        made, at = "", 0
        last_first = "," in value
        for n, word in enumerate(words):
            is_given = len(words) > 1 and (n == len(words) - 1 if last_first else n == 0)
            pool = _GIVEN if is_given else _LAST
            made += value[at : word.start()] + self._draw(pool, word.group(), value)
            at = word.end()
        return made + value[at:]

    def _draw(self, pool: list[str], word: str, value: str) -> str:
        """A name for a word, never one that stands in the value; the given name in one place is it in all."""
        if len(word) == 1:
            return chr(65 + self._digest("initial", word)[0] % 26)
        at = int.from_bytes(self._digest("name", word)[:4], "big")
        taken = {one.casefold() for one in _WORD.findall(value)}
        return next(name for n in range(len(pool)) if (name := pool[(at + n) % len(pool)]).casefold() not in taken)

    def _shuffle_signs(self, entity: str, value: str) -> str:
        """Other digits and letters in the same form; of a date, nothing but its year can stay."""
        if entity in ("DATE", "DATE_OF_BIRTH"):
            return _generalise(entity, value)
        stream = (self._digest(entity, value) * (len(value) // 32 + 1))[: len(value)]
        return "".join(
            str((int(sign) + 1 + byte % 9) % 10)
            if sign.isdecimal()
            else _other_letter(sign, byte)
            if sign.isalpha()
            else sign
            for sign, byte in zip(value, stream, strict=True)
        )


def _other_letter(sign: str, byte: int) -> str:
    first = ord("A") if sign.isupper() else ord("a")
    return chr(first + (ord(sign) - first + 1 + byte % 25) % 26) if sign.isascii() else "x"


def _generalise(entity: str, value: str) -> str:
    if entity == "AGE":
        return "90+"
    year = _YEAR.search(value)
    return year.group() if year else ""
