"""Finds secrets in running text: keys, tokens, passwords, private keys, by detect-secrets' own detectors.

text -> spans of secrets, nothing written, nothing verified over the network.

    "Portal password=k3yXq9 RTC 2 wks"  ->  [(16, 22)]

detect-secrets is made for source code, where a secret stands alone in quotes. Here its patterns are asked for
their positions, its keyword detector's value is cut at the first space, and its entropy detectors judge bare words.
"""

from __future__ import annotations

import functools
import math
import re
from collections.abc import Iterator

from detect_secrets.plugins.artifactory import ArtifactoryDetector
from detect_secrets.plugins.aws import AWSKeyDetector
from detect_secrets.plugins.azure_storage_key import AzureStorageKeyDetector
from detect_secrets.plugins.base import RegexBasedDetector
from detect_secrets.plugins.basic_auth import BasicAuthDetector
from detect_secrets.plugins.cloudant import CloudantDetector
from detect_secrets.plugins.discord import DiscordBotTokenDetector
from detect_secrets.plugins.github_token import GitHubTokenDetector
from detect_secrets.plugins.gitlab_token import GitLabTokenDetector
from detect_secrets.plugins.high_entropy_strings import Base64HighEntropyString, HexHighEntropyString
from detect_secrets.plugins.ibm_cloud_iam import IbmCloudIamDetector
from detect_secrets.plugins.jwt import JwtTokenDetector
from detect_secrets.plugins.keyword import CONFIG_DENYLIST_REGEX_TO_GROUP
from detect_secrets.plugins.mailchimp import MailchimpDetector
from detect_secrets.plugins.npm import NpmDetector
from detect_secrets.plugins.openai import OpenAIDetector
from detect_secrets.plugins.pypi_token import PypiTokenDetector
from detect_secrets.plugins.sendgrid import SendGridDetector
from detect_secrets.plugins.slack import SlackDetector
from detect_secrets.plugins.softlayer import SoftlayerDetector
from detect_secrets.plugins.square_oauth import SquareOAuthDetector
from detect_secrets.plugins.stripe import StripeDetector
from detect_secrets.plugins.telegram_token import TelegramBotTokenDetector
from detect_secrets.plugins.twilio import TwilioKeyDetector

from nichetune.corpus.masking.plain_words import is_plain

Span = tuple[int, int]
_DETECTORS: tuple[type[RegexBasedDetector], ...] = (
    ArtifactoryDetector,
    AWSKeyDetector,
    AzureStorageKeyDetector,
    BasicAuthDetector,
    CloudantDetector,
    DiscordBotTokenDetector,
    GitHubTokenDetector,
    GitLabTokenDetector,
    IbmCloudIamDetector,
    JwtTokenDetector,
    MailchimpDetector,
    NpmDetector,
    OpenAIDetector,
    PypiTokenDetector,
    SendGridDetector,
    SlackDetector,
    SoftlayerDetector,
    SquareOAuthDetector,
    StripeDetector,
    TelegramBotTokenDetector,
    TwilioKeyDetector,
)
# detect-secrets reports a private key's first line only; the key itself is what must go.
_PRIVATE_KEY = re.compile(
    r"-----BEGIN [A-Z0-9 ]*PRIVATE KEY[A-Z ]*-----(?:.{0,20000}?-----END [A-Z0-9 ]*PRIVATE KEY[A-Z ]*-----|[\s\w+/=]*)",
    re.DOTALL,
)
_KEYWORD = re.compile(r"api_?key|auth_?key|service_?key|account_?key|_key|pass|pwd|secret|contrase", re.IGNORECASE)
_SECRET_LABEL = (
    r"\b(?:pass ?(?:word|wd|code|phrase|wort)|pass(?=\s?[:=])|passw|pwd?|pw|pin(?: code)?|"
    r"wi-?fi(?: key| code| password)?|otp|one[- ]time code|temp(?:orary)?(?: password| pin)?|cvv|cvc|"
    r"(?:security|recovery|backup|verification|activation|auth(?:entication)?|2fa|mfa) codes?|"
    r"(?:api|access|secret|licen[sc]e|product|encryption|private|ssh|master)[ _-]?key|client secret|token|credentials?|"
    r"mot de passe|contraseña|senha|wachtwoord|lösenord|hasło|parola|kennwort)\b"
)
# "for the router", "has been", "now": what people say between the label and the value.
_SPOKEN_BETWEEN = (
    r"(?:\s(?:on|of|for|to|at|in|with) (?:the |my |his |her |your |our )?[\w.-]+)?(?:\s(?:has been|was|is|got))?"
    r"(?:\s(?:now|still|currently|set|reset|changed|just))*"
)
_SPOKEN_PASSWORD = re.compile(
    rf"{_SECRET_LABEL}(?:{_SPOKEN_BETWEEN}"
    r"\s{0,3}(?:is|was|to|:|=|->)\s{0,3}(?:now |still |currently |set to )?[\"'“]?(?P<value>[^\s\"'”,;()]{3,})|"
    r"\s[\"“](?P<quoted>[^\s\"”]{4,40})[\"”]|"
    r"\s[\"']?(?P<bare>(?=\S*\d)(?=\S*[^\W\d_])[^\s\"',;]{6,}))",
    re.IGNORECASE,
)
_PIN = re.compile(r"\b(?:PINs?|pin code|passcode)\s(?:no\.?\s|number\s)?(?P<value>\d{4,8})(?!\d)")
# Codes of doors and alarms: digits, with a letter or two.
_SPOKEN_CODE = re.compile(
    r"\b(?:(?:door|gate|entry|access|alarm|safe|lock|key ?(?:box|safe)|garage|building|unlock) ?(?:code|pin)|alarm|"
    r"combination)"
    r"\s{0,2}(?:is|was|:|=|to)?\s{0,2}(?P<value>[A-Z]?\d[A-Z0-9#*-]{2,9})(?![\w:])",
    re.IGNORECASE,
)
_PASSWORD_BEFORE = re.compile(r"(?:pass\w*|pwd)\W*$", re.IGNORECASE)
_BARE_WORD = re.compile(r"(?<![\w+/=-])[A-Za-z0-9+/_=-]{20,}(?![\w+/=-])")
_TOKEN_REST = re.compile(r"[\w+/=-]*(?:\.[\w-]{10,})*")
_HEX = re.compile(r"[0-9a-fA-F-]+")
# Shannon entropy from which detect-secrets itself reports a string.
_BASE64_LIMIT, _HEX_LIMIT = 4.5, 3.0


def find_secrets(text: str) -> list[Span]:
    """Spans (start, end) of secrets, sorted; they may overlap."""
    spans = [match.span() for match in _PRIVATE_KEY.finditer(text)]
    start = 0
    for line in text.splitlines(keepends=True):
        spans += [(start + a, start + b) for a, b in _scan_line(line)]
        start += len(line)
    return sorted(set(spans))


def _scan_line(line: str) -> Iterator[Span]:
    for pattern in _patterns():
        for match in pattern.finditer(line):
            yield from _value_span(match)
    yield from _keyword_values(line)
    for match in _SPOKEN_PASSWORD.finditer(line):
        name = next(one for one in ("value", "quoted", "bare") if match[one])
        if name != "value" or _is_spoken_secret(match["value"]):
            yield _trim(line, *match.span(name))
    for match in _PIN.finditer(line):
        yield match.span("value")
    for match in _SPOKEN_CODE.finditer(line):
        yield match.span("value")
    for match in _BARE_WORD.finditer(line):
        if _looks_random(match.group()):
            yield match.span()


def _is_spoken_secret(value: str) -> bool:
    """Not "wrong" in "the password is wrong": a digit, a sign, capitals inside, or no word that English knows."""
    word = value.rstrip(".!?:")
    return not word.isalpha() or word[1:] != word[1:].lower() or not is_plain(word)


@functools.cache
def _patterns() -> tuple[re.Pattern[str], ...]:
    return tuple(pattern for detector in _DETECTORS for pattern in detector().denylist)


def _value_span(match: re.Match[str]) -> Iterator[Span]:
    """The whole match where it is one token, else its last group: `key = VALUE`, `https://user:VALUE@host`."""
    whole = match.group()
    is_token = not re.search(r"[\s=:@]", whole.strip(" \t\"'=:"))
    groups = [n for n in range(1, (match.re.groups or 0) + 1) if match.group(n)]
    span = match.span() if is_token or not groups else match.span(groups[-1])
    start, end = _trim(match.string, *span)
    if is_token:  # some patterns end before their token does
        rest = _TOKEN_REST.match(match.string, end)
        end = rest.end() if rest else end
    if any(sign.isdigit() for sign in match.string[start:end]) or "://" in whole:
        yield start, end


def _keyword_values(line: str) -> Iterator[Span]:
    """Values given to a name like `password` or `api_key`; prose ("the secret: be patient") gives none."""
    if not _KEYWORD.search(line):
        return
    for pattern, group in CONFIG_DENYLIST_REGEX_TO_GROUP.items():
        at = 0
        # A match runs to the line's end: cut its value at the first space and look again behind it.
        while match := pattern.search(line, at):
            start, end = match.span(group)
            value = re.match(r"\S+", line[start:end])
            start, end = _trim(line, start, start + value.end() if value else start)
            if end > start and _is_secret_value(line, match.start(), start, end):
                yield start, end
            at = max(end, match.start() + 1)


def _is_secret_value(line: str, name_start: int, start: int, end: int) -> bool:
    value = line[start:end]
    if _PASSWORD_BEFORE.search(line[name_start:start]) and "=" in line[name_start:start]:
        return len(value) > 2
    return len(value) > 5 and any(sign.isdigit() for sign in value)


def _trim(text: str, start: int, end: int) -> Span:
    """Without the quotes and closing punctuation around a value."""
    while end > start and text[end - 1] in " \t\r\n\"'`.,;)]}>":
        end -= 1
    while start < end and text[start] in " \t\"'`=:([{<":
        start += 1
    return start, end


def _looks_random(word: str) -> bool:
    """A long word whose signs are spread as in a key, by detect-secrets' measure and limits."""
    parts = [part for part in re.split(r"[-_/+=]", word) if part]
    if all(part.isdigit() or part.isalpha() for part in parts):
        return False  # words and numbers joined by signs: a path, a version, a slug
    if _HEX.fullmatch(word):
        dashed = "-" in word  # a UUID names a thing, it opens none
        return not dashed and HexHighEntropyString(_HEX_LIMIT).calculate_shannon_entropy(word) > _HEX_LIMIT
    mixed = any(map(str.isupper, word)) and any(map(str.islower, word)) and any(map(str.isdigit, word))
    return mixed and _base64_entropy(word) > min(_BASE64_LIMIT, 0.9 * math.log2(len(word)))


def _base64_entropy(word: str) -> float:
    return float(Base64HighEntropyString(_BASE64_LIMIT).calculate_shannon_entropy(word))
