"""The verdict: which rung to ship and why, with every number that led there.

Reads benchmark/{items.jsonl, benchmark.json}, evaluate/<rung>/ and, if there is one, what `production` points to
-> verdict.json:

    {"ship": "qlora", "conclusive": true, "reasons": ["Ship qlora: 12.3 points better than classical ..."],
     "benchmark_digest": "9f...", "primary": "triage.exact_form", "margin": 0.02, "alpha": 0.05,
     "order": ["classical", "base", "qlora"], "rungs": {"qlora": {"metrics": {...}, "cost": {...}}}, ...}

Content only: no clock and no measured speed decides or stands here.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from nichetune.benchmark.seal import HEADER, ITEMS
from nichetune.core.errors import UserError
from nichetune.core.files import read_json, read_records, write_json
from nichetune.core.records import Example
from nichetune.core.settings import RUNGS, Settings, TaskSettings
from nichetune.core.stages import Report, short
from nichetune.decide import reasons
from nichetune.decide.economics import Cost, price_rung
from nichetune.decide.evaluated import Aligned, Evaluated, align_scores, read_evaluated
from nichetune.decide.ladder import Comparison, Judgement, Rule, judge_ladder
from nichetune.decide.paired import six_digits
from nichetune.decide.planning import Outlook, look_ahead
from nichetune.decide.regressions import Regression, find_regressions
from nichetune.evaluate.metrics import ALL_TASKS

DURABILITY = "Durability not tested (one seed)."
_EVALUATE = "evaluate/"


@dataclass(frozen=True)
class Sealed:
    """What was fixed before anything was tuned: the rule, and the items and tasks that the primary metric judges."""

    digest: str
    primary: str
    rule: Rule
    items: list[Example]
    tasks: dict[str, TaskSettings]


@dataclass(frozen=True)
class Production:
    """The check against what production points to: what fell, and why nothing was compared if so."""

    regressions: list[Regression]
    note: str = ""


def run(settings: Settings, inputs: dict[str, Path], out: Path) -> Report:
    """Decides which rung to ship.

    Args:
        inputs: `benchmark`, `evaluate/<rung>` for each rung, and `previous`, if anything is in production.

    Raises:
        UserError: too few sealed items, a rung without all its scores, or one scored on another benchmark.
    """
    sealed = read_sealed(inputs["benchmark"], settings)
    rungs = [
        read_evaluated(path, name.removeprefix(_EVALUATE))
        for name, path in inputs.items()
        if name.startswith(_EVALUATE)
    ]
    _check_benchmark(rungs, sealed)
    costs = {rung.rung: _price(rung, settings) for rung in rungs}
    verdict = decide(settings, sealed, rungs, costs, inputs.get("previous"))
    write_json(out / "verdict.json", verdict)
    facts = {key: verdict[key] for key in ("ship", "conclusive", "benchmark_digest")}
    return Report(counts={"rungs": len(rungs), "items": len(sealed.items)}, facts=facts)


def read_sealed(folder: Path, settings: Settings) -> Sealed:
    """Reads the sealed rule and the items of the primary task.

    Raises:
        UserError: fewer items than any verdict needs.
    """
    seal = read_json(folder / HEADER)
    primary = str(seal["primary"])
    named = primary.partition(".")[0]
    items = [item for item in read_records(folder / ITEMS, Example) if named in (item.task, ALL_TASKS)]
    _check_enough(len(items), primary, settings)
    own = settings.benchmark
    rule = Rule(seal["margin"], seal["alpha"], seal.get("bootstrap", own.bootstrap), seal.get("seed", settings.seed))
    judged = {item.task for item in items}
    tasks = {name: task for name, task in settings.tasks.items() if name in judged}
    return Sealed(str(seal["digest"]), primary, rule, items, tasks)


def _check_enough(n: int, primary: str, settings: Settings) -> None:
    least = settings.benchmark.min_items
    if n < least:
        raise UserError(
            f"the sealed benchmark holds {n} items for {primary}, a verdict needs {least} or more: add at least "
            f"{least - n} to the holdout (more examples, or a larger split.holdout)"
        )


def _check_benchmark(rungs: list[Evaluated], sealed: Sealed) -> None:
    for rung in rungs:
        if rung.benchmark and rung.benchmark != sealed.digest:
            raise UserError(
                f"rung {rung.rung} was scored on benchmark {short(rung.benchmark)}, sealed is {short(sealed.digest)}: "
                "evaluate it again"
            )


def _price(rung: Evaluated, settings: Settings) -> Cost:
    if rung.resources is None:
        raise UserError(f"rung {rung.rung} has no resources.json, and so no cost: evaluate it again")
    return price_rung(rung.resources, settings.economics)


def decide(
    settings: Settings, sealed: Sealed, rungs: list[Evaluated], costs: dict[str, Cost], previous: Path | None = None
) -> dict[str, Any]:
    """The verdict as plain data.

    Raises:
        UserError: no rung was scored on the primary metric, or one only in part.
    """
    by_cost = sorted(rungs, key=lambda rung: (costs[rung.rung].total_usd, _ladder_place(rung.rung)))
    contenders, left_out = _choose_contenders(by_cost, sealed)
    items, groups = [item.id for item in sealed.items], [item.group for item in sealed.items]
    aligned = align_scores(contenders, sealed.primary, items, groups)
    _check_enough(len(aligned.items), sealed.primary, settings)
    judgement = judge_ladder(aligned.rungs, aligned.scores, aligned.groups, sealed.rule)
    outlook = look_ahead(judgement, aligned, sealed.rule)
    shipped = next(rung for rung in rungs if rung.rung == judgement.held)
    production = check_production(shipped, previous, sealed)
    return {
        "ship": judgement.held,
        "conclusive": judgement.conclusive,
        "reasons": _explain(judgement, outlook, production, costs, left_out, aligned, sealed, settings),
        "benchmark_digest": sealed.digest,
        "primary": sealed.primary,
        "margin": sealed.rule.margin,
        "alpha": sealed.rule.alpha,
        "n": len(aligned.items),
        "groups": len(set(aligned.groups)),
        "order": judgement.order,
        "path": judgement.path,
        "left_out": left_out,
        "rungs": {rung.rung: {"metrics": rung.metrics, "cost": costs[rung.rung]} for rung in by_cost},
        "comparisons": [_describe(c, sealed.primary) for c in judgement.comparisons],
        **_describe_outlook(outlook),
        "regressions": [one.to_json() for one in production.regressions],
        "previous": production.note,
        "durability": DURABILITY,
    }


def _ladder_place(rung: str) -> tuple[int, str]:
    """Equal costs: the order in which the ladder names them."""
    return (RUNGS.index(rung) if rung in RUNGS else len(RUNGS), rung)


def _choose_contenders(by_cost: list[Evaluated], sealed: Sealed) -> tuple[list[Evaluated], dict[str, str]]:
    """The rungs that answer what is judged in their own way, and why each other one stands aside."""
    contenders: list[Evaluated] = []
    left_out: dict[str, str] = {}
    for rung in by_cost:
        twin = next((c for c in contenders if _answers_alike(c, rung, sealed)), None)
        if not rung.column(sealed.primary):
            left_out[rung.rung] = f"it has no {sealed.primary}"
        elif rung.secrets_given_out:
            left_out[rung.rung] = f"it gives out planted secrets ({rung.secrets_given_out}), and is never shipped"
        elif twin is not None:
            left_out[rung.rung] = (
                f"without documents to look up for {sealed.primary} it is {twin.rung} at a higher cost"
            )
        else:
            contenders.append(rung)
    if not contenders and any(rung.secrets_given_out for rung in by_cost):
        raise UserError(
            f"no rung can be shipped: {'; '.join(f'{rung}: {why}' for rung, why in left_out.items())}: see "
            "memorisation.json, mask what it was trained on, or train fewer passes"
        )
    if not contenders:
        raise UserError(f"no rung was scored on {sealed.primary}: evaluate one, or seal another primary metric")
    return contenders, left_out


def _answers_alike(a: Evaluated, b: Evaluated, sealed: Sealed) -> bool:
    """Whether two rungs are one and the same where nothing is looked up: same weights, prompt and scores.

    They would never differ, on any number of items: to weigh them could only leave the verdict open for ever.
    """
    if any(task.uses_retrieval for task in sealed.tasks.values()):
        return False
    kept = ("base_digest", "base_model", "quantisation", "dtype", "adapter_digest", "prompt_style")
    same = all(getattr(a.candidate, name) == getattr(b.candidate, name) for name in kept)
    same = same and all(a.candidate.shots.get(name) == b.candidate.shots.get(name) for name in sealed.tasks)
    return same and a.column(sealed.primary) == b.column(sealed.primary)


def check_production(shipped: Evaluated, previous: Path | None, sealed: Sealed) -> Production:
    """Compares the shipped rung, paired, with what production points to."""
    if previous is None:
        return Production([], "nothing is in production yet")
    old = read_evaluated(previous)
    if old.benchmark and old.benchmark != sealed.digest:
        return Production(
            [],
            f"production ({old.rung}) was scored on benchmark {short(old.benchmark)}, this run on "
            f"{short(sealed.digest)}: not compared",
        )
    if not old.scores.keys() & shipped.scores.keys():
        return Production([], f"production ({old.rung}) was scored on other items: not compared")
    fallen = find_regressions(shipped, old, sealed.rule)
    counted = {0: "no metric fell", 1: "1 metric fell"}.get(len(fallen), f"{len(fallen)} metrics fell")
    return Production(fallen, f"compared with production ({old.rung}): {counted}")


def _explain(
    judgement: Judgement,
    outlook: Outlook | None,
    production: Production,
    costs: dict[str, Cost],
    left_out: dict[str, str],
    aligned: Aligned,
    sealed: Sealed,
    settings: Settings,
) -> list[str]:
    n, groups = len(aligned.items), len(set(aligned.groups))
    return [
        *reasons.explain_ladder(judgement, sealed.primary, sealed.rule),
        *reasons.explain_openness(judgement, outlook, n),
        *(f"{rung} stands aside: {why}." for rung, why in left_out.items()),
        reasons.explain_costs(judgement, costs, settings.economics.answers),
        *reasons.explain_power(outlook, n, groups),
        *reasons.explain_regressions(production.regressions, judgement.held),
        f"{production.note[0].upper()}{production.note[1:]}.",
        DURABILITY,
    ]


def _describe(comparison: Comparison, metric: str) -> dict[str, Any]:
    paired = comparison.paired
    figures = {name: six_digits(getattr(paired, name)) for name in ("difference", "low", "high", "p", "p_margin")}
    return {
        "a": comparison.a,
        "b": comparison.b,
        "metric": metric,
        **figures,
        "p_adjusted": six_digits(comparison.p_adjusted),
        "level": six_digits(comparison.level),
        "lower_adjusted": six_digits(comparison.lower_adjusted),
        "n": paired.n,
        "groups": paired.groups,
        "method": paired.method,
        "decision": comparison.decision,
    }


def _describe_outlook(outlook: Outlook | None) -> dict[str, Any]:
    if outlook is None:
        return {"smallest_detectable_gain": None, "n_needed": None, "power": None}
    plain = {key: six_digits(v) if isinstance(v, float) else v for key, v in asdict(outlook).items()}
    needed = plain.pop("items_needed")
    return {"smallest_detectable_gain": plain["smallest_gain"], "n_needed": needed, "power": plain}
