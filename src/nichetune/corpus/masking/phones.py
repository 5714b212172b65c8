"""Finds telephone numbers of all countries by their form, their label and libphonenumber's plans.

text -> findings

    "Call (503) 555-0140 or +49 30 901820"  ->  PHONE_NUMBER 5-19, 23-35

A number counts if it is written as one ("+49 30 …", "(503) 555-0140"), if a word says so ("call", "mob:"), or if it is
valid in the plan of a country that writes numbers in that form. A bare run of digits without a word is none.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import phonenumbers

from nichetune.corpus.masking.findings import LIKELY, POSSIBLE, Finding

_SOME_DIGITS = re.compile(r"\d(?:[\s().+/\u2011-]{0,3}\d){5}")
_TAIL = r"(?:\s?(?:x|ext|extension|poste|int)\.?\s?:?\s?\d{1,6})?"
_CANDIDATE = re.compile(
    r"(?<![\w.+$€£/#-])(?:(?<!\d,)|(?=\+|0\d{3}|\(|\d{3}[-.]\d{3}[-.]\d{4}))(?P<value>(?:\+\s?|00\s?)?(?:\(\+?\d{1,5}\)\s?|\d)(?:[ .\u00a0\u2011/-]{0,2}\(?\d\)?){5,15}"
    + _TAIL
    + r")(?![\w]|[-/.]\d)",
    re.IGNORECASE,
)
_LABEL = re.compile(
    r"(?:\b(?:tele?(?:phone|fon)?|phone|ph|cell(?:ular|phone)?|mob(?:ile)?|handy|fax|call(?:ed|ing|s|back)?(?: (?:back|me|her|him|them|us))?|"
    r"ring|text(?:ed)?|sms|whats ?app|pager|beeper|reach(?:ed|able)?(?: (?:me|her|him|them|us))?|contact(?:able)?(?: (?:no|number|tel))?|"
    r"dial|hotline|(?:my|her|his|their|new|old|phone|contact|cell|mobile|home|work) (?:number|no)|nummer|numéro|teléfono|telefono|tél|telefone|móvil|landline)\b|\b(?:work|home|office|[tmfpch])\s?[:.])"
    r"[\s.:=\"'#()-]{0,4}(?:(?:is|at|on|no|number|num|nr|me|back|her|him|them|number is|under)\b[\s.:#]{0,3}){0,3}$",
    re.IGNORECASE,
)
_NORTH_AMERICA = re.compile(
    r"(?:\+?1[\s.\u2011-]?)?(?:\(\d{3}\)\s?|\d{3}[ .\u2011/-])\d{3}[ .\u2011-]\d{4}" + _TAIL, re.IGNORECASE
)
# Countries whose numbers begin with 0, and those whose numbers come in groups without it.
_ZERO = ("GB", "AU", "DE", "FR", "IE", "NZ", "ZA", "IT", "NL", "BE", "CH", "AT", "SE", "FI", "JP", "KR", "KE", "NG", "IN", "TR",
         "PH", "ID", "VN", "TH", "MY", "EG", "IL", "UA", "RO", "HR", "GH", "SI", "SK", "BG", "RS", "PK", "BD", "LK", "TW", "UG",
         "TZ", "SA", "AE", "JO", "LB", "MA", "DZ", "BR", "PE", "EC", "BO", "VE")  # fmt: skip
_GROUPED = ("ES", "PT", "PL", "CZ", "DK", "NO", "GR", "IN", "BR", "MX", "SG", "HK", "CN", "HU", "CO", "CL", "CH", "AR", "PE",
            "IS", "LV", "LT", "EE", "CY", "MT", "TN", "UY", "CR", "GT", "QA", "KW", "AE", "PK", "KR", "RU")  # fmt: skip
# After these a run of digits is a thing's: "order 0412 555 019".
_THING_BEFORE = re.compile(
    r"(?:\b(?:orders?|invoices?|inv|ref(?:erence)?|lots?|parts?|sku|isbn|issn|tickets?|tracking|batch|serial|items?|models?|versions?|"
    r"articles?|sections?|pages?|docket|file|drawing|assets?|catalog(?:ue)?|upc|ean|gtin|total|amount|balance|price|cost|parcel|seal|"
    r"revision|rev|po|wo|s/n|sn|qty|commit|build)\b(?:\s(?:no|number|nr|id|code)\b)?|[$€£#*+^-])[\s.:#]{0,3}$",
    re.IGNORECASE,
)
_UNIT_BEHIND = re.compile(
    r"\s?(?:%|mg|mcg|ml|kg|g|mm|cm|km|units?|USD|EUR|GBP|CHF|dollars?|euros?|pounds?|rupees?|pcs|pieces|bytes|[kmgt]b|hz|rpm)\b",
    re.IGNORECASE,
)
# "12 345 678" and "1.234.567" are counts.
_THOUSANDS = re.compile(r"[1-9]\d?(?:[ \u00a0]\d{3})+|[1-9]\d{0,2}(?:\.\d{3})+")
_NO_PHONE = re.compile(
    r"(?:\d{1,2}([./-])\d{1,2}\1(?:19|20)?\d\d|(?:19|20)\d\d([./-])\d{1,2}\2\d{1,2})\b(?![./-]\d)|(?:\d{1,3}\.){3}\d{1,3}$"
)
_EXTENSION = re.compile(
    r"\b(?:ext(?:ension)?|extn|durchwahl|pager|beeper|bleep)\b[.:]?\s{0,2}(?:no\.? |number )?#?(?P<value>\d{3,6})\b",
    re.IGNORECASE,
)
_BARE_START = re.compile(r"(?:^|[,\"|\t;>(]\s?|\n)$")
_LOCAL = re.compile(r"\d{3}[-. ]\d{4}")
_ZERO_FORM = re.compile(r"\(?0\d{1,4}\)?[ /.-]{1,2}\d{2,8}(?:[ .-]\d{2,4}){0,4}")


def find_phones(text: str) -> Iterator[Finding]:
    """All numbers, and extensions by their label."""
    if not any(map(str.isdigit, text)):
        return
    for match in _EXTENSION.finditer(text):
        yield Finding(*match.span("value"), "PHONE_NUMBER", POSSIBLE)
    if not _SOME_DIGITS.search(text):
        return
    for match in _CANDIDATE.finditer(text):
        score = _judge(text, match.start("value"), match.group("value").rstrip())
        if score:
            yield Finding(
                match.start("value"), match.start("value") + len(match.group("value").rstrip()), "PHONE_NUMBER", score
            )


def _judge(text: str, start: int, value: str) -> float:
    """How sure it is that a candidate is a number; 0 if it is none."""
    digits = re.sub(r"\D", "", re.split(r"(?i)x|e|p|i", value)[0])
    if not 7 <= len(digits) <= 15 or _NO_PHONE.match(value):
        return 0
    if value.startswith(("+", "(+")):
        return LIKELY
    labelled = _LABEL.search(text[max(0, start - 48) : start]) is not None
    if value.startswith("00"):
        return LIKELY if labelled or _is_valid("+" + digits[2:], None) else 0
    if labelled:
        return LIKELY if len(digits) <= 13 else 0
    if _THING_BEFORE.search(text[max(0, start - 24) : start]) or _UNIT_BEHIND.match(text, start + len(value)):
        return 0
    if _NORTH_AMERICA.fullmatch(value):
        return LIKELY
    if value.isdigit():
        return _judge_bare(text, start, value)
    if value.startswith(("0", "(0")):
        return _judge_zero(value, digits)
    is_count = _LOCAL.fullmatch(value) or _THOUSANDS.fullmatch(value)
    return POSSIBLE if 8 <= len(digits) <= 12 and not is_count and _is_valid_in(value, _GROUPED) else 0


def _judge_bare(text: str, start: int, value: str) -> float:
    """A run of digits with no word beside it: a number where it stands alone, or fits the plan of North America or Britain."""
    if not 10 <= len(value) <= 12:
        return 0
    alone = _BARE_START.search(text[max(0, start - 2) : start]) is not None
    fits = _is_valid(value, "US") or (value[0] == "0" and _is_valid(value, "GB"))
    return POSSIBLE if fits or (alone and _is_valid_in(value, _ZERO)) else 0


def _judge_zero(value: str, digits: str) -> float:
    """Groups that begin with 0: valid somewhere, or in the form that numbers alone have ("0485-883 11 20")."""
    if not 8 <= len(digits) <= 12:
        return 0
    if _is_valid_in(value, _ZERO):
        return LIKELY
    return POSSIBLE if len(digits) >= 9 and _ZERO_FORM.fullmatch(value) else 0


def _is_valid_in(value: str, regions: tuple[str, ...]) -> bool:
    return any(_is_valid(value, region) for region in regions)


def _is_valid(value: str, region: str | None) -> bool:
    try:
        return phonenumbers.is_valid_number(phonenumbers.parse(value, region))
    except phonenumbers.NumberParseException:
        return False
