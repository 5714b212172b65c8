"""Writes the tagger's training text: templates filled with build-side values, with noise, casing and typos.

templates.txt + lists.py (+ eponyms) -> texts, each with its spans

    Text("Pt Ola Berg seen", [(3, 11, "PERSON")])
"""

from __future__ import annotations

import random
import re
from dataclasses import dataclass
from pathlib import Path

from lists import (
    CITY_MAKE,
    COUNTRIES,
    LOCALES,
    ORG_ENDS,
    ORG_WORDS,
    REGIONS,
    STREET_OWN,
    STREET_WORDS,
    STREETS_END,
    SUFFIXES,
    TITLES,
    US_STATE_NAMES,
    US_STATES,
    Values,
)  # fmt: skip

from nichetune.corpus.masking.eponyms import owned_heads
from nichetune.corpus.masking.plain_words import is_plain, plain_nouns, spellings

FOLDER = Path(__file__).parent
Span = tuple[int, int, str]
NOUNS = [
    "invoice",
    "pump",
    "contract",
    "report",
    "garden",
    "engine",
    "battery",
    "window",
    "ticket",
    "policy",
    "meeting",
    "database",
    "scanner",
    "dataset",
    "printer",
    "bridge",
    "kitchen",
    "delivery",
    "parcel",
    "password",
    "keyboard",
    "server",
    "coffee",
    "machine",
    "warranty",
    "insurance",
    "claim",
    "appeal",
    "licence",
    "fence",
    "roof",
    "boiler",
    "brake",
    "filter",
    "valve",
    "motor",
    "sensor",
    "cable",
    "recipe",
    "lesson",
    "exam",
    "homework",
    "bicycle",
    "truck",
    "container",
    "pallet",
    "forklift",
    "ladder",
    "helmet",
    "blanket",
    "prescription",
    "bandage",
    "syringe",
    "catheter",
    "wheelchair",
    "ultrasound",
    "biopsy",
    "referral",
    "discharge",
    "allergy",
    "vaccine",
    "dosage",
    "mortgage",
    "deposit",
    "statement",
    "overdraft",
    "cheque",
    "refund",
    "receipt",
    "voucher",
    "subscription",
    "account",
    "settings",
    "backup",
    "firewall",
    "software",
    "hearing",
    "verdict",
    "motion",
    "subpoena",
    "lawsuit",
    "settlement",
    "damages",
    "custody",
    "estate",
    "trust",
    "patent",
    "trademark",
    "copyright",
    "evidence",
    "weather",
    "holiday",
    "flight",
    "hotel",
    "luggage",
    "visa",
    "tour",
    "museum",
    "concert",
    "football",
    "match",
    "tournament",
    "stadium",
    "orchestra",
    "guitar",
    "novel",
]
DX = [
    "asthma",
    "COPD",
    "type 2 diabetes",
    "hypertension",
    "migraine",
    "chest pain",
    "low back pain",
    "pneumonia",
    "a fractured wrist",
    "appendicitis",
    "gout",
    "anaemia",
    "otitis media",
    "depression",
    "heart failure",
    "UTI",
    "cellulitis",
    "kidney stones",
    "atrial fibrillation",
    "cataract",
    "sepsis",
]
MACHINES = [
    "press 3",
    "lathe",
    "conveyor",
    "boiler 2",
    "CNC mill",
    "compressor",
    "extruder",
    "reactor R-201",
    "chiller",
    "palletiser",
    "crane",
    "line 4",
    "oven",
    "mixer",
    "robot cell",
    "pump P-12",
    "furnace",
    "dryer",
    "centrifuge",
    "packing machine",
    "turbine",
    "cooling tower",
    "hydraulic unit",
    "generator",
]
MONTHS = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
]

ROLES = [
    "nurse",
    "doctor",
    "surgeon",
    "midwife",
    "paramedic",
    "pharmacist",
    "patient",
    "carer",
    "lawyer",
    "judge",
    "clerk",
    "witness",
    "juror",
    "tenant",
    "landlord",
    "driver",
    "welder",
    "fitter",
    "electrician",
    "operator",
    "supervisor",
    "engineer",
    "technician",
    "foreman",
    "trainee",
    "inspector",
    "auditor",
    "cashier",
    "teller",
    "manager",
    "director",
    "accountant",
    "analyst",
    "broker",
    "teacher",
    "student",
    "principal",
    "coach",
    "librarian",
    "officer",
    "detective",
    "sergeant",
    "firefighter",
    "mayor",
    "senator",
    "neighbour",
    "colleague",
    "roommate",
    "cousin",
    "client",
    "customer",
    "guest",
    "visitor",
    "passenger",
    "caller",
    "seller",
    "buyer",
    "plaintiff",
    "defendant",
]
VERBS = [
    "asked",
    "called",
    "told",
    "met",
    "saw",
    "helped",
    "thanked",
    "blamed",
    "paid",
    "hired",
    "fired",
    "married",
    "sued",
    "visited",
    "emailed",
    "texted",
    "phoned",
    "warned",
    "treated",
    "examined",
    "interviewed",
    "arrested",
    "represented",
    "trained",
    "replaced",
    "followed",
    "joined",
    "left",
    "ignored",
    "reported",
    "praised",
    "photographed",
    "contacted",
    "reminded",
    "invited",
    "drove",
    "accompanied",
    "referred",
    "admitted",
    "discharged",
    "questioned",
    "recognised",
    "supervised",
    "advised",
    "taught",
    "coached",
    "introduced",
    "missed",
]
DEEDS = [
    "signed",
    "opened",
    "closed",
    "repaired",
    "cleaned",
    "checked",
    "inspected",
    "ordered",
    "returned",
    "sold",
    "bought",
    "lost",
    "found",
    "broke",
    "moved",
    "delivered",
    "collected",
    "approved",
    "rejected",
    "filed",
    "reviewed",
    "painted",
    "borrowed",
    "stole",
    "hid",
    "tested",
    "measured",
    "installed",
    "updated",
    "cancelled",
    "renewed",
    "confirmed",
    "forgot",
    "mentioned",
    "described",
    "requested",
    "declined",
    "accepted",
    "sent",
    "received",
    "drafted",
    "loaded",
    "unloaded",
    "calibrated",
    "greased",
    "wired",
]
WHEN = [
    "yesterday",
    "today",
    "last night",
    "this morning",
    "on Monday",
    "two days ago",
    "last week",
    "in {month}",
    "on {date}",
    "at {time}",
    "before lunch",
    "after the shift",
    "around noon",
    "every Friday",
    "for years",
    "twice",
    "again",
    "later",
    "without asking",
    "by mistake",
    "as agreed",
    "in person",
    "by phone",
    "over lunch",
]
WHERE = [
    "in {c}",
    "near {c}",
    "at {o}",
    "at {street}",
    "at home",
    "in the yard",
    "on the ward",
    "at the gate",
    "in court",
    "at the branch",
    "outside {o}",
    "from {c}",
    "on line 4",
]


@dataclass
class Text:
    """A text and what stands in it."""

    text: str
    spans: list[Span]


class Maker:
    """Fills templates; the same seed gives the same texts."""

    def __init__(self, values: Values, terms: list[str], seed: int, templates: list[tuple[str, str]] | None = None):
        self.values, self.terms, self.rng = values, terms, random.Random(seed)
        self.templates = templates or read_templates()
        self.genres = sorted({genre for genre, _ in self.templates})
        self.by_genre = {g: [t for genre, t in self.templates if genre == g] for g in self.genres}
        self.locale = "en_US"
        self.heads = sorted({term.split(" ")[-1].lower() for term in terms} - owned_heads())
        self.nouns = sorted(plain_nouns() & spellings())
        self.past = sorted(word for word in spellings() if word.islower() and word.endswith("ed") and is_plain(word))

    def make(self) -> Text:
        """One text of one to five sentences of one genre."""
        genre = self.rng.choice(self.genres)
        self.locale = self.rng.choice(LOCALES)
        count = self.rng.choices((1, 2, 3, 4, 6), (35, 30, 18, 12, 5))[0]
        glue = self.rng.choice((" ", " ", " ", "\n", "  ", "; ", "\n\n", " / "))
        text = Text("", [])
        for number in range(count):
            if number:
                text.text += glue
            if self.rng.random() < 0.1:
                self.locale = self.rng.choice(LOCALES)
            if self.rng.random() < 0.3:
                self._fill(self._say(), text)
                continue
            source = genre if self.rng.random() < 0.8 else self.rng.choice(("plain", "prose", "form"))
            self._fill(self.rng.choice(self.by_genre[source]), text)
        return self._roughen(text)

    def _fill(self, template: str, out: Text) -> None:
        template = template.replace("\\n", "\n")
        while match := re.search(r"\(([^()]*\|[^()]*)\)", template):
            template = template[: match.start()] + self.rng.choice(match.group(1).split("|")) + template[match.end() :]
        at = 0
        for match in re.finditer(r"\{([a-zA-Z]+)\}", template):
            out.text += template[at : match.start()]
            at = match.end()
            value, kind = self._slot(match.group(1))
            if kind:
                # A title tells what a name is and is no part of it.
                skip = (
                    len(value) - len(value.split(" ", 1)[-1])
                    if kind == "PERSON" and value.split(" ")[0] in TITLES
                    else 0
                )
                out.spans.append((len(out.text) + skip, len(out.text) + len(value), kind))
            out.text += value
        out.text += template[at:]

    def _say(self) -> str:
        """A sentence put together from parts, so that few contexts of a name are alike."""
        r = self.rng
        who = [r.choice(("{p}", "{p}", "{pf}", "{pt}", "{p} and {p}", "{pf} and {pf}", f"{r.choice(ROLES)} {{p}}", f"the {r.choice(ROLES)}, {{p}},",
                         f"{{p}}, {r.choice(ROLES)} at {{o}},", f"{{p}} ({r.choice(ROLES)})", f"our {r.choice(ROLES)} {{pf}}", "{plo}",
                         f"the {r.choice(ROLES)}", "somebody", f"my {r.choice(ROLES)}", "{o}", "she", "they")) for _ in range(3)]  # fmt: skip
        when, where, noun = r.choice(WHEN), r.choice(WHERE), self._noun()
        verb = r.choice(VERBS if r.random() < 0.5 else self.past)
        deed = r.choice(DEEDS if r.random() < 0.5 else self.past)
        sentence = r.choice((
            f"{who[0]} {verb} {who[1]} {when}", f"{who[0]} {deed} the {noun} {where}", f"{who[0]} {deed} a {noun} for {who[1]} {when}",
            f"the {noun} was {deed} by {who[0]} {when}", f"{when}, {who[0]} {verb} {who[1]} {where}", f"{who[0]} says {who[1]} {deed} the {noun}",
            f"did {who[0]} {r.choice(('call', 'pay', 'answer', 'leave', 'sign'))} {when}?", f"{deed} by {who[0]}", f"{verb} {who[0]} re {noun}",
            f"{who[0]} {deed} the {noun}; {who[1]} {verb} {who[2]}", f"{r.choice(ROLES)}: {{p}}", f"waiting for {who[0]} {where}",
            f"per {who[0]}, the {noun} is {deed}", f"{who[0]}'s {noun} was {deed} {when}", f"give the {noun} to {who[0]} or {who[1]}",
            f"{who[0]} lives {r.choice(('at', 'in'))} {{adr}} and {deed} the {noun}", f"{who[0]} will be {where} with {who[1]} {when}",
            f"{noun} {deed}, {who[0]} {verb} {when}", f"no {noun} for {who[0]}: {who[1]} {deed} it", f"{{adr}}: {noun} {deed} by {who[0]}",
        ))  # fmt: skip
        sentence = sentence[0].upper() + sentence[1:] if sentence[0] != "{" and r.random() < 0.8 else sentence
        return sentence + r.choice((".", ".", ".", "", "!", ";"))

    def _slot(self, name: str) -> tuple[str, str]:
        kinds = {"p": "PERSON", "pl": "PERSON", "pf": "PERSON", "pr": "PERSON", "pt": "PERSON", "pslash": "PERSON",
                 "pfo": "PERSON", "plo": "PERSON", "adr": "ADDRESS", "adrm": "ADDRESS", "street": "ADDRESS", "zip": "ADDRESS",
                 "c": "CITY", "o": "ORG", "id": "ID", "handle": "USER"}  # fmt: skip
        method = {"N": "noun_title", "E": "eponym_first"}.get(name, name)
        return getattr(self, f"_{method}")(), kinds.get(name, "")

    def _given(self) -> str:
        given = self.values.given.get(self.locale) or self.values.given["en_US"]
        name = self.rng.choice(given)
        if self.rng.random() < 0.05:
            name = self._invent()
        if self.rng.random() < 0.05:
            second = self.rng.choice(given)
            return f"{name}-{second if self.rng.random() < 0.5 else second.lower()}".replace(" ", "-")
        return name.split()[0] if self.rng.random() < 0.9 else name

    def _invent(self) -> str:
        """A name that no list has, so that lists are not all that is learnt."""
        parts = [
            "ka",
            "mi",
            "ro",
            "bel",
            "tan",
            "shu",
            "ven",
            "dri",
            "zo",
            "lar",
            "qui",
            "fen",
            "gor",
            "hal",
            "ist",
            "jo",
            "kle",
            "mon",
            "nar",
            "pel",
            "ri",
            "sa",
            "thu",
            "ul",
            "vor",
            "wen",
            "yas",
            "zel",
        ]
        return "".join(self.rng.sample(parts, self.rng.choice((2, 3)))).capitalize() + self.rng.choice(
            ("", "n", "s", "a", "o")
        )

    def _last(self) -> str:
        last = self.rng.choice(self.values.last.get(self.locale) or self.values.last["en_US"])
        draw = self.rng.random()
        if draw < 0.06:
            last += "-" + self.rng.choice(self.values.last[self.locale] or [last])
        elif draw < 0.10:
            last = (
                self.rng.choice(
                    ("van ", "de ", "van der ", "von ", "Mc", "Mac", "O'", "Al-", "El ", "da ", "di ", "bin ")
                )
                + last
            )
        elif draw < 0.14:
            last = self._invent()
        return last

    def _init(self) -> str:
        return self.rng.choice("ABCDEFGHIJKLMNOPRSTVWZ")

    def _p(self) -> str:
        draw, g, last = self.rng.random(), self._given(), self._last()
        if draw < 0.60:
            return f"{g} {last}"
        if draw < 0.70:
            return f"{g} {self._init()}. {last}"
        if draw < 0.76:
            return f"{g} {self._given()} {last}"
        if draw < 0.80:
            return f"{self._init()}. {last}"
        if draw < 0.83:
            return f"{self._init()}.{self._init()}. {last}"
        if draw < 0.86:
            return f"{g} {last} {self.rng.choice(SUFFIXES)}"
        if draw < 0.90:
            return f"{last} {g}"
        if draw < 0.96:
            return f"{self.rng.choice(TITLES)} {g} {last}"
        return f"{g} {last} {self._last()}"

    def _pl(self) -> str:
        return self._last()

    def _plo(self) -> str:
        return self._last()

    def _pf(self) -> str:
        return self._given()

    def _pfo(self) -> str:
        return self._given()

    def _pt(self) -> str:
        title, draw = self.rng.choice(TITLES), self.rng.random()
        return f"{title} {self._last()}" if draw < 0.7 else f"{title} {self._given()} {self._last()}"

    def _pr(self) -> str:
        tail = f" {self._init()}." if self.rng.random() < 0.2 else ""
        return f"{self._last()}, {self._given()}{tail}"

    def _pslash(self) -> str:
        return f"{self._last()}/{self._given()} {self.rng.choice(('MR', 'MS', 'MRS'))}".upper()

    def _c(self) -> str:
        draw = self.rng.random()
        if draw < 0.2:
            return self.rng.choice(STREET_WORDS.split()) + self.rng.choice(CITY_MAKE)
        if draw < 0.25:
            return (
                self.rng.choice(
                    ("San ", "Santa ", "Saint ", "St. ", "Port ", "Fort ", "Mount ", "New ", "Lake ", "El ")
                )
                + self._last()
            )
        pool = self.values.cities.get(self.locale) or self.values.cities["own"]
        return self.rng.choice(pool if self.rng.random() < 0.7 and pool else self.values.cities["own"])

    def _num(self) -> str:
        return str(
            self.rng.choice((self.rng.randrange(1, 30), self.rng.randrange(1, 400), self.rng.randrange(100, 19999)))
        )

    def _street(self) -> str:
        draw = self.rng.random()
        if self.locale in ("en_US", "en_CA", "own", "en_PH") or draw < 0.25:
            street = f"{self._num()} {self._way('us')}"
        elif self.locale.startswith(("en_", "ga_", "ha_", "yo_", "ig_", "tw_", "zu_")):
            street = f"{self._num()}{self.rng.choice(('', '', '', 'a', 'B', '/2'))} {self._way('uk')}"
        elif draw < 0.6 and self.values.streets.get(self.locale):
            return self.rng.choice(self.values.streets[self.locale])
        else:
            street = self._foreign_street()
        if self.rng.random() < 0.28:
            street = self._unit(street)
        return street

    def _way(self, where: str) -> str:
        words = self.rng.choice((self.rng.choice(STREET_WORDS.split()), self._last(), self.rng.choice(STREET_WORDS.split()) + " "
                                 + self.rng.choice(STREET_WORDS.split()), f"{self.rng.choice((1, 2, 3, 14, 21, 42))}th", self._c(),
                                 self._given(), self._invent()))  # fmt: skip
        side = self.rng.choice(("", "", "", "", "N ", "S. ", "East ", "NW "))
        return f"{side}{words} {self.rng.choice(STREETS_END[where])}"

    def _foreign_street(self) -> str:
        street = self.rng.choice(STREET_OWN)
        for mark, draw in (("{n}", self._num), ("{l}", self._last), ("{L}", self._last), ("{a}", self._init),
                           ("{w}", lambda: self.rng.choice(STREET_WORDS.split())),
                           ("{W}", lambda: self.rng.choice(("Haupt", "Bahnhof", "Linden", "Garten", "Kirch", "Schul", "Berg", "Wald",
                                                            "Mühl", "Sonnen", "Industrie", "Kastanje", "Station", "Strand")))):  # fmt: skip
            while mark in street:
                street = street.replace(mark, draw(), 1)
        return street

    def _unit(self, street: str) -> str:
        draw = self.rng.choice(("Apt {n}", "Apt. {a}{n}", "Suite {n}", "Unit {n}", "#{n}", "Flat {n}", "Floor {n}", "Rm {n}", "apt {n}{a}",
                                "Ste {n}", "Bldg {a}", "Lot {n}", "Apartment {n}", "Block {a}", "Level {n}", "Trlr {n}", "# {n}", "No. {n}",
                                "Apt. {n}", "Suite {n}", "{n}{a}", "Space {n}", "Penthouse {n}", "2nd Floor", "Unit {n}{a}", "Flat {n}{a}", "PMB {n}"))  # fmt: skip
        unit = draw.replace("{n}", str(self.rng.randrange(1, 420))).replace("{a}", self._init())
        return (
            f"{street}{self.rng.choice((', ', ' ', ', '))}{unit}" if self.rng.random() < 0.75 else f"{unit}, {street}"
        )

    def _zip(self) -> str:
        r = self.rng
        if self.locale in ("en_US", "own"):
            return f"{r.randrange(1000, 99999):05d}" + (f"-{r.randrange(1000, 9999)}" if r.random() < 0.15 else "")
        if self.locale in ("en_GB", "ga_IE"):
            area = r.choice(
                [
                    "B",
                    "BA",
                    "BD",
                    "BS",
                    "CB",
                    "CF",
                    "CH",
                    "CT",
                    "DE",
                    "EH",
                    "G",
                    "GL",
                    "HU",
                    "KT",
                    "L",
                    "LE",
                    "LS",
                    "M",
                    "ME",
                    "NE",
                    "NG",
                    "OX",
                    "PL",
                    "PR",
                    "RG",
                    "S",
                    "SE",
                    "SO",
                    "SW",
                    "TN",
                    "W",
                    "WD",
                ]
            )
            return f"{area}{r.randrange(1, 29)}{r.choice((' ', ' ', ' ', ''))}{r.randrange(1, 9)}{r.choice('ABDEFGHJLNP')}{r.choice('ABDEFGHJLNP')}"
        if self.locale.endswith("_CA"):
            return f"{r.choice('ABCEGHJKLMNPRSTVXY')}{r.randrange(9)}{r.choice('ABCEGHJKL')} {r.randrange(9)}{r.choice('ABCEG')}{r.randrange(9)}"
        return r.choice((f"{r.randrange(1000, 9999)}", f"{r.randrange(10000, 99999)}", f"{r.randrange(10000, 99999)}",
                         f"{r.randrange(100, 999)} {r.randrange(10, 99)}", f"{r.randrange(10, 99)}-{r.randrange(100, 999)}",
                         f"{r.randrange(1000, 9999)} {r.choice('ABCDEFGH')}{r.choice('ABCDEFGH')}", f"{r.randrange(100000, 999999)}"))  # fmt: skip

    def _tail(self) -> str:
        """Town, region, postcode, as each country writes them."""
        c, z, r = self._c(), self._zip(), self.rng
        if self.locale in ("en_US", "own"):
            state = r.choice(US_STATES) if r.random() < 0.75 else r.choice(US_STATE_NAMES)
            return r.choice(
                (f"{c}, {state} {z}", f"{c}, {state} {z}", f"{c} {state} {z}", f"{c}, {state}", f"{c}, {state}, {z}", c)
            )
        if self.locale.startswith(("en_", "ga_")):
            return r.choice(
                (
                    f"{c} {z}",
                    f"{c}, {z}",
                    f"{c}, {r.choice(REGIONS)} {z}",
                    f"{c} {r.choice(REGIONS)} {z}",
                    c,
                    f"{c} - {z}",
                )
            )
        return r.choice(
            (f"{z} {c}", f"{z} {c}", f"{c} {z}", f"{c}, {z}", c, f"{z} {c}, {r.choice(COUNTRIES)}", f"{c}-{z}")
        )

    def _adr(self) -> str:
        if self.rng.random() < 0.04:
            return f"{self.rng.choice(('PO Box', 'P.O. Box', 'Box', 'Postfach', 'Casilla', 'Private Bag'))} {self._num()}, {self._tail()}"
        street = self._street()
        draw = self.rng.random()
        if draw < 0.02:
            return self._military()
        if draw < 0.09:
            street = f"{self._house()}, {street}"
        elif draw < 0.14:
            street = self._house()
        elif draw < 0.17 and self.locale == "en_US":
            street = self.rng.choice((f"{self._num()} {self.rng.choice(('County Road', 'State Route', 'Hwy', 'FM', 'CR', 'State Highway', 'US Highway', 'Rural Route'))} {self._num()}",
                                      f"RR {self.rng.randrange(1, 9)} Box {self._num()}", f"{self._num()} {self._way('us')} Extension"))  # fmt: skip
        elif draw < 0.19:
            street = self.rng.choice((f"{self._num()} block of {self._way('us')}", f"corner of {self._way('us')} and {self._way('us')}",
                                      f"{self._num()} {self.rng.choice(('N', 'S', 'E', 'W', 'North', 'East'))} {self.rng.choice(STREET_WORDS.split())}",
                                      f"Lot {self._num()} {self._way('uk')}", f"RMB {self._num()}", f"{self._invent()}, Co. {self._last()}",
                                      f"Room {self.rng.randrange(1, 40)}, {self._num()} {self._way('uk')}", f"{self._init()}{self._num()}, {self._house()}"))  # fmt: skip
        if self.rng.random() < 0.2:
            return street
        home = f", {self._home()}" if self.rng.random() < 0.08 else ""
        return f"{street}{self.rng.choice((', ', ', ', ', ', ' ', chr(10)))}{self._tail()}{home}"

    def _military(self) -> str:
        r = self.rng
        place = f"{r.choice(('APO', 'FPO', 'DPO'))} {r.choice(('AE', 'AP', 'AA'))} {r.randrange(9000, 96699):05d}"
        return r.choice((f"PSC {self._num()}, Box {self._num()}, {place}", f"Unit {self._num()} Box {self._num()}, {place}",
                         f"USS {self._last()}, {place}", f"CMR {self._num()} Box {self._num()}\n{place}"))  # fmt: skip

    def _home(self) -> str:
        """The country as people of this locale name it."""
        own = {"en_US": ("USA", "United States", "U.S.A.", "US"), "en_GB": ("UK", "United Kingdom", "England", "Wales", "Scotland"),
               "en_CA": ("Canada",), "en_AU": ("Australia",), "en_IN": ("India",), "en_NZ": ("New Zealand",), "en_IE": ("Ireland",)}  # fmt: skip
        return self.rng.choice(own.get(self.locale, COUNTRIES))

    def _adrm(self) -> str:
        """An address over several lines."""
        draw = self.rng.random()
        if draw < 0.04:
            return self._military().replace(", ", "\n")
        house = f"{self._house()}\n" if draw < 0.15 else ""
        tail = self._tail()
        tail = tail.replace(", ", "\n") if self.rng.random() < 0.25 else tail
        street = self._street()
        street = street.replace(", ", "\n", 1) if self.rng.random() < 0.3 else street
        return house + street + "\n" + tail + (f"\n{self._home()}" if self.rng.random() < 0.2 else "")

    def _house(self) -> str:
        """A house, floor or estate by its name."""
        r = self.rng
        name = r.choice(
            (
                r.choice(STREET_WORDS.split()),
                self._last(),
                self._invent(),
                f"The {r.choice(('Old', 'New', 'Little', 'White', 'Red'))}",
                f"{self._given()}'s",
            )
        )
        kind = r.choice(("House", "Cottage", "Lodge", "Farm", "Court", "Mill", "Towers", "Apartments", "Heights", "Villas", "Mansions",
                         "Barn", "Hall", "Manor", "Residence", "Business Park", "Industrial Estate", "Building", "Estate", "Society", "Enclave", "Colony",
                         "Rectory", "Bungalow", "Trailer Park", "Studios"))  # fmt: skip
        number = r.choice(
            (
                "",
                "",
                f"Flat {self._num()}, ",
                f"{self._num()} ",
                f"Studio {self._num()}, ",
                f"{self._init()}-{self._num()}, ",
                f"Unit {self._num()}, ",
            )
        )
        return f"{number}{name} {kind}"

    def _o(self) -> str:
        r = self.rng
        head = r.choice((r.choice(ORG_WORDS), self._last(), r.choice(ORG_WORDS) + " " + r.choice(NOUNS).capitalize(),
                         f"{self._last()} & {self._last()}", self._c(), self._invent(), "".join(r.sample("ABCDEGHIKLMNPRST", 3)),
                         f"{self._last()}, {self._last()} and {self._last()}"))  # fmt: skip
        return (
            f"{head} {r.choice(ORG_ENDS)}"
            if r.random() < 0.9
            else head + r.choice(("tech", "soft", "ify", "corp", "lab"))
        )

    def _id(self) -> str:
        r = self.rng
        form = r.choice(("dddddd", "dddddddd", "ddddddddd", "AAddddd", "A-ddddd", "ddd-ddd-ddd", "dd-ddddd", "AAAdddd", "AAdd AAA",
                         "dAAAddd", "A ddddddd", "ddddA", "AAA-dddddd-dd", "dddd/dd", "AdddddddA"))  # fmt: skip
        return "".join(
            r.choice("0123456789") if s == "d" else r.choice("ABCDEFGHKLMNPRSTVXZ") if s == "A" else s for s in form
        )

    def _ref(self) -> str:
        return self._id()

    def _handle(self) -> str:
        base = self.rng.choice((self._given(), self._last(), self._invent())).lower().replace(" ", "")
        return (
            self.rng.choice(("@", "", "")) + base + self.rng.choice(("_", ".", "")) + str(self.rng.randrange(1, 2000))
        )

    def _phone(self) -> str:
        r = self.rng
        form = r.choice(
            (
                "(ddd) ddd-dddd",
                "ddd-ddd-dddd",
                "+dd dd dddd dddd",
                "0dddd dddddd",
                "ddd.ddd.dddd",
                "+dd ddd dddddd",
                "dddddddddd",
            )
        )
        return "".join(r.choice("0123456789") if s == "d" else s for s in form)

    def _email(self) -> str:
        return f"{self._given()}.{self._last()}@example.{self.rng.choice(('com', 'org', 'net'))}".lower().replace(
            " ", ""
        )

    def _date(self) -> str:
        r, m = self.rng, self.rng.choice(MONTHS)
        d, y = r.randrange(1, 29), r.randrange(1930, 2026)
        return r.choice(
            (
                f"{d} {m} {y}",
                f"{m} {d}, {y}",
                f"{d:02d}/{r.randrange(1, 13):02d}/{y}",
                f"{y}-{r.randrange(1, 13):02d}-{d:02d}",
                f"{m} {d}",
            )
        )

    def _month(self) -> str:
        return self.rng.choice(MONTHS)

    def _year(self) -> str:
        return str(self.rng.randrange(1900, 2026))

    def _time(self) -> str:
        return f"{self.rng.randrange(24):02d}:{self.rng.randrange(60):02d}"

    def _age(self) -> str:
        return str(self.rng.randrange(1, 99))

    def _sex(self) -> str:
        return self.rng.choice("MF")

    def _amt(self) -> str:
        return self.rng.choice("$£€") + f"{self.rng.randrange(5, 9999)}.{self.rng.randrange(100):02d}"

    def _noun(self) -> str:
        """One of some common nouns, or of all that the language model's tables know."""
        return self.rng.choice(NOUNS if self.rng.random() < 0.4 else self.nouns) + self.rng.choice(("", "", "", "s"))

    def _n(self) -> str:
        return self._noun() if self.rng.random() < 0.7 else f"{self._noun()} {self._noun()}"

    def _noun_title(self) -> str:
        return self._noun().capitalize()

    def _dx(self) -> str:
        return self.rng.choice(DX)

    def _machine(self) -> str:
        return self.rng.choice(MACHINES)

    def _country(self) -> str:
        return self.rng.choice(COUNTRIES)

    def _term(self) -> str:
        """A listed eponym with its head; or any surname, so that the head is what is learnt."""
        if self.rng.random() < 0.65:
            return self.rng.choice(self.terms)
        head = self.rng.choice(self.heads)
        return f"{self._surname()}{self.rng.choice(('', '', chr(39) + 's', '-' + self._surname()))} {head}"

    def _surname(self) -> str:
        return self.rng.choice(self.values.last.get(self.locale) or self.values.last["en_US"]).split(" ")[-1]

    def _e(self) -> str:
        return self.rng.choice(self.terms).split(" ")[0].removesuffix("'s")

    def _eponym_first(self) -> str:
        return self._e()

    def _rel(self) -> str:
        return self.rng.choice(
            [
                "wife",
                "husband",
                "son",
                "daughter",
                "mother",
                "father",
                "sister",
                "brother",
                "partner",
                "aunt",
                "uncle",
                "guardian",
                "carer",
                "friend",
            ]
        )

    def _roughen(self, one: Text) -> Text:
        """Casing, typos, lost punctuation and doubled spaces, with the spans kept in place."""
        draw = self.rng.random()
        if draw < 0.20:
            return Text(one.text.lower(), one.spans) if len(one.text.lower()) == len(one.text) else one
        if draw < 0.30:
            return Text(one.text.upper(), one.spans) if len(one.text.upper()) == len(one.text) else one
        if draw < 0.34:
            return self._case_names(one)
        return self._mistype(one) if draw < 0.48 else one

    def _case_names(self, one: Text) -> Text:
        text = one.text
        for start, end, kind in one.spans:
            if kind in ("PERSON", "ADDRESS"):
                value = text[start:end]
                changed = value.upper() if self.rng.random() < 0.5 else value.lower()
                if len(changed) == len(value):
                    text = text[:start] + changed + text[end:]
        return Text(text, one.spans)

    def _mistype(self, one: Text) -> Text:
        signs, text = [], one.text
        move: list[int] = []  # the new offset of each old sign
        rate = self.rng.choice((0.01, 0.03))
        for sign in text:
            move.append(len(signs))
            draw = self.rng.random()
            if draw < rate and sign.isalpha():
                signs += self.rng.choice(([], [sign, sign], [self.rng.choice("aeiorstln")]))
            elif draw < 2 * rate and sign in ",.":
                continue
            elif draw < 2 * rate and sign == " ":
                signs += [" ", " "]
            else:
                signs.append(sign)
        move.append(len(signs))
        return Text("".join(signs), [(move[a], move[b], kind) for a, b, kind in one.spans if move[b] > move[a]])


def read_templates() -> list[tuple[str, str]]:
    """(genre, template) of every line."""
    found, genre = [], ""
    for line in (FOLDER / "templates.txt").read_text(encoding="utf-8").splitlines():
        if line.startswith("== "):
            genre = line[3:].strip()
        elif line and not line.startswith("#"):
            found.append((genre, line))
    return found
