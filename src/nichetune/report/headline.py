"""The top of the page: the verdict in a sentence, whether it is conclusive, why, and the figures behind it.

Material -> `Headline(sentence="Ship qlora: 12.3 points better than classical on triage.exact_form.", ...)`
"""

from __future__ import annotations

from dataclasses import dataclass

from nichetune.decide.reasons import points, usd
from nichetune.evaluate.metrics import ALL_TASKS
from nichetune.report.material import Material
from nichetune.report.words import write_gain, write_interval, write_value


@dataclass(frozen=True)
class KeyFigure:
    """One number with its name and what stands behind it."""

    name: str
    value: str
    detail: str


@dataclass(frozen=True)
class Headline:
    """The verdict for someone who reads nothing else."""

    sentence: str
    proof: str
    conclusive: bool
    status: str
    reasons: list[str]
    figures: list[KeyFigure]


def build_headline(run: Material) -> Headline:
    """The verdict's own first reason is the sentence; its proof, in brackets there, stands below it."""
    reasons = [str(reason) for reason in run.verdict["reasons"]] or [f"Ship {run.ship}."]
    claim, bracket, proof = reasons[0].partition(" (")
    conclusive = bool(run.verdict["conclusive"])
    return Headline(
        sentence=claim.rstrip(".") + "." if bracket else reasons[0],
        proof=_capitalise(proof.rstrip(".").removesuffix(")")) + "." if bracket else "",
        conclusive=conclusive,
        status="Conclusive" if conclusive else "Not conclusive",
        reasons=reasons[1:],
        figures=_list_figures(run),
    )


def _capitalise(text: str) -> str:
    return text[:1].upper() + text[1:]


def _list_figures(run: Material) -> list[KeyFigure]:
    figure, cost = run.shipped.figure(run.primary), run.shipped.cost
    interval = write_interval(figure)
    return [
        KeyFigure(run.primary, write_value(figure), f"95% interval {interval}" if interval else "no interval"),
        *_gain_figure(run),
        KeyFigure("Cost of 1,000 answers", usd(cost.usd_per_1000), f"{usd(cost.total_usd)} in all"),
        KeyFigure("Sealed items", f"{_count_items(run):,}", _describe_power(run)),
    ]


def _gain_figure(run: Material) -> list[KeyFigure]:
    """The gain over the cheapest rung, where that is not what ships."""
    cheapest = run.verdict["order"][0]
    pair = next((c for c in run.verdict["comparisons"] if (c["a"], c["b"]) == (cheapest, run.ship)), None)
    if pair is None:
        return []
    detail = f"points, {points(pair['low'])} to {points(pair['high'])}"
    return [KeyFigure(f"Gain over {cheapest}", write_gain(pair["difference"]), detail)]


def _count_items(run: Material) -> int:
    task = run.primary.partition(".")[0]
    return sum(task in (item.task, ALL_TASKS) for item in run.items)


def _describe_power(run: Material) -> str:
    gain = run.verdict.get("smallest_detectable_gain")
    return "too few to tell any gain" if gain is None else f"can show a gain of {points(gain)} points"
