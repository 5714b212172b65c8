"""How rungs behave, beside how well they score: whether they refuse what has an answer, and stop by themselves.

scores and predictions on the judged items -> the part `conduct` of verdict.json, and sentences:

    {"base": {"items": 24, "answerable": 18, "refused": 0, "cut": 24}}

A rung that abstains on everything may score well where many items ask for it, and has learnt nothing. As the cheapest
rung it is what others have to beat; a dearer one that gets nothing else right is never climbed to (decision 0008).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from nichetune.core.files import iter_records
from nichetune.core.records import Prediction
from nichetune.decide.evaluated import Evaluated

_OFTEN = 0.5  # a choice: below it the metrics' own figures tell enough
_PREDICTIONS = "predictions.jsonl"
_DUE = "abstain_recall"  # it applies to the items that ask for abstention


@dataclass(frozen=True)
class Conduct:
    """Counts over the judged items, of the training that ships.

    Attributes:
        answerable: items that have an answer, of tasks that know abstaining; `refused`: of these, abstained on.
        cut: answers that only `max_new_tokens` ended.
    """

    items: int
    answerable: int
    refused: int
    cut: int


def earns_by_abstaining(rung: Evaluated, judged: Collection[str], metric: str) -> bool:
    """Whether no training of a rung gets anything right that has an answer, so that all it earns is abstaining.

    Args:
        metric: of an item's scores, the primary one.
    """
    own = [one.scores[item].scores for one in rung.by_seed for item in judged if item in one.scores]
    earned = [scores for scores in own if scores.get(metric, 0.0) > 0]
    has_answers = any(_DUE not in scores for scores in own)
    return has_answers and bool(earned) and all(_DUE in scores for scores in earned)


def read_conduct(rung: Evaluated, folder: Path, judged: Collection[str]) -> Conduct:
    """Counts from a rung's scores and, where they are kept, its predictions."""
    own = [rung.scores[item].scores for item in judged if item in rung.scores]
    refused = [scores["over_refusal"] for scores in own if "over_refusal" in scores]
    file = folder / _PREDICTIONS
    said = [p.stopped for p in iter_records(file, Prediction) if p.item in judged] if file.is_file() else []
    return Conduct(len(own), len(refused), sum(one > 0.5 for one in refused), said.count("length"))


def add_conduct(
    verdict: dict[str, Any], rungs: Iterable[Evaluated], folders: Mapping[str, Path], judged: Collection[str]
) -> dict[str, Any]:
    """The verdict with how each rung behaves.

    Args:
        folders: of each rung's evaluation, by its name.
        judged: ids of the items of the primary metric.
    """
    found = {rung.rung: read_conduct(rung, folders[rung.rung], judged) for rung in rungs}
    told = [sentence for name in verdict["rungs"] for sentence in say_conduct(name, found[name])]
    conduct = {name: asdict(found[name]) for name in verdict["rungs"]}
    return verdict | {"conduct": conduct, "reasons": [*verdict["reasons"], *told]}


def say_conduct(name: str, conduct: Conduct) -> list[str]:
    """A sentence for what happens more often than not."""
    sentences = []
    if conduct.refused >= _OFTEN * max(1, conduct.answerable):
        sentences.append(
            f"Over-refusal: {name} abstained on {conduct.refused:,} of the {conduct.answerable:,} items that have an "
            "answer."
        )
    if conduct.cut >= _OFTEN * max(1, conduct.items):
        sentences.append(
            f"Cut answers: {conduct.cut:,} of {conduct.items:,} of {name} were ended by max_new_tokens alone: it does "
            "not stop by itself, or the task allows it too few."
        )
    return sentences
