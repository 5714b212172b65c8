"""The recognisers that nichetune adds to Presidio's: records, dates of birth, addresses, phones, e-mail, secrets.

text -> Presidio results, each a span, a type and a confidence.

    "MRN 00482913, DOB 03/14/1961"  ->  MEDICAL_RECORD 4-12, DATE_OF_BIRTH 18-28

Numbers and dates are personal by their label: "MRN 00482913" is masked and "lot 00482913" is not, "born 3 May 1961"
is and "seen 3 May 2024" is not. Dates other than of birth, places that are no address, and ages stay.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from presidio_analyzer import EntityRecognizer, LocalRecognizer, RecognizerResult
from presidio_analyzer.predefined_recognizers import (
    CreditCardRecognizer,
    IbanRecognizer,
    IpRecognizer,
    PhoneRecognizer,
    SpacyRecognizer,
    UsMbiRecognizer,
    UsSsnRecognizer,
)

from nichetune.corpus import names
from nichetune.corpus.secrets import find_secrets

# Labels lend certainty in this order; the strongest claim on a stretch of text names its type.
SURE, CERTAIN, LIKELY, POSSIBLE = 1.0, 0.95, 0.85, 0.6
TITLED_NAME, PATIENT_NAME, LABELLED_NAME, GIVEN_NAME = "TITLED_NAME", "PATIENT_NAME", "LABELLED_NAME", "GIVEN_NAME"

_NUMBER_WORD = r"(?:\s?(?:numbers?|num|nos?|nr|id|ids)\b\.?|\s?\#)?"
_IS = r"[\s:=.\#-]{0,4}(?:is\s+|was\s+)?"
_MONTH = r"(?:jan|feb|mar|apr|may|jun|jul|aug|sep|sept|oct|nov|dec)[a-z]{0,6}\.?"
_DATE = (
    rf"(?:\d{{1,2}}[/.-]\d{{1,2}}[/.-](?:\d{{4}}|\d{{2}})|\d{{4}}[/.-]\d{{1,2}}[/.-]\d{{1,2}}|"
    rf"{_MONTH}\s{{1,2}}\d{{1,2}}(?:st|nd|rd|th)?,?\s{{1,2}}\d{{4}}|"
    rf"\d{{1,2}}(?:st|nd|rd|th)?[\s-]{_MONTH},?[\s-]\d{{4}})(?!\d)"
)
# Four digits or more, and no date: "record 2019-04-11" says when, not whose.
_VALUE = rf"(?P<value>(?!{_DATE}|(?:19|20)\d\d(?![\w-]))(?=(?:[A-Z-]*\d){{4}})[A-Z0-9][A-Z0-9-]*[A-Z0-9])(?![\w-])"
_BIRTH = r"(?:\bdob\b|\bd\.o\.b\b\.?|\bdate of birth\b|\bbirth\s?da(?:te|y)\b|\bborn\b)"
# "Back in 2 Weeks. Dr. Smith" names no street.
_MEASURE = r"(?:(?:second|minute|min|hour|hr|day|week|wk|month|year|yr|time|drop|tab|tablet|dose)s?|mg|ml|mm|cm)\b"
_STREET_WORD = r"(?-i:[A-ZÀ-ÖØ-Þ])[\w'’-]*\.?|\d{1,3}(?:st|nd|rd|th)"
_SUFFIX = (
    r"(?:street|st|avenue|ave|av|road|rd|lane|ln|drive|boulevard|blvd|court|ct|way|place|pl|terrace|ter|circle|cir|"
    r"highway|hwy|parkway|pkwy|square|sq|trail|trl|loop|plaza|alley|crescent|close|gardens|row|pike|turnpike|"
    # "Dr Smith" after a number is a doctor; "12 Oak Dr" at a pause, or before a unit or a town, is a drive.
    r"dr(?=\.?(?:\s*(?:[,;)\n]|$)|\.\s|\s+(?:apt|unit|suite|ste|\#))))\b(?:\.(?=\s?[,#]|\s(?:apt|unit|suite|ste)\b))?"
)
_UNIT = r"(?:,?\s(?:apt|apartment|suite|ste|unit|floor|fl|room|rm|bldg)\b\.?\s?\#?\s?\w{1,6}|,?\s?\#\s?\w{1,6})?"
_TOWN = (
    r"(?:,?\s+(?-i:[A-ZÀ-ÖØ-Þ])[\w'’.-]+(?:\s(?-i:[A-ZÀ-ÖØ-Þ])[\w'’.-]+){0,2},?\s+(?-i:[A-Z]{2})(?:\s+\d{5}(?:-\d{4})?)?\b"
    r"|,?\s+(?-i:[A-Z]{2})\s+\d{5}(?:-\d{4})?\b)?"
)


@dataclass(frozen=True)
class Rule:
    """One pattern whose group `value` is personal."""

    entity: str
    pattern: re.Pattern[str]
    score: float


def _rule(entity: str, pattern: str, score: float = LIKELY) -> Rule:
    return Rule(entity, re.compile(pattern, re.IGNORECASE), score)


_RULES = (
    _rule(
        "MEDICAL_RECORD",
        rf"\b(?:mrn?|mr\#|(?:medical|health|hospital|patient|chart|case|encounter)(?: record)?|record|chart|nhs)\b"
        rf"{_NUMBER_WORD}{_IS}{_VALUE}",
        CERTAIN,
    ),
    _rule(
        "ACCOUNT_NUMBER",
        rf"\b(?:acct|account|member|policy|subscriber|insurance|claim|customer|medicare|medicaid|routing|iban)\b"
        rf"{_NUMBER_WORD}{_IS}{_VALUE}",
    ),
    _rule("DRIVER_LICENSE", rf"\b(?:driver'?s?'?\s)?licen[sc]e\b{_NUMBER_WORD}{_IS}{_VALUE}"),
    _rule("PASSPORT", rf"\bpassport\b{_NUMBER_WORD}{_IS}{_VALUE}"),
    _rule(
        "US_SSN", rf"\b(?:ssn|social security)\b{_NUMBER_WORD}{_IS}(?P<value>\d{{3}}[- ]?\d{{2}}[- ]?\d{{4}})\b", 0.9
    ),
    _rule("DATE_OF_BIRTH", rf"{_BIRTH}(?:\s+(?:on|is|was)\b)?[\s:=,(-]{{0,4}}(?P<value>{_DATE})", CERTAIN),
    _rule("DATE_OF_BIRTH", rf"(?P<value>{_DATE})\s?\(\s?(?:dob|date of birth)\s?\)", CERTAIN),
    _rule(
        "ADDRESS",
        rf"(?<![\w.])(?P<value>\d{{1,6}}[a-z]?(?!\s{_MEASURE})(?:\s[NSEW]{{1,2}}\.?)?(?:\s(?:{_STREET_WORD})){{1,4}}\s(?-i:(?=[A-Z])){_SUFFIX}{_UNIT}{_TOWN})",
        LIKELY,
    ),
    _rule(
        "ADDRESS",
        rf"\b(?:address|lives? (?:at|on)|living at|resid(?:es|ing) at)[\s:]{{1,3}}"
        rf"(?P<value>\d{{1,6}}\s[\w'’. -]{{2,40}}?\s(?:{_SUFFIX}|dr\b\.?){_UNIT}{_TOWN})",
        LIKELY,
    ),
    _rule("ADDRESS", r"(?P<value>\bp\.?\s?o\.?\s?box\s\d{1,6}\b)"),
    _rule(
        "PHONE_NUMBER",
        r"(?<![\w.+-])(?P<value>(?:\+?1[\s.-]?)?(?:\(\d{3}\)\s?|\d{3}[\s.-])\d{3}[\s.-]\d{4}"
        r"(?:\s?(?:x|ext)\.?\s?\d{1,6})?)(?!\w|-\d)",
    ),
    _rule(
        "PHONE_NUMBER",
        r"\b(?:phone|tel|telephone|cell|mobile|fax|call|pager|reach\w*)\b(?:\s\w+){0,3}[\s:.\#]{1,3}"
        r"(?P<value>\+?\d{3}[\s.-]?\d{4}|\+?\d{10,13})(?!\w|-\d)",
    ),
    # Presidio's own e-mail recogniser asks a list of public suffixes (over the network, at first use) and lets
    # `maria@clinic.local` pass.
    _rule(
        "EMAIL_ADDRESS", r"(?<![\w.+%-])(?P<value>[\w.+%-]{1,64}@(?:[\w-]{1,63}\.){1,8}[a-z]{2,24})(?![\w-])", CERTAIN
    ),
    *(Rule(TITLED_NAME, pattern, CERTAIN) for pattern in names.TITLED),
    *(Rule(PATIENT_NAME, pattern, LIKELY) for pattern in names.PATIENTS),
    *(Rule(LABELLED_NAME, pattern, LIKELY) for pattern in names.LABELLED),
)


class RuleRecogniser(LocalRecognizer):
    """Finds what the rules above describe; a rule's group `value` is the span."""

    def __init__(self) -> None:
        super().__init__(supported_entities=sorted({GIVEN_NAME, *(rule.entity for rule in _RULES)}), name="rules")

    def load(self) -> None:
        """Nothing to load."""

    def analyze(self, text: str, entities: list[str], nlp_artifacts: Any = None) -> list[RecognizerResult]:
        """All spans of all rules."""
        found = [
            RecognizerResult(rule.entity, *match.span("value"), rule.score)
            for rule in _RULES
            if rule.entity in entities
            for match in rule.pattern.finditer(text)
        ]
        return found + [RecognizerResult(GIVEN_NAME, *span, POSSIBLE) for span in names.find_given_names(text)]


class SecretRecogniser(LocalRecognizer):
    """Finds secrets by detect-secrets."""

    def __init__(self) -> None:
        super().__init__(supported_entities=["SECRET"], name="detect-secrets")

    def load(self) -> None:
        """Nothing to load."""

    def analyze(self, text: str, entities: list[str], nlp_artifacts: Any = None) -> list[RecognizerResult]:
        """All spans of secrets."""
        return [RecognizerResult("SECRET", start, end, SURE) for start, end in find_secrets(text)]


class QuickPhoneRecogniser(PhoneRecognizer):
    """Presidio's recogniser (numbers of eight countries), asked only where seven digits stand close together."""

    _DIGITS = re.compile(r"\d(?:[\s().+/-]{0,2}\d){6}")

    def analyze(self, text: str, entities: list[str], nlp_artifacts: Any = None) -> list[RecognizerResult]:
        """Phone numbers; a bare run of digits is none without a word that says so."""
        if not self._DIGITS.search(text):
            return []
        found = super().analyze(text, entities, nlp_artifacts)
        return [one for one in found if not text[one.start : one.end].isdigit()]


def make_recognisers() -> list[EntityRecognizer]:
    """All recognisers that act on a text; what they do not find stays."""
    return [
        SpacyRecognizer(supported_entities=["PERSON"]),
        RuleRecogniser(),
        SecretRecogniser(),
        QuickPhoneRecogniser(),
        CreditCardRecognizer(),
        IbanRecognizer(),
        IpRecognizer(),
        UsMbiRecognizer(),
        UsSsnRecognizer(),
    ]
