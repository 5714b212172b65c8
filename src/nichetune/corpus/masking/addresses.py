"""Finds addresses by their form: a number and a street, in the word orders of many countries, with unit, town, postcode.

text -> findings

    "Lives at 12 Oak Street, Apt 4B, Springfield, IL 62704."  ->  ADDRESS 9-53

The tagger finds more of them, and towns; what stands side by side is joined to one address in `spans.py`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from nichetune.corpus.masking.findings import CERTAIN, LIKELY, POSSIBLE, Finding

_CAP = r"(?-i:[A-ZÀ-ÖØ-ÞĀĂĄĆČĎĐĒĖĘĚĞĢĪĮİĶĹĻĽŁŃŅŇŌŐŒŔŘŚŞŠŤŢŪŮŰŲŹŻŽ])"
# "Back in 2 Weeks. Dr. Smith" names no street.
_MEASURE = (
    r"(?:(?:second|minute|min|hour|hr|day|week|wk|month|year|yr|time|drop|tab|tablet|dose|capsule)s?|mg|ml|mm|cm|kg)\b"
)
_STREET_WORD = rf"{_CAP}[\w'’-]*\.?|\d{{1,3}}(?:st|nd|rd|th)"
_SUFFIX = (
    r"(?:street|st|avenue|ave|av|road|rd|lane|ln|drive|boulevard|blvd|court|ct|way|place|pl|terrace|ter|circle|cir|cct|circuit|"
    r"highway|hwy|parkway|pkwy|square|sq|trail|trl|loop|plaza|alley|crescent|cres|close|gardens|gdns|row|pike|turnpike|grove|mews|walk|"
    r"parade|pde|esplanade|quay|wharf|rise|hill|crossing|bend|ridge|run|path|spur|pass|cove|hollow|expressway|route|causeway|broadway|"
    # "Dr Smith" after a number is a doctor; "12 Oak Dr" at a pause, or before a unit or a town, is a drive.
    r"dr(?=\.?(?:\s*(?:[,;)\n]|$)|\.\s|\s+(?:apt|unit|suite|ste|\#))))\b(?!-[a-z])(?:\.(?=\s?[,#]|\s(?:apt|unit|suite|ste)\b))?(?:\s(?-i:[NSEW]{1,2})\b)?"
)
_UNIT = (
    r"(?:,?\s(?:apt|apartment|suite|ste|unit|floor|fl|flat|room|rm|bldg|building|lot|trlr|space|spc|block|level)\b\.?\s?\#?\s?\w{1,6}|"
    r",?\s?\#\s?\w{1,6}|,?\s\d{1,2}(?:st|nd|rd|th)\s(?:floor|fl)\b)?"
)
_TOWN = (
    rf"(?:,?\s+{_CAP}[\w'’.-]+(?:\s{_CAP}[\w'’.-]+){{0,2}},?\s+(?-i:[A-Z]{{2,3}})(?:,?\s+\d{{4,5}}(?:-\d{{4}})?)?\b"
    r"|,?\s+(?-i:[A-Z]{2})\s+\d{5}(?:-\d{4})?\b)?"
)
UK_POSTCODE = r"(?:GIR\s?0AA|[A-PR-UWYZ](?:\d{1,2}|[A-HK-Y]\d|[A-HK-Y]\d\d|\d[A-HJKSTUW]|[A-HK-Y]\d[ABEHMNPRV-Y])\s?\d[ABD-HJLNP-UW-Z]{2})"
CA_POSTCODE = r"[ABCEGHJ-NPRSTVXY]\d[ABCEGHJ-NPRSTV-Z][ -]?\d[ABCEGHJ-NPRSTV-Z]\d"
STATES = (
    "AL|AK|AZ|AR|CA|CO|CT|DE|FL|GA|HI|ID|IL|IN|IA|KS|KY|LA|ME|MD|MA|MI|MN|MS|MO|MT|NE|NV|NH|NJ|NM|NY|NC|ND|OH|OK|OR|PA|RI|SC|SD|TN|TX|UT|"
    "VT|VA|WA|WV|WI|WY|DC|NSW|VIC|QLD|SA|TAS|ACT|NT"
)
_NUMBER = r"\d{1,6}(?:[-/]\d{1,4})?\s?(?:[a-z]|bis|ter)?"


def _rule(pattern: str, score: float = LIKELY, flags: re.RegexFlag = re.IGNORECASE) -> tuple[re.Pattern[str], float]:
    return re.compile(pattern, flags), score


_RULES = (
    _rule(
        rf"(?<![\w.])(?P<value>(?:(?:flat|unit|apt|suite)\s\w{{1,5}},?\s)?\d{{1,6}}(?:[-/]\d{{1,4}})?[a-z]?(?!\s{_MEASURE})(?:\s[NSEW]{{1,2}}\.?)?"
        rf"(?:\s(?:{_STREET_WORD})){{1,4}}\s(?-i:(?=[A-Z])){_SUFFIX}{_UNIT}{_TOWN})"
    ),
    _rule(
        r"\b(?:address|lives? (?:at|on|in)|living at|resid(?:es?|ing) at|residence|house at|ship(?:ped)? to|deliver(?:ed)? to|located at|home at|mine)[\s:]{1,3}"
        rf"(?:is\s)?(?P<value>\d{{1,6}}[a-z]?\s[\w'’. -]{{2,40}}?\s(?:{_SUFFIX}|dr\b\.?){_UNIT}{_TOWN})"
    ),
    _rule(rf"(?<![\w.])(?P<value>\d{{1,6}}[a-z]?\s[a-z][\w'’]{{2,20}}(?:\s[a-z][\w'’]{{2,20}})?\s(?:street|ave|avenue|road|rd|lane|ln|drive|blvd|boulevard|crescent|terrace|court|close|trail|parkway|highway|grove|gardens)\b{_UNIT}{_TOWN})", POSSIBLE),
    _rule(r"(?P<value>\b(?:p\.?\s?o\.?\s?box|post office box|postfach|private bag|casilla|apartado(?: de correos)?|locked bag|gpo box)\s\#?\d{1,6}\b)"),
    # One word of street and its kind: Lindenstraße 4, Torvegade 3, Storgatan 12.
    _rule(
        rf"\b(?P<value>{_CAP}[\w-]{{1,30}}(?:straße|strasse|str\.|weg|gasse|allee|platz|damm|ufer|ring|straat|laan|gracht|kade|plein|dijk|gatan|vägen|gade|vej|veien|gata|gate|katu|tie|utca|út)"
        rf"\s{{1,2}}{_NUMBER}\b)"
    ),
    # The kind first: rue, calle, via, ulica …
    _rule(
        rf"\b(?P<value>(?:{_NUMBER},?\s)?(?:rue|avenue|boulevard|bd|place|chemin|impasse|allée|quai|calle|c/|avenida|avda\.?|av\.|paseo|plaza|via|viale|piazza|corso|"
        rf"largo|rua|travessa|praça|ul\.|ulica|al\.|aleja|strada|str\.|bulevardul|jalan|jl\.)\s(?:(?:de|la|las|los|el|du|des|dei|della|del|do|da|dos|das|l['’])\s?){{0,3}}"
        rf"{_CAP}[\w'’.-]+(?:\s(?:de|la|y|e|{_CAP}[\w'’.-]*)){{0,3}},?\s(?:n[º°o]?\.?\s?)?{_NUMBER}\b)"
    ),
    _rule(rf"\b(?P<value>{_NUMBER},?\s(?:rue|avenue|boulevard|bd|place|chemin|impasse|allée|quai)\s(?:(?:de|la|du|des|l['’])\s?){{0,3}}{_CAP}[\w'’.-]+(?:[\s-]{_CAP}[\w'’.-]*){{0,3}})"),
    _rule(r"\b(?P<value>(?:[hdf]\.|flat|house|plot|door|shop|villa|stand|erf|blk|block)\s?(?:no\.?|number|\#)?\s?\d[\w/-]{0,8},\s[^\n;:]{3,60}?\b(?:\d{5,6}|nagar|colony|road|street|layout|enclave|sector\s?\d+|estate|heights|apartments|ave \d+(?:\s\#[\d-]+)?)\b)"),
    _rule(r"\b(?P<value>(?:blk|block)\s\d{1,4}[a-z]?\s[A-Z][\w ]{2,40}?\#\d{1,2}-\d{1,4})\b"),
    _rule(rf"(?<![\w-])(?P<value>{UK_POSTCODE})(?![\w-])", LIKELY, re.NOFLAG),
    _rule(rf"(?<![\w-])(?P<value>{CA_POSTCODE})(?![\w-])", LIKELY, re.NOFLAG),
    _rule(rf"\b(?P<value>{_CAP}[\w'’.-]+(?:\s{_CAP}[\w'’.-]+){{0,2}},?\s(?-i:{STATES}),?\s\d{{4,5}}(?:-\d{{4}})?)\b"),
    _rule(r"\b(?:zip(?: ?code)?|post(?:al)? ?code|postcode|plz|pin ?code|cep)\b[\s:=.#\"']{1,4}(?:is\s)?(?P<value>[a-z]?\d[\w]{2,5}(?:[ -]\d?[\w]{2,4})?)\b(?<=\w)", CERTAIN),
    _rule(rf"(?<![\w.-])(?P<value>(?-i:{STATES})\s\d{{5}}(?:-\d{{4}})?)\b"),
)  # fmt: skip


def find_addresses(text: str) -> Iterator[Finding]:
    """All addresses that their form shows."""
    if not any(map(str.isdigit, text)):
        return
    for pattern, score in _RULES:
        for match in pattern.finditer(text):
            yield Finding(*match.span("value"), "ADDRESS", score)
