"""Finds numbers that prove themselves by a checksum: cards, bank accounts, national numbers, vehicles, devices.

text -> findings

    "IBAN DE89 3704 0044 0532 0130 00"  ->  IBAN 5-32

Where a form is rare and its checksum strong, the number needs no label. Forms that many numbers have (ten plain digits)
need a word beside them. The checksums are python-stdnum's.
"""

from __future__ import annotations

import functools
import importlib
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from nichetune.corpus.masking.findings import CERTAIN, SURE, Finding


@dataclass(frozen=True)
class Form:
    """How a number is written, what proves it, and the word that must stand near if the form is common."""

    entity: str
    pattern: re.Pattern[str]
    proof: str
    label: re.Pattern[str] | None = None


def _form(entity: str, pattern: str, proof: str, label: str = "") -> Form:
    near = re.compile(rf"\b(?:{label})\b", re.IGNORECASE) if label else None
    return Form(entity, re.compile(rf"(?<![\w.-])(?:{pattern})(?![\w]|[-.]\d)", re.IGNORECASE), proof, near)


_N = "NATIONAL_ID"
_FORMS = (
    _form("CREDIT_CARD", r"[2-6]\d{3}([ -]?)\d{4}\1\d{4}\1\d{1,4}(?:\1\d{1,3})?|3\d{3}([ -]?)\d{6}\2\d{4,5}|1800\d{11}", "luhn"),
    _form("CREDIT_CARD", r"(?:50|5[6-9]|6\d)\d{2}([ -]?)\d{4}\1\d{4}", "luhn", r"card|visa|mastercard|maestro|cc|payment|debit|credit|pan"),
    _form("IBAN", r"[a-z]{2}\d{2}(?:[ -]?[a-z0-9]{4}){2,7}(?:[ -]?[a-z0-9]{1,4})?", "iban"),
    _form("VEHICLE_ID", r"(?=[a-hj-npr-z0-9]*[a-z])(?=[a-hj-npr-z0-9]*\d)[a-hj-npr-z0-9]{17}", "vin"),
    _form("DEVICE_ID", r"\d{15}|\d{2}-\d{6}-\d{6}-\d|\d{6}[ -]\d{2}[ -]\d{6}[ -]\d", "imei"),
    _form(_N, r"\d{3}[ -]\d{3}[ -]\d{4}|\d{10}", "gb.nhs", r"nhs|chi|health|hospital|patient|medical"),
    _form(_N, r"[a-z]{2} ?\d{2} ?\d{2} ?\d{2} ?[a-d]", "nino"),
    _form(_N, r"\d{3}[ -]?\d{3}[ -]?\d{3}", "ca.sin", r"sin|nas|social|insurance|canad\w+"),
    _form(_N, r"\d{3} ?\d{3} ?\d{3}", "au.tfn", r"tfn|tax|file"),
    _form(_N, r"[2-6]\d{3} ?\d{5} ?\d(?:[ /-]?\d)?", "medicare_au", r"medicare|irn"),
    _form(_N, r"[a-z]{6}\d{2}[a-ehlmprst]\d{2}[a-z]\d{3}[a-z]", "it.codicefiscale"),
    _form(_N, r"\d{8}[ -]?[a-z]", "es.dni"),
    _form(_N, r"[xyz][ -]?\d{7}[ -]?[a-z]", "es.nie"),
    _form(_N, r"[12] ?\d{2} ?(?:0[1-9]|1[0-2]|[2-9]\d) ?(?:\d{2}|2[ab]) ?\d{3} ?\d{3} ?\d{2}", "fr.nir"),
    _form(_N, r"\d{2} ?\d{3} ?\d{3} ?\d{3}", "de.idnr", r"steuer\w*|tax|idnr|tin|identifikationsnummer"),
    _form(_N, r"\d{8,9}|\d{4}[. ]\d{2}[. ]\d{3}", "nl.bsn", r"bsn|burgerservice\w*|sofi|citizen"),
    _form(_N, r"\d{11}", "pl.pesel"),
    _form(_N, r"\d{6,8}[-+]\d{4}", "se.personnummer"),
    _form(_N, r"\d{6}-\d{4}", "dk.cpr"),
    _form(_N, r"\d{6} ?\d{5}", "no.fodselsnummer"),
    _form(_N, r"\d{6}[-+abcdefyxwvu]\d{3}[a-z0-9]", "fi.hetu"),
    _form(_N, r"756[. ]?\d{4}[. ]?\d{4}[. ]?\d{2}", "ch.ssn"),
    _form(_N, r"\d{2}[. ]?\d{2}[. ]?\d{2}[- ]\d{3}[. ]?\d{2}|\d{11}", "be.nn"),
    _form(_N, r"\d{4} ?\d{6}", "at.vnr", r"svnr|sv|sozialversicherung\w*|insurance"),
    _form(_N, r"\d{7}[a-w][a-iw]?", "ie.pps"),
    _form(_N, r"\d{3}\.\d{3}\.\d{3}-\d{2}", "br.cpf"),
    _form(_N, r"\d{11}", "br.cpf", r"cpf"),
    _form(_N, r"\d{1,2}\.?\d{3}\.?\d{3}-[\dk]", "cl.rut"),
    _form(_N, r"\d{2}-\d{8}-\d", "ar.cuit"),
    _form(_N, r"[a-z]{4}\d{6}[hm][a-z]{5}[0-9a-z]\d", "mx.curp"),
    _form(_N, r"[a-z&ñ]{4}\d{6}[0-9a-z]{3}", "mx.rfc", r"rfc"),
    _form(_N, r"\d{4}[ -]\d{4}[ -]\d{4}", "in_.aadhaar"),
    _form(_N, r"\d{12}", "in_.aadhaar", r"aadhaar|aadhar|uid"),
    _form(_N, r"[a-z]{3}[abcfghljpt][a-z]\d{4}[a-z]", "in_.pan"),
    _form(_N, r"\d{17}[\dx]", "cn.ric"),
    _form(_N, r"\d{6}-[1-8]\d{6}", "kr.rrn"),
    _form(_N, r"[stfgm]\d{7}[a-z]", "nric"),
    _form(_N, r"\d{13}", "za.idnr"),
    _form(_N, r"\d{11}", "tr.tckimlik"),
    _form(_N, r"\d{13}", "ro.cnp"),
    _form(_N, r"\d{6}/\d{3,4}", "cz.rc"),
    _form(_N, r"\d{10}", "bg.egn", r"egn|егн|personal|identity"),
    _form(_N, r"\d{11}", "ee.ik"),
    _form(_N, r"\d{11}", "lt.asmens"),
    _form(_N, r"\d{6}-\d{5}", "lv.pvn"),
    _form(_N, r"\d{11}", "hr.oib", r"oib"),
    _form(_N, r"\d{9}", "pt.nif", r"nif|contribuinte|fiscal"),
    _form(_N, r"\d{9}", "il.idnr", r"teudat|zehut|id|identity"),
    _form(_N, r"\d-?\d{4}-?\d{5}-?\d{2}-?\d", "th.pin"),
    _form(_N, r"[a-z]{1,2}\d{6}\(\w\)", "hkid"),
    _form("DRIVER_LICENSE", r"[abfmrgx][a-z9]\d{7}", "dea"),
    _form("MEDICAL_RECORD", r"[12]\d{9}", "npi", r"npi|provider"),
    _form("ACCOUNT_NUMBER", r"[0-3]\d{8}", "us.rtn", r"aba|routing|rtn|wire|transit"),
    _form("US_SSN", r"(?!000|666|9)\d{3}([- ])(?!00)\d{2}\1(?!0000)\d{4}", "always"),
    _form("US_SSN", r"9\d{2}-(?:5\d|6[0-5]|[78]\d|9[0-24-9])-\d{4}", "always"),
    # Written as cards and bank accounts are; a digit may be wrong.
    _form("CREDIT_CARD", r"(?<!\d )\d{4}([ -])\d{4}\1\d{4}\1\d{4}", "always"),
    _form("IBAN", r"[a-z]{2}\d{2}(?: [a-z0-9]{4}){3,7}(?: [a-z0-9]{1,3})?", "always"),
    _form("US_MBI", r"[1-9][ac-hj-km-np-rt-y][ac-hj-km-np-rt-y0-9]\d-?[ac-hj-km-np-rt-y][ac-hj-km-np-rt-y0-9]\d-?[ac-hj-km-np-rt-y]{2}\d{2}", "always"),
)  # fmt: skip
_LABEL_REACH = 40
_LEAST_DIGITS = 6


def find_proven(text: str) -> Iterator[Finding]:
    """Every number whose checksum holds."""
    if sum(map(str.isdecimal, text)) < _LEAST_DIGITS:
        return
    for form in _FORMS:
        for match in form.pattern.finditer(text):
            near = text[max(0, match.start() - _LABEL_REACH) : match.start()]
            if form.label and not form.label.search(near):
                continue
            end = _proven_end(form, match)
            if end:
                yield Finding(
                    match.start(), end, form.entity, SURE if form.entity in ("IBAN", "CREDIT_CARD") else CERTAIN
                )


def _proven_end(form: Form, match: re.Match[str]) -> int:
    """Where the number ends, 0 if its checksum fails; an account runs into the words behind it ("… 00 BIC")."""
    prove = _proof(form.proof)
    value = match.group()
    while True:
        if prove(value):
            return match.start() + len(value)
        shorter = value.rpartition(" ")[0]
        if form.entity != "IBAN" or not shorter:
            return 0
        value = shorter


def prove(proof: str, value: str) -> bool:
    """Whether a value passes a named check: `luhn`, `iban`, or a module of python-stdnum such as `gb.nhs`.

    Raises:
        KeyError: no such check.
    """
    return _proof(proof)(value)


@functools.cache
def _proof(name: str) -> Callable[[str], bool]:
    own: dict[str, Callable[[str], bool]] = {
        "always": lambda _: True,
        "luhn": _is_card,
        "vin": _is_vin,
        "nino": _is_nino,
        "nric": _is_nric,
        "hkid": _is_hkid,
        "dea": _is_dea,
        "npi": lambda value: _luhn("80840" + value),
        "medicare_au": _is_medicare_au,
    }
    if name in own:
        return own[name]
    try:
        module: Any = importlib.import_module(f"stdnum.{name}")
    except ImportError:
        raise KeyError(name) from None
    return lambda value: bool(module.is_valid(value))


def _luhn(digits: str) -> bool:
    total = 0
    for n, sign in enumerate(reversed(digits)):
        one = int(sign) * (1 + n % 2)
        total += one - 9 if one > 9 else one
    return total % 10 == 0


def _is_card(value: str) -> bool:
    digits = re.sub(r"\D", "", value)
    return 13 <= len(digits) <= 19 and len(set(digits)) > 1 and _luhn(digits)


def _is_vin(value: str) -> bool:
    """Check digit at the ninth place, as North America writes it."""
    worth = {sign: n for n, sign in enumerate("0123456789")} | dict(
        zip(
            "ABCDEFGHJKLMNPRSTUVWXYZ",
            (1, 2, 3, 4, 5, 6, 7, 8, 1, 2, 3, 4, 5, 7, 9, 2, 3, 4, 5, 6, 7, 8, 9),
            strict=True,
        )
    )
    weights = (8, 7, 6, 5, 4, 3, 2, 10, 0, 9, 8, 7, 6, 5, 4, 3, 2)
    rest = sum(worth.get(sign, 0) * weight for sign, weight in zip(value.upper(), weights, strict=True)) % 11
    return value.upper()[8] == ("X" if rest == 10 else str(rest))


def _is_nino(value: str) -> bool:
    first = value[:2].upper()
    return (
        first[0] not in "DFIUV" and first[1] not in "DFIOUV" and first not in ("BG", "GB", "KN", "NK", "NT", "TN", "ZZ")
    )


def _is_nric(value: str) -> bool:
    total = sum(int(sign) * weight for sign, weight in zip(value[1:8], (2, 7, 6, 5, 4, 3, 2), strict=True))
    kind = value[0].upper()
    total += {"T": 4, "G": 4, "M": 3}.get(kind, 0)
    letters = {"S": "JZIHGFEDCBA", "T": "JZIHGFEDCBA", "F": "XWUTRQPNMLK", "G": "XWUTRQPNMLK", "M": "KLJNPQRTUWX"}[kind]
    return value[8].upper() == letters[total % 11] or kind == "M"


def _is_hkid(value: str) -> bool:
    body = re.sub(r"[()]", "", value.upper()).rjust(9)
    numbers = [36 if s == " " else int(s) if s.isdigit() else ord(s) - 55 for s in body[:-1]]
    rest = sum(n * weight for n, weight in zip(numbers, range(9, 1, -1), strict=True)) % 11
    return body[-1] == "0A987654321"[rest]


def _is_dea(value: str) -> bool:
    d = [int(sign) for sign in value[2:]]
    return (d[0] + d[2] + d[4] + 2 * (d[1] + d[3] + d[5])) % 10 == d[6]


def _is_medicare_au(value: str) -> bool:
    d = [int(sign) for sign in re.sub(r"\D", "", value)]
    return sum(n * weight for n, weight in zip(d, (1, 3, 7, 9, 1, 3, 7, 9), strict=False)) % 10 == d[8]
