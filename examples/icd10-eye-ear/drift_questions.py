"""Questions whose right answer hangs on the edition of the list: what its notes say, and which code a title has.

entries of three editions -> slots (one note line, as two editions have it) -> questions of an edition, and the suite:

    Slot(code="H53.03", kind="Excludes 2", old=None, new="strabismus (H50.-)", since="2026")
    {"id": "drift-017", "text": "Read me the Excludes 2 note at Strabismic amblyopia (H53.03).", "task": "instruction",
     "answer": "strabismus (H50.-)", "evidence": ["H53.03"], "group": "H53.03", "valid_from": "2026", "changed": true}

Editions ask the same questions under the same groups, so that both are split alike: what is sealed in one was never
trained on in the other. The suite asks about the same lines in words that no training question has.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from random import Random

from questions import (
    ASKED_KINDS,
    ONE_OF_SEVERAL,
    ONLY,
    call_entry,
    find_category,
    may_be_asked_in_vain,
    name_subject,
    stands_near,
)
from tabular import Entry, Note

OLD, MIDDLE, NEW = "2021", "2025", "2026"
Editions = dict[str, dict[str, Entry]]

_SUITE_ONLY = ("Read me the {k} note at {e}.", "{e}: what stands in its {k} note?")
_SUITE_ONE_OF_SEVERAL = ("Read me the {k} note at {e} that names {c}.", "{e}: what stands in its {k} notes on {c}?")
_CODE = ("Which code does the list give for {t}?", "What is the code of {t}?")
_SUITE_CODE = "Under which code does the list have {t}?"
# How much is asked; trained on is what the split leaves, tested is all of the suite.
TRAINED = {"notes": 140, "codes": 50, "in vain": 50}
STAYED = {"notes": 40, "codes": 20, "in vain": 12}


@dataclass(frozen=True)
class Slot:
    """One note line: what the oldest and the newest edition say in its place; None where there is none.

    `is_lone` where the note has no other line in either; `since` is the edition in which the newest state stood first.
    """

    code: str
    kind: str
    old: str | None
    new: str | None
    subject: str
    is_lone: bool
    since: str

    @property
    def changed(self) -> bool:
        """Whether the right answer is no longer what it was."""
        return self.old != self.new

    def say(self, edition: str) -> str | None:
        """The line in the oldest or the newest edition."""
        return self.old if edition == OLD else self.new


def find_slots(editions: Editions) -> list[Slot]:
    """All note lines of the oldest and the newest edition, in the newest one's order of entries."""
    return [
        slot for entry in editions[NEW].values() for kind in ASKED_KINDS for slot in _pair_lines(entry, kind, editions)
    ]


def _pair_lines(entry: Entry, kind: str, editions: Editions) -> Iterator[Slot]:
    """Lines that stayed, then those that took another's place, came or went."""
    old, middle, new = (_read_lines(editions[edition].get(entry.code), kind) for edition in (OLD, MIDDLE, NEW))
    gone, come = [line for line in old if line not in new], [line for line in new if line not in old]
    if len(gone) == len(come):
        moved: list[tuple[str | None, str | None]] = [*zip(gone, come, strict=True)]
    else:
        moved = [(line, None) for line in gone] + [(None, line) for line in come]
    pairs = [(line, line) for line in new if line in old] + moved
    lines = [Note(kind, after or before or "") for before, after in pairs]
    for (before, after), note in zip(pairs, lines, strict=True):
        is_old = before == after or (after in middle if after else before not in middle)
        since = OLD if before == after else MIDDLE if is_old else NEW
        subject = name_subject(note, lines)
        yield Slot(entry.code, kind, before, after, subject, len(lines) == 1, since)


def _read_lines(entry: Entry | None, kind: str) -> list[str]:
    return [note.text for note in entry.notes if note.kind == kind] if entry else []


def make_training(editions: Editions, edition: str, rng: Random) -> list[dict]:
    """The questions of the oldest or the newest edition; both have the same ones in the same order.

    A line counts only if its entry stands in both: nobody asks about what has not been thought of yet.
    """
    slots = [slot for slot in find_slots(editions) if slot.code in editions[OLD]]
    stayed, moved = [s for s in slots if not s.changed], [s for s in slots if s.changed]
    entries = editions[NEW]
    asked = [_ask_slot(slot, entries, edition, ONLY[slot.kind], ONE_OF_SEVERAL, rng)
             for slot in [*moved, *rng.sample(stayed, TRAINED["notes"])]]  # fmt: skip
    asked += [_ask_code(entry, rng.choice(_CODE)) for entry in rng.sample(_kept_codes(editions), TRAINED["codes"])]
    asked += [_ask_vainly(*one, entries, ONLY[one[1]], rng) for one in _draw_vain(editions, TRAINED["in vain"], rng)]
    rng.shuffle(asked)
    return [{"id": f"ask-{n:04d}"} | question for n, question in enumerate(asked, start=1)]


def make_suite(editions: Editions, rng: Random) -> list[dict]:
    """The suite: all that changed, each changed line twice and each added code once, and a sample of what stayed."""
    slots, entries = find_slots(editions), editions[NEW]
    items = []
    for slot in [s for s in slots if s.changed]:
        for only, several in zip(_SUITE_ONLY, _SUITE_ONE_OF_SEVERAL, strict=True):
            question = _ask_slot(slot, entries, NEW, (only,), (several,), rng)
            items.append(_as_item(question, slot.code, slot.since))
    for entry in _added_codes(editions):
        since = MIDDLE if entry.code in editions[MIDDLE] else NEW
        items.append(_as_item(_ask_code(entry, _SUITE_CODE), entry.parent, since))
    for slot in rng.sample([s for s in slots if not s.changed], STAYED["notes"]):
        items.append(_as_item(_ask_slot(slot, entries, NEW, _SUITE_ONLY, _SUITE_ONE_OF_SEVERAL, rng), slot.code, OLD))
    for entry in rng.sample(_kept_codes(editions), STAYED["codes"]):
        items.append(_as_item(_ask_code(entry, _SUITE_CODE), entry.parent, OLD))
    for one in _draw_vain(editions, STAYED["in vain"], rng):
        items.append(_as_item(_ask_vainly(*one, entries, _SUITE_ONLY, rng), one[0].code, OLD))
    return [{"id": f"drift-{n:03d}"} | item for n, item in enumerate(items, start=1)]


def _as_item(question: dict, group: str, since: str) -> dict:
    """A question as a suite's file has it."""
    right = (
        {"abstain": True} if question["abstain"] else {"answer": question["quote"], "evidence": question["evidence"]}
    )
    return {"task": "instruction", "text": question["question"], **right, "group": group, "valid_from": since,
            "changed": since != OLD}  # fmt: skip


def _ask_slot(
    slot: Slot, entries: dict[str, Entry], edition: str, only: tuple[str, ...], several: tuple[str, ...], rng: Random
) -> dict:
    entry = entries[slot.code]
    template = rng.choice(only if slot.is_lone else several)
    name = call_entry(entry, entries, names_code=True)
    return _make(template.format(e=name, k=slot.kind, c=slot.subject), slot.say(edition), entry)


def _ask_code(entry: Entry, template: str) -> dict:
    return _make(template.format(t=entry.title), entry.code, entry)


def _ask_vainly(entry: Entry, kind: str, entries: dict[str, Entry], only: tuple[str, ...], rng: Random) -> dict:
    return _make(rng.choice(only).format(e=call_entry(entry, entries, names_code=True), k=kind), None, entry)


def _make(question: str, answer: str | None, entry: Entry) -> dict:
    return {
        "question": question[0].upper() + question[1:],
        "quote": answer or "",
        "evidence": [entry.code] if answer else [],
        "abstain": answer is None,
        "category": find_category(entry),
    }


def _added_codes(editions: Editions) -> list[Entry]:
    """Codes of the newest edition, none of them a heading, that the oldest one lacks."""
    return [entry for entry in _leaves(editions[NEW]) if entry.code not in editions[OLD]]


def _kept_codes(editions: Editions) -> list[Entry]:
    """Codes with the same title in both editions, which no other entry has."""
    times = Counter(entry.title.lower() for entry in editions[NEW].values())
    return [
        entry for entry in _leaves(editions[NEW])
        if times[entry.title.lower()] == 1 and (old := editions[OLD].get(entry.code)) and old.title == entry.title
    ]  # fmt: skip


def _leaves(entries: dict[str, Entry]) -> list[Entry]:
    parents = {entry.parent for entry in entries.values()}
    return [entry for entry in entries.values() if entry.code not in parents]


def _draw_vain(editions: Editions, count: int, rng: Random) -> list[tuple[Entry, str]]:
    """Entries of both editions with a kind of note that neither has on them, above or below."""
    entries = [entry for entry in editions[NEW].values() if entry.code in editions[OLD] and may_be_asked_in_vain(entry)]
    noted = [entry for entry in entries if any(note.kind in ASKED_KINDS for note in entry.notes)]
    found = []
    for entry in rng.sample(noted, min(count, len(noted))) + rng.sample(entries, max(0, count - len(noted))):
        free = [kind for kind in ASKED_KINDS if not any(_is_near(kind, entry, editions[e]) for e in (OLD, NEW))]
        if free:
            found.append((entry, rng.choice(free)))
    return found


def _is_near(kind: str, entry: Entry, entries: dict[str, Entry]) -> bool:
    return stands_near(kind, entries[entry.code], entries)
