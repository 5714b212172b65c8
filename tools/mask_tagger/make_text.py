"""Writes the tagger's training text: templates filled with build-side values, with noise, casing and typos.

templates.txt + words.txt + Faker (+ eponyms) -> texts, each with its spans

    Text("Pt Ola Berg seen", [(3, 11, "PERSON")])
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import people
import places
import things
from draw import Draw
from lists import LOCALES, WORDS, Values
from roughen import Text, roughen
from say import draw_say

FOLDER = Path(__file__).parent
# What a slot is filled by, and what that is.
SLOTS: dict[str, tuple[Callable[[Draw], str], str]] = {
    **{
        name: (getattr(people, f"draw_{name}"), "PERSON")
        for name in ["p", "pl", "pf", "pr", "pt", "pslash", "pfo", "plo"]
    },
    **{name: (getattr(places, f"draw_{name}"), "ADDRESS") for name in ["adr", "adrm", "street", "zip"]},
    **{name: (getattr(places, f"draw_{name}"), "") for name in ["num", "country"]},
    **{name: (getattr(people, f"draw_{name}"), "") for name in ["init", "rel", "email"]},
    **{
        name: (getattr(things, f"draw_{name}"), "")
        for name in ["ref", "phone", "date", "month", "year", "time", "age", "sex", "amt"]
    },
    **{name: (getattr(things, f"draw_{name}"), "") for name in ["noun", "n", "dx", "machine", "term", "e", "thing"]},
    "c": (places.draw_c, "CITY"),
    "o": (things.draw_o, "ORG"),
    "id": (things.draw_identifier, "ID"),
    "handle": (people.draw_handle, "USER"),
    "N": (things.draw_noun_title, ""),
    "E": (things.draw_eponym_first, ""),
}


class Maker:
    """Fills templates; the same seed gives the same texts."""

    def __init__(self, values: Values, terms: list[str], seed: int, templates: list[tuple[str, str]] | None = None):
        self.draw = Draw(values, terms, seed)
        self.rng = self.draw.rng
        templates = templates or read_templates()
        self.genres = sorted({genre for genre, _ in templates})
        self.by_genre = {g: [t for genre, t in templates if genre == g] for g in self.genres}

    def make(self) -> Text:
        """One text of one to five sentences of one genre."""
        genre = self.rng.choice(self.genres)
        self.draw.locale = self.rng.choice(LOCALES)
        count = self.rng.choices((1, 2, 3, 4, 6), (35, 30, 18, 12, 5))[0]
        glue = self.rng.choice((" ", " ", " ", "\n", "  ", "; ", "\n\n", " / "))
        text = Text("", [])
        for number in range(count):
            if number:
                text.text += glue
            if self.rng.random() < 0.1:
                self.draw.locale = self.rng.choice(LOCALES)
            if self.rng.random() < 0.3:
                self._fill(draw_say(self.draw), text)
                continue
            source = genre if self.rng.random() < 0.8 else self.rng.choice(("plain", "prose", "form"))
            self._fill(self.rng.choice(self.by_genre[source]), text)
        return roughen(self.rng, text)

    def _fill(self, template: str, out: Text) -> None:
        template = template.replace("\\n", "\n")
        while match := re.search(r"\(([^()]*\|[^()]*)\)", template):
            template = template[: match.start()] + self.rng.choice(match.group(1).split("|")) + template[match.end() :]
        at = 0
        for match in re.finditer(r"\{([a-zA-Z]+)\}", template):
            out.text += template[at : match.start()]
            at = match.end()
            slot, kind = SLOTS[match.group(1)]
            value = slot(self.draw)
            if kind:
                # A title tells what a name is and is no part of it.
                skip = (
                    len(value) - len(value.split(" ", 1)[-1])
                    if kind == "PERSON" and value.split(" ")[0] in WORDS["titles"]
                    else 0
                )
                out.spans.append((len(out.text) + skip, len(out.text) + len(value), kind))
            out.text += value
        out.text += template[at:]


def read_templates() -> list[tuple[str, str]]:
    """(genre, template) of every line."""
    found, genre = [], ""
    for line in (FOLDER / "templates.txt").read_text(encoding="utf-8").splitlines():
        if line.startswith("== "):
            genre = line[3:].strip()
        elif line and not line.startswith("#"):
            found.append((genre, line))
    return found
