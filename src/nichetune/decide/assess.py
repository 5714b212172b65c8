"""The rule at given prices: order by cost, compare, weigh the money, climb. At other prices it is asked again.

Reads evaluated rungs, lined up, and `economics` -> `Assessment`: costs, what each proven gain is worth, and the
judged ladder. What prices do not change is computed once: comparisons for each order of the rungs, savings for each
ratio of what answers cost.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from nichetune.core.settings import RUNGS, EconomicsSettings
from nichetune.decide.economics import Cost, price_rung
from nichetune.decide.evaluated import Aligned, Evaluated
from nichetune.decide.ladder import Comparison, Judgement, Pair, Rule, climb, compare_all
from nichetune.decide.paired import Paired
from nichetune.decide.planning import Needed, measure_spread, settle
from nichetune.decide.seeds import SeedSpread, measure_seeds
from nichetune.decide.worth import Outcomes, Saving, Worth, align_outcomes, judge_worth, measure_savings, read_outcomes
from nichetune.evaluate.candidates import rung_is_seeded


@dataclass(frozen=True)
class Assessment:
    """The ladder as judged at some prices.

    Attributes:
        worth: of every pair whose gain is proven; empty where the settings say nothing of what answers cost.
    """

    prices: EconomicsSettings
    costs: dict[str, Cost]
    judgement: Judgement
    worth: dict[Pair, Worth]


def price_evaluated(rung: Evaluated, prices: EconomicsSettings) -> Cost:
    """The cost of a rung with all its seeds; each training must have its resources."""
    used = [one.resources for one in rung.by_seed if one.resources is not None]
    return price_rung(used[0], prices, used[1:], tuned=rung_is_seeded(rung.rung))


def cost_order(costs: dict[str, Cost]) -> list[str]:
    """Rungs from the cheapest to the dearest; equal costs: the order in which the ladder names them."""

    def place(rung: str) -> tuple[float, int, str]:
        return costs[rung].total_usd, RUNGS.index(rung) if rung in RUNGS else len(RUNGS), rung

    return sorted(costs, key=place)


class Assessor:
    """Applies the rule to the same scores at any prices.

    Args:
        rungs: those that contend.
        aligned: their scores on the primary metric.
    """

    def __init__(self, rungs: list[Evaluated], aligned: Aligned, metric: str, rule: Rule) -> None:
        self.rungs, self.aligned, self.metric, self.rule = rungs, aligned, metric, rule
        self.spread: SeedSpread | None = measure_seeds(aligned.by_seed)
        self._compared: dict[tuple[str, ...], list[Comparison]] = {}
        self._spared: dict[Outcomes, Aligned] = {}
        self._savings: dict[tuple[Outcomes, Pair], Saving] = {}

    def assess(self, prices: EconomicsSettings) -> Assessment:
        """The ladder at these prices."""
        costs = {rung.rung: price_evaluated(rung, prices) for rung in self.rungs}
        order = cost_order(costs)
        comparisons = self._compare(tuple(order))
        worth = self._weigh([(c.a, c.b) for c in comparisons if c.decision == "better"], costs, prices)
        weighed = [replace(c, pays=worth[c.a, c.b].pays) if (c.a, c.b) in worth else c for c in comparisons]
        return Assessment(prices, costs, climb(order, weighed), worth)

    def needed_for_money(self, assessment: Assessment, comparison: Comparison) -> Needed | None:
        """What would settle whether a proven gain pays."""
        pair = (comparison.a, comparison.b)
        worth, (shares, month) = assessment.worth[pair], _in_shares(assessment.prices)
        saving = self._savings[shares, pair]
        paired, rule = comparison.paired, replace(self.rule, margin=worth.extra_usd / month)
        own = Paired(saving.difference, saving.low, saving.high, 1.0, 1.0, paired.n, paired.groups, paired.method)
        spared = self._spared[shares]
        spread = measure_seeds(spared.by_seed)
        asked = replace(comparison, paired=own, level=rule.alpha)
        return settle(asked, measure_spread(spared, asked), rule, spread.between(*pair) if spread else None)

    def _compare(self, order: tuple[str, ...]) -> list[Comparison]:
        if order not in self._compared:
            scores = self.aligned.scores[[self.aligned.rungs.index(rung) for rung in order]]
            several = len(order) > 1
            self._compared[order] = (
                compare_all(order, scores, self.aligned.groups, self.rule, self.spread) if several else []
            )
        return self._compared[order]

    def _weigh(self, pairs: list[Pair], costs: dict[str, Cost], prices: EconomicsSettings) -> dict[Pair, Worth]:
        if not read_outcomes(prices).known:
            return {}
        shares, _ = _in_shares(prices)
        if shares not in self._spared:
            self._spared[shares] = align_outcomes(self.rungs, self.aligned, self.metric, shares)
        missing = [pair for pair in pairs if (shares, pair) not in self._savings]
        found = measure_savings(self._spared[shares], missing, self.rule)
        self._savings |= {(shares, pair): saving for pair, saving in found.items()}
        return {pair: judge_worth(pair, self._savings[shares, pair], costs, prices) for pair in pairs}


def _in_shares(prices: EconomicsSettings) -> tuple[Outcomes, float]:
    """What outcomes cost as shares of the dearest one, which is what savings depend on, and the dollars of a month in
    which every answer came to that one."""
    known = read_outcomes(prices)
    shares = (round(part / known.dearest, 9) for part in (known.wrong, known.abstained, known.escalated))
    return Outcomes(*shares), known.dearest * prices.monthly_requests
