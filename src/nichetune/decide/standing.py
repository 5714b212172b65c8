"""What stands beside the ladder in a verdict: looks at the sealed items, suites, the judge, what blocks a promotion.

counts of looks, evaluate/<rung>/suites/ -> further keys of verdict.json and further sentences:

    {"looks": {"total": 6, "candidates": [{"rung": "qlora", "candidate": "5e…", "times": 1}, …], "warnings": []},
     "suites": {"policy": {"qlora": {"metrics": {…}, "critical": {"missed": 2, "n": 40, "upper": 0.149, …}}}},
     "drift": [{"suite": "drift", "a": "qlora", "b": "qlora+rag", "part": "2026", "difference": 0.34, …}],
     "blocked": ["2 critical failures of qlora in suite policy: policy-ask-input-04, policy-ask-document-02"]}

Nothing here moves what the ladder ships: a gate stands between the verdict and production (registry).
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from nichetune.benchmark.seal import HEADER, SUITES
from nichetune.core.files import read_json
from nichetune.core.records import Estimate
from nichetune.core.settings import Settings
from nichetune.decide.drift import compare_over_time, say_drift
from nichetune.decide.hearing import heard_judge
from nichetune.decide.reasons import points
from nichetune.evaluate.judge import JUDGE_RESULT
from nichetune.evaluate.suites import RESULT

_EVALUATE = "evaluate/"
_SHOWN = 5


def add_standing(
    verdict: dict[str, Any], settings: Settings, inputs: Mapping[str, Path], looks: dict[str, Any] | None
) -> dict[str, Any]:
    """The verdict with looks, suites and gates."""
    told = looks or {"total": 0, "candidates": [], "choices": {}, "earlier_seals": 0}
    warnings = warn_of_looks(told)
    suites = read_suites(inputs)
    drift = compare_over_time(inputs, suites, float(verdict.get("alpha", settings.benchmark.alpha)), settings.seed)
    ship = str(verdict["ship"])
    failures = [*say_critical(suites, ship), *say_unasked(inputs, suites, ship)]
    blocked = failures if settings.gates.critical_failures == "block" else []
    told_of = [*_say_suites(suites, ship), *say_judge(settings, inputs.get(f"{_EVALUATE}{ship}", Path()))]
    told_of += say_drift(drift, suites)
    reasons = [*verdict["reasons"], *warnings, *told_of, *(f"{f}." for f in failures)]
    if blocked:
        reasons.append("Promotion is blocked (gates.critical_failures).")
    return verdict | {
        "reasons": reasons, "looks": told | {"warnings": warnings}, "suites": suites, "drift": drift,
        "blocked": blocked,
    }  # fmt: skip


def warn_of_looks(looks: Mapping[str, Any]) -> list[str]:
    """A sentence for each way in which the sealed items may have been used to choose."""
    warnings = [
        f"{rung}: {count} candidates with different settings were scored on the sealed items: if these scores chose "
        "one, its figure is too good; choose on the development set, and let `decide --final` settle it."
        for rung, count in looks["choices"].items()
    ]
    if earlier := looks["earlier_seals"]:
        seals = "an earlier seal" if earlier == 1 else f"{earlier} earlier seals"
        warnings.append(
            f"These very items had been scored under {seals}: the rule was changed after they were seen (the log says "
            "who and why)."
        )
    return warnings


def say_judge(settings: Settings, folder: Path) -> list[str]:
    """How far people bear the judge out, and so whether its scores stand; nothing where these settings ask none.

    Args:
        folder: the evaluation of the rung that ships.
    """
    if not heard_judge(settings, folder):
        return []
    found = read_json(folder / JUDGE_RESULT)
    kappa = Estimate.model_validate(found["agreement"])
    between = f"{kappa.low:.2f} to {kappa.high:.2f}, " if kappa.low is not None and kappa.high is not None else ""
    told = f"kappa {kappa.value:.2f} ({between}n = {kappa.n:,})" if kappa.value is not None else "no kappa at all"
    means = "its scores count" if found["may_decide"] else f"judge.min_kappa is {found['least']}: it decides nothing"
    odd = f"; {found['unclear']:,} of its {found['replies']:,} replies were no letter" if found["unclear"] else ""
    return [f"Judge: with people's labels it has {told}, so {means}{odd}."]


def say_unasked(inputs: Mapping[str, Path], suites: Mapping[str, Mapping[str, Any]], ship: str) -> list[str]:
    """Critical suites of which nobody knows how the rung that ships would do; a classical one may be unable to."""
    critical = [name for name, suite in _read_sealed(inputs).items() if suite.get("critical")]
    unasked = [name for name in critical if ship not in suites[name] and ship != "classical"]
    return [f"{ship} was not asked suite {name}, so its critical failures are unknown (evaluate.suite_rungs)"
            for name in unasked]  # fmt: skip


def _read_sealed(inputs: Mapping[str, Path]) -> dict[str, dict[str, Any]]:
    """The sealed suites' descriptions, by name."""
    header = inputs["benchmark"] / HEADER
    sealed: dict[str, dict[str, Any]] = read_json(header).get("suites", {}) if header.is_file() else {}
    return sealed


def read_suites(inputs: Mapping[str, Path]) -> dict[str, dict[str, Any]]:
    """What each rung gave in each sealed suite: by suite, then by rung."""
    found: dict[str, dict[str, Any]] = {}
    for name in sorted(_read_sealed(inputs)):
        files = {key.removeprefix(_EVALUATE): path / SUITES / name / RESULT
                 for key, path in inputs.items() if key.startswith(_EVALUATE)}  # fmt: skip
        found[name] = {rung: read_json(file) for rung, file in files.items() if file.is_file()}
    return found


def say_critical(suites: Mapping[str, Mapping[str, Any]], ship: str) -> list[str]:
    """The critical failures of the rung that ships, one line a suite."""
    lines = []
    for name, rungs in suites.items():
        critical = rungs.get(ship, {}).get("critical")
        if critical and critical["missed"]:
            items = critical["items"]
            more = f" and {len(items) - _SHOWN} more" if len(items) > _SHOWN else ""
            failures = "1 critical failure" if len(items) == 1 else f"{len(items)} critical failures"
            lines.append(
                f"{failures} of {ship} in suite {name} (of {critical['n']} items that ask for abstention): "
                f"{', '.join(items[:_SHOWN])}{more}"
            )
    return lines


def _say_suites(suites: Mapping[str, Mapping[str, Any]], ship: str) -> list[str]:
    """What was not asked, and the bound behind "no failure"."""
    lines = []
    for name, rungs in suites.items():
        told = rungs.get(ship)
        if told is None:
            lines.append(f"Suite {name}: {ship} was not asked.")
        elif (critical := told.get("critical")) and not critical["missed"] and critical["n"]:
            lines.append(
                f"Suite {name}: no critical failure of {ship} in {critical['n']} items, so their rate is below "
                f"{points(critical['upper'])}% (one-sided, 95%)."
            )
    return lines
