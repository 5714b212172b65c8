"""Tells a surname that stands for a case, an operation, a test or a maker from one that stands for a person.

    "We objected under Batson", "the stop fails even Terry", "redo Nissen", "coil by Bosch"  ->  things
    "admitted under Edwards", "counsel called Batson", "coffee by Bosch"                     ->  people

`eponyms.py` judges a name by the word behind it. This is for names that stand alone, which only their sentence tells:
listed ones by what is done with a rule, an operation or a part, unlisted ones where a court does it.
"""

from __future__ import annotations

import functools
import importlib.resources
import re
from dataclasses import dataclass

from nichetune.corpus.masking.eponyms import owned_heads
from nichetune.corpus.masking.lexicon import given_names, surname_rank
from nichetune.corpus.masking.plain_words import is_plain
from nichetune.corpus.names import TITLES

# Surnames among so many of the commonest are people more often than cases: they need a cue that admits nobody.
_COMMON = 500
_REACH = 160
# Groups of the packaged lists whose names stand for things, by domain.
_LISTS = {
    "law": ("law: US cases", "law: UK and Irish cases", "law: Commonwealth", "law: doctrines", "law: acts"),
    "medicine": ("medicine: eponyms", "medicine: scores", "medicine: more", "medicine: procedures",
                 "medicine: instruments", "medicine: anatomy", "medicine: stains", "medicine: makers",
                 "medicine: dressings"),
    "industry": ("industry: ",),
}  # fmt: skip
_SENTENCE_END = re.compile(r"[.;!?]\s|\n")
_STOP = r"\s*(?:[.,;:)!?]|$|\n)"
_CLAUSE_END = re.compile(_STOP + r"|\s(?:and|or|because|where|when|since|so|but|then|as|on|at|for|with|after|before)\b")
_PHRASE_END = re.compile(_CLAUSE_END.pattern + r"|\s(?:is|was|to)\b")
_OF_SOMEBODY = re.compile(r"['’]s?\b|,? who")
_OTHER_NAME = re.compile(r"[ ](?P<word>[^\W\d_][\w’'-]+)")
_INITIAL_BEFORE = re.compile(r"\b[A-Z]\.?[ ]$")
_NAME_BEFORE = re.compile(r"\b(?P<word>[A-Z][a-zà-ÿ’'-]+)[ ]$")
_JOINED = re.compile(r"\b(?P<word>[A-Z][\w’'-]+)(?:,? (?:and|or|nor|and not|not)|,) $")
_ADVERB = r"(?:(?:even|both|either|neither|squarely|only|plainly) )?$"
# What is done with a rule, and with nobody: in any sentence, and in one that speaks of a court.
_SURE_BEFORE = re.compile(
    r"\b(?:pursuant to|in (?:violation|breach) of|violat(?:es|ed|ing)|overrul(?:e|es|ed|ing)|within the meaning of|"
    r"the (?:rule|holding|dicta|reasoning|exception|prongs?|limbs?) (?:in|of|from)|progeny of) " + _ADVERB,
    re.IGNORECASE,
)
_RULE_BEFORE = re.compile(
    r"\b(?:violations? of|satisf(?:y|ies|ied)|distinguish(?:es|ed)?|in light of|(?:in)?consistent with|contrary to|"
    r"at odds with|(?:governed|barred|controlled|foreclosed|dictated) by|"
    r"invok(?:e|es|ed|ing)|the (?:test|principle|approach) (?:in|of|from)|the [\w-]+ (?:limb|prong) of|"
    r"(?:reading|extension|scope|application|retreat) (?:of|from)|subject to) " + _ADVERB,
    re.IGNORECASE,
)
_UNDER = re.compile(r"\bunder " + _ADVERB, re.IGNORECASE)
# Under whom people work, learn and lie in hospital.
_UNDER_SOMEBODY = re.compile(
    r"\b(?:work\w*|serv\w+|train\w*|stud(?:y|ied|ying|ies)|admi\w+|list\w*|book\w*|regist\w*|fil\w+|seen|placed|care|"
    r"remain\w*|stay\w*|report\w*|team|ward|fellow\w*|apprentic\w*|come|came|patient|pt|account|reservation|name)\s+"
    r"(?:\w+\s+)?under $|\b(?:is|are|was|were|still|now) under $",
    re.IGNORECASE,
)
_DONE_BEFORE = re.compile(
    r"(?:\b(?:fails?|failed|appl(?:y|ies|ied|ying)|ignor(?:e|es|ed|ing)|cit(?:e|es|ed|ing)|extend(?:s|ed|ing)?|"
    r"rais(?:es|ed|ing)|argu(?:es|ed|ing)|(?:rel(?:y|ies|ied)|reliance|rest(?:s|ed)|turn(?:s|ed)|based) on|"
    r"(?:required|compelled|permitted|excused|covered) by|exceed(?:s|ed)?|fell below|falls? outside|"
    r"after|since|post|beyond|cf\.?)|[,;(.:] see) " + _ADVERB,
    re.IGNORECASE,
)
_DONE_BY_SUBJECT = (
    r" (?:\w+ly )?(?:fails?|failed|meets|follow(?:s|ed)?|appl(?:y|ies|ied)|offend(?:s|ed)?|survives?|survived|"
    r"cit(?:es|ed)|adopt(?:s|ed)|extend(?:s|ed)|under) " + _ADVERB
)
_RULE_BEHIND = re.compile(
    r"\s(?:(?:clearly |squarely |still )?(?:controls|governs|applies|forbids)(?=\s*[.,;]| here| only)|"
    r"does not (?:apply|bar|reach|fit|extend|govern)|is no longer|guarantees|precludes|excludes|dictates|"
    r"(?:holds|held|teaches) that|forecloses|"
    r"(?:is|was|are|were) (?:distinguish\w+|inapplicable|inapposite|controlling|overruled|"
    r"wrongly decided)|remains good law|progeny)\b"
)
_OPERATION_BEFORE = re.compile(
    r"(?:\b(?:s/p|status post|post|post-?op|underwent|undergoing|redo|revision|awaiting|consented for|converted to|"
    r"laparoscopic|lap|emergency|elective|modified|classic|classical|bony|bilateral|suggestive of|features of|signs of|"
    r"diagnos\w+ (?:of|with)|history of|hx of|h/o|suspected|suspect|query|likely|probable|possible|negative|"
    r"positive)|\?) $",
    re.IGNORECASE,
)
_NONE_BEFORE = re.compile(r"\bno $", re.IGNORECASE)  # "no Kernig, no Brudzinski"
_RESULT_BEHIND = re.compile(r"(?:/[A-Z][a-z]+)? (?:neg|pos|\+ve|-ve|negative|positive|equivocal)\b")
_STATE_BEHIND = re.compile(r"\s(?:in situ|intact|patent|inflated|plated|lateralised|lateralized|draining)\b")
_BROKEN_BEHIND = re.compile(
    r"\s(?:leaks|leaking|leaked|sheared|drifted|frayed|jammed|will not (?:crank|start|fire|seal)|"
    r"(?:is|was) (?:pinned|frayed|scored|worn|leaking|seized|iced))\b"
)
_NOUN_BEHIND = re.compile(r"[ ](?P<word>[a-zà-ÿ]{3,})\b")
_HANDLED_BEFORE = re.compile(
    r"\b(?:removed?|insert(?:ed)?|sited|placed?|flush(?:ed)?|exchanged?|"
    r"(?:replaced?|filled|coated|sealed|swapped) with) $",
    re.IGNORECASE,
)
_DETERMINED = re.compile(
    r"\b(?P<word>the|this|that|a|an|no|any|his|her|their|each|every|another|new|old|spare)\s$", re.IGNORECASE
)
_GOES_ON = re.compile(
    r"\s*(?:[.,;:)]|$)|\s(?:is|was|has|had|will|needs?|at|in|on|from|for|to|which|that|and|or|were|are)\b"
)


@dataclass(frozen=True)
class _Place:
    """A name, and its sentence before and behind it."""

    word: str
    before: str
    behind: str

    def speaks_of(self, section: str) -> bool:
        """Whether the sentence has a word of a section of the list."""
        return bool(_find_any(section).search(self.before) or _find_any(section).search(self.behind))

    def follows(self, section: str, more: str) -> bool:
        """Whether the name stands behind a word of a section and `more`."""
        return _find_any(section, more).search(self.before) is not None

    @property
    def next_word(self) -> str:
        """The word behind it, if a space parts them."""
        found = _OTHER_NAME.match(self.behind)
        return found["word"] if found else ""


def stands_for_thing(text: str, start: int, end: int) -> bool:
    """Whether the name at `start` to `end`, a single surname, stands for what it gave its name to."""
    place = _look(text, start, end)
    if place is None:
        return False
    domains = _list_domains(place.word)
    return (
        (_is_rule(place) if "law" in domains else _is_unknown_rule(place))
        or ("medicine" in domains and _is_operation(place))
        or ("industry" in domains and _is_maker(place))
        or (bool(domains) and (_is_headed(place) or _is_handled(place)))
        or _is_determined(place, bool(domains))
    )


def _look(text: str, start: int, end: int) -> _Place | None:
    """The name in its sentence; None where another name stands beside it, or case tells nothing."""
    word = text[start:end]
    if not word.istitle() or text.isupper():
        return None
    before = text[max(0, start - _REACH) : start]
    ends = list(_SENTENCE_END.finditer(before))
    before = before[ends[-1].end() :] if ends else before
    close = _SENTENCE_END.search(text, end)
    place = _Place(word, before, text[end : min(close.start() + 1 if close else len(text), end + _REACH)])
    leads = _NAME_BEFORE.search(before)
    beside = [place.next_word] * place.next_word.istitle() + ([leads["word"]] if leads else [])
    stands_alone = all(is_plain(one) and one not in TITLES for one in beside)
    return place if stands_alone and not _INITIAL_BEFORE.search(before) else None


def _is_rule(place: _Place) -> bool:
    """Whether a listed case or doctrine is one here."""
    before, behind = place.before, place.behind
    if _OF_SOMEBODY.match(behind):
        return False
    joined = _JOINED.search(before)
    if joined and "law" in _list_domains(joined["word"]):
        first = _Place(joined["word"], before[: joined.start()], f" and {place.word}")
        return _is_rule(first) or (place.speaks_of("courtly") and not _is_common(place.word))
    if _SURE_BEFORE.search(before) or place.follows("subjects", _DONE_BY_SUBJECT):
        return True
    if not place.speaks_of("courtly"):
        return False
    if _RULE_BEFORE.search(before) or (_UNDER.search(before) and not _UNDER_SOMEBODY.search(before)):
        return True
    done = _DONE_BEFORE.search(before) and _CLAUSE_END.match(behind)
    return not _is_common(place.word) and bool(done or _RULE_BEHIND.match(behind))


def _is_unknown_rule(place: _Place) -> bool:
    """Whether a name that no list has can only be a case: "severance was refused under Zafiro"."""
    if is_plain(place.word) or place.word.casefold() in given_names() or not _PHRASE_END.match(place.behind):
        return False
    under = _UNDER.search(place.before) and not _UNDER_SOMEBODY.search(place.before)
    ruled = (under and _find_any("ruled").search(place.before)) or _SURE_BEFORE.search(place.before)
    return bool(ruled) and place.speaks_of("courtly")


def _is_operation(place: _Place) -> bool:
    if _is_common(place.word):
        return False
    done = _OPERATION_BEFORE.search(place.before) and _CLAUSE_END.match(place.behind)
    none = _NONE_BEFORE.search(place.before) and re.match(_STOP, place.behind)
    return bool(done or none or _RESULT_BEHIND.match(place.behind) or _STATE_BEHIND.match(place.behind))


def _is_headed(place: _Place) -> bool:
    """Whether a noun stands behind a listed name that no person has."""
    if place.next_word in _read_words()["heads"]:
        return True
    in_court = place.next_word in _read_words()["heads in court"] and not _is_common(place.word)
    return in_court and place.speaks_of("courtly")


def _is_handled(place: _Place) -> bool:
    if _is_common(place.word) or not re.match(_STOP, place.behind):
        return False
    return _HANDLED_BEFORE.search(place.before) is not None


def _is_maker(place: _Place) -> bool:
    if _BROKEN_BEHIND.match(place.behind) and not _is_common(place.word):
        return True
    made = place.follows("hardware", r" (?:made by|supplied by|by|from) $") and not _is_common(place.word)
    return made or (place.follows("hardware", r" (?:are|is) $") and place.word.casefold() not in given_names())


def _is_determined(place: _Place, listed: bool) -> bool:
    """Whether an article stands before the name, and behind it no noun or one that is nobody's: "the Goldmann tips"."""
    found = _DETERMINED.search(place.before)
    if not found or is_plain(place.word) or _is_common(place.word):
        return False
    if not _GOES_ON.match(place.behind):
        noun = _NOUN_BEHIND.match(place.behind)
        return bool(listed and noun and is_plain(noun["word"]) and not _is_owned(noun["word"]))
    article = found["word"].casefold()
    # "the Rezas" are a family, "no Keller here" is a patient.
    return (listed and article not in ("no", "any")) or (article in ("the", "this") and not place.word.endswith("s"))


def _is_owned(noun: str) -> bool:
    """Whether people have such a thing, or are it: "the Keller file", "the Keller boy"."""
    return noun in owned_heads() or noun.removesuffix("s") in _read_words()["owned"] or noun in _read_words()["owned"]


def _is_common(word: str) -> bool:
    folded = word.casefold()
    return folded in given_names() or surname_rank().get(folded, _COMMON) < _COMMON


def _list_domains(word: str) -> list[str]:
    """The domains in which a name stands for something."""
    folded = re.sub(r"['’]s?$", "", word.casefold())
    return [domain for domain, words in _read_lists().items() if folded in words]


@functools.cache
def _read_lists() -> dict[str, frozenset[str]]:
    """Single names of the packaged lists, by the domain whose groups they stand in."""
    found: dict[str, set[str]] = {domain: set() for domain in _LISTS}
    for file in ("eponyms.txt", "things.txt"):
        for title, lines in _read_sections(file).items():
            domain = next((one for one, starts in _LISTS.items() if title == one or title.startswith(starts)), "")
            for line in lines if domain else ():
                found[domain].update(line.split() if file == "eponyms.txt" else _list_names(line))
    return {domain: frozenset(words) for domain, words in found.items()}


def _list_names(line: str) -> list[str]:
    """Single names of a line of terms: "Alford plea | Ashcroft v. Iqbal | Terry~" -> alford, ashcroft, iqbal, terry."""
    names = []
    for entry in line.split("|"):
        for side in re.split(r" v\.? ", re.sub(r"[~(].*", "", entry.strip())):
            first, *rest = side.split() or [""]
            if first[:1].isupper() and all(word.islower() for word in rest):
                names.append(first.casefold())
    return names


@functools.cache
def _read_words() -> dict[str, frozenset[str]]:
    """The sections of `standing.txt`."""
    sections = _read_sections("standing.txt")
    return {title: frozenset(word for line in lines for word in line.split()) for title, lines in sections.items()}


@functools.cache
def _find_any(section: str, more: str = r"\b") -> re.Pattern[str]:
    words = "|".join(re.escape(word).replace(r"\*", r"\w*") for word in sorted(_read_words()[section]))
    return re.compile(rf"\b(?:{words}){more}", re.IGNORECASE)


def _read_sections(file: str) -> dict[str, list[str]]:
    text = (importlib.resources.files("nichetune.corpus.masking") / file).read_text(encoding="utf-8")
    sections: dict[str, list[str]] = {}
    title = ""
    for line in text.splitlines():
        if line.startswith("=="):
            title = line.lstrip("= ")
        elif line and not line.startswith("#"):
            sections.setdefault(title, []).append(line)
    return sections
