"""Finds dates of birth, every other date with a day or a month, and ages above 89.

text -> findings

    "born 3 May 1961, seen 03/14/2024, aged 93"  ->  DATE_OF_BIRTH 5-15, DATE 22-32, AGE 39-41

A year alone is no finding. "120/80" and "3.5.2" are no dates: day and month must be possible, and a date without its
year needs a month's name or a word such as "on" or "seen".
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from nichetune.corpus.masking.findings import CERTAIN, LIKELY, POSSIBLE, Finding

_MONTHS = (
    r"jan(?:uary|uar|vier|eiro|uari|v)?|jänner|enero|gennaio|feb(?:ruary|ruar|ruari|r)?|février|fevrier|febrero|febbraio|fevereiro|"
    r"mar(?:ch|s|zo|ço|et)?|märz|maart|apr(?:il|ile|ill)?|avril|abril|may(?!\s(?:be|have|not|also|need|require|take)\b)|mai|mayo|maggio|maio|mei|june?|juin|junio|giugno|junho|juni|"
    "july?|juillet|julio|luglio|julho|juli|aug(?:ust|usti|ustus)?|août|aout|agosto|sept?(?:ember|embre|tember|iembre)?|settembre|setembro|"
    "septiembre|stycznia|lutego|marca|kwietnia|maja|czerwca|lipca|sierpnia|września|października|listopada|grudnia|augusti|ocak|şubat|"
    "nisan|mayıs|haziran|temmuz|ağustos|eylül|ekim|kasım|aralık|eanáir|feabhra|márta|aibreáin?|bealtaine|meitheamh|iúil|lúnasa|"
    "meán fómhair|deireadh fómhair|samhna?|nollai?g|\\w{4,7}kuuta|"
    "oct(?:ober|obre|ubre)?|okt(?:ober)?|ottobre|outubro|nov(?:ember|embre|iembre|embro)?|dec(?:ember|embre)?|décembre|"
    "dez(?:ember|embro)?|diciembre|dicembre"
)
_MONTH = rf"(?:{_MONTHS})(?![^\W\d_])\.?"
_DAY = r"(?:0?[1-9]|[12]\d|3[01])"
_YEAR = r"(?:(?:18|19|20)\d\d|['’]?\d\d)"
_NUMERIC = (
    rf"(?:(?:18|19|20)\d\d[-/.](?:0?[1-9]|1[0-2])[-/.]{_DAY}(?:T\d\d:\d\d(?::\d\d)?(?:\.\d+)?(?:Z|[+-]\d\d:?\d\d)?)?|"
    rf"{_DAY}(?P<s>[-/.]){_DAY}(?P=s)(?:(?:18|19|20)\d\d|\d\d))(?![\d/]|[.-]\d)"
)
_WRITTEN = (
    rf"(?:{_DAY}(?:st|nd|rd|th|er|\.)?(?:\s(?:day\s)?of)?(?:\sde)?[\s.-]{{0,2}}{_MONTH}(?:,|\sde)?(?:[\s.,'’-]{{0,2}}{_YEAR}\b)?|"
    rf"{_MONTH}[\s.-]{{1,2}}{_DAY}(?:st|nd|rd|th)?(?:\s?[–-]\s?{_DAY})?\b(?!:)(?:,?[\s-]{{1,2}}(?:(?:18|19|20)\d\d|['’]\d\d)\b|,?\s\d\d(?=\s*[.,;)]|$))?)"
)
_MONTH_YEAR = rf"(?:(?:early|mid|late|end of)[\s-])?{_MONTH},?[\s-](?:of\s)?(?:19|20)\d\d\b"
_COMPACT = r"(?:19|20)\d\d(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])"
DATE = rf"(?:{_WRITTEN}|{_NUMERIC})"

_DATE = re.compile(rf"(?<![\w/.+-])(?:{DATE}|{_MONTH_YEAR})", re.IGNORECASE)
_WEEKDAY = r"(?:mon|tue(?:s)?|wed(?:nes)?|thu(?:rs?)?|fri|sat(?:ur)?|sun)(?:day)?"
# A day without its month or year needs a word that leads to a day.
_LEADS = (
    rf"(?:{_WEEKDAY}|on|dated?|dos|seen|visit|admitted|discharged|since|until|till|til|by|from|due|f/u|next|arr(?:ives?|iving)?|dep(?:arts?)?|"
    r"expires?|exp|starts?|starting|effective|before|after|between|as of|wef|w/c|week of|ab|am|vom|bis|per|le|du|dal|al)"
)
_SHORT = re.compile(
    rf"\b{_LEADS}\b\.?[\s:,]{{1,2}}(?:the\s)?(?:(?P<value>{_DAY}/{_DAY})(?![\d/%]|\.\d)|(?P<dotted>{_DAY}\.(?:0?[1-9]|1[0-2])\.)(?![\d%])|"
    rf"(?P<nth>{_DAY}(?:st|nd|rd|th))\b(?!\s(?:floor|grade|time|century|amendment|street|st\b|ave|avenue|circuit|degree|place|year|form|of)))",
    re.IGNORECASE,
)
# "14/02" with its zero, where a line or sentence ends: no fraction is written so.
_PADDED = re.compile(
    r"(?<![\w/.-])(?P<value>(?:0[1-9]|[12]\d|3[01])/(?:0[1-9]|1[0-2])|(?:0[1-9]|1[0-2])/(?:1[3-9]|2\d|3[01]))(?=[,;]?(?:\s\d\d?:\d\d|\s*$|\.?\n)|\.(?:\s|$))"
)
_BIRTH = (
    r"(?:\bd\.?o\.?b\b\.?|\bdate of birth\b|\bbirth\s?(?:date|day)\b|\bborn\b|\bbirthdate\b|\bgeb(?:oren|\.)?|\bgeburtsdatum\b|\bnée?\b|"
    r"\bnacid[oa]\b|\bnat[oa]\b|\bb\.|\bfecha de nacimiento\b|\bdate de naissance\b|\bdata di nascita\b|\bd\.b\.)"
)
_BIRTH_DATE = re.compile(
    rf"{_BIRTH}(?:\s+(?:on|is|was|am|le|el|il|the)\b)?[\s:=,(\"'|-]{{0,5}}(?P<value>{DATE}|{_COMPACT}\b)", re.IGNORECASE
)
_DATE_THEN_BIRTH = re.compile(rf"(?P<value>{DATE})\s?\(\s?(?:dob|d\.o\.b\.|date of birth)\s?\)", re.IGNORECASE)
_TENS = r"(?:ninety(?:[\s-](?:one|two|three|four|five|six|seven|eight|nine))?|one hundred(?: and \w+)?)"
_AGE = re.compile(
    rf"(?<![\w./-])(?P<value>9\d|1[0-2]\d|{_TENS})(?:[\s-]?(?:years?|yrs?)[\s-]?(?:old|of age)|[\s-]?y(?:ear)?[/.-]?o\b|[\s-]?yr?s?\b(?=[\s,]*(?:old|male|female|m\b|f\b|man|woman|gentleman|lady)))|"
    rf"\b(?:aged?|turn(?:s|ed|ing)|age of)\s?(?:is|was)?[\s:=]{{1,3}}(?P<value2>9\d|1[0-2]\d|{_TENS})\b(?!\s?(?:%|mg|days|weeks|months))|"
    r"(?<![\w./-])(?P<value3>9\d|1[0-2]\d)[\s-]?(?:[MF]|yom|yof)\b",
    re.IGNORECASE,
)
# A number behind a name, as papers and notes give ages: "Rose, 91, said", "Mavis (92)"; "he was 90 last week".
_AGE_BEHIND_NAME = re.compile(
    r"\b[A-Z][\w'’\"-]+(?:,\s(?P<value>9\d|1[01]\d)(?=[,;]|\sof\b|\sand\b)|\s\((?P<value2>9\d|1[01]\d)\))|"
    r"\b(?:[Hh]e|[Ss]he|[Dd]river|[Pp]assenger|[Rr]esident|[Ww]idow(?:er)?|[Pp]ensioner)(?:\s(?:was|is|turned|turns)\s|,\s)(?P<value3>9\d|1[01]\d)(?=[,.;]|\slast\b|\sin\b|\snext\b|\sthis\b)|"
    r"\((?P<value4>9\d|1[01]\d)\sas of\b"
)
_AGE_BEFORE = re.compile(
    r"(?:\b(?:over|under|above|below|at least|older than|younger than|up to|[<>≥≤]=?)\s?)$", re.IGNORECASE
)
_ANY_DIGIT = re.compile(r"\d|ninety|hundred", re.IGNORECASE)


def find_dates(text: str) -> Iterator[Finding]:
    """All dates and high ages."""
    if not _ANY_DIGIT.search(text):
        return
    for pattern in (_BIRTH_DATE, _DATE_THEN_BIRTH):
        for match in pattern.finditer(text):
            yield Finding(*match.span("value"), "DATE_OF_BIRTH", CERTAIN)
    for match in _DATE.finditer(text):
        if _is_possible(match.group()):
            yield Finding(match.start(), match.start() + len(match.group().rstrip(" .,")), "DATE", LIKELY)
    for match in _SHORT.finditer(text):
        if not match["value"] or min(map(int, match["value"].split("/"))) <= 12:
            yield Finding(*_span_of_value(match), "DATE", POSSIBLE)
    for match in _PADDED.finditer(text):
        yield Finding(*match.span("value"), "DATE", POSSIBLE)
    for match in _AGE_BEHIND_NAME.finditer(text):
        yield Finding(*_span_of_value(match), "AGE", POSSIBLE)
    for match in _AGE.finditer(text):
        if not _AGE_BEFORE.search(text[max(0, match.start() - 14) : match.start()]):
            yield Finding(*_span_of_value(match), "AGE", LIKELY)


def _span_of_value(match: re.Match[str]) -> tuple[int, int]:
    """Where the value stands: of a pattern's named groups, each of an alternative, the one that took part."""
    return match.span(next(name for name, value in match.groupdict().items() if value))


def _is_possible(value: str) -> bool:
    """Whether day and month of a numeric date can be: one of them at most 12."""
    parts = [int(part) for part in re.findall(r"\d+", value.split("T")[0])]
    if len(parts) != 3 or re.search(r"[^\W\d_]{3}", value):
        return True
    if parts[0] > 31:
        return parts[1] <= 12
    # "1.2.33" is a section or a version more often than a day.
    return min(parts[0], parts[1]) <= 12 and not (value.count(".") == 2 and len(value) <= 6)
