"""Find the conditions of the list that a triage form can be fair about.

entries of the list -> conditions with the sides that the list offers for each.

    Condition(title="Acute atopic conjunctivitis", code="H10.1", section="conjunctiva", organ="eye",
              sides=("right", "left", "bilateral"), has_unspecified=True,
              synonyms=("Acute papillary conjunctivitis",))

A sided condition is an entry whose children repeat its title and add a side. A condition without sides is
a code that, like all its siblings, names none. Nothing here is invented: a side is offered if the list has a
child for it, and a question to the physician is right if the list has an 'unspecified eye' (ear ...) child.
"""

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace

from tabular import Entry, children

SECTION_NAMES = {
    "H00-H05": "eyelid, lacrimal and orbit",
    "H10-H11": "conjunctiva",
    "H15-H22": "cornea, sclera and iris",
    "H25-H28": "lens",
    "H30-H36": "choroid and retina",
    "H40-H42": "glaucoma",
    "H43-H44": "vitreous and globe",
    "H46-H47": "optic nerve",
    "H49-H52": "eye muscles and refraction",
    "H53-H54": "vision loss",
    "H55-H57": "other eye",
    "H59": "eye complication",
    "H60-H62": "outer ear",
    "H65-H75": "middle ear",
    "H80-H83": "inner ear",
    "H90-H94": "other ear",
    "H95": "ear complication",
}
SIDES = ("right", "left", "bilateral")
_SIDE_WORDS = {*SIDES, "unspecified"}
# Words that a child may add to its parent's title together with the side, or leave out.
_ORGANS = """of in the and eye ear eyelid lid upper lower periocular area orbit side lacrimal gland passage
punctum sac canaliculi nasolacrimal duct external inner middle canal pinna mastoid"""
_ORGAN_WORDS = set(_ORGANS.split())
# A title with one of these words is no fair answer: nobody writes it in a note.
_UNFAIR_WORDS = {
    "other",
    "unspecified",
    "specified",
    "elsewhere",
    "nos",
    "nec",
    "unilateral",
    "both",
    "legal",
}
_LONGEST_TITLE_WORDS = 9
# Below this share of conditions without sides, a section's few are exceptions that no note gives away:
# nothing tells "Vernal conjunctivitis" (no side) from "Angular blepharoconjunctivitis" (a side is wanted).
_LEAST_UNSIDED_SHARE = 0.25
_LONGEST_SYNONYM_WORDS = 6


@dataclass(frozen=True)
class Condition:
    """One condition of the list, with the sides that the list offers for it."""

    title: str
    code: str
    section: str
    organ: str
    sides: tuple[str, ...]
    has_unspecified: bool
    synonyms: tuple[str, ...]


def find_conditions(entries: dict[str, Entry]) -> list[Condition]:
    """The fair conditions in the list's order; of two with one title, the first."""
    by_parent = children(entries)
    found: dict[str, Condition] = {}
    for entry in entries.values():
        condition = _read_sided(entry, by_parent) or _read_unsided(entry, by_parent)
        if condition:
            found.setdefault(condition.title.lower(), condition)
    return _drop_borrowed_synonyms(_drop_unsided_exceptions(list(found.values())))


def _drop_unsided_exceptions(conditions: list[Condition]) -> list[Condition]:
    total = Counter(one.section for one in conditions)
    unsided = Counter(one.section for one in conditions if not one.sides)
    mixed = {section for section in total if unsided[section] >= _LEAST_UNSIDED_SHARE * total[section]}
    return [one for one in conditions if one.sides or one.section in mixed]


def _drop_borrowed_synonyms(conditions: list[Condition]) -> list[Condition]:
    """Without the synonyms that contain the title of another condition: they would have two answers."""
    titles = [one.title.lower() for one in conditions]

    def is_own(term: str, title: str) -> bool:
        return not any(other in term.lower() for other in titles if other != title.lower())

    return [
        replace(one, synonyms=tuple(term for term in one.synonyms if is_own(term, one.title))) for one in conditions
    ]


def _read_sided(entry: Entry, by_parent: dict[str, list[Entry]]) -> Condition | None:
    family = by_parent.get(entry.code, [])
    if not family or not _is_fair_title(entry.title):
        return None
    sides = [_added_side(entry.title, child.title) for child in family]
    if None in sides or not {"right", "left"} <= set(sides):
        return None
    offered = tuple(side for side in SIDES if side in sides)
    return _make_condition(entry, offered, has_unspecified="unspecified" in sides)


def _read_unsided(entry: Entry, by_parent: dict[str, list[Entry]]) -> Condition | None:
    siblings = by_parent[entry.parent]
    is_leaf = entry.code not in by_parent
    is_code = bool(re.fullmatch(r"H\d\d\.\w+", entry.code))
    if not (is_leaf and is_code and _is_fair_title(entry.title)):
        return None
    # One sided sibling would leave open whether this code, too, depends on a side.
    if any(set(_words(one.title)) & set(SIDES) for one in siblings):
        return None
    return _make_condition(entry, (), has_unspecified=False)


def _make_condition(entry: Entry, sides: tuple[str, ...], has_unspecified: bool) -> Condition:
    return Condition(
        title=entry.title,
        code=entry.code,
        section=SECTION_NAMES[entry.section],
        organ="ear" if entry.code >= "H60" else "eye",
        sides=sides,
        has_unspecified=has_unspecified,
        synonyms=tuple(_fair_terms(entry)),
    )


def _added_side(title: str, child_title: str) -> str | None:
    """The side that `child_title` adds to `title`; None where the two differ by anything else."""
    parent_words, child_words = _words(title), _words(child_title)
    added = [word for word in child_words if word not in parent_words]
    lost = [word for word in parent_words if word not in child_words]
    sides = [word for word in added if word in _SIDE_WORDS]
    if not sides or set(added + lost) - _SIDE_WORDS - _ORGAN_WORDS:
        return None
    # "right eye, unspecified eyelid": the eye's side is the side.
    return next((side for side in SIDES if side in sides), "unspecified")


def _words(title: str) -> list[str]:
    words = re.findall(r"[\w'-]+", title.lower())
    plural = {"eyes", "ears", "eyelids", "orbits", "glands", "passages", "canals"}
    return [word.removesuffix("s") if word in plural else word for word in words]


def _is_fair_title(title: str) -> bool:
    words = set(_words(title))
    short = len(title.split()) <= _LONGEST_TITLE_WORDS
    return short and not words & (_UNFAIR_WORDS | set(SIDES)) and not re.search(r"[(\[]", title)


def _fair_terms(entry: Entry) -> Iterator[str]:
    for term in entry.terms:
        short = len(term.split()) <= _LONGEST_SYNONYM_WORDS
        if short and _is_fair_title(term) and " or " not in term:
            yield term
