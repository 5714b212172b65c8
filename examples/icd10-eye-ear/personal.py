"""Invent the personal details and secrets that dirty a note, and remember every one of them.

Faker (seeded) -> phrases such as "Pt: Maria Keller." and a list of the planted values by kind.

    people.plant("record_number")  -> "MRN 00482913."     people.planted["record_number"] == ["00482913"]
"""

import string
from datetime import date, timedelta
from random import Random

from faker import Faker

KINDS = ("name", "birth_date", "record_number", "phone", "email", "address")

# Names that are English words as well: no masker could be blamed for missing them, nor for masking the word.
_WORD_NAMES_TEXT = """
april august autumn baker ball banks bell best black brown carter chase cherry christian church cook
crystal dawn destiny drew faith fields fisher forest foster frank gardner grace grant gray green
hall harper hart hayes heather holly hope hunter ivy jade jasmine joy june king lacey lane lee long
love lynn marsh mason may meadows miller mills moody moon moss nash noble norris page park parker
payne pearson penny poole pope porter potter powers pratt price randall ray reed rice rich rivers
robin rose ruby rush sanders savage sharp shepherd sherry short singer skinner small smith snow
sparks stark steele stone strong summer summers swanson taylor terry tiffany turner tyler vance wade
walker ward webb wells west white wise wood woods worth young
"""
_WORD_NAMES = set(_WORD_NAMES_TEXT.split())
_PHRASES = {
    "name": ("Pt: {}.", "Patient {}.", "Seen with Dr. {}.", "Mrs. {} came in.", "Discussed with Dr. {}."),
    "birth_date": ("DOB {}.", "Date of birth: {}.", "DOB: {}."),
    "record_number": ("MRN {}.", "MRN: {}.", "Chart no. MRN {}."),
    "phone": ("Call {} with results.", "Phone {}.", "Reach the patient at {}."),
    "email": ("E-mail {}.", "Send report to {}."),
    "address": ("Lives at {}.", "Address: {}.", "New address {}."),
}
_ACCENTED_FIRST = ("René", "Zoë", "José", "Chloë", "Jürgen", "Søren", "Inés", "Ángela")
_ACCENTED_LAST = ("Lefèvre", "Muñoz", "Müllner", "Østergård", "Béranger", "Gutiérrez", "Núñez", "Brûlé")
_ALNUM = string.ascii_letters + string.digits


class People:
    """A source of invented details that never draws a name from the words of the corpus itself."""

    def __init__(self, seed: int, corpus_words: set[str]) -> None:
        self._rng = Random(f"{seed}:people")
        self._faker = Faker("en_US")
        self._faker.seed_instance(seed)
        self._taken = corpus_words | _WORD_NAMES
        self.planted: dict[str, list[str]] = {kind: [] for kind in (*KINDS, "secret")}

    def plant(self, kind: str) -> str:
        """A sentence with a new value of `kind`."""
        return self._remember(kind, getattr(self, f"_draw_{kind}")(), _PHRASES[kind])

    def plant_accented_name(self) -> str:
        """A sentence with a name that Latin-1 writes in other bytes than UTF-8."""
        name = f"{self._rng.choice(_ACCENTED_FIRST)} {self._rng.choice(_ACCENTED_LAST)}"
        return self._remember("name", name, _PHRASES["name"][:2])

    def plant_secret(self, number: int) -> str:
        """A sentence with a secret; `number` walks through the kinds of secret."""
        # The prefixes are put together here: a scanner of this repository must find no secret in its source.
        makers = (
            ("key " + "{}", "AK" + "IA" + self._letters(16, string.ascii_uppercase + string.digits)),
            ("token " + "{}", "gh" + "p_" + self._letters(36, _ALNUM)),
            ("bot " + "{}", "xo" + "xb-" + "-".join(self._letters(12, string.digits) for _ in range(2))
             + "-" + self._letters(24, _ALNUM)),
            ("pass" + "word={}", self._letters(14, _ALNUM)),
        )  # fmt: skip
        phrase, value = makers[number % len(makers)]
        return self._remember("secret", value, (f"Portal {phrase}",))

    def _remember(self, kind: str, value: str, phrases: tuple[str, ...]) -> str:
        if value not in self.planted[kind]:
            self.planted[kind].append(value)
        return self._rng.choice(phrases).format(value)

    def _letters(self, count: int, alphabet: str) -> str:
        return "".join(self._rng.choices(alphabet, k=count))

    def _is_free(self, words: str) -> bool:
        parts = words.replace("-", " ").lower().split()
        return all(len(part) > 3 and part not in self._taken for part in parts)

    def _draw_name(self) -> str:
        while True:
            name = f"{self._faker.first_name()} {self._faker.last_name()}"
            if self._is_free(name) and name not in self.planted["name"]:
                return name

    def _draw_birth_date(self) -> str:
        born = date(1934, 1, 1) + timedelta(days=self._rng.randrange(29_000))
        return born.strftime("%m/%d/%Y")

    def _draw_record_number(self) -> str:
        return f"00{self._rng.randrange(100_000, 1_000_000)}"

    def _draw_phone(self) -> str:
        area = self._rng.choice((206, 303, 312, 415, 503, 617, 702, 773))
        # 555-01xx is the range that no telephone has.
        return f"({area}) 555-01{self._rng.randrange(100):02d}"

    def _draw_email(self) -> str:
        first, last = self._draw_name().lower().split()
        return f"{first}.{last}@example.{self._rng.choice(('com', 'org', 'net'))}"

    def _draw_address(self) -> str:
        while True:
            street = self._faker.last_name()
            if self._is_free(street):
                suffix = self._rng.choice(("Street", "Avenue", "Road", "Lane", "Drive"))
                return f"{self._rng.randrange(100, 9900)} {street} {suffix}"
