"""What dedupe and split found, one object a line: ids and places, never a text.

clusters.jsonl, lookalikes.jsonl (dedupe), contamination.jsonl (split)

    {"kept": "int-0004", "why": "read first", "source": {…}, "copies": [{"id": "int-0713", "how": "near",
     "similarity": 0.91, "source": {…}}]}
"""

from __future__ import annotations

from typing import Literal

from nichetune.core.records import Record, Source

How = Literal["exact", "near", "semantic"]


class Copy(Record):
    """A text that was dropped for another, and how near it is to that one."""

    id: str
    how: How
    similarity: float
    source: Source


class Cluster(Record):
    """A kept text with its copies; each of them is at or above the threshold to the kept one itself."""

    kept: str
    why: str
    source: Source
    copies: list[Copy]


class Lookalike(Record):
    """Two kept texts that are nearly the same: for a person to look at."""

    a: str
    b: str
    how: How
    similarity: float
    same_answer: bool
    a_source: Source
    b_source: Source


class Overlap(Record):
    """A text that gives a sealed item away.

    Attributes:
        text: id of the training example or document.
        holds: what of the item it holds.
        how: the whole text, a run of words, a whole short text within it, or the meaning.
        words: length of the longest common run; 0 for meaning.
        action: what was done about it.
    """

    text: str
    kind: Literal["example", "document"]
    item: str
    holds: Literal["question", "answer"]
    how: Literal["same text", "run", "whole short text", "meaning"]
    words: int = 0
    similarity: float = 1.0
    action: Literal["removed", "listed"]
    source: Source
    item_source: Source
