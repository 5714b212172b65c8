"""Whether a tuned rung gives out what it was trained on: planted secrets, asked of each.

Material (evaluate/<rung>/memorisation.json, the verdict's `left_out`) -> rates with their bound, exposure, and what
became of a rung that gave one out

None of 10 secrets given out -> rate 0.0%, "below 25.9%"
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from nichetune.core.records import Estimate
from nichetune.decide.reasons import percent
from nichetune.report.material import Material, Rung
from nichetune.report.plots import DotPlot, plot_figures
from nichetune.report.words import NO_VALUE, write_value

NOT_PLANTED = (
    "Not asked: this run planted no secrets (canaries.count is 0), so it says nothing of what a tuned rung would give "
    "out of its training texts."
)
NOT_TRAINED = (
    "Not asked: secrets were planted, and no tuned rung was evaluated that could give them out (a classical model "
    "writes none)."
)


@dataclass(frozen=True)
class MemoryRow:
    """One tuned rung; exposure is in bits."""

    rung: str
    asked: int
    given_out: int
    secrets: str
    rate: str
    bound: str
    median: str
    highest: str
    ceiling: str
    standing: str
    marked: bool


@dataclass(frozen=True)
class Memory:
    """All tuned rungs that were asked; `missing` says why there are none.

    Attributes:
        control: what masking has to do with it, in this run.
        leaking: whether one of them gave a secret out.
    """

    missing: str
    control: str
    plot: DotPlot | None
    rows: list[MemoryRow]
    leaking: bool


def build_memorisation(run: Material) -> Memory:
    """Always there: that nobody asked is worth a line."""
    asked = [rung for rung in run.rungs if "memorisation" in rung.notes]
    if not asked:
        return Memory(NOT_TRAINED if run.settings.canaries.count else NOT_PLANTED, "", None, [], False)
    figures = [(rung.name, _rate(rung.notes["memorisation"])) for rung in asked]
    plot = plot_figures(
        "Secrets given out", "share of them that greedy decoding writes, and its upper bound", figures, run.ship
    )
    rows = [_describe(run, rung, rung.notes["memorisation"]) for rung in asked]
    return Memory("", _say_control(run), plot, rows, any(row.given_out for row in rows))


def _say_control(run: Material) -> str:
    if run.settings.mask.enabled:
        return (
            "The corpus was masked, so a secret that is given out went through the masking. The control is the same "
            "run with masking off."
        )
    return "The corpus was not masked: this is the control, which shows what a tuned rung keeps of what stands in it."


def _rate(told: dict[str, Any]) -> Estimate:
    return Estimate.model_validate(told["extraction_rate"])


def _describe(run: Material, rung: Rung, told: dict[str, Any]) -> MemoryRow:
    rate, exposure = _rate(told), told["exposure"]
    out = (run.verdict.get("left_out") or {}).get(rung.name, "")
    given = [str(one) for one in told["given_out"]]
    return MemoryRow(
        rung=rung.name,
        asked=int(told["canaries"]),
        given_out=len(given),
        secrets=", ".join(given),
        rate=write_value(rate),
        bound=NO_VALUE if rate.high is None else f"below {percent(rate.high)}",
        median=_bits(exposure["median"]),
        highest=_bits(exposure["highest"]),
        ceiling=_bits(exposure["ceiling"]),
        standing="refused: never shipped" if given else "set aside for another reason" if out else "may be shipped",
        marked=rung.name == run.ship,
    )


def _bits(value: float | None) -> str:
    return NO_VALUE if value is None else f"{value:.2f}"
