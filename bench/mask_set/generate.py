"""Writes the generated part of the test: genres, values and sentences that the recognisers were not built on.

values.py + the templates here -> Cases, each with exact spans; the same seed gives the same cases

    Case("clinical", "Bed 4, Otis Yoder …", [Truth(7, 17, "PERSON")])

Numbers with checksums are made here from random digits; nothing of tools/mask_tagger is used.
"""

from __future__ import annotations

import random
import re
import string
from dataclasses import dataclass
from pathlib import Path

from mask_set.values import CITIES, COMPANIES, GIVEN, LAST, PARTICLES, STREET_WORDS, WORLD_ADDRESSES

FOLDER = Path(__file__).parent


@dataclass(frozen=True)
class Truth:
    """One personal stretch."""

    start: int
    end: int
    type: str


@dataclass(frozen=True)
class Case:
    """One text of the test."""

    genre: str
    text: str
    truths: tuple[Truth, ...]
    by_hand: bool = False


TEMPLATES = {
    "clinical": """
Bed 4, {PERSON}, post-op day 2, drain output 40 ml, wants to go home.
{PERSON_LAST_FIRST} ({DOB}) MRN {MRN} admitted overnight with pancreatitis.
Collateral from {PERSON_FIRST} (spouse), who can be reached on {PHONE}.
Consent obtained by {PERSON_TITLED}. Allergies reconciled with the daughter.
Discharge summary copied to {PERSON_TITLED}, {ADDRESS}.
Was brought in from {ADDRESS} after neighbours noticed the mail piling up.
On {DATE} {PERSON_FIRST} skipped the morning dose; nurse {PERSON} documented it.
Implant card: lead serial {DEVICE}, clinic contact {EMAIL}.
Patient identifies as {PERSON} and prefers {PERSON_FIRST}; no Crohn disease, no Marfan habitus.
{PERSON}, seen jointly with {PERSON} of physiotherapy, managed six steps.
Insurance verified: member id {ACCOUNT}, subscriber {PERSON}.
""",
    "legal": """
The undersigned, {PERSON}, hereby revokes all prior wills; my executor shall be {PERSON}.
Service was effected upon {PERSON_TITLED} at {ADDRESS} by leaving a copy with a co-resident.
{PERSON} took the stand after lunch and contradicted {PERSON_LAST} on every point.
Transcript: "I told {PERSON_FIRST} to put it down," the complainant said.
Immigration file of {PERSON}, passport {PASSPORT}, born {DOB}.
Settlement cheque to be mailed to {PERSON}, {ADDRESS}, within ten days.
The driver, {PERSON}, produced licence number {LICENSE}; the car bore plate {PLATE}.
In chambers, {PERSON_TITLED} observed that the Daubert standard was met.
""",
    "banking": """
Outgoing SEPA: {IBAN}, payee {PERSON}, purpose rent.
Teller note: {PERSON_TITLED} withdrew cash twice and asked about card {CARD}.
Please amend the correspondence address for {PERSON} to {ADDRESS}.
KYC: {PERSON}, tax number {NATIONAL_ID}, source of funds inheritance.
Call-back requested by {PERSON_FIRST} {PHONE} concerning a frozen account no. {ACCOUNT}.
Mortgage applicants {PERSON} and {PERSON}, security property {ADDRESS}.
SSN on file {SSN}; statement e-mailed to {EMAIL}.
""",
    "plant": """
Night crew: {PERSON_FIRST} on the palletizer, {PERSON_FIRST} on QC, {PERSON} as lead.
Hot work stopped by {PERSON} because the fire watch ({PERSON_FIRST}) had gone for coffee.
Scaffold tag signed {PERSON_INITIAL}, badge {BADGE}.
Bearing failed again; {PERSON} from {COMPANY} will bring an SKF puller and a Woodruff key.
Driver {PERSON} (plate {PLATE}) unloaded 12 drums at dock B.
Recall notice: unit serial number {DEVICE}, shipped to {ADDRESS}.
Lost-time report for {PERSON_LAST_FIRST}, employee no {BADGE}, left hand.
""",
    "chat": """
omw, {PERSON_FIRST} is driving
can you resend the invoice to {EMAIL}? my old one is dead. {PERSON_FIRST}
package for {PERSON} still not here, address is {ADDRESS}
lmk if {PERSON_FIRST} or {PERSON_FIRST} needs a ride
sup its {PERSON} from the gym, my number is {PHONE}
moving in with {PERSON_FIRST} this weekend, new place is {ADDRESS} come by!
you talked to {PERSON} yesterday about the leak, any update?
password is {SECRET} dont lose it again
""",
    "email": """
Good afternoon {PERSON_FIRST}, I spoke with {PERSON} at {COMPANY} and she agreed to the terms.
Hi both, {PERSON} will cover for me while I am away. {PERSON_FIRST}
Please update our records: {PERSON}, {ADDRESS}, {PHONE}.
Many thanks for your patience. Warmly, {PERSON}, {COMPANY}
The invitation went to {PERSON}, {PERSON} and {PERSON}, but only {PERSON_FIRST} replied.
Ticket 4471: caller {PERSON} cannot log in from {IP}; profile page https://app.example.com/people/{URL_TAIL}
As agreed with {PERSON_TITLED}, the chairs go to {ADDRESS}.
""",
    "form": """
Resident: {PERSON}; Unit: 12; Forwarding address: {ADDRESS}
visitor={PERSON};host={PERSON};phone={PHONE}
Cardholder {PERSON} Number {CARD} Exp 04/27
Claimant: {PERSON_LAST_FIRST} Policy {POLICY} Loss date {DATE}
Owner: {PERSON} VIN {VIN} Plate {PLATE}
Recipient,{PERSON},{ADDRESS},{PHONE}
National insurance / tax id: {NATIONAL_ID} Holder: {PERSON}
""",
    "news": """
For {PERSON}, the flood was the third in ten years; she has lived in {CITY} since childhood.
"Nobody warned us," said {PERSON}, standing outside {ADDRESS}.
{PERSON_TITLED} and the violinist {PERSON} shared the stage before a sold-out hall.
The trophy was collected by {PERSON}, whose father {PERSON_FIRST} also rowed for the club.
Police want to speak to {PERSON}, last seen near {ADDRESS} on {DATE}.
""",
}
PLAIN = """
Torque the head bolts in three stages and check runout before refitting the guard.
The appeal was dismissed with costs; leave to appeal further was refused.
Ejection fraction preserved, mild mitral regurgitation, no effusion.
Interest accrues daily and is capitalised on the last working day of the quarter.
Can we push the standup to ten? The build is still red.
Bring a torch, two litres of water and a waterproof jacket.
Order 88213 shipped in 3 boxes, total weight 41.5 kg, pallet 7 of 12.
Lot 00482913 passed incoming inspection; hardness 42 HRC, tolerance 0.02 mm.
BP 128/76, pulse 64 regular, SpO2 97% on air, weight 81.2 kg.
""".strip().splitlines()
WAYS = [
    "Street",
    "Road",
    "Avenue",
    "Lane",
    "Close",
    "Drive",
    "Way",
    "Court",
    "Crescent",
    "Terrace",
    "Ave",
    "Rd",
    "St",
    "Blvd",
    "Trail",
    "Grove",
]


class CaseMaker:
    """Fills the templates above; the same seed gives the same cases."""

    def __init__(self, seed: int) -> None:
        self.rng = random.Random(seed)

    def make(self) -> Case:
        """One text of one to three sentences of one genre, one in four with noise."""
        genre = self.rng.choice(sorted(TEMPLATES))
        text, truths = "", []
        sentences = TEMPLATES[genre].strip().splitlines()
        for number in range(self.rng.choices((1, 2, 3), (50, 35, 15))[0]):
            text += "" if not number else self.rng.choice((" ", " ", "\n"))
            template = self.rng.choice(sentences) if self.rng.random() < 0.85 else self.rng.choice(PLAIN)
            text = self._fill(template, text, truths)
        return self._add_noise(Case(genre, text, tuple(truths)))

    def _fill(self, template: str, text: str, truths: list[Truth]) -> str:
        at = 0
        for match in re.finditer(r"\{([A-Z_]+)\}", template):
            text += template[at : match.start()]
            at = match.end()
            name = match.group(1)
            value, skip = self._value(name)
            kind = {"DOB": "DATE", "URL_TAIL": "URL"}.get(name, "PERSON" if name.startswith("PERSON") else name)
            if kind != "COMPANY":
                truths.append(Truth(len(text) + skip, len(text) + len(value), kind))
            text += value
        return text + template[at:]

    def _value(self, name: str) -> tuple[str, int]:
        """A value, and how many of its first signs are a title."""
        if name == "PERSON_TITLED":
            title = self.rng.choice(("Dr", "Mr.", "Ms", "Mrs", "Prof.", "Mr", "Miss"))
            return f"{title} {self._last() if self.rng.random() < 0.6 else self._name()}", len(title) + 1
        return getattr(self, f"_{name.lower()}")(), 0

    def _first(self) -> str:
        return self.rng.choice(GIVEN[self.rng.choice(sorted(GIVEN))].split())

    def _last(self) -> str:
        last = self.rng.choice(LAST[self.rng.choice(sorted(LAST))].split())
        return f"{self.rng.choice(PARTICLES)} {last}".replace("' ", "'") if self.rng.random() < 0.06 else last

    def _name(self) -> str:
        middle = self.rng.choice(("", "", "", f"{self.rng.choice(string.ascii_uppercase)}. ", f"{self._first()} "))
        return f"{self._first()} {middle}{self._last()}"

    _person = _name
    _person_first = _first
    _person_last = _last

    def _person_last_first(self) -> str:
        return f"{self._last()}, {self._first()}"

    def _person_initial(self) -> str:
        return f"{self.rng.choice(string.ascii_uppercase)}. {self._last()}"

    def _address(self) -> str:
        if self.rng.random() < 0.3:
            return self.rng.choice(WORLD_ADDRESSES).replace("{n}", str(self.rng.randrange(2, 180)))
        street = f"{self.rng.randrange(1, 9800)} {self.rng.choice(STREET_WORDS)} {self.rng.choice(WAYS)}"
        unit = self.rng.choice(("", "", "", ", Apt 7", " #204", ", Unit 3B", ", Flat 2"))
        city = self.rng.choice(CITIES[self.rng.choice(sorted(CITIES))])
        return street + unit + ("" if self.rng.random() < 0.25 else f", {city}")

    def _city(self) -> str:
        return self.rng.choice(CITIES[self.rng.choice(sorted(CITIES))]).split(",")[0].rsplit(" ", 2)[0]

    def _company(self) -> str:
        return self.rng.choice(COMPANIES)

    def _digits(self, count: int) -> str:
        return "".join(self.rng.choices(string.digits, k=count))

    def _shape(self, *shapes: str) -> str:
        signs = {"9": string.digits, "A": "ABCDEFGHJKLMNPRSTVWXYZ", "8": "23456789"}
        return "".join(self.rng.choice(signs.get(s, s)) for s in self.rng.choice(shapes))

    def _phone(self) -> str:
        return self._shape("(899) 555-0199", "899-555-0199", "899.555.0199", "+1 899 555 0199", "07700 900999", "+44 20 7946 0999",
                           "+49 30 23125 999", "+61 491 570 199", "0491 570 199", "+91 98765 49999", "+33 6 39 98 99 99",
                           "+27 82 555 0199", "+81 90 9999 9999", "020 7946 0999", "+34 612 99 99 99")  # fmt: skip

    def _email(self) -> str:
        return f"{self._first()}{self.rng.choice(('.', '_', ''))}{self.rng.randrange(1, 99)}@{self.rng.choice(('postbox', 'fastmail', 'corp'))}.example.com".lower()

    def _date(self) -> str:
        d, m, y = self.rng.randrange(1, 29), self.rng.randrange(1, 13), self.rng.randrange(1940, 2025)
        month = [
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
        ][m - 1]
        return self.rng.choice(
            (
                f"{m:02d}/{d:02d}/{y}",
                f"{d} {month} {y}",
                f"{month} {d}, {y}",
                f"{y}-{m:02d}-{d:02d}",
                f"{d:02d}.{m:02d}.{y}",
                f"{d}-{month[:3]}-{y}",
            )
        )

    _dob = _date

    def _mrn(self) -> str:
        return self._shape("99999999", "A9999999", "99-99999", "9999999")

    def _device(self) -> str:
        return self._shape("AAA9999999A", "99A-999999", "A99-99-9999", "9999999999")

    def _account(self) -> str:
        return self._shape("9999999999", "AAA999999999", "99999999", "999-999999")

    def _policy(self) -> str:
        return self._shape("AA-9999999", "999-99-9999A", "A9999999")

    def _passport(self) -> str:
        return self._shape("999999999", "A99999999", "AA9999999")

    def _license(self) -> str:
        return self._shape("A999-9999-9999", "A99999999", "99999999", "AAAAA999999AA9AA")

    def _plate(self) -> str:
        return self._shape("AAA 9999", "9AAA999", "AA99 AAA", "AAA-9999", "A99 9AAA")

    def _badge(self) -> str:
        return self._shape("A-99999", "999999", "99999")

    def _ssn(self) -> str:
        return (
            self._shape("3" + "9" * 2).replace("", "", 1)
            + "-"
            + f"{self.rng.randrange(1, 99):02d}-{self.rng.randrange(1, 9999):04d}"
        )

    def _secret(self) -> str:
        return self._shape("Aa9kAz9mA9", "kA9vA99zqA", "A9A9-A9A9-aa99")

    def _ip(self) -> str:
        return self.rng.choice(
            (
                f"203.0.113.{self.rng.randrange(255)}",
                f"10.{self.rng.randrange(255)}.3.{self.rng.randrange(255)}",
                f"2001:db8::{self.rng.randrange(1, 9999)}",
            )
        )

    def _url_tail(self) -> str:
        return f"{self._first().lower()}-{self.rng.randrange(1000, 99999)}"

    def _card(self) -> str:
        body = self.rng.choice(("4", "51", "55", "6011")) + self._digits(15)
        card = _with_luhn(body[:15])
        return self.rng.choice(
            (
                card,
                " ".join(card[n : n + 4] for n in range(0, 16, 4)),
                "-".join(card[n : n + 4] for n in range(0, 16, 4)),
            )
        )

    def _iban(self) -> str:
        country, body = self.rng.choice(
            (
                ("DE", self._digits(18)),
                ("GB", "NWBK" + self._digits(14)),
                ("NL", "RABO" + self._digits(10)),
                ("AT", self._digits(16)),
            )
        )
        number = int("".join(str(int(s, 36)) for s in body + country + "00"))
        iban = f"{country}{98 - number % 97:02d}{body}"
        return iban if self.rng.random() < 0.4 else " ".join(iban[n : n + 4] for n in range(0, len(iban), 4))

    def _vin(self) -> str:
        worth = dict(
            zip(
                "ABCDEFGHJKLMNPRSTUVWXYZ",
                (1, 2, 3, 4, 5, 6, 7, 8, 1, 2, 3, 4, 5, 7, 9, 2, 3, 4, 5, 6, 7, 8, 9),
                strict=True,
            )
        )
        vin = self._shape("9AAAA99A0AA999999")
        weights = (8, 7, 6, 5, 4, 3, 2, 10, 0, 9, 8, 7, 6, 5, 4, 3, 2)
        rest = sum((int(s) if s.isdigit() else worth[s]) * w for s, w in zip(vin, weights, strict=True)) % 11
        return vin[:8] + ("X" if rest == 10 else str(rest)) + vin[9:]

    def _national_id(self) -> str:
        return self.rng.choice((self._nhs, self._dni, self._pesel, self._cpf, self._bsn_labelled, self._nino))()

    def _nhs(self) -> str:
        while True:
            d = self._digits(9)
            check = (11 - sum(int(s) * w for s, w in zip(d, range(10, 1, -1), strict=True)) % 11) % 11
            if check < 10:
                return f"NHS {d[:3]} {d[3:6]} {d[6:]}{check}"

    def _dni(self) -> str:
        d = self._digits(8)
        return d + "TRWAGMYFPDXBNJZSQVHLCKE"[int(d) % 23]

    def _pesel(self) -> str:
        d = (
            f"{self.rng.randrange(40, 99)}{self.rng.randrange(1, 13):02d}{self.rng.randrange(1, 29):02d}"
            + self._digits(4)
        )
        return d + str((10 - sum(int(s) * w for s, w in zip(d, (1, 3, 7, 9) * 3, strict=False)) % 10) % 10)

    def _cpf(self) -> str:
        d = self._digits(9)
        for _ in range(2):
            rest = sum(int(s) * w for s, w in zip(d, range(len(d) + 1, 1, -1), strict=True)) * 10 % 11 % 10
            d += str(rest)
        return f"{d[:3]}.{d[3:6]}.{d[6:9]}-{d[9:]}"

    def _bsn_labelled(self) -> str:
        while True:
            d = self._digits(8)
            rest = sum(int(s) * w for s, w in zip(d, range(9, 1, -1), strict=True)) % 11
            if rest < 10 and d[0] != "0":
                return f"BSN {d}{rest}"

    def _nino(self) -> str:
        return self._shape("AB 99 99 99 C", "JK999999D", "SE 99 99 99 A")

    def _add_noise(self, case: Case) -> Case:
        draw = self.rng.random()
        fits = len(case.text.lower()) == len(case.text.upper()) == len(case.text)
        if draw < 0.10 and fits and not any(t.type == "SECRET" for t in case.truths):
            return Case(case.genre, case.text.lower(), case.truths)
        if draw < 0.16 and fits and not any(t.type in ("SECRET", "EMAIL") for t in case.truths):
            return Case(case.genre, case.text.upper(), case.truths)
        if draw < 0.25:
            return self._swap_letters(case)
        return case

    def _swap_letters(self, case: Case) -> Case:
        """Typos outside the values, and one in ten inside names: two neighbouring letters change places."""
        signs, named = list(case.text), [t for t in case.truths if t.type in ("PERSON", "ADDRESS")]
        for at in range(1, len(signs) - 2):
            inside = [t for t in case.truths if t.start <= at + 1 and at < t.end]
            rate = 0.02 if not inside else 0.01 if inside[0] in named else 0
            if signs[at].islower() and signs[at + 1].islower() and self.rng.random() < rate:
                signs[at], signs[at + 1] = signs[at + 1], signs[at]
        return Case(case.genre, "".join(signs), case.truths)


def _with_luhn(digits: str) -> str:
    total = sum(sum(divmod(int(s) * (2 - n % 2), 10)) for n, s in enumerate(reversed(digits)))
    return digits + str(-total % 10)


def make_cases(count: int, seed: int = 20) -> list[Case]:
    """Generated cases."""
    maker = CaseMaker(seed)
    return [unlabel(maker.make()) for _ in range(count)]


def unlabel(case: Case) -> Case:
    """The case in which the label of a national number is no part of it."""
    truths = []
    for one in case.truths:
        label = (
            re.match(r"(?:nhs|bsn) ", case.text[one.start : one.end], re.IGNORECASE)
            if one.type == "NATIONAL_ID"
            else None
        )
        truths.append(Truth(one.start + (label.end() if label else 0), one.end, one.type))
    return Case(case.genre, case.text, tuple(truths))


def read_notes(name: str = "notes.txt") -> list[Case]:
    """The notes written by hand."""
    cases = []
    for line in (FOLDER / name).read_text(encoding="utf-8").splitlines():
        if line.startswith("#") or not line:
            continue
        genre, _, marked = line.split(" | ", 2)
        text, truths, at = "", [], 0
        marked = marked.replace("\\n", "\n")
        for match in re.finditer(r"\{\{([A-Z_]+):(.*?)\}\}", marked, re.DOTALL):
            text += marked[at : match.start()]
            truths.append(Truth(len(text), len(text) + len(match.group(2)), match.group(1)))
            text += match.group(2)
            at = match.end()
        cases.append(Case(genre, text + marked[at:], tuple(truths), by_hand=True))
    return cases


def read_terms(name: str = "terms.txt") -> dict[str, list[str]]:
    """Sentences of each domain in which no person is named; their eponyms stand in «»."""
    found: dict[str, list[str]] = {}
    domain = ""
    for line in (FOLDER / name).read_text(encoding="utf-8").splitlines():
        if line.startswith("== "):
            domain = line[3:]
        elif line and not line.startswith("#"):
            found.setdefault(domain, []).append(line)
    return found
