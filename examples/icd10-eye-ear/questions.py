"""Ask about the notes of the list: one question for each note line, and some that no note answers.

entries of the list -> instruction records.

    {"question": "What does the Code first note at Rosacea conjunctivitis (H10.82) say?",
     "quote": "underlying rosacea dermatitis (L71.-)", "evidence": ["H10.82"], "abstain": false,
     "category": "H10", "note_kind": "Code first"}

Where an entry has several lines of one kind, the question names the condition that its line speaks about.
"""

import re
from collections.abc import Iterator
from random import Random

from tabular import Entry, Note, ancestors

ASKED_KINDS = ("Code first", "Use additional", "Code also", "Excludes 1", "Excludes 2", "Includes")
_UNANSWERABLE_SHARE = 0.25  # of all questions

# {e} is the entry; the question is about the only line of its kind.
ONLY = {
    "Code first": (
        "What must be coded first, by the Code first note at {e}?",
        "Which condition does the Code first note at {e} put first?",
        "What does the Code first note at {e} say?",
    ),
    "Use additional": (
        "Which code does the Use additional note at {e} call for?",
        "What should be added, by the Use additional note at {e}?",
        "What does the Use additional note at {e} say?",
    ),
    "Code also": (
        "What is to be coded as well, by the Code also note at {e}?",
        "What does the Code also note at {e} say?",
        "Which other condition does the Code also note at {e} name?",
    ),
    "Excludes 1": (
        "What does the Excludes 1 note at {e} rule out?",
        "Quote the Excludes 1 note at {e}.",
        "By the Excludes 1 note at {e}, what is never coded together with it?",
    ),
    "Excludes 2": (
        "What does the Excludes 2 note at {e} name?",
        "Quote the Excludes 2 note at {e}.",
        "By the Excludes 2 note at {e}, what is not part of it?",
    ),
    "Includes": (
        "What does the Includes note at {e} cover?",
        "Quote the Includes note at {e}.",
    ),
}
# {c} is the condition named by the line, in its own words without the code.
ONE_OF_SEVERAL = (
    "Which {k} note at {e} speaks about {c}?",
    "A coder wants to report {e} together with {c}. Which {k} note speaks about it?",
    "{e}: what does its {k} note say about {c}?",
)


def make_questions(entries: dict[str, Entry], rng: Random) -> list[dict]:
    """Questions with an answer, and a quarter without one, in a shuffled order with ids."""
    answered = [question for entry in entries.values() for question in _ask_entry(entry, entries, rng)]
    count = round(len(answered) * _UNANSWERABLE_SHARE / (1 - _UNANSWERABLE_SHARE))
    questions = answered + _ask_in_vain(entries, count, rng)
    rng.shuffle(questions)
    return [{"id": f"ask-{number:04d}"} | question for number, question in enumerate(questions, start=1)]


def _ask_entry(entry: Entry, entries: dict[str, Entry], rng: Random) -> Iterator[dict]:
    for kind in ASKED_KINDS:
        lines = [note for note in entry.notes if note.kind == kind]
        for note in lines:
            names_code = rng.random() < 0.75 or _has_kin_with(kind, entry, entries)
            name = call_entry(entry, entries, names_code)
            if len(lines) == 1:
                question = rng.choice(ONLY[kind]).format(e=name)
            else:
                subject = name_subject(note, lines)
                question = rng.choice(ONE_OF_SEVERAL).format(e=name, k=kind, c=subject)
            yield _make_question(question, kind, entry, quote=note.text)


def _ask_in_vain(entries: dict[str, Entry], count: int, rng: Random) -> list[dict]:
    """Questions about a kind of note that neither the entry nor any entry above or below it has."""
    subjects = [entry for entry in entries.values() if may_be_asked_in_vain(entry)]
    # Half of them about entries that have notes of another kind: an answer lies close, but is wrong.
    noted = [entry for entry in subjects if any(note.kind in ASKED_KINDS for note in entry.notes)]
    bare = [entry for entry in subjects if entry not in noted]
    picks = rng.sample(noted, count // 2) + rng.sample(bare, count - count // 2)
    questions = []
    for entry in picks:
        kind = rng.choice([one for one in ASKED_KINDS if not stands_near(one, entry, entries)])
        name = call_entry(entry, entries, names_code=rng.random() < 0.75)
        questions.append(_make_question(rng.choice(ONLY[kind]).format(e=name), kind, entry, quote=None))
    return questions


def _make_question(question: str, kind: str, entry: Entry, quote: str | None) -> dict:
    return {
        "question": question[0].upper() + question[1:],
        "quote": quote or "",
        "evidence": [entry.code] if quote else [],
        "abstain": quote is None,
        "category": find_category(entry),
        "note_kind": kind,
    }


def may_be_asked_in_vain(entry: Entry) -> bool:
    """Whether a question about a note that the entry lacks has no other right answer than none."""
    is_above_sides = bool(re.fullmatch(r"H\d\d(\.\w{1,2})?", entry.code)) and " eye" not in entry.title
    is_vague = bool(re.search(r"[Oo]ther|[Uu]nspecified", entry.title))
    return is_above_sides and not is_vague and len(entry.title.split()) <= 9


def stands_near(kind: str, entry: Entry, entries: dict[str, Entry]) -> bool:
    """Whether the entry, or one above or below it, has a note of this kind."""
    return _has_kind(kind, entry) or _has_kin_with(kind, entry, entries)


def _has_kind(kind: str, entry: Entry) -> bool:
    return any(note.kind == kind for note in entry.notes)


def _has_kin_with(kind: str, entry: Entry, entries: dict[str, Entry]) -> bool:
    """Whether an entry above or below has notes of this kind, which a question by title alone might mean."""
    below = (one for one in entries.values() if one.code != entry.code and one.code.startswith(entry.code))
    return any(_has_kind(kind, one) for one in (*ancestors(entries, entry.code), *below))


def call_entry(entry: Entry, entries: dict[str, Entry], names_code: bool) -> str:
    """How a question names an entry: by its title, with its code if so asked or if the title alone leaves it open."""
    if entry.code.startswith("chapter-"):
        return f"chapter {entry.code.removeprefix('chapter-')} ({entry.title})"
    if "-" in entry.code:
        return f"section {entry.code} ({entry.title})"
    shared = sum(one.title == entry.title for one in entries.values()) > 1
    return f"{entry.title} ({entry.code})" if names_code or shared else entry.title


def find_category(entry: Entry) -> str:
    """The three-character category; a chapter or a section stands for itself."""
    return entry.code if "-" in entry.code else entry.code[:3]


def name_subject(note: Note, lines: list[Note]) -> str:
    """The words of the line without its codes; with them, where the words also stand in another line."""
    subline = note.text.rsplit(": ", 1)[-1]
    words = re.sub(r"\s*\([^()]*\d[^()]*\)$", "", subline)
    if not words or sum(words in line.text for line in lines) > 1:
        return subline
    return words
