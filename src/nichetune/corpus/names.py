"""Patterns for the names of people that stand where only a name can stand: after a title or a label.

text -> spans of names.

    "Seen with Dr. Olivia Chen."   ->  "Olivia Chen" (after a title: a name whatever it is)
    "Pt: KELLER, MARIA, 61 y/o"    ->  "KELLER, MARIA" (after a label: a name unless it is a domain term)
"""

from __future__ import annotations

import re

# Capital letters of the Latin, Greek and Cyrillic scripts; `re` has no class for them.
_UPPER = "[" + "".join(chr(code) for code in range(0x41, 0x530) if chr(code).isupper()) + "]"
_LETTER = r"[^\W\d_]"
# Words that stand behind names in records, and would be read as one more surname.
_STOP = (
    r"(?!(?:DOB|MRN|SSN|DOS|OD|OS|OU|AD|AS|AU|MD|Tel|Phone|Fax|Cell|E-?mail|Address|Born|Age|Aged|Male|Female|Date|"
    r"Record|Chart|Account|Acct|Room|Visit|Reports?|Complains?|Presents?|States?|Denies|Has|Is|Was|Came|Seen|And|"
    r"The|With|For|From|On|In|At|No|Not|RTC|PMH|Hx|Dx|Rx)\b)"
)
WORD = rf"{_STOP}{_UPPER}{_LETTER}+(?:['’-]{_LETTER}+)*"
_PARTICLE = r"(?:van|von|der|den|de|del|della|la|le|da|dos|di|du|bin|ibn|al|el|ten|ter|zu)"
_INITIAL = rf"{_UPPER}\.?(?![^\W_])"
_GAP = r"[ \t]{1,2}"
_NEXT = rf"(?:{_GAP}(?:{_PARTICLE}{_GAP}){{0,2}}(?:{WORD}|{_INITIAL}))"
_FULL = rf"(?:{WORD}|{_INITIAL}(?={_GAP}{_UPPER})){_NEXT}{{1,3}}"
_ANY = rf"(?:{WORD}|{_INITIAL}(?={_GAP}{_UPPER})|{_PARTICLE}{_GAP}{WORD}){_NEXT}{{0,3}}"
_LAST_FIRST = rf"{WORD}(?:{_GAP}{WORD})?,[ \t]?{WORD}(?:{_GAP}(?:{WORD}|{_INITIAL}))?"

_TITLES = r"(?:Dr|Doctor|Drs|Prof|Professor|Mr|Mister|Mrs|Ms|Miss|Mx|Sir|Madam|DR|MR|MRS|MS|Nurse|Rev|Capt|Sgt)"
_PATIENT = r"(?:[Pp]t|PT|[Pp]atient|PATIENT|(?:[Pp]atient(?:'s)? )?[Nn]ame|NAME|[Cc]lient|[Cc]ustomer)"
_ROLES = (
    r"(?:(?:[Rr]eferred|[Ss]een|[Ss]igned|[Dd]ictated|[Ee]xamined|[Tt]ranscribed|[Rr]eviewed|[Aa]dmitted) by|"
    r"[Pp]rovider|[Pp]hysician|[Ss]urgeon|[Aa]ttending|[Rr]eferring|[Gg]uardian|[Cc]are(?:r|giver)|[Nn]ext of kin|"
    r"[Ee]mergency contact|[Cc]ontact|[Aa]ttn|[Ss]poke (?:with|to)|[Dd]iscussed with|[Cc]alled|[Dd]ear|[Ss]igned|"
    r"[Mm]other|[Ff]ather|[Ss]ister|[Bb]rother|[Ww]ife|[Hh]usband|[Ss]on|[Dd]aughter|[Pp]arent|[Ss]pouse|[Cc]c)"
)
_DEGREES = r"(?:MD|M\.D\.|DO|D\.O\.|RN|NP|PA-C|PhD|Ph\.D\.|DDS|FACS|FRCS|FRCOphth|MBBS)"

# After these a capitalised word is a name, whatever the word is.
TITLED = (
    re.compile(rf"\b{_TITLES}\b\.?{_GAP}(?P<value>{_ANY})"),
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
