"""The prices to move: what each rung used, how its answers came out, and what both cost elsewhere.

Material -> `Economics`: one slider an assumption, one row a rung with what was counted. templates/economics.js prices
the rows by the arithmetic of decide/economics.py and of `price_outcomes`; a test holds page and Python equal in a
browser.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from nichetune.core.settings import EconomicsSettings
from nichetune.decide.reasons import usd
from nichetune.decide.worth import sort_outcome
from nichetune.evaluate.candidates import rung_method
from nichetune.evaluate.metrics import ALL_TASKS
from nichetune.report.material import Material, Rung
from nichetune.report.words import NO_VALUE, write_value


@dataclass(frozen=True)
class Price:
    """One slider: an assumption, from `low` to `high` on a logarithmic scale; 0 can be typed.

    Attributes:
        unit: what the number counts, said after it.
    """

    name: str
    label: str
    unit: str
    value: float
    low: float
    high: float

    @property
    def least(self) -> str:
        """What can be typed at least: nothing is divided by zero."""
        return "1e-9" if self.name in _DIVISORS else "0"

    @property
    def ends(self) -> tuple[float, float]:
        """The slider's ends, log10; wide enough for the settings' own value."""
        own = [self.value] if self.value > 0 else []
        low, high = min([self.low, *own]), max([self.high, *own])
        return math.floor(10 * math.log10(low)) / 10, math.ceil(10 * math.log10(high)) / 10

    @property
    def place(self) -> float:
        """The slider's position: log10 of the value, at the low end for 0."""
        return round(math.log10(self.value), 3) if self.value > 0 else self.ends[0]


@dataclass(frozen=True)
class Outcomes:
    """How the answers to the sealed items came out, as shares of all of them.

    Attributes:
        wrong: given, and wrong; in part, where a score lies between 0 and 1.
        abstained: the model asked back or passed on, rightly or not.
        escalated: a person has to take over: an answer was due and none came, or none that can be read.
    """

    wrong: float
    abstained: float
    escalated: float


@dataclass(frozen=True)
class PricedRung:
    """One rung: counts for the script, and its dollars at the settings' prices for everyone else."""

    name: str
    quality: str
    tuned: bool
    train_flops: float
    serve_flops: float
    storage_bytes: int
    outcomes: Outcomes
    dollars: dict[str, str]
    marked: bool


@dataclass(frozen=True)
class WorthRow:
    """What the verdict says of a dearer rung's money, dollars a month."""

    name: str
    saving: str
    interval: str
    extra: str
    pays: str
    break_even: str


@dataclass(frozen=True)
class Economics:
    """Sliders and rows, the cheapest rung first; then the verdict's own sums, where it has any."""

    metric: str
    prices: list[Price]
    rungs: list[PricedRung]
    worth: list[WorthRow]
    turns: list[tuple[str, str, str]]


# setting: label, unit, ends of the slider
_SLIDERS = {
    "answers": ("Answers over the horizon", "answers", 1e2, 1e9),
    "requests_per_month": ("Requests a month, instead", "requests; 0: the answers above count", 1e2, 1e8),
    "horizon_months": ("Horizon", "months", 1, 60),
    "trainings": ("Trainings over the horizon", "trainings", 1, 100),
    "usd_per_machine_hour": ("A machine hour", "dollars", 0.01, 100),
    "machine_gflops": ("What a machine does", "billion operations a second", 10, 1e6),
    "usd_per_gib_month": ("Storage", "dollars a GiB and month", 0.001, 10),
    "usd_per_review": ("Review of a tuned rung", "dollars a training", 1, 1e5),
    "usd_per_wrong_answer": ("A wrong answer", "dollars", 0.001, 1e4),
    "usd_per_abstention": ("An abstention", "dollars", 0.001, 1e4),
    "usd_per_escalation": ("An escalation", "dollars", 0.001, 1e4),
}
_DIVISORS = ("answers", "horizon_months", "machine_gflops")
_UNSET = {"trainings": 1.0}  # what holds where the settings do not know an assumption; else 0


def build_economics(run: Material) -> Economics | None:
    """None where no rung's resources are known."""
    rungs = [_describe(run, rung) for rung in run.rungs if rung.resources is not None and rung.figure(run.primary)]
    told: dict[str, Any] = run.verdict.get("economics") or {}
    return (
        Economics(
            run.primary,
            list_prices(run.settings.economics),
            rungs,
            [_describe_worth(step) for step in told.get("steps") or ()],
            [(str(one["assumption"]), f"{one['factor']:g}", str(one["ship"])) for one in told.get("turns") or ()],
        )
        if rungs
        else None
    )


def list_prices(settings: EconomicsSettings) -> list[Price]:
    """Every assumption at the settings' value; one that they do not hold can be tried all the same."""
    return [
        Price(name, label, unit, float(getattr(settings, name, _UNSET.get(name, 0.0))), low, high)
        for name, (label, unit, low, high) in _SLIDERS.items()
    ]


def measure_outcomes(run: Material, rung: Rung) -> Outcomes:
    """The shares of a rung's outcomes over the items that the primary metric judges."""
    task, _, metric = run.primary.partition(".")
    own = [s for s in rung.scores.values() if task in (s.task, ALL_TASKS) and metric in s.scores]
    if not own:
        return Outcomes(0.0, 0.0, 0.0)
    return Outcomes(*(sum(kind) / len(own) for kind in zip(*(sort_outcome(s, metric) for s in own), strict=True)))


def price_outcomes(outcomes: Outcomes, prices: dict[str, float]) -> float:
    """US dollars over the horizon that a rung's answers cost their owner."""
    each = (
        outcomes.wrong * prices["usd_per_wrong_answer"]
        + outcomes.abstained * prices["usd_per_abstention"]
        + outcomes.escalated * prices["usd_per_escalation"]
    )
    return round(each * count_answers(prices), 8)


def count_answers(prices: dict[str, float]) -> float:
    """Answers over the horizon: by the month where that is given."""
    monthly = prices["requests_per_month"]
    return monthly * prices["horizon_months"] if monthly else prices["answers"]


def _describe(run: Material, rung: Rung) -> PricedRung:
    used, cost = rung.resources, rung.cost
    assert used is not None  # build_economics has chosen
    outcomes = measure_outcomes(run, rung)
    answers = price_outcomes(outcomes, {price.name: price.value for price in list_prices(run.settings.economics)})
    amounts = {
        "training": cost.training_usd, "review": getattr(cost, "review_usd", 0.0), "storage": cost.storage_usd,
        "serving": cost.serving_usd, "total": cost.total_usd, "per_1000": cost.usd_per_1000, "outcomes": answers,
        "together": cost.total_usd + answers,
    }  # fmt: skip
    return PricedRung(
        name=rung.name,
        quality=write_value(rung.figure(run.primary)),
        tuned=rung_method(rung.name) not in ("", "classical"),
        train_flops=used.train_flops + sum(one.train_flops for one in rung.other_seeds),
        serve_flops=used.serve_flops / used.items,
        storage_bytes=used.storage_bytes,
        outcomes=outcomes,
        dollars={name: usd(amount) for name, amount in amounts.items()},
        marked=rung.name == run.ship,
    )


def _describe_worth(step: dict[str, Any]) -> WorthRow:
    volume = step.get("break_even_requests")
    return WorthRow(
        name=f"{step['b']} − {step['a']}",
        saving=_write_usd(step["saving_usd"]),
        interval=f"{_write_usd(step['low_usd'])} to {_write_usd(step['high_usd'])}",
        extra=_write_usd(step["extra_usd"]),
        pays=str(step["pays"]),
        break_even=NO_VALUE if volume is None else f"{volume:,.0f}",
    )


def _write_usd(amount: float) -> str:
    """Dollars with their sign before the mark."""
    return usd(amount) if amount >= 0 else f"−{usd(-amount)}"
