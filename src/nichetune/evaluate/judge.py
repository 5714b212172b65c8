"""A judge model for free texts: is the answer as good as the reference? It decides nothing that people do not bear out.

items of kind `free` + predictions -> judge.json, and where the judge may decide `judged` in the items' scores:

    {"agreement": {"value": 0.71, "low": 0.61, "high": 0.81, "n": 120}, "least": 0.6, "may_decide": true,
     "judged": {"summary": {"value": 0.64, …}}, "replies": 400, "unclear": 2,
     "order": {"first": {"value": 0.58, …, "n": 310}, "turned": {"value": 0.17, …, "n": 198}}}

The judge sees the question and two texts, and is not told which of them is the candidate's. Each pair is shown in both
orders, since judges favour a place (Zheng et al. 2023, "Judging LLM-as-a-judge"): an answer scores the share of the
orders in which the reference is not preferred to it; a reply without one clear letter counts half. How much the place
moves the judge is told beside it. How far it is to be trusted is measured first, on answers that the user has
labelled: Cohen's kappa. Unless its interval lies at or above `judge.min_kappa`, its scores stand in judge.json alone.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nichetune.core.errors import UserError
from nichetune.core.files import iter_jsonl
from nichetune.core.records import Estimate, Example, ItemScore, Message, Prediction
from nichetune.core.settings import Settings
from nichetune.evaluate.agreement import measure_kappa
from nichetune.evaluate.intervals import estimate_mean

JUDGED = "judged"
JUDGE_RESULT = "judge.json"
Ask = Callable[[Sequence[list[Message]]], list[str]]  # conversations -> replies
_LETTER = re.compile(r"\b([ABS])\b")
_TOLD = (
    "You compare two answers to one question by what they say, not by how long they are. Reply with one letter: A if "
    "answer A is better, B if answer B is better, S if they are equally good."
)
_LABELS = {"yes": 1, "no": 0, "1": 1, "0": 0, "true": 1, "false": 0}


@dataclass(frozen=True)
class Pair:
    """What one judgement is about; `rubric`: what a good answer has, in the owner's words."""

    question: str
    answer: str
    reference: str
    rubric: str = ""


@dataclass(frozen=True)
class Judged:
    """Scores of pairs, 0..1, and the letters behind them: two a pair, None where a reply held none of the three."""

    scores: list[float]
    letters: list[str | None]


def judge_pairs(ask: Ask, pairs: Sequence[Pair]) -> Judged:
    """Of each pair the share of the orders in which the reference is not preferred; an unclear reply counts half."""
    letters = [_read_reply(reply) for reply in ask([_show(pair, first) for pair in pairs for first in (True, False)])]
    scores = [(_credit(a, "B") + _credit(b, "A")) / 2 for a, b in _by_pair(letters)]
    return Judged(scores, letters)


def _by_pair(letters: Sequence[str | None]) -> list[tuple[str | None, str | None]]:
    return list(zip(letters[::2], letters[1::2], strict=True))


def measure_order(letters: Sequence[str | None], alpha: float = 0.05) -> dict[str, Estimate]:
    """How much the place moves the judge, over pairs that it saw in both orders.

    Returns:
        `first`: of the replies that prefer one text, the share that prefers the one shown first; without a bias it is
        a half. `turned`: of the pairs with two clear replies, the share in which the same place won both times.
    """
    preferred = [(letter == "A", n // 2) for n, letter in enumerate(letters) if letter in ("A", "B")]
    clear = [(a == b != "S", n) for n, (a, b) in enumerate(_by_pair(letters)) if a and b]
    return {"first": _share(preferred, alpha), "turned": _share(clear, alpha)}


def _share(found: Sequence[tuple[bool, int]], alpha: float) -> Estimate:
    """The share of what is true, clustered by pair."""
    return estimate_mean([float(one) for one, _ in found], [pair for _, pair in found], alpha)


def _show(pair: Pair, candidate_first: bool) -> list[Message]:
    one, other = (pair.answer, pair.reference) if candidate_first else (pair.reference, pair.answer)
    text = f"Question:\n{pair.question}\n\nAnswer A:\n{one}\n\nAnswer B:\n{other}\n\nWhich is better: A, B or S?"
    told = f"{_TOLD}\n\nWhat a good answer has:\n{pair.rubric}" if pair.rubric else _TOLD
    return [Message(role="system", content=told), Message(role="user", content=text)]


def _read_reply(reply: str) -> str | None:
    """The one letter in it; "A better answer is B" holds two, and says nothing for certain."""
    found = set(_LETTER.findall(reply))
    return found.pop() if len(found) == 1 else None


def _credit(reply: str | None, reference: str) -> float:
    return 0.5 if reply is None else float(reply != reference)


@dataclass(frozen=True)
class Judgement:
    """What a judge found: how far it agrees with people, and its scores of free texts by item id.

    Attributes:
        replies: asked for, two for each labelled answer and each free text.
        unclear: replies, those on labelled answers among them, that held none of the three letters, or several.
        order: how much the place moves it (`measure_order`), over labelled answers and free texts.
    """

    agreement: Estimate
    may_decide: bool
    scores: dict[str, float]
    replies: int
    unclear: int
    order: dict[str, Estimate]


def run_judge(
    settings: Settings, ask: Ask, labels: Path, items: Sequence[Example], predictions: Sequence[Prediction]
) -> Judgement:
    """Measures the judge's agreement with the labels, then lets it judge the free texts among the items."""
    marked, pairs = read_labels(labels, settings)
    known = judge_pairs(ask, pairs)
    kappa = measure_kappa([int(score > 0.5) for score in known.scores], marked)
    free = [(i, p) for i, p in zip(items, predictions, strict=True) if settings.tasks[i.task].kind == "free"]
    # Where one side abstains there is nothing to compare: right if both do, as for every metric of free texts.
    abstained = {i.id: float(i.expected.abstain and p.answer.abstain) for i, p in free
                 if i.expected.abstain or p.answer.abstain}  # fmt: skip
    own = [(i, p) for i, p in free if i.id not in abstained]
    judged = judge_pairs(
        ask, [Pair(i.prompt, p.text, i.expected.answer or "", settings.tasks[i.task].rubric) for i, p in own]
    )
    letters = known.letters + judged.letters
    return Judgement(
        agreement=kappa,
        may_decide=kappa.low is not None and kappa.low >= settings.judge.min_kappa,
        scores=abstained | {i.id: score for (i, _), score in zip(own, judged.scores, strict=True)},
        replies=len(letters),
        unclear=letters.count(None),
        order=measure_order(letters, settings.benchmark.alpha),
    )


def describe_judgement(settings: Settings, found: Judgement, items: Sequence[Example]) -> dict[str, Any]:
    """What judge.json holds."""
    judged: dict[str, Estimate] = {}
    for name in dict.fromkeys(item.task for item in items if item.id in found.scores):
        own = [item for item in items if item.task == name and item.id in found.scores]
        scores, groups = [found.scores[item.id] for item in own], [item.group for item in own]
        judged[name] = estimate_mean(scores, groups, settings.benchmark.alpha)
    return {
        "agreement": found.agreement, "least": settings.judge.min_kappa, "may_decide": found.may_decide,
        "judged": judged, "replies": found.replies, "unclear": found.unclear, "order": found.order,
    }  # fmt: skip


def add_judgements(scores: Sequence[ItemScore], found: Judgement) -> list[ItemScore]:
    """The items' scores with the judge's, where it may decide; else as they are."""
    if not found.may_decide:
        return list(scores)
    judged = found.scores
    return [
        one.model_copy(update={"scores": one.scores | {JUDGED: judged[one.item]}}) if one.item in judged else one
        for one in scores
    ]


def read_labels(path: Path, settings: Settings) -> tuple[list[int], list[Pair]]:
    """Answers that people marked, one JSON object a line: question, answer, reference, and label: yes or no.

    The judge is tried by the rubric by which it is to judge: that of the label's `task`, which one free task alone
    need not name.

    Raises:
        UserError: there is no such file, or a line lacks a part.
    """
    labels: list[int] = []
    pairs: list[Pair] = []
    rubrics = {name: task.rubric for name, task in settings.tasks.items() if task.kind == "free"}
    alone = next(iter(rubrics)) if len(rubrics) == 1 else ""
    for number, record in enumerate(iter_jsonl(path), start=1):
        held = record if isinstance(record, dict) else {}
        parts = [held.get(name) for name in ("question", "answer", "reference")]
        label = _LABELS.get(str(held.get("label")).casefold())
        if label is None or not all(isinstance(part, str) for part in parts):
            raise UserError(
                f"{path}:{number}: a label needs question, answer and reference as text, and label yes or no"
            )
        task = str(held.get("task") or alone)
        if task not in rubrics and (task or any(rubrics.values())):
            known = ", ".join(rubrics) or "none"
            raise UserError(f"{path}:{number}: say by `task` whose rubric it is marked by, one of: {known}")
        labels.append(label)
        question, answer, reference = map(str, parts)
        pairs.append(Pair(question, answer, reference, rubrics.get(task, "")))
    if not labels:
        raise UserError(f"{path}: no labels in it: mark some answers yes or no, a hundred or so")
    return labels, pairs
