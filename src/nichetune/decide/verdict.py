"""The verdict: which rung to ship and why, with every number that led there.

Reads benchmark/{items.jsonl, benchmark.json}, evaluate/<rung>/ and, if there is one, what `production` points to
-> verdict.json:

    {"ship": "qlora", "conclusive": true, "reasons": ["Ship qlora: 12.3 points better than classical ..."],
     "benchmark_digest": "9f...", "primary": "triage.exact_form", "margin": 0.02, "alpha": 0.05,
     "order": ["classical", "base", "qlora"], "rungs": {"qlora": {"metrics": {...}, "cost": {...}}}, ...}

Content only: no clock and no measured speed decides or stands here.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nichetune.benchmark.seal import HEADER, ITEMS
from nichetune.core.errors import UserError
from nichetune.core.files import read_json, read_records, write_json
from nichetune.core.records import Example
from nichetune.core.settings import EconomicsSettings, Settings, TaskSettings
from nichetune.core.stages import Report, short
from nichetune.decide import reasons
from nichetune.decide.assess import Assessment, Assessor, cost_order, price_evaluated
from nichetune.decide.conduct import add_conduct, earns_by_abstaining
from nichetune.decide.described import describe_comparison, describe_outlook
from nichetune.decide.durability import Durability, explain_durability, look_back
from nichetune.decide.economics import Cost
from nichetune.decide.evaluated import Aligned, Evaluated, align_scores, group_seeds, read_evaluated
from nichetune.decide.hearing import hear
from nichetune.decide.ladder import Comparison, Judgement, Rule
from nichetune.decide.money import describe_money, explain_money, explain_worth
from nichetune.decide.planning import Outlook, decisive_pair, look_ahead
from nichetune.decide.regressions import Regression, find_regressions
from nichetune.decide.sensitivity import Turn, find_turns
from nichetune.decide.slices import slice_gain
from nichetune.decide.standing import add_standing
from nichetune.decide.worth import read_outcomes
from nichetune.evaluate.judge import JUDGED
from nichetune.evaluate.metrics import ALL_TASKS

_EVALUATE = "evaluate/"
_JUDGED = f".{JUDGED}"


@dataclass(frozen=True)
class Sealed:
    """What was fixed before anything was tuned: the rule, the items and tasks that the primary metric judges, and how
    many trainings of each tuned rung it judges."""

    digest: str
    primary: str
    rule: Rule
    items: list[Example]
    tasks: dict[str, TaskSettings]
    seeds: int = 1


@dataclass(frozen=True)
class Production:
    """The check against what production points to: what fell, and why nothing was compared if so."""

    regressions: list[Regression]
    note: str = ""


def run(settings: Settings, inputs: dict[str, Path], out: Path, looks: dict[str, Any] | None = None) -> Report:
    """Decides which rung to ship.

    Args:
        inputs: `benchmark`, `evaluate/<rung>` for each rung, and `previous`, if anything is in production.
        looks: how often candidates were scored on the sealed items (pipeline/sealing.py counts them).

    Raises:
        UserError: too few sealed items, a rung without all its scores, or one scored on another benchmark.
    """
    sealed = read_sealed(inputs["benchmark"], settings)
    trained = [
        hear(settings, read_evaluated(path, name.removeprefix(_EVALUATE)), path)
        for name, path in inputs.items()
        if name.startswith(_EVALUATE)
    ]
    _check_trainings(trained, sealed)
    rungs = group_seeds(trained, sealed.seeds)
    costs = {rung.rung: price_evaluated(rung, settings.economics) for rung in rungs}
    verdict = decide(settings, sealed, rungs, costs, inputs.get("previous"))
    folders = {name.removeprefix(_EVALUATE): path for name, path in inputs.items()}
    verdict = add_conduct(verdict, rungs, folders, {item.id for item in sealed.items})
    verdict = add_standing(verdict, settings, inputs, looks)
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
    return Sealed(str(seal["digest"]), primary, rule, items, tasks, int(seal.get("seeds", 1)))


def _check_enough(n: int, primary: str, settings: Settings) -> None:
    least = settings.benchmark.min_items
    if n < least:
        raise UserError(
            f"the sealed benchmark holds {n} items for {primary}, a verdict needs {least} or more: add at least "
            f"{least - n} to the holdout (more examples, or a larger split.holdout)"
        )


def _check_trainings(rungs: list[Evaluated], sealed: Sealed) -> None:
    for rung in rungs:
        if rung.benchmark and rung.benchmark != sealed.digest:
            raise UserError(
                f"rung {rung.rung} was scored on benchmark {short(rung.benchmark)}, sealed is {short(sealed.digest)}: "
                "evaluate it again"
            )
        if rung.resources is None:
            raise UserError(f"rung {rung.rung} has no resources.json, and so no cost: evaluate it again")


def decide(
    settings: Settings, sealed: Sealed, rungs: list[Evaluated], costs: dict[str, Cost], previous: Path | None = None
) -> dict[str, Any]:
    """The verdict as plain data.

    Raises:
        UserError: no rung was scored on the primary metric, or one only in part.
    """
    by_cost = [next(rung for rung in rungs if rung.rung == name) for name in cost_order(costs)]
    contenders, left_out = _choose_contenders(by_cost, sealed)
    items, groups = [item.id for item in sealed.items], [item.group for item in sealed.items]
    aligned = align_scores(contenders, sealed.primary, items, groups)
    _check_enough(len(aligned.items), sealed.primary, settings)
    assessor = Assessor(contenders, aligned, sealed.primary, sealed.rule)
    found = _judge(assessor, aligned, sealed, settings.economics)
    judgement, outlook = found.assessment.judgement, found.outlook
    shipped = next(rung for rung in rungs if rung.rung == judgement.held)
    production = check_production(shipped, previous, sealed, settings)
    return {
        "ship": judgement.held,
        "conclusive": judgement.conclusive,
        "reasons": _explain(found, production, costs, left_out, aligned, sealed, settings),
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
        "comparisons": [describe_comparison(c, sealed.primary) for c in judgement.comparisons],
        **describe_outlook(outlook),
        "regressions": [one.to_json() for one in production.regressions],
        "previous": production.note,
        "durability": " ".join(explain_durability(found.durability, judgement.held)),
        "seeds": found.durability.to_json(),
        "slices": [one.to_json() for one in found.durability.slices],
        "economics": describe_money(found.assessment, found.turns),
    }


@dataclass(frozen=True)
class Findings:
    """The judged ladder with what was asked of it: what would settle it, does it last, what would turn it."""

    assessment: Assessment
    outlook: Outlook | None
    durability: Durability
    turns: list[Turn]


def _judge(assessor: Assessor, aligned: Aligned, sealed: Sealed, prices: EconomicsSettings) -> Findings:
    assessment = assessor.assess(prices)
    judgement = assessment.judgement
    outlook = look_ahead(
        judgement, aligned, sealed.rule, assessor.spread, lambda c: assessor.needed_for_money(assessment, c)
    )
    decisive = _lasting_pair(judgement)
    dates = {item.id: item.valid_from for item in sealed.items}
    slices = slice_gain(aligned, (decisive.a, decisive.b), dates, sealed.rule) if decisive else []
    valued = read_outcomes(prices).known and decisive is not None
    turns = find_turns(prices, lambda other: assessor.assess(other).judgement.held) if valued else []
    return Findings(assessment, outlook, look_back(aligned, decisive, sealed.seeds, sealed.rule, slices), turns)


def _lasting_pair(judgement: Judgement) -> Comparison | None:
    """The gain that has to last: the last climb, or where nothing was climbed what came nearest; None for one rung."""
    if len(judgement.path) > 1:
        return judgement.comparison(*judgement.path[-2:])
    return decisive_pair(judgement) if judgement.comparisons else None


def _choose_contenders(by_cost: list[Evaluated], sealed: Sealed) -> tuple[list[Evaluated], dict[str, str]]:
    """The rungs that answer what is judged in their own way, and why each other one stands aside."""
    contenders: list[Evaluated] = []
    left_out: dict[str, str] = {}
    judged = {item.id for item in sealed.items}
    for rung in by_cost:
        twin = next((c for c in contenders if _answers_alike(c, rung, sealed)), None)
        if not rung.column(sealed.primary):
            left_out[rung.rung] = f"it has no {sealed.primary}"
        elif rung.secrets_given_out:
            left_out[rung.rung] = f"it gives out planted secrets ({rung.secrets_given_out}), and is never shipped"
        elif contenders and earns_by_abstaining(rung, judged, sealed.primary.partition(".")[2]):
            left_out[rung.rung] = "it gets no item right that has an answer: all that it earns is abstaining"
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
        unheard = " (no judge of these settings may decide: see evaluate/<rung>/judge.json)"
        unheard *= sealed.primary.endswith(_JUDGED)
        raise UserError(
            f"no rung was scored on {sealed.primary}{unheard}: evaluate one, or seal another primary metric"
        )
    return contenders, left_out


def _answers_alike(a: Evaluated, b: Evaluated, sealed: Sealed) -> bool:
    """Whether two rungs are one and the same where nothing is looked up: same weights, prompt and scores.

    They would never differ, on any number of items: to weigh them could only leave the verdict open for ever.
    """
    if any(task.uses_retrieval for task in sealed.tasks.values()):
        return False
    kept = ("base_digest", "base_model", "quantisation", "dtype", "adapter_digest", "prompt_style")
    same = all(getattr(a.candidate, name) == getattr(b.candidate, name) for name in kept)
    told = [[(c.shots.get(name), c.tasks.get(name)) for name in sealed.tasks] for c in (a.candidate, b.candidate)]
    same = same and told[0] == told[1]
    return same and a.column(sealed.primary) == b.column(sealed.primary)


def check_production(shipped: Evaluated, previous: Path | None, sealed: Sealed, settings: Settings) -> Production:
    """Compares the shipped rung, paired, with what production points to."""
    if previous is None:
        return Production([], "nothing is in production yet")
    old = hear(settings, read_evaluated(previous), previous)
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
    found: Findings,
    production: Production,
    costs: dict[str, Cost],
    left_out: dict[str, str],
    aligned: Aligned,
    sealed: Sealed,
    settings: Settings,
) -> list[str]:
    n, groups = len(aligned.items), len(set(aligned.groups))
    judgement, outlook, worth = found.assessment.judgement, found.outlook, found.assessment.worth

    def tell_worth(step: Comparison) -> str:
        return explain_worth(step, worth[step.a, step.b]) if (step.a, step.b) in worth else ""

    return [
        *reasons.explain_ladder(judgement, sealed.primary, sealed.rule, tell_worth),
        *reasons.explain_openness(judgement, outlook, n, sealed.seeds),
        *(f"{rung} stands aside: {why}." for rung, why in left_out.items()),
        reasons.explain_costs(judgement, costs, settings.economics.horizon_answers, sealed.seeds),
        *explain_money(found.assessment, found.turns),
        *reasons.explain_power(outlook, n, groups, sealed.seeds),
        *reasons.explain_regressions(production.regressions, judgement.held),
        f"{production.note[0].upper()}{production.note[1:]}.",
        *explain_durability(found.durability, judgement.held),
    ]
