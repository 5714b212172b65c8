"""Whether what an answer cites supports what it says: ALCE's citation recall and precision (Gao et al. 2023).

    judge_support('Code first deafness', ["H90", "Z99"], documents) -> Support(recall=1.0, precision=0.5)

ALCE asks an entailment model whether the cited passages entail the statement. Here a passage does if it holds the
statement word for word (case, white space and closing punctuation aside), or, where an encoder is given, if some line
of it means the same and holds every number and code of the statement: vectors alone take H90.3 for H90.4.

Recall: some cited passage supports the statement; one without a citation has none. Precision: the share of cited ids
that support it. ALCE calls a citation irrelevant if it does not support the statement alone and the others do without
it; since here passages support a statement together only if one does alone, the two definitions are one. An id that no
document has supports nothing, and so counts against precision.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from nichetune.core.tasks import normalise

Encode = Callable[[list[str]], Any]  # texts -> unit vectors, [texts, dimension]
SAME_MEANING = 0.8  # cosine from which a line is taken to say what the statement says
_EXACT = re.compile(r"\w*\d[\w.\-]*")
_LINES = re.compile(r"\n|(?<=[.;:?!])\s+")


@dataclass(frozen=True)
class Support:
    """Of one answer; precision is None where it cites nothing."""

    recall: float
    precision: float | None


def judge_support(
    statement: str, citations: Sequence[str], documents: Mapping[str, str], encode: Encode | None = None
) -> Support:
    """Judges one statement by the documents that it cites, each id once."""
    cited = list(dict.fromkeys(citations))
    holds = [_supports(documents.get(name, ""), statement, encode) for name in cited]
    return Support(float(any(holds)), sum(holds) / len(holds) if holds else None)


def _supports(passage: str, statement: str, encode: Encode | None) -> bool:
    said = normalise(statement)
    if not said or not passage:
        return False
    return said in normalise(passage) or (encode is not None and _means(passage, statement, encode))


def _means(passage: str, statement: str, encode: Encode) -> bool:
    exact = {found.casefold().rstrip(".-") for found in _EXACT.findall(statement)}
    lines = [line for line in (part.strip() for part in _LINES.split(passage)) if line]
    held = [{found.casefold().rstrip(".-") for found in _EXACT.findall(line)} for line in lines]
    able = [line for line, codes in zip(lines, held, strict=True) if exact <= codes]
    if not able:
        return False
    vectors = encode([statement, *able])
    return bool((vectors[1:] @ vectors[0]).max() >= SAME_MEANING)
