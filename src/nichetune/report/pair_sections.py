"""Sections of a comparison's page, in words and places ready to draw.

Compared -> the difference, both scores, every metric that both hold, groups, items on which they differ, power, digests
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from nichetune.decide.evaluated import Aligned
from nichetune.decide.ladder import Rule, compare_all
from nichetune.decide.paired import Paired, compare_paired
from nichetune.decide.planning import measure_spread
from nichetune.decide.reasons import percent, points
from nichetune.evaluate.intervals import estimate_mean
from nichetune.report.differences import (
    Difference,
    Differences,
    Part,
    Said,
    TaskTally,
    choose_shown,
    compare_answers,
)
from nichetune.report.headline import Headline, KeyFigure
from nichetune.report.pair_material import Compared, Side
from nichetune.report.plots import DotPlot, DotRow, Line, Tick, plot_figures
from nichetune.report.power import Plan, PowerSection, describe_power
from nichetune.report.scale import linear_scale
from nichetune.report.words import name_metric, write_gain, write_interval, write_p, write_value

SHOWN_GROUPS = 20
_RESAMPLES = 10_000
_SENTENCES = {
    "better": "B is better than A",
    "worse": "B is worse than A",
    "equivalent": "B is as good as A",
    "inconclusive": "Whether B is better than A is open",
}


def build_pair_headline(pair: Compared) -> Headline:
    """The decision in a sentence."""
    found = pair.result
    margin, level = points(found["margin"]), _level(pair)
    interval = f"{level} interval {points(found['low'])} to {points(found['high'])} points"
    on = f" on {pair.metric}" if pair.metric else ""
    scores = [KeyFigure(f"Score of {side.label}", percent(float(column.mean())), "mean over the items")
              for side, column in ((pair.a, pair.old), (pair.b, pair.new))]  # fmt: skip
    return Headline(
        sentence=f"{_SENTENCES[found['decision']]}{on}: {write_gain(found['difference'])} points.",
        proof=f"{interval}, p {_write_p(found['p'])}, n = {found['n']:,} in {found['groups']:,} groups.",
        conclusive=found["decision"] in ("better", "equivalent"),  # the colour of good news
        status=found["decision"].capitalize(),
        reasons=[
            f"Better or worse: the {level} interval leaves out 0. Equivalent: it lies within {margin} points of 0 on "
            "both sides. Else it is open.",
            f"A is {_describe_side(pair.a)}; B is {_describe_side(pair.b)}. The difference is B − A, item by item.",
        ],
        figures=[
            KeyFigure("Difference", write_gain(found["difference"]), f"points, {level}: {points(found['low'])} to "
                      f"{points(found['high'])}"),
            *scores,
            KeyFigure("Items", f"{found['n']:,}", f"in {found['groups']:,} groups"),
        ],
    )  # fmt: skip


def _level(pair: Compared) -> str:
    return f"{100 * (1 - pair.alpha):.4g}%"


def _write_p(p: float) -> str:
    told = write_p(p)
    return told if told.startswith("<") else f"= {told}"


def _describe_side(side: Side) -> str:
    return f"the rung {side.evaluated.rung} of {side.file.name}" if side.evaluated else f"the file {side.file.name}"


@dataclass(frozen=True)
class PairDifference:
    """The difference drawn beside 0 and the margin, and both scores."""

    margin: str
    level: str
    plot: DotPlot
    scores: DotPlot
    figures: list[tuple[str, str]]


def build_pair_difference(pair: Compared) -> PairDifference:
    """The one number that decides."""
    found = pair.result
    margin, level = float(found["margin"]), _level(pair)
    scale = linear_scale([found["low"], found["high"], 0.0, -margin, margin])
    lines = [Line(scale.at(0.0), "no difference")]
    lines += [Line(scale.at(end), "margin", "margin") for end in (-margin, margin) if margin]
    interval = f"{points(found['low'])} to {points(found['high'])}"
    gain = write_gain(found["difference"])
    middle, low, high = (scale.at(found[key]) for key in ("difference", "low", "high"))
    ticks = [Tick(scale.at(t), write_gain(t).replace(".0", "")) for t in scale.ticks]
    sides = [(side.label, estimate_mean(list(column), pair.groups, pair.alpha))
             for side, column in ((pair.a, pair.old), (pair.b, pair.new))]  # fmt: skip
    return PairDifference(
        margin=points(margin),
        level=level,
        plot=DotPlot(
            "B − A, points", "", [DotRow("B − A", middle, low, high, gain, interval, marked=True)], ticks, lines
        ),
        scores=plot_figures("Both scores", "", sides, pair.b.label),
        figures=[
            ("Difference, points", f"{gain} ({interval})"),
            *((f"Score of {label}", f"{write_value(figure)} ({write_interval(figure)})") for label, figure in sides),
            ("p of no difference", write_p(found["p"])),
            ("Items, groups", f"{found['n']:,}, {found['groups']:,}"),
            ("Decision", f"{found['decision']}, margin {points(margin)} points"),
        ],
    )


@dataclass(frozen=True)
class PairMetric:
    """One metric of both, on the items to which it applies in both."""

    name: str
    old: str
    new: str
    gain: str
    interval: str
    p: str
    n: int


def build_pair_metrics(pair: Compared) -> list[PairMetric] | None:
    """None where one side is a bare file of scores."""
    a, b = pair.a.evaluated, pair.b.evaluated
    if a is None or b is None:
        return None
    rows = [_compare_metric(pair, name) for name in a.metrics if name in b.metrics]
    return [row for row in rows if row] or None


def _compare_metric(pair: Compared, metric: str) -> PairMetric | None:
    a, b = pair.a.evaluated, pair.b.evaluated
    assert a is not None and b is not None  # build_pair_metrics has asked
    old, new = a.column(metric), b.column(metric)
    both = sorted(old.keys() & new.keys())
    if not both:
        return None
    first, second = ([column[item] for item in both] for column in (old, new))
    found = compare_paired(first, second, [a.scores[item].group for item in both], 0.0, pair.alpha, _RESAMPLES)
    task, _, name = metric.partition(".")
    label = name_metric(name, (pair.b.tasks or pair.a.tasks).get(task)).label
    before, after = (float(np.mean([column[item] for item in both])) for column in (old, new))
    return PairMetric(
        f"{task}: {label}", percent(before), percent(after), write_gain(found.difference), _write_ends(found),
        write_p(found.p), len(both),
    )  # fmt: skip


def _write_ends(found: Paired) -> str:
    return f"{points(found.low)} to {points(found.high)}"


@dataclass(frozen=True)
class PairGroup:
    """One group of items."""

    group: str
    n: int
    old: str
    new: str
    gain: str


@dataclass(frozen=True)
class PairGroups:
    """The groups that moved most; `hidden` others are not shown."""

    rows: list[PairGroup]
    hidden: int


def build_pair_groups(pair: Compared) -> PairGroups | None:
    """None where every item stands alone."""
    places: dict[str, list[int]] = {}
    for place, group in enumerate(pair.groups):
        places.setdefault(group, []).append(place)
    if len(places) == len(pair.groups):
        return None
    summed = {group: float((pair.new[own] - pair.old[own]).sum()) for group, own in places.items()}
    ordered = sorted(places, key=lambda group: (-abs(summed[group]), group))
    rows = [_describe_group(pair, group, places[group]) for group in ordered[:SHOWN_GROUPS]]
    return PairGroups(rows, len(ordered) - len(rows))


def _describe_group(pair: Compared, group: str, own: Sequence[int]) -> PairGroup:
    old, new = (float(column[own].mean()) for column in (pair.old, pair.new))
    return PairGroup(group, len(own), percent(old), percent(new), write_gain(new - old))


def build_pair_differences(pair: Compared) -> Differences | None:
    """Items that do not score the same; their texts and answers where both sides are runs."""
    kept = pair.items and pair.a.predictions and pair.b.predictions
    found = (_compare_texts(pair) if kept else []) or _compare_bare(pair)  # a candidate without tasks cannot be read
    if not found:
        return None
    tallies = []
    for task in dict.fromkeys(one.task for one in found):
        own = [one for one in found if one.task == task]
        wins = sum(one.outcome == "win" for one in own)
        asked = sum(pair.items[i].task == task for i in pair.ids if i in pair.items) if pair.items else len(pair.ids)
        tallies.append(TaskTally(task, "A", wins, len(own) - wins, asked - len(own), False))
    return Differences(
        "B", tallies, choose_shown(found), len(found), "Items on which A and B do not score the same.",
        "all stand in the two inputs",
    )  # fmt: skip


def _compare_texts(pair: Compared) -> list[Difference]:
    tasks = pair.a.tasks | pair.b.tasks
    metric = pair.metric.partition(".")[2]
    found: list[Difference] = []
    for name, task in tasks.items():
        items = [pair.items[one] for one in pair.ids if one in pair.items and pair.items[one].task == name]
        found += compare_answers(task, items, pair.b, pair.a, metric)
    return found


def _compare_bare(pair: Compared) -> list[Difference]:
    found = []
    for item, group, old, new in zip(pair.ids, pair.groups, pair.old, pair.new, strict=True):
        if old != new:
            part = Part("score", "", Said(f"{new:g}", bool(new >= old)), Said(f"{old:g}", bool(old >= new)))
            text = item if group.startswith("(item") else f"{item}, group {group}"
            found.append(Difference(item, "items", "win" if new > old else "loss", text, "A", [part]))
    return found


def build_pair_power(pair: Compared) -> PowerSection | None:
    """None where the two never differ: nothing is known then of how they would."""
    aligned = Aligned(["A", "B"], pair.ids, pair.groups, np.stack([pair.old, pair.new]))
    rule = Rule(float(pair.result["margin"]), pair.alpha, 1000)
    spread = measure_spread(aligned, compare_all(aligned.rungs, aligned.scores, aligned.groups, rule)[0])
    if spread.discordant <= 0:
        return None
    n, groups = pair.result["n"], pair.result["groups"]
    observed = (spread.discordant, spread.design_effect, pair.alpha, rule.margin, spread.items_per_group)
    plan = Plan("A and B", n, groups, *observed)
    return describe_power(plan, plan.find_gain(n), "", None)


@dataclass(frozen=True)
class PairInput:
    """What an auditor compares."""

    name: str
    label: str
    digest: str
    benchmark: str
    adapter: str


def build_pair_inputs(pair: Compared) -> list[PairInput]:
    """Names and digests of what was read; no folder, which is nobody's business."""
    return [
        PairInput(
            side.name, side.file.name or str(side.file), side.digest,
            side.evaluated.benchmark if side.evaluated else "",
            side.evaluated.candidate.adapter_digest if side.evaluated else "",
        )
        for side in (pair.a, pair.b)
    ]  # fmt: skip
