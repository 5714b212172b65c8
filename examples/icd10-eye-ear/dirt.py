"""Dirty clean triage records the way a clinic's own records are dirty, and say what was done to which.

clean records -> records with personal details, secrets, copies, contradictions, mirrored pairs, empty and
over-long notes, and a ledger {"exact_duplicates": [["int-0004", "int-0713"]], ...} keyed by the records' ids.

A record is a dict here; one that dirt adds carries "_dirt" (what it is) and "_of" (the record it copies),
which `number_records` replaces by ids.
"""

from random import Random

from notes import CODE, QUERY, Plan, make_record, mirror_plan
from personal import KINDS, People

Record = dict[str, str]

_PERSONAL_SHARE = 0.25
_SECRET_NOTES = 8
_EXACT_SHARE = 0.03
_NEAR_SHARE = 0.03
_CONTRADICTIONS = 8
_MINIMAL_PAIRS = 20
_EMPTY_NOTES = 5
_OVERLONG_NOTES = 4
_OVERLONG_WORDS = 2000
_FAX_LINES = (
    "This transmission is meant for the practice named above and for nobody else.",
    "If pages are missing, ask the front desk to send them again.",
    "The sheet was scanned at low resolution to save paper.",
    "Opening hours are posted at the door and on the answering machine.",
    "Please bring your insurance card to every visit.",
    "Parking is free on Saturdays behind the building.",
    "Printed by the queue on the second floor, tray three.",
    "Destroy this page if it reached you by mistake.",
)


def dirty_records(plans: list[Plan], people: People, rng: Random) -> list[Record]:
    """The records of the plans and the records that dirt adds, shuffled; the plans' own keep their labels."""
    records = [make_record(plan) for plan in plans]
    pairs = _pick_mirrored(plans, rng)
    free = [index for index in range(len(plans)) if index not in pairs]
    rng.shuffle(free)
    _add_personal_details(records, free[: round(_PERSONAL_SHARE * len(records))], people, rng)
    _add_secrets(records, free[:_SECRET_NOTES], people)
    # Copies are taken from notes already dirtied as well as from clean ones: a mask must not split them.
    rng.shuffle(free)
    added = [
        *_mirror_pairs(plans, records, pairs),
        *_copy_exactly(records, _take(free, round(_EXACT_SHARE * len(records)))),
        *_copy_nearly(records, _take(free, round(_NEAR_SHARE * len(records))), rng),
        *_contradict(records, _take(free, _CONTRADICTIONS), rng),
        *_empty(records, _take(free, _EMPTY_NOTES), rng),
        *_lengthen(records, _take(free, _OVERLONG_NOTES), rng),
    ]
    everything = records + added
    rng.shuffle(everything)
    return everything


def number_records(records: list[Record]) -> dict[str, list]:
    """Give every record its id in place, drop the marks of the dirt and return the ledger of it."""
    for number, record in enumerate(records, start=1):
        record["id"] = f"int-{number:04d}"
    ledger: dict[str, list] = {}
    for record in records:
        kind, source = record.pop("_dirt", ""), record.pop("_of", None)
        if kind:
            ledger.setdefault(kind, []).append([source["id"], record["id"]] if source else record["id"])
    return ledger


def _take(free: list[int], count: int) -> list[int]:
    """Remove and return `count` indexes, so that no record is dirtied in two ways that copy it."""
    taken, free[:] = free[:count], free[count:]
    return taken


def _pick_mirrored(plans: list[Plan], rng: Random) -> list[int]:
    can = [index for index, plan in enumerate(plans) if plan.side in ("right", "left")]
    # A partner must not equal another note of the same condition.
    alone = [index for index in can if sum(plan.condition == plans[index].condition for plan in plans) == 1]
    return sorted(rng.sample(alone, _MINIMAL_PAIRS))


def _mirror_pairs(plans: list[Plan], records: list[Record], indexes: list[int]) -> list[Record]:
    return [
        make_record(mirror_plan(plans[index])) | {"_dirt": "minimal_pairs", "_of": records[index]} for index in indexes
    ]


def _add_personal_details(records: list[Record], indexes: list[int], people: People, rng: Random) -> None:
    for index in indexes:
        record = records[index]
        for kind in rng.sample(KINDS, rng.choice((1, 1, 2))):
            phrase = people.plant(kind)
            at_front = kind == "name" or rng.random() < 0.4
            record["note"] = f"{phrase} {record['note']}" if at_front else f"{record['note']} {phrase}"


def _add_secrets(records: list[Record], indexes: list[int], people: People) -> None:
    for number, index in enumerate(indexes):
        records[index]["note"] += " " + people.plant_secret(number)


def _copy_exactly(records: list[Record], indexes: list[int]) -> list[Record]:
    return [records[index] | {"_dirt": "exact_duplicates", "_of": records[index]} for index in indexes]


def _copy_nearly(records: list[Record], indexes: list[int], rng: Random) -> list[Record]:
    changes = (
        lambda note: note.rstrip(".") + " .",
        lambda note: note.replace(". ", ".  ", 1),
        lambda note: note.replace(". ", "; ", 1) if ". " in note else note + "..",
        lambda note: note + " Ok.",
        lambda note: "Hello. " + note,
    )
    return [
        one | {"note": rng.choice(changes)(one["note"]), "_dirt": "near_duplicates", "_of": one}
        for one in (records[index] for index in indexes)
    ]


def _contradict(records: list[Record], indexes: list[int], rng: Random) -> list[Record]:
    """The same notes with another answer: one of the two clerks was wrong, and nothing says which."""
    return [
        one | _wrong_answer(one, rng) | {"_dirt": "contradictions", "_of": one}
        for one in (records[index] for index in indexes)
    ]


def _wrong_answer(record: Record, rng: Random) -> Record:
    if record["action"] == QUERY:
        return {"action": CODE, "side": rng.choice(("right", "left"))}
    if record["side"] == "none":
        return {"action": QUERY}
    return {"side": "left" if record["side"] == "right" else "right"}


def _empty(records: list[Record], indexes: list[int], rng: Random) -> list[Record]:
    blanks = [rng.choice(("", "   ", "\n")) for _ in indexes]
    return [records[index] | {"note": blank, "_dirt": "empty"} for index, blank in zip(indexes, blanks, strict=True)]


def _lengthen(records: list[Record], indexes: list[int], rng: Random) -> list[Record]:
    """A note with a whole fax's small print behind it."""
    added = []
    for index in indexes:
        words = records[index]["note"].split()
        while len(words) < _OVERLONG_WORDS:
            words += rng.choice(_FAX_LINES).split()
        added.append(records[index] | {"note": " ".join(words), "_dirt": "overlong"})
    return added
