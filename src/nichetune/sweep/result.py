"""What a sweep found, in numbers and in words that do not make more of them than they are.

a study -> `Result` -> sweep/best.yaml, to paste into nichetune.yaml, and sweep.html
"""

from __future__ import annotations

import warnings
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import yaml

from nichetune.core.errors import SystemFailure
from nichetune.core.files import write_text
from nichetune.core.records import Estimate
from nichetune.core.search_space import PREFIX
from nichetune.sweep.objective import LOSS, is_minimised
from nichetune.sweep.space import write_flags
from nichetune.sweep.study import OWN_SETTINGS, Sweep

FINISHED, PRUNED, FAILED, RUNNING = "finished", "ended early", "failed", "under way"
_STATES = {"COMPLETE": FINISHED, "PRUNED": PRUNED, "FAIL": FAILED, "RUNNING": RUNNING}
_FEWEST = 4  # finished trials before it is asked which value matters


@dataclass(frozen=True)
class TrialRow:
    """One trial; `looks` holds the development loss after equal shares of its training."""

    number: int
    state: str
    values: dict[str, Any]
    figure: Estimate | None
    looks: list[float]
    seconds: float | None
    note: str


@dataclass(frozen=True)
class Result:
    """A sweep so far."""

    study: str
    method: str
    objective: str
    minimised: bool
    trials: list[TrialRow]
    best: TrialRow
    importance: dict[str, float]
    sentences: list[str]
    command: str

    def as_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return asdict(self) | {
            "trials": [_plain(row) for row in self.trials],
            "best": _plain(self.best),
        }


def _plain(row: TrialRow) -> dict[str, Any]:
    return vars(row) | {"figure": row.figure.model_dump() if row.figure else None}


def read_result(sweep: Sweep) -> Result:
    """Reads all trials of the study.

    Raises:
        SystemFailure: none of them has a figure.
    """
    objective = sweep.settings.sweep.objective
    minimised = is_minimised(objective)
    rows = [_read_trial(t, list(sweep.distributions), minimised) for t in sweep.study.get_trials(deepcopy=False)
            if t.state.name in _STATES]  # fmt: skip
    finished = [row for row in rows if row.state == FINISHED]
    if not finished:
        last = next((f": {row.note}" for row in reversed(rows) if row.state == FAILED), "")
        raise SystemFailure(f"sweep: none of {len(rows)} trials came to its end{last}: run it again with more time")
    best = min(finished, key=lambda row: (_worth(row, minimised), row.number))
    return Result(
        study=sweep.study.study_name, method=sweep.method, objective=objective, minimised=minimised, trials=rows,
        best=best, importance=_weigh(sweep, finished), sentences=_explain(rows, best, objective, minimised),
        command=f"nichetune train {sweep.method} {write_flags(best.values)}",
    )  # fmt: skip


def _read_trial(trial: Any, keys: list[str], minimised: bool) -> TrialRow:
    attributes = trial.user_attrs
    sign = 1.0 if minimised else -1.0
    note = attributes.get("failure", OWN_SETTINGS if attributes.get(OWN_SETTINGS) else "")
    return TrialRow(
        number=trial.number + 1, state=_STATES[trial.state.name],
        values={key: trial.params[key] for key in keys if key in trial.params},
        figure=Estimate(**attributes["figure"]) if "figure" in attributes else None,
        looks=[sign * loss for _, loss in sorted(trial.intermediate_values.items())],
        seconds=attributes.get("seconds"), note=note,
    )  # fmt: skip


def _worth(row: TrialRow, minimised: bool) -> float:
    """Smaller is better."""
    value = _value(row)
    return value if minimised else -value


def _value(row: TrialRow) -> float:
    if row.figure is None or row.figure.value is None:
        raise ValueError(f"trial {row.number} has no figure")
    return row.figure.value


def _weigh(sweep: Sweep, finished: list[TrialRow]) -> dict[str, float]:
    """Share of the differences between trials that each value accounts for, most first (PED-ANOVA)."""
    if len(finished) < _FEWEST:
        return {}
    import optuna

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            found = optuna.importance.get_param_importances(sweep.study)
        except (RuntimeError, ValueError):  # all trials alike: nothing to share out
            return {}
    return {key: round(share, 4) for key, share in found.items()}


def _explain(rows: list[TrialRow], best: TrialRow, objective: str, minimised: bool) -> list[str]:
    counts = {state: sum(row.state == state for row in rows) for state in _STATES.values()}
    told = ", ".join(f"{n} {state}" for state, n in counts.items() if n)
    unit = "nats a supervised token" if objective == LOSS else "of 1"
    sentences = [
        f"Best of {len(rows)} trials ({told}): trial {best.number}, {objective} {say_figure(best)} {unit}, on "
        f"{_n(best)} development examples."
    ]
    own = next((row for row in rows if row.note == OWN_SETTINGS and row.figure), None)
    if own is best:
        sentences.append("These are the project's own settings: nothing that was tried did better.")
    elif own is not None:
        sentences.append(f"The project's own settings had {say_figure(own)}.")
    if alike := [row for row in rows if row is not best and _within(row, best)]:
        sentences.append(
            f"{len(alike)} other trial{'s lie' if len(alike) > 1 else ' lies'} within its interval: so few examples do "
            "not tell them apart."
        )
    sentences.append(
        f"It was chosen among {len(rows)} on these very examples, which flatters its figure. The sealed benchmark took "
        "no part, and it alone judges."
    )
    return sentences


def _within(row: TrialRow, best: TrialRow) -> bool:
    if row.figure is None or best.figure is None or best.figure.low is None or best.figure.high is None:
        return False
    return row.state == FINISHED and best.figure.low <= _value(row) <= best.figure.high


def _n(row: TrialRow) -> int:
    return row.figure.n if row.figure else 0


def say_figure(row: TrialRow) -> str:
    """A trial's figure with its 95% interval, or a dash."""
    figure = row.figure
    if figure is None or figure.value is None:
        return "–"
    if figure.low is None or figure.high is None:
        return f"{figure.value:.4f}"
    return f"{figure.value:.4f} ({figure.low:.4f} to {figure.high:.4f})"


def write_best(path: Path, result: Result) -> None:
    """The best trial's values as a section of nichetune.yaml, with what they are worth above it."""
    train = {key.removeprefix(PREFIX): value for key, value in result.best.values.items()}
    head = "".join(f"# {sentence}\n" for sentence in result.sentences)
    write_text(path, head + yaml.safe_dump({"train": train}, sort_keys=False))
