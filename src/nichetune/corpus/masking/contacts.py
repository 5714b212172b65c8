"""Finds e-mail addresses, web addresses, IP and MAC addresses, and handles.

text -> findings

    "m.keller@clinic.local from 10.1.2.3"  ->  EMAIL_ADDRESS 0-21, IP_ADDRESS 27-35
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator

from nichetune.corpus.masking.findings import CERTAIN, LIKELY, POSSIBLE, Finding
from nichetune.corpus.masking.plain_words import is_plain

_EMAIL = re.compile(r"(?<![\w.+%-])[\w.+%'-]{1,64}@(?:[\w-]{1,63}\.){1,8}[a-z]{2,24}(?![\w-])", re.IGNORECASE)
# "maria at clinic dot org", and an address that a line break or a space has cut.
_SPOKEN_EMAIL = re.compile(
    r"(?<![\w.+-])[\w.+-]{2,40}\s?(?:\(at\)|\[at\]|\sat\s)\s?[\w-]{2,40}\s?(?:\(dot\)|\[dot\]|\sdot\s)\s?(?:com|org|net|edu|gov|io|co|uk|de)\b",
    re.IGNORECASE,
)
_URL = re.compile(
    r"\b(?:https?://|ftp://|www\.)[^\s<>\"'\]]{3,2000}|"
    r"\b(?:facebook|instagram|linkedin|twitter|github|tiktok|t|x)\.(?:com|me)/[^\s<>\"')\]]{2,200}",
    re.IGNORECASE,
)
# A host's name without scheme or path, in lower case or in one writing with its ending: "keller-family.com".
_HOST = re.compile(
    r"(?<![\w@./:-])(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.){1,3}"
    r"(?:com|net|org|edu|info|biz|io|eu|dev|(?:co|org|ac|gov|nhs)\.(?:uk|nz|za|in|jp)|(?:com|net|org)\.(?:au|br|mx|sg)|COM|NET|ORG)"
    r"(?![\w@-]|\.\w)(?:/[^\s<>\"'\]]{0,2000})?"
)
_TELLING_URL = re.compile(
    r"[?&#][^/]*=|\d{4}|@|~|/(?:users?|u|profile|patients?|people|person|member|account|in|id|customers?)/|"
    r"(?:facebook|instagram|linkedin|twitter|tiktok)\.com/|//[^/]*:[^/]*@",
    re.IGNORECASE,
)
_IPV4 = re.compile(r"(?<![\w.-])(?:\d{1,3}\.){3}\d{1,3}(?![\w-]|\.\d)")
_IPV6 = re.compile(r"(?<![\w:.])(?=[0-9a-fA-F:]*:[0-9a-fA-F]*:)[0-9a-fA-F:]{6,39}(?:%\w+)?(?![\w:])")
_MAC = re.compile(r"(?<![\w:-])(?:[0-9a-f]{2}[:-]){5}[0-9a-f]{2}(?![\w:-])", re.IGNORECASE)
_VERSION_BEFORE = re.compile(r"(?:\bv|version|release|ver\.?|section|§|chapter|build)\s?$", re.IGNORECASE)
_HANDLE = re.compile(r"(?<![\w@./])@[a-z_][\w.-]{2,30}\w", re.IGNORECASE)
_LABELLED_HANDLE = re.compile(
    r"\b(?:user(?: ?name| ?id)?|uid|login|log-?in|logged in as|handle|screen ?name|account|reset done for|venmo|skype|telegram|"
    r"insta(?:gram)?|ig|snap(?:chat)?|discord|gamertag|(?:kakao|line|wechat|steam|psn|xbox)(?: ?id)?)"
    r"(?:\s(?:is|name))?\s?[:=]?\s{0,2}(?P<value>@?(?=[\w.-]*[\d_.]\w)[a-z][\w.-]{3,30}\w)",
    re.IGNORECASE,
)
# Who speaks in a chat or wrote a log's line: "[09:12] tobi_xx: ...". A digit or underscore, or it may be any word.
_SPEAKING_HANDLE = re.compile(
    r"^(?:\[[^\]\n]{3,20}\]\s?|<|\d\d?:\d\d\s)?(?P<value>(?=[\w.-]*[\d_])[a-z][\w.-]{2,30})>?:(?=\s)", re.MULTILINE
)
# Discord's old names, Reddit's users.
_HANDLE_FORMS = re.compile(r"(?<![\w/])(?:u/[\w-]{3,20}|[A-Za-z][\w.]{2,31}#\d{4})(?![\w/])")
_SPEAKER = re.compile(r"^(?:\[[^\]\n]{3,20}\]\s?)?<?(?P<value>[a-z][a-z0-9_.-]{2,20})>?:(?=\s)", re.MULTILINE)
_LEAST_SPEAKERS = 2


def find_contacts(text: str) -> Iterator[Finding]:
    """All of them."""
    if "@" in text:
        yield from (Finding(*m.span(), "EMAIL_ADDRESS", CERTAIN) for m in _EMAIL.finditer(text))
        for match in _HANDLE.finditer(text):
            yield Finding(*match.span(), "USERNAME", POSSIBLE)
    yield from (Finding(*m.span(), "EMAIL_ADDRESS", LIKELY) for m in _SPOKEN_EMAIL.finditer(text))
    for match in _LABELLED_HANDLE.finditer(text):
        yield Finding(*match.span("value"), "USERNAME", LIKELY)
    for match in _SPEAKING_HANDLE.finditer(text):
        yield Finding(*match.span("value"), "USERNAME", LIKELY)
    for match in _HANDLE_FORMS.finditer(text):
        yield Finding(*match.span(), "USERNAME", LIKELY)
    if "\n" in text:
        yield from (Finding(*span, "USERNAME", POSSIBLE) for span in _find_speakers(text))
    for match in _URL.finditer(text):
        end = match.start() + len(match.group().rstrip(".,;:!?)"))
        telling = _TELLING_URL.search(text[match.start() : end])
        yield Finding(match.start(), end, *(("URL", LIKELY) if telling else ("WEB_ADDRESS", POSSIBLE)))
    for match in _HOST.finditer(text):
        yield Finding(match.start(), match.start() + len(match.group().rstrip(".,;:!?)/")), "WEB_ADDRESS", POSSIBLE)
    yield from _find_machines(text)


def _find_speakers(text: str) -> Iterator[tuple[int, int]]:
    """Who speaks in a chat of several lines: words in lower case before a colon, none of them plain English."""
    found = [match for match in _SPEAKER.finditer(text) if not is_plain(match["value"])]
    if len(found) >= _LEAST_SPEAKERS:
        yield from (match.span("value") for match in found)


def _find_machines(text: str) -> Iterator[Finding]:
    for match in _IPV4.finditer(text):
        if _is_ip(match.group()) and not _VERSION_BEFORE.search(text[max(0, match.start() - 12) : match.start()]):
            yield Finding(*match.span(), "IP_ADDRESS", LIKELY)
    if text.count(":") > 1:
        for match in _IPV6.finditer(text):
            # "10:30::" has the form of an address, too.
            if not match.group().endswith("::") and _is_ip(match.group()):
                yield Finding(*match.span(), "IP_ADDRESS", LIKELY)
    for match in _MAC.finditer(text):
        yield Finding(*match.span(), "DEVICE_ID", CERTAIN)


def _is_ip(value: str) -> bool:
    try:
        ipaddress.ip_address(value)
    except ValueError:
        return False
    return True
