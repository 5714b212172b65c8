"""Tells the name of a thing from the name of a person, in any domain and without a corpus.

    "Crohn disease", "Baker cyst", "Miranda rights", "Pelton wheel"  ->  things
    "Mrs Baker", "Maria's test results"                              ->  people

Two kinds of evidence: the shipped list of eponyms, and the word behind the name (disease, sign, doctrine, wrench …).
"""

from __future__ import annotations

import functools
import re

from nichetune.corpus.masking.lexicon import eponym_heads, eponyms, given_names
from nichetune.corpus.masking.plain_words import is_plain
from nichetune.corpus.masking.things import find_things, read_things

# Up to two plain words may stand between: "Parkinson's type tremor", "Hodgkin B-cell lymphoma".
_NEXT = re.compile(r"(?:['’]s?)?(?:[ -](?P<first>[\w-]+))?(?:[ ](?P<second>[\w-]+))?(?:[ ](?P<third>[\w-]+))?")
_POSSESSIVE = re.compile(r"['’]s?\b")
# Diseases that people name by the possessive alone: "diagnosed with Parkinson's".
_ALONE = frozenset(
    [
        "crohn",
        "parkinson",
        "alzheimer",
        "hodgkin",
        "huntington",
        "hashimoto",
        "raynaud",
        "sjogren",
        "sjögren",
        "asperger",
        "tourette",
        "addison",
        "cushing",
        "barrett",
        "meniere",
        "ménière",
        "paget",
        "graves",
        "dupuytren",
        "bechet",
        "behçet",
        "behcet",
        "still",
    ]
)
_MEANT_BEFORE = re.compile(
    r"\b(?:positive|negative|bilateral|modified|normal|abnormal|equivocal|\+ve|-ve|known|suspected|query|r/o|probable|possible|"
    r"stage|grade|type|reverse|standard|a|an)\s$",
    re.IGNORECASE,
)
_RESULT_BEHIND = re.compile(
    r"['’]?s?[ :]{0,2}(?:positive|negative|[+-]ve|equivocal|score|grade|type|class|stage|\(?[+-]\)?|\d)", re.IGNORECASE
)
_CASE_BEHIND, _CASE_BEFORE = re.compile(r"\sv\.?\s"), re.compile(r"\sv\.?\s$")
# A case that is cited; where two people go to court, both are people.
_CITED_BEFORE = re.compile(r"\b(?:rule|test|principle|doctrine|see|following|applying|cf|under|duty)\b", re.IGNORECASE)
_CITATION_REACH = 40
# What sciences build their nouns with: no word of these names what a person owns or does.
_HEAD_ENDINGS = (
    *("itis", "oma", "omas", "osis", "pathy", "ectomy", "otomy", "ostomy", "plasty", "plication", "graphy"),
    *("scopy", "emia", "aemia", "algia", "trophy", "plegia", "plasia", "lysis", "uria", "ometer", "ometers"),
    *("oscope", "ograph", "ostat", "globulin", "ptosis", "penia"),
)
# Heads of listed eponyms that people have, too.
_OWNED = (
    "act action agreement area areas arm attack attacks balance bar bars bed black blue bodies body brace brake "
    "cast cell cells claim claims code column complaint court crane cycle drum engine equipment error exception "
    "filter filters frame furnace gas gate gates glass green hearing hearings index key keys lamp letter letters "
    "level line lines machine mask material materials method methods mill motion motions motor number offer "
    "offers oil order orders pair paper paradox pen pin pipe plan plea pleas plot point points position privilege "
    "pump pupil pupils rash red report right rights ring rings saw scale scales screen search searches speech "
    "stain statement steel stop stops switch system tank tanks teeth tower trust tube unit units violation waiver "
    "warning warnings wheel wire wires yellow zone"
)
_HYPHENED_BEFORE = re.compile(r"(?:[^\W\d_]+-)*$")
_HYPHENED_BEHIND = re.compile(r"(?:-[^\W\d_]+)*")
_NAME_PART = re.compile(r"[^\W\d_]+(?:[-'’][^\W\d_]+)*")


def names_thing(text: str, start: int, end: int) -> bool:
    """Whether the name at `start` to `end` is an eponym: part of what a thing is called."""
    # Half of "Osgood-Schlatter" stands for the whole.
    start = _HYPHENED_BEFORE.search(text, max(0, start - 30), start).start()  # type: ignore[union-attr]
    end = _HYPHENED_BEHIND.match(text, end).end()  # type: ignore[union-attr]
    value = _POSSESSIVE.sub("", text[start:end])
    parts = _NAME_PART.findall(value.casefold())
    if not parts:
        return False
    if _is_listed(text, start, end):
        return True
    known = all(_is_eponym(part) for part in parts if part not in ("and", "de", "von", "van", "le", "der"))
    head_inside = len(parts) > 1 and _is_head(parts[-1]) and (_is_eponym(parts[0]) or len(parts) == 2)
    if head_inside and (parts[0] not in given_names() or _is_eponym(parts[0])):
        return True  # "Pelton Wheel" in capitals: the head is taken for a name
    in_case = _CASE_BEHIND.match(text, end) or _CASE_BEFORE.search(text[max(0, start - 5) : start])
    if known and in_case and _CITED_BEFORE.search(text[max(0, start - _CITATION_REACH) : start]):
        return True  # "the rule in Rylands v Fletcher"
    return _is_headed(text, end, parts, known) or (known and _is_meant(text, start, end, value))


def _is_listed(text: str, start: int, end: int) -> bool:
    """Whether all words that could name somebody stand in listed terms: "Coversyl, Lipitor"."""
    things = [one for one in find_things(text) if one[0] < end and start < one[1]]
    return bool(things) and all(
        is_plain(word.group())
        or len(word.group()) == 1
        or any(a <= word.start() and word.end() <= b for a, b in things)
        for word in _NAME_PART.finditer(text, start, end)
    )


@functools.cache
def owned_heads() -> frozenset[str]:
    """Heads that make things of listed eponyms only."""
    return frozenset(_OWNED.split())


def _is_headed(text: str, end: int, parts: list[str], known: bool) -> bool:
    at = end - 2 if text[max(0, end - 2) : end] in ("'s", "’s") else end
    match = _NEXT.match(text, at)
    behind = [match[name] for name in ("first", "second", "third")] if match else []
    if not behind or not behind[0]:
        return False
    if _is_head(behind[0]):
        # "Keller letter" may be a letter of Keller's: only a listed name is a thing there.
        unlisted = len(parts) == 1 and parts[0] not in given_names() and behind[0].casefold() not in owned_heads()
        return known or unlisted
    # Further away only for listed names, over lower-case words: "Hodgkin's nodular lymphoma".
    return known and any(
        word and _is_head(word) and all(one and (one.islower() or _is_eponym(one)) for one in behind[:n])
        for n, word in enumerate(behind)
        if n
    )


def _is_meant(text: str, start: int, end: int, value: str) -> bool:
    possessive = text[end - 2 : end] in ("'s", "’s") or text[end : end + 2] in ("'s", "’s")
    if value.casefold() in _ALONE and (possessive or value.casefold() in ("raynaud", "dupuytren", "crohn", "hodgkin")):
        return True
    if value.casefold() in given_names():
        return False
    return bool(_RESULT_BEHIND.match(text, end)) or bool(_MEANT_BEFORE.search(text[max(0, start - 14) : start]))


def _is_eponym(word: str) -> bool:
    folded = word.casefold()
    return all(part in eponyms() or part in read_things().shared for part in folded.split("-"))


def _is_head(word: str) -> bool:
    folded = word.casefold()
    return (
        folded in eponym_heads()
        or folded.endswith(_HEAD_ENDINGS)
        or (folded.startswith("pseudo") and folded[6:] in eponym_heads())
    )
