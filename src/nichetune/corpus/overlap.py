"""Finds what texts share with sealed items: the whole text, or a long run of words that is no boilerplate.

texts of training and of sealed items -> hits

    Hit(example="int-0412", item="int-0077", reason="shares a run of 8 words with a sealed item", words=11)

The item's question alone counts, whether or not its answer stands beside it. An item shorter than a run is looked for
whole. Answers count for tasks with an answer of one's own (exact, free, workflow): a form's values and a choice are a
vocabulary that everybody shares, and a grounded answer is a quotation that must stand in its document.

Templates and standing phrases are not leaks: a run found in several groups is boilerplate and does not count. What
is boilerplate is settled once, over the whole corpus before anything is removed, and is kept with the benchmark as
digests, so that a later check judges as the split did.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from difflib import SequenceMatcher
from typing import Literal

from nichetune.core.files import hash_text
from nichetune.core.records import Example
from nichetune.core.settings import TaskSettings
from nichetune.corpus.normal import normalise_text
from nichetune.corpus.shingles import list_runs

SAME_TEXT = "same text as a sealed item"
WHOLE_SHORT = "holds the whole text of a short sealed item"
# Below this an item's words ("left eye") are a phrase of the field, and only the same text gives it away.
_LEAST_SHORT_WORDS = 4
_OWN_ANSWERS = ("exact", "free", "workflow")

Part = Literal["question", "answer"]


def say_run(words: int) -> str:
    """The reason of a text that shares a long run."""
    return f"shares a run of {words} words with a sealed item"


@dataclass(frozen=True)
class Hit:
    """A text that gives a sealed item away; `words` is the length of their longest common run."""

    example: str
    item: str
    reason: str
    holds: Part = "question"
    words: int = 0


@dataclass(frozen=True)
class _Place:
    item: str
    holds: Part
    text: str


class SealedRuns:
    """What the sealed items look like: their whole texts and their telling runs of words.

    Args:
        tasks: kinds of the tasks, which say whose answers count; without them questions alone do.
        exempt: by item, a normalised text whose runs do not give that item away.
    """

    def __init__(
        self,
        items: Iterable[Example],
        words: int,
        boilerplate: frozenset[str],
        tasks: Mapping[str, TaskSettings] | None = None,
        exempt: Mapping[str, str] | None = None,
    ) -> None:
        self._words = words
        self._exempt = {item: f" {text} " for item, text in (exempt or {}).items()}
        self._texts: dict[str, _Place] = {}
        self._runs: dict[str, _Place] = {}
        self._short: dict[str, _Place] = {}
        for item in items:
            question = _Place(item.id, "question", normalise_text(item.prompt))
            self._texts.setdefault(question.text, question)
            self._add(question, boilerplate)
            for answer in own_answers(item, tasks or {}):
                self._add(_Place(item.id, "answer", normalise_text(answer)), boilerplate)
        self._short_lengths = sorted({text.count(" ") + 1 for text in self._short})

    def _add(self, place: _Place, boilerplate: frozenset[str]) -> None:
        for run in telling_runs(place.text, self._words, place.holds):
            if digest_run(run) not in boilerplate and f" {run} " not in self._exempt.get(place.item, ""):
                (self._runs if run.count(" ") + 1 == self._words else self._short).setdefault(run, place)

    def find_hit(self, example: Example) -> Hit | None:
        """The first sealed item that `example` overlaps: the user's text, and what is taught as its answer."""
        text = normalise_text(example.prompt)
        if text in self._texts:
            same = self._texts[text]
            return Hit(example.id, same.item, SAME_TEXT, same.holds, text.count(" ") + 1)
        for turn in example.messages:
            if turn.role == "system":
                continue
            for found in self.find_runs(normalise_text(turn.content)):
                # An answer taught twice is what training is for; a sealed answer in somebody's question is a leak.
                if turn.role == "user" or found.holds == "question":
                    return replace(found, example=example.id)
        return None

    def find_runs(self, text: str) -> Iterator[Hit]:
        """Every item of which a normalised text holds a telling run, each once."""
        tokens = text.split()
        found: set[str] = set()
        for length, held in ((self._words, self._runs), *((length, self._short) for length in self._short_lengths)):
            for run in list_runs(tokens, length):
                place = held.get(run)
                if place and place.item not in found:
                    found.add(place.item)
                    yield self._describe(tokens, place, length)

    def _describe(self, tokens: Sequence[str], place: _Place, length: int) -> Hit:
        if length < self._words:
            return Hit("", place.item, WHOLE_SHORT, place.holds, length)
        return Hit("", place.item, say_run(self._words), place.holds, measure_run(tokens, place.text.split()))


def own_answers(item: Example, tasks: Mapping[str, TaskSettings]) -> list[str]:
    """Answers that give the item away wherever they stand."""
    task = tasks.get(item.task)
    if task is None or task.kind not in _OWN_ANSWERS:
        return []
    return [text for text in (item.expected.answer, " ".join(item.expected.steps or [])) if text]


def telling_runs(text: str, words: int, holds: Part = "question") -> Iterator[str]:
    """All runs of `words` words of a normalised text; of a shorter question the whole of it."""
    tokens = text.split()
    if len(tokens) >= words:
        yield from list_runs(tokens, words)
    elif holds == "question" and len(tokens) >= min(_LEAST_SHORT_WORDS, words):
        yield text


def measure_run(one: Sequence[str], other: Sequence[str]) -> int:
    """Words in the longest run that both hold."""
    return SequenceMatcher(None, one, other, autojunk=False).find_longest_match().size


def digest_run(run: str) -> str:
    """How boilerplate is kept: its words are nobody's business."""
    return hash_text(run)[:16]


def word_runs(text: str, words: int) -> Iterator[str]:
    """Digests of all runs of `words` words in a normalised text."""
    return (digest_run(run) for run in list_runs(text.split(), words))


def list_wanted(sealed: Iterable[Example], words: int, tasks: Mapping[str, TaskSettings]) -> frozenset[str]:
    """All telling runs of the sealed items."""
    wanted: set[str] = set()
    for item in sealed:
        wanted.update(telling_runs(normalise_text(item.prompt), words))
        for answer in own_answers(item, tasks):
            wanted.update(telling_runs(normalise_text(answer), words, "answer"))
    return frozenset(wanted)


def spot_runs(
    examples: Iterable[Example], wanted: frozenset[str], most_groups: int, tasks: Mapping[str, TaskSettings]
) -> dict[str, set[str]]:
    """The groups in which wanted runs stand, up to `most_groups` each."""
    lengths = sorted({run.count(" ") + 1 for run in wanted})
    groups: dict[str, set[str]] = defaultdict(set)
    for example in examples:
        for text in (example.prompt, *own_answers(example, tasks)):
            tokens = normalise_text(text).split()
            for length in lengths:
                for run in list_runs(tokens, length):
                    if run in wanted and len(groups[run]) < most_groups:
                        groups[run].add(example.group)
    return groups
