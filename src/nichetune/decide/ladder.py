"""The rule, and nothing else: hold the cheapest rung, and climb only on proof.

Reads rungs in order of cost with their scores on the same items -> the held rung and every comparison:

    order ["classical", "base", "qlora"] -> held "qlora", conclusive True, three `Comparison`s

  1. Hold the cheapest.
  2. Take the dearer ones in order of cost. Move to one only if the Holm-adjusted lower bound of its gain over the
     held one exceeds the margin. The family is all pairs of a cheaper and a dearer rung.
  3. Where bound <= margin < upper end of the 95% interval, stay, and the verdict is not conclusive: the gain may
     well be there. It is conclusive after all if a rung is held in the end that is proven better than that one too.
  4. Where the settings say what answers are worth, a proven gain must also pay for itself (`decide/worth.py`). If it
     surely does not, stay; if money leaves it open, stay, and the verdict is not conclusive.

Pure functions over arrays: a simulation calls `judge_ladder` thousands of times.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Literal

from nichetune.decide.holm import step_down
from nichetune.decide.paired import Paired, PairedSet
from nichetune.decide.seeds import SeedSpread
from nichetune.evaluate.intervals import Floats

Decision = Literal["better", "worse", "no better", "inconclusive"]
Pays = Literal["pays", "does not pay", "open"]
Pair = tuple[str, str]


@dataclass(frozen=True)
class Rule:
    """What was fixed when the benchmark was sealed: margin 0..1, family-wise alpha, draws and their seed."""

    margin: float = 0.02
    alpha: float = 0.05
    resamples: int = 10_000
    seed: int = 7


@dataclass(frozen=True)
class Comparison:
    """A dearer rung b against a cheaper rung a; differences are b - a.

    Attributes:
        p_adjusted: Holm-adjusted, of "the gain is at most the margin"; two-sided convention.
        level: the level that Holm gave this pair.
        lower_adjusted: low end of the interval at that level: what is compared with the margin.
        decision: `better`: lower_adjusted > margin; `worse`: high < 0; `no better`: high <= margin; else open.
        pays: whether the gain is worth its money; None where nothing was said of what answers are worth.
    """

    a: str
    b: str
    paired: Paired
    p_adjusted: float
    level: float
    lower_adjusted: float
    decision: Decision
    pays: Pays | None = None

    @property
    def proven(self) -> bool:
        """Whether the rule moves from a to b."""
        return self.decision == "better" and self.pays in (None, "pays")

    @property
    def open(self) -> bool:
        """Whether more items (or seeds) could still move it."""
        return self.decision == "inconclusive" or (self.decision == "better" and self.pays == "open")


@dataclass(frozen=True)
class Judgement:
    """What the rule holds in the end.

    Attributes:
        path: the rungs held, in turn; the last one is shipped.
        unsettled: comparisons that leave open whether another rung should be held.
    """

    order: list[str]
    path: list[str]
    comparisons: list[Comparison]
    unsettled: list[Comparison]

    @property
    def held(self) -> str:
        """The rung to ship."""
        return self.path[-1]

    @property
    def conclusive(self) -> bool:
        """Whether no open comparison could change what is held."""
        return not self.unsettled

    def comparison(self, cheaper: str, dearer: str) -> Comparison:
        """The comparison of two rungs."""
        return next(c for c in self.comparisons if (c.a, c.b) == (cheaper, dearer))


def judge_ladder(
    order: Sequence[str],
    scores: Floats,
    groups: Sequence[Hashable],
    rule: Rule,
    spread: SeedSpread | None = None,
) -> Judgement:
    """Applies the rule.

    Args:
        order: rungs from the cheapest to the dearest.
        scores: [rungs, items] on the primary metric, 0..1, rows in that order.
        groups: [items].
        spread: over the seeds, where rungs were trained from several; `scores` then are means over them.
    """
    if len(order) < 2:
        return Judgement(list(order), list(order), [], [])
    return climb(list(order), compare_all(order, scores, groups, rule, spread))


def compare_all(
    order: Sequence[str],
    scores: Floats,
    groups: Sequence[Hashable],
    rule: Rule,
    spread: SeedSpread | None = None,
) -> list[Comparison]:
    """Every pair of a cheaper and a dearer rung, with Holm over all of them."""
    pairs = [(a, b) for b in range(len(order)) for a in range(b)]
    luck = [spread.between(order[a], order[b]) for a, b in pairs] if spread else ()
    together = PairedSet(scores, groups, pairs, rule.resamples, rule.seed, luck)
    each = [together.compare(n, rule.margin, rule.alpha) for n in range(len(pairs))]
    steps = step_down(
        [paired.p_margin for paired in each], lambda n, level: together.interval(n, level)[0], rule.margin, rule.alpha
    )
    return [
        Comparison(
            order[a], order[b], paired, step.p_adjusted, step.level, step.bound,
            _decide(paired, step.rejected, rule.margin),
        )
        for (a, b), paired, step in zip(pairs, each, steps, strict=True)
    ]  # fmt: skip


def _decide(paired: Paired, proven: bool, margin: float) -> Decision:
    if proven:
        return "better"
    if paired.high < 0:
        return "worse"
    return "no better" if paired.high <= margin else "inconclusive"


def climb(order: list[str], comparisons: list[Comparison]) -> Judgement:
    """Walks from the cheapest rung up, and notes what stayed open on the way."""
    known = {(c.a, c.b): c for c in comparisons}
    path, open_steps = [order[0]], []
    for dearer in order[1:]:
        step = known[path[-1], dearer]
        if step.proven:
            path.append(dearer)
        elif step.open:
            open_steps.append(step)
    unsettled = [step for step in open_steps if not _is_overtaken(step, path[-1], order, known)]
    return Judgement(order, path, comparisons, unsettled)


def _is_overtaken(step: Comparison, held: str, order: list[str], known: dict[tuple[str, str], Comparison]) -> bool:
    """Whether the rung that stayed open is cheaper than the held one, which is proven better than it too."""
    cheaper = order.index(step.b) < order.index(held)
    return cheaper and known[step.b, held].proven
