"""Patterns for the names of people that stand where only a name can stand: after a title or a label.

text -> spans of names.

    "Seen with Dr. Olivia Chen."   ->  "Olivia Chen" (after a title: a name whatever it is)
    "Pt: KELLER, MARIA, 61 y/o"    ->  "KELLER, MARIA" (after a label: a name unless it is a domain term)
    "Met Julia Welch at noon"      ->  "Julia Welch" (a given name of the census and a capitalised word)

The tagger finds names in free prose; these patterns know what stands in records and letters.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from nichetune.corpus.masking.lexicon import given_names

# Capital letters of the Latin, Greek and Cyrillic scripts; `re` has no class for them.
_UPPER = "[" + "".join(chr(code) for code in range(0x41, 0x530) if chr(code).isupper()) + "]"
_LETTER = r"[^\W\d_]"
# Words that stand beside names in records, and would be read as one more name.
NOT_NAMES = (
    *("DOB", "MRN", "SSN", "DOS", "OD", "OS", "OU", "AD", "AS", "AU", "MD", "RTC", "PMH", "Hx", "Dx", "Rx", "Tel"),
    *("Phone", "Fax", "Cell", "Email", "E-mail", "Address", "Born", "Age", "Aged", "Male", "Female", "Date", "Record"),
    *("Chart", "Account", "Acct", "Room", "Visit", "Report", "Reports", "Complains", "Presents", "States", "Denies"),
    *("Has", "Is", "Was", "Came", "Seen", "And", "The", "With", "For", "From", "On", "In", "At", "No", "Not"),
)
_STOP = rf"(?!(?:{'|'.join(NOT_NAMES)})\b)"
WORD = rf"{_STOP}{_UPPER}{_LETTER}+(?:['’-]{_LETTER}+)*"
_PARTICLE = r"(?:van|von|der|den|de|del|della|la|le|da|dos|di|du|bin|ibn|al|el|ten|ter|zu)"
_INITIAL = rf"{_UPPER}\.?(?![^\W_])"
_GAP = r"[ \t]{1,2}"
_NEXT = rf"(?:{_GAP}(?:{_PARTICLE}{_GAP}){{0,2}}(?:{WORD}|{_INITIAL}))"
_FULL = rf"(?:{WORD}|{_INITIAL}(?={_GAP}{_UPPER})){_NEXT}{{1,3}}"
_ANY = rf"(?:{WORD}|{_INITIAL}(?={_GAP}{_UPPER})|{_PARTICLE}{_GAP}{WORD}){_NEXT}{{0,3}}"
_LAST_FIRST = rf"{WORD}(?:{_GAP}{WORD})?,[ \t]?{WORD}(?:{_GAP}(?:{WORD}|{_INITIAL}))?"

TITLES = (
    *("Dr", "Doctor", "Drs", "Prof", "Professor", "Mr", "Mister", "Mrs", "Ms", "Miss", "Mx", "Sir", "Madam", "DR"),
    *(
        "MR",
        "MRS",
        "MS",
        "Nurse",
        "Rev",
        "Capt",
        "Sgt",
        "Mdm",
        "Shri",
        "Smt",
        "Sh",
        "Herr",
        "Frau",
        "Mme",
        "Mlle",
        "Señor",
        "Señora",
    ),
    *(
        "Sra",
        "Sig",
        "Signora",
        "Officer",
        "Detective",
        "Deputy",
        "Lt",
        "Judge",
        "Justice",
        "Coach",
        "Ing",
        "Fr",
        "Hon",
        "Dame",
        "Mevrouw",
    ),
)
_TITLE = rf"(?:{'|'.join(TITLES)})"
_PATIENT = r"(?:[Pp]t|PT|[Pp]atient|PATIENT|(?:[Pp]atient(?:'s)? )?[Nn]ame|NAME|[Cc]lient|[Cc]ustomer)"
_ROLES = (
    r"(?:(?:[Rr]eferred|[Ss]een|[Ss]igned|[Dd]ictated|[Ee]xamined|[Tt]ranscribed|[Rr]eviewed|[Aa]dmitted) by|"
    r"[Pp]rovider|[Pp]hysician|[Ss]urgeon|[Aa]ttending|[Rr]eferring|[Gg]uardian|[Cc]are(?:r|giver)|[Nn]ext of kin|"
    r"[Ee]mergency contact|[Cc]ontact|[Aa]ttn|[Ss]poke (?:with|to)|[Dd]iscussed with|[Cc]alled|[Dd]ear|[Ss]igned|"
    r"[Mm]other|[Ff]ather|[Ss]ister|[Bb]rother|[Ww]ife|[Hh]usband|[Ss]on|[Dd]aughter|[Pp]arent|[Ss]pouse|[Cc]c|CC|[Ff]rom|[Tt]o|"
    r"[Mm]y name is|MY NAME IS|[Nn]ame is|NOK|[Ww]itness(?:ed by)?|[Bb]eneficiary|[Tt]enant|[Ll]andlord|"
    r"[Dd]efendant|[Pp]laintiff|[Pp]etitioner|"
    r"[Aa]pplicant|[Ee]mployee|[Oo]perator|[Tt]ech(?:nician)?|[Ss]upervisor|[Ii]nsured|[Cc]ardholder|"
    r"[Aa]ccount holder|[Tt]itular|[Gg]uarantor|"
    r"[Ss]igned off(?: by)?|[Rr]egards,|[Ss]incerely,|[Cc]heers,|[Bb]est,|[Tt]hanks,|[Gg]rüßen,|[Cc]ordialement,)"
)
_DEGREES = r"(?:MD|M\.D\.|DO|D\.O\.|RN|NP|PA-C|PhD|Ph\.D\.|DDS|FACS|FRCS|FRCOphth|MBBS)"

# After these a capitalised word is a name, whatever the word is.
TITLED = (
    re.compile(rf"\b{_TITLE}\b\.?{_GAP}(?P<value>{_ANY})"),
    re.compile(rf"(?<![\w'’-])(?P<value>{_FULL}),? {_DEGREES}(?!\w)"),
)
# After these two or more capitalised words are a name, unless the documents know the phrase.
PATIENTS = (
    re.compile(rf"\b{_PATIENT}\s?[:=#-]\s{{0,3}}(?P<value>{_LAST_FIRST}|{_ANY})"),
    re.compile(rf"\b{_PATIENT}{_GAP}(?P<value>{_FULL})"),
)
# After these a capitalised word is a name, unless all its words are the domain's.
LABELLED = (
    re.compile(rf"\b{_ROLES}\s?[:=]\s{{0,3}}(?P<value>{_LAST_FIRST}|{_ANY})"),
    re.compile(rf"\b{_ROLES}{_GAP}(?P<value>{_FULL})"),
)

_WORD = re.compile(rf"(?<![\w'’-]){WORD}(?![\w'’])")
_REST = re.compile(rf"{_NEXT}{{1,2}}")
_ALONE_BEFORE = re.compile(
    r"(?:\b(?:[Hh]i|[Hh]ello|[Hh]ey|[Dd]ear|[Tt]hanks|[Tt]hank you|[Cc]heers|[Rr]egards)[, ]{0,2}\s|"
    r"\b(?:[Ss]poke|[Tt]alked|[Mm]et|[Cc]alled|[Ee]-?mailed|[Aa]sked|[Tt]old|[Pp]er)(?: (?:with|to|w/))? )$"
)
_LAST_BEFORE = re.compile(rf"(?:^|[\n:;(|]\s?)(?P<last>{WORD}), ?$")
_LONGEST_BEFORE = 48


def find_given_names(text: str) -> Iterator[tuple[int, int]]:
    """Names that begin with a known given name: "Julia Welch", "Welch, Julia", and alone after "Hi" or "Spoke to"."""
    for match in _WORD.finditer(text):
        word = match.group()
        if word.casefold() not in given_names():
            continue
        rest = _REST.match(text, match.end())
        before = text[max(0, match.start() - _LONGEST_BEFORE) : match.start()]
        last = _LAST_BEFORE.search(before)
        if rest:
            yield match.start(), rest.end()
        elif last:
            yield match.start() - (len(before) - last.start("last")), match.end()
        elif _ALONE_BEFORE.search(before):
            yield match.span()
