"""Write intake notes: one current finding among findings that do not count.

conditions of the list -> plans (what a note says) -> triage records.

    {"note": "F/u. R/o Pinguecula OS - neg. Now: Central corneal opacity, OD. RTC 2 wks.",
     "finding": "Central corneal opacity", "section": "cornea, sclera and iris", "side": "right",
     "action": "code", "condition": "central corneal opacity", "wording": "title",
     "pattern": "telegraphic/0/last/ruled_out"}
"""

import hashlib
from dataclasses import dataclass, replace
from random import Random

from conditions import Condition
from phrases import (
    CLINICS,
    DISTRACTORS,
    RESERVED_STYLES,
    SIDE_FORMS,
    SIDED_CLOSINGS,
    STYLES,
    UNSIDED_CLOSINGS,
    Style,
)

CODE = "code"
QUERY = "query laterality"
# Notes per condition: 1.85 of 481 with sides and 1.7 of 54 without make about 980 notes, 9 % without a side.
_SECOND_NOTE_SHARE = 0.85
_SECOND_UNSIDED_SHARE = 0.70
_QUERY_SHARE = 0.21  # of the draws on conditions with sides: about 20 % of all notes
_SYNONYM_SHARE = 0.15  # of the notes on a condition that has one: about 3 % of all
# The next five set how far a bag of words gets (a third of the notes of unseen conditions, see README).
_CLINIC_SHARE = 0.45
_TALK_SHARE = 0.25
_PLAN_SHARE = 0.35
_SAME_SECTION_SHARE = 0.45
_CLAUSE_WEIGHTS = {1: 68, 2: 30, 3: 2}
_SIDE_WEIGHTS = {"right": 4, "left": 4, "bilateral": 3}
_MIRROR = {"right": "left", "left": "right"}


@dataclass(frozen=True)
class Clause:
    """A clause that does not count: `kind` picks the sentence, `text` fills its slot."""

    kind: str
    template: str
    text: str
    year: int


@dataclass(frozen=True)
class Plan:
    """All choices of one note; rendering it again with another side gives the mirrored note.

    `side` is right, left, bilateral, or "" where the note gives none for the current finding.
    """

    condition: Condition
    wording: str
    is_synonym: bool
    side: str
    side_form: int
    joint: str
    style: str
    current: int
    place: int
    clauses: tuple[Clause, ...]
    opening: str
    closing: str


def plan_notes(conditions: list[Condition], rng: Random) -> list[Plan]:
    """One to three plans for each condition, in the order of the conditions."""
    return [
        _plan_note(condition, side, conditions, rng) for condition in conditions for side in _draw_sides(condition, rng)
    ]


def mirror_plan(plan: Plan) -> Plan:
    """The same note with the other side: right for left, and left for right."""
    return replace(plan, side=_MIRROR[plan.side])


def render_note(plan: Plan) -> str:
    """The text of the note."""
    style = STYLES[plan.style]
    current = style.current[plan.current].format(x=_attach(plan.wording, plan, plan.side))
    sentences = [_render_clause(clause, plan) for clause in plan.clauses]
    sentences.insert(plan.place, current)
    sentences = [one[:1].upper() + one[1:] for one in sentences]
    texts = [plan.opening, *sentences, plan.closing.format(s=_noun(plan))]
    return " ".join(text for text in texts if text)


def make_record(plan: Plan) -> dict[str, str]:
    """The triage record of a plan: its note and the form that the desk expects."""
    condition = plan.condition
    asks = bool(condition.sides) and not plan.side
    kinds = "+".join(clause.kind for clause in plan.clauses) or "alone"
    place = "alone" if not plan.clauses else "first" if plan.place == 0 else "middle"
    place = "last" if plan.clauses and plan.place == len(plan.clauses) else place
    return {
        "note": render_note(plan),
        "finding": condition.title,
        "section": condition.section,
        "side": plan.side or "none",
        "action": QUERY if asks else CODE,
        "condition": condition.title.lower(),
        "wording": "synonym" if plan.is_synonym else "title",
        "pattern": f"{plan.style}/{plan.current}/{place}/{kinds}",
    }


def may_draw_reserved(condition: Condition) -> bool:
    """Whether this condition, by the hash of its title, is one of the quarter that meets reserved styles."""
    return hashlib.sha256(condition.title.encode()).digest()[0] < 64


def _draw_sides(condition: Condition, rng: Random) -> list[str]:
    if not condition.sides:
        return [""] * (2 if rng.random() < _SECOND_UNSIDED_SHARE else 1)
    count = 2 if rng.random() < _SECOND_NOTE_SHARE else 1
    drawn: list[str] = []
    while len(drawn) < count:
        asks = condition.has_unspecified and rng.random() < _QUERY_SHARE
        weights = [_SIDE_WEIGHTS[side] for side in condition.sides]
        side = "" if asks else rng.choices(condition.sides, weights)[0]
        if side not in drawn:  # two notes on one condition have two answers
            drawn.append(side)
    return drawn


def _plan_note(condition: Condition, side: str, conditions: list[Condition], rng: Random) -> Plan:
    style_name = _draw_style(condition, rng)
    style = STYLES[style_name]
    is_synonym = bool(condition.synonyms) and rng.random() < _SYNONYM_SHARE
    wording = rng.choice(condition.synonyms) if is_synonym else condition.title
    clauses = _draw_clauses(condition, side, style_name, conditions, rng)
    return Plan(
        condition=condition,
        wording=_vary_case(wording, rng),
        is_synonym=is_synonym,
        side=side,
        side_form=rng.randrange(len(SIDE_FORMS["eye"]["right"])),
        joint=rng.choice((", ", " ")),
        style=style_name,
        current=rng.randrange(len(style.current)),
        place=rng.randint(0, len(clauses)),
        clauses=clauses,
        opening=_draw_opening(condition, style, rng),
        closing=_draw_closing(side, style, rng),
    )


def _draw_opening(condition: Condition, style: Style, rng: Random) -> str:
    clinic = CLINICS[condition.section] + "." if rng.random() < _CLINIC_SHARE else ""
    talk = rng.choice(style.openings) if rng.random() < _TALK_SHARE else ""
    return " ".join(part for part in (clinic, talk) if part)


def _draw_closing(side: str, style: Style, rng: Random) -> str:
    # A sided note draws from both: else a plan without a side would give the other answers away.
    plans = rng.choice((SIDED_CLOSINGS, UNSIDED_CLOSINGS)) if side else UNSIDED_CLOSINGS
    plan = rng.choice(plans) if rng.random() < _PLAN_SHARE else ""
    talk = rng.choice(style.closings) if rng.random() < _TALK_SHARE else ""
    return " ".join(part for part in (plan, talk) if part)


def _draw_style(condition: Condition, rng: Random) -> str:
    if may_draw_reserved(condition) and rng.random() < 0.5:
        return rng.choice(RESERVED_STYLES)
    return rng.choice([name for name in STYLES if name not in RESERVED_STYLES])


def _draw_clauses(
    condition: Condition, side: str, style: str, conditions: list[Condition], rng: Random
) -> tuple[Clause, ...]:
    count = rng.choices(list(_CLAUSE_WEIGHTS), list(_CLAUSE_WEIGHTS.values()))[0]
    kinds = [kind for kind in DISTRACTORS if kind != "fellow" or side in _MIRROR]
    chosen = rng.sample(kinds, min(count, len(kinds)))
    others = _draw_others(condition, conditions, len(chosen), rng)
    return tuple(
        Clause(
            kind=kind,
            template=rng.choice(getattr(STYLES[style], kind)),
            text=_write_distractor(other, side, rng),
            year=rng.randint(2009, 2024),
        )
        for kind, other in zip(chosen, others, strict=True)
    )


def _draw_others(condition: Condition, conditions: list[Condition], count: int, rng: Random) -> list[Condition]:
    """Other conditions of the same organ: none whose title contains the current one or stands in it."""
    own = [text.lower() for text in (condition.title, *condition.synonyms)]

    def is_apart(other: Condition) -> bool:
        title = other.title.lower()
        return other.organ == condition.organ and not any(title in text or text in title for text in own)

    apart = [other for other in conditions if is_apart(other)]
    near = [other for other in apart if other.section == condition.section]
    picks: list[Condition] = []
    while len(picks) < count:
        pool = near if near and rng.random() < _SAME_SECTION_SHARE else apart
        pick = rng.choice(pool)
        if pick not in picks:
            picks.append(pick)
    return picks


def _write_distractor(other: Condition, side: str, rng: Random) -> str:
    """The other finding, mostly with a side, and then mostly a side that is not the current one."""
    title = _vary_case(other.title, rng)
    if not other.sides or rng.random() < 0.25:
        return title
    apart = [one for one in other.sides if one != side]
    drawn = rng.choice(apart if rng.random() < 0.8 else other.sides)
    form = rng.choice(SIDE_FORMS[other.organ][drawn])
    return f"{title} {form}"


def _render_clause(clause: Clause, plan: Plan) -> str:
    if clause.kind != "fellow":
        return clause.template.format(d=clause.text, year=clause.year)
    forms = SIDE_FORMS[plan.condition.organ][_MIRROR[plan.side]]
    # "{o} looks normal" wants a noun (an even index: OS, left eye), "nothing {i}" a phrase with "in the".
    noun = forms[0] if "The {o}" not in clause.template and plan.side_form % 2 == 0 else forms[1]
    return clause.template.format(o=noun, i=forms[2], year=clause.year)


def _noun(plan: Plan) -> str:
    """The side as a noun (OD, right eye), for a sentence of its own."""
    if not plan.side:
        return ""
    return SIDE_FORMS[plan.condition.organ][plan.side][0 if plan.side_form % 2 == 0 else 1]


def _attach(wording: str, plan: Plan, side: str) -> str:
    if not side:
        return wording
    form = SIDE_FORMS[plan.condition.organ][side][plan.side_form]
    if form.startswith("in "):
        return f"{wording} {form}"
    return f"{wording}{plan.joint}{form}"


def _vary_case(wording: str, rng: Random) -> str:
    lowers = rng.random() < 0.4
    is_eponym = "'s" in wording.split()[0] or "-" in wording.split()[0]
    return wording[0].lower() + wording[1:] if lowers and not is_eponym else wording
