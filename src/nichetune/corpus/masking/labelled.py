"""Finds numbers that are personal by the word beside them: records, accounts, badges, plates, passports, serials.

text -> findings

    "MRN 00482913, badge no. E-2041"  ->  MEDICAL_RECORD 4-12, BADGE_NUMBER 24-30

"MRN 00482913" is masked and "lot 00482913" is not: the label decides, and the number may have any form.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from nichetune.corpus.masking.dates import DATE
from nichetune.corpus.masking.findings import CERTAIN, LIKELY, POSSIBLE, Finding

_NUMBER_WORD = r"(?:\s?(?:numbers?|num|nos?|nr|n°|nº|ids?|codes?|ref(?:erence)?)\b\.?|\s?\#)?"
_IS = r"(?:[\s:=.,\#\"'(>|-]{0,5}(?:(?:is|was|are|reads|ending|starts with)\s+|(?-i:[:#])\s?)?)"
# Four digits or more, and no date: "record 2019-04-11" says when, not whose.
_VALUE = rf"(?P<value>(?!{DATE}|(?:19|20)\d\d(?![\w/-]))(?=(?:[A-Z/.-]*\d){{4}})[A-Z0-9](?:[A-Z0-9/-]|\.(?=\d)){{2,28}}[A-Z0-9])(?![\w-])"
# The same with single spaces between groups, for labels that leave no doubt.
_GROUPS = rf"(?P<value>(?!{DATE}|(?:19|20)\d\d(?![\w/-]))(?=(?:[A-Z/.-]*[\s]?\d){{3}})[A-Z0-9](?:[A-Z0-9/.-]|[ ](?=[A-Z0-9-]*\d)){{2,28}}[A-Z0-9](?:[ ](?-i:[A-Z])\b)?)(?![\w-])"
_PLATE = r"(?P<value>(?=(?:[ -]?[A-Z0-9]){5})(?=[A-Z0-9 -]*\d)(?=[A-Z0-9 -]*[A-Z])(?-i:[A-Z0-9]{1,4}(?:[ -]?[A-Z0-9]{1,5}){1,2})|(?-i:(?=[a-z -]*\d)(?=[\d -]*[a-z])[a-z0-9]{2,4}[ -]?[a-z0-9]{3,4}))(?![\w-])"


# The same where only the form tells: capitals, with a digit among them.
_CAPITAL_PLATE = r"(?P<value>(?=(?:[ -]?[A-Z0-9]){5})(?-i:(?=[A-Z -]{0,6}\d)(?=[\d -]{0,6}[A-Z])[A-Z0-9]{1,4}(?:[ -][A-Z0-9]{1,5}){0,2}))(?![\w-])"


def _rule(entity: str, label: str, value: str = _VALUE, score: float = LIKELY) -> tuple[str, re.Pattern[str], float]:
    return entity, re.compile(rf"(?<![\w-])(?:{label}){_NUMBER_WORD}{_IS}{value}", re.IGNORECASE), score


_SHORT_VALUE = _VALUE.replace("{4}", "{3}", 1)
# Words that stand beside many numbers name a person's only with "number", "no." or "ID" between: "employee no. 441".
_WEAK_NUMBER = r"(?:['’]?s?\s?(?:numbers?|num|nos?|nr|n°|nº|ids?|identifiers?|codes?|ref(?:erence)?)\b\.?|\s?\#)"


def _weak(entity: str, label: str, value: str = _VALUE, score: float = LIKELY) -> tuple[str, re.Pattern[str], float]:
    return entity, re.compile(rf"(?<![\w-])(?:{label}){_WEAK_NUMBER}{_IS}{value}", re.IGNORECASE), score


# Five digits or more, or a letter and four: what stands some words behind its label must be no small number.
_LONG_VALUE = rf"(?P<value>(?!{DATE}|(?:19|20)\d\d(?![\w/-]))(?:(?-i:[A-Z]{{1,4}})-?(?=(?:[A-Z/.-]*\d){{4}})|(?=(?:[A-Z/.-]*\d){{5}}))[A-Z0-9][A-Z0-9/-]{{2,28}}[A-Z0-9])(?![\w-])"
_FEW_WORDS = (
    r"(?:[\s,;:(]{1,2}(?!(?:and|or|order|invoice)\b|(?:for|of|over|under|worth)\s[$£€\d])[^\W\d]+){1,4}?[\s,:(\#]{1,3}"
)


def _near(entity: str, label: str, value: str = _LONG_VALUE) -> tuple[str, re.Pattern[str], float]:
    """A label, up to four words, a long number: "her badge was scanned as 40917"."""
    return entity, re.compile(rf"(?<![\w-])(?:{label})\b{_FEW_WORDS}{value}", re.IGNORECASE), POSSIBLE


_RULES = (
    _rule(
        "MEDICAL_RECORD",
        r"mr\#|m\.r\.n\.?|(?:medical|health|hospital|hosp|patient|chart|case|clinic|encounter)(?: record| file)?|"
        r"record|chart|nhs|(?-i:URN|UR|CSN|FIN)|uhid|accession|specimen|requisition|rx|emr|(?-i:[Ff]older)",
        score=CERTAIN,
    ),
    _rule("MEDICAL_RECORD", r"mrns?|(?-i:[Cc]ard)(?=\s[A-Z]{2,5}/)", _GROUPS, CERTAIN),
    _weak("MEDICAL_RECORD", r"visit|admission|prescription|study|lab|referral|episode|acc", score=CERTAIN),
    _rule(
        "ACCOUNT_NUMBER",
        r"(?:bank )?acc(?:oun)?t|a/c|konto|compte|cuenta|member(?:ship)?|policy|subscriber|insurance|claim|medicare|medicaid|"
        r"health card|ohip|beneficiary|hicn|routing|aba|iban|(?-i:PNR|CRN|BAN|GTB)|frequent flyer",
    ),
    _weak(
        "ACCOUNT_NUMBER",
        r"customer|client|group|swift|loan|mortgage|card|credit card|debit card|contract|payer|booking|confirmation|loyalty|"
        r"meter|plan|payroll|pension|crew|reservation|invoice account|case",
    ),
    _rule(
        "ACCOUNT_NUMBER",
        r"sort[ -]code|routing|bsb|ifsc|transit",
        r"(?P<value>\d{2}[- ]\d{2}[- ]\d{2}|\d{6,9}|\d{3}-\d{3}|[A-Z]{4}0[A-Z0-9]{6})(?![\w-])",
    ),
    _rule(
        "ACCOUNT_NUMBER",
        r"(?-i:[Pp]olicy|POLICY)|polis|póliza|polizza|polisa|versicherungsschein|sinistr[eo]|siniestro|schaden",
        _GROUPS,
    ),
    _rule("ACCOUNT_NUMBER", r"loan|mortgage|library card"),
    _rule(
        "ACCOUNT_NUMBER",
        r"(?:card|account|acct|a/c)(?: \w+)? ending(?: in| with)?|last four(?: digits)?",
        r"(?P<value>\d{4})(?!\d)",
    ),
    _rule("DRIVER_LICENSE", r"(?-i:C?DL)", _GROUPS),
    _rule(
        "DRIVER_LICENSE",
        r"(?:driv(?:er|ing)['’]?s?['’]?\s)?licen[sc]e|d\.l\.|(?-i:DL|CDL|NPI|GMC|NMC|DEA)|(?:white|green|blue) card|"
        r"(?:medical|nursing|bar|state) licen[sc]e|führerschein|permis",
    ),
    _weak("DRIVER_LICENSE", r"permit|certificate|cert|registration|accreditation|bar"),
    _rule("PASSPORT", r"passport|reisepass|passeport|pasaporte|travel document|visa", _SHORT_VALUE, CERTAIN),
    _rule(
        "US_SSN",
        r"ssn|ss\#|s\.s\.n\.?|social(?: security)?",
        r"(?P<value>(?:\d{3}|[x*]{3})[- .]?(?:\d{2}|[x*]{2})[- .]?\d{4})\b",
        CERTAIN,
    ),
    _rule(
        "US_SSN",
        r"(?:last four|last 4)(?: digits)?(?: of)?(?: (?:the|my|her|his|their))? (?:ssn|social(?: security)?)",
        r"(?P<value>\d{4})(?!\d)",
    ),
    _weak(
        "NATIONAL_ID",
        r"(?:national|identity|citizen|resident|civil|personal|tax|fiscal|government|n\.?i\.?)"
        r"(?:\s?/\s?\w+)?(?: insurance| identity| identification| id| card)?(?:\s?/\s?(?:tax|national))?|alien|(?-i:A)-?",
        _GROUPS,
    ),
    _rule(
        "NATIONAL_ID",
        r"national insurance|nino|uan|tfn|bsn|dni|nif|nric|hkid|cpf|curp|rfc|cuit|cuil|aadhaa?r|pesel|personnummer|cpr|hetu|"
        r"fødselsnummer|steuer-?id|ahv|insee|codice fiscale|c\.f\.|ppsn|itin|emirates id|id card|a-number|uscis|green card|"
        r"my ?number|teudat zehut|omang|bvn|nhi|ramq|ihi|phn|abha|esic?|epic|ssnit|kra pin|nuit|amka|kimlik|t\.c\.|jmbg|emšo|isikukood|"
        r"asmens kodas|personas kods|kvnr|(?:sozial|renten)?versicherungs(?:nummer|nr)|versicherten(?:nummer|nr)|steuer(?:nummer|nr)|snils|"
        r"cédula|cedula|mykad|nik|ktp|philhealth|umid|upn|uln|h&c|voter id|(?-i:SIN|PAN|FIN|TIN|NIE|NIN|RUT|NIR|AVS|EIN|PPS|NRC|IRD|CF|NI)",
        _GROUPS,
    ),
    _rule(
        "NATIONAL_ID",
        r"id(?: (?:card|document))?(?=[\s:]*(?:no|number|\#|:)?[\s:]*\d{6})|identification",
        _GROUPS,
    ),
    _rule("VEHICLE_ID", r"vin|chassis|vehicle identification", _VALUE, CERTAIN),
    _rule(
        "VEHICLE_ID",
        r"(?:licen[sc]e |number |registration |vehicle |truck |car |trailer |van |temp )?(?:plates?|tags?)|rego|"
        r"reg(?:istration)?(?: mark| plate)?|vrm|vrn|kennzeichen|immatriculation|v5c?|matrícula|targa",
        r"(?:for (?:the |my |his |her |a )?(?:\w+ )?(?:is )?|of |on |is |reads? |the |number |\w+ plate )?" + _PLATE,
    ),
    _rule(
        "VEHICLE_ID",
        r"car|van|truck|lorry|vehicle|motorbike|motorcycle|scooter|taxi|cab|ambulance|bus|trailer|ute|bakkie|auto",
        _CAPITAL_PLATE,
    ),
    _rule(
        "DEVICE_ID",
        r"serial|s/n|(?-i:SN)|ser\.|imei|imsi|iccid|udid|udi|meid|esn|mac address|asset tag|unit serial|"
        r"(?:pacemaker|pump|monitor|icd|insulin pump|implant|device|lead) (?:sn|s/n|serial|id)",
        _SHORT_VALUE,
    ),
    _weak("DEVICE_ID", r"device|implant|pacemaker|pump|monitor|engine|hull|lead"),
    _rule("BADGE_NUMBER", r"badge(?: swipe)?|shield|warrant|collar|personal(?:nummer|nr)|inmate|edipi", _SHORT_VALUE),
    _near(
        "BADGE_NUMBER",
        r"badge|(?:id|staff|swipe|access|key|student|clock) card|lanyard|(?:employee|staff|student|clock|payroll|personnel) (?:no|number|id)",
    ),
    _near("DRIVER_LICENSE", r"licen[sc]e"),
    _near("PASSPORT", r"passport"),
    _near("ACCOUNT_NUMBER", r"policy|account|membership|claim"),
    _near("VEHICLE_ID", r"plates?|registration|reg|rego", _CAPITAL_PLATE),
    _near("DEVICE_ID", r"serial"),
    _rule(
        "BADGE_NUMBER",
        r"operator|staff(?: member)?|worker|clock|student|guard|technician|teller|cashier|badge holder|swipe card|gate pass|crew",
        _LONG_VALUE,
    ),
    _rule("BADGE_NUMBER", r"payroll|personnel|student card|staff card|employee|matricule|matricola|legajo"),
    _weak(
        "BADGE_NUMBER",
        r"employee|personnel|emp|staff|payroll|clock|worker|operator|student|pupil|faculty|learner|prisoner|offender|service|military|"
        r"dod|volunteer|contractor|user|ucas|matriculation|matrikel|enrol?lment|roll|candidate|voter|library card|participant|"
        r"subject|donor|respondent|agent|officer|driver|resident|guest|unique",
        _SHORT_VALUE,
    ),
    _rule("BADGE_NUMBER", r"(?-i:PC|DC|PS|DS|WPC|ID|Id)", r"(?P<value>(?:[A-Z]{0,3}-?)\d{3,10}[A-Z]?)(?![\w-])"),
)
# Plates whose form says all: British since 2001 (LD68 FWN), French and Italian (FG-418-KX).
_BARE_PLATE = re.compile(
    r"(?<![\w-])(?:[A-HJ-PR-Y]{2}\d\d\s?[A-HJ-PR-Z]{3}|[A-HJ-NP-TV-Z]{2}-\d{3}-[A-HJ-NP-TV-Z]{2})(?![\w-])"
)
_SOME_DIGITS = re.compile(r"\d[\w /.-]{0,3}\d|\d")
_UNITS = re.compile(
    r"\s?(?:mg|mcg|ml|kg|g|mm|cm|km|units?|%|hours?|days?|weeks?|months?|years?|cells?|pcs|pieces|psi|bar|rpm|°|volts?|V|W|USD|EUR|dollars?)\b"
)


def find_labelled(text: str) -> Iterator[Finding]:
    """All numbers that a label makes personal."""
    if not _SOME_DIGITS.search(text):
        return
    for match in _BARE_PLATE.finditer(text):
        yield Finding(*match.span(), "VEHICLE_ID", LIKELY)
    for entity, pattern, score in _RULES:
        for match in pattern.finditer(text):
            if not _UNITS.match(text, match.end("value")):
                yield Finding(*match.span("value"), entity, score)
