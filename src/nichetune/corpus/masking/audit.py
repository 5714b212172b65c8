"""A person's look at what was masked: a stratified sample, judged in the terminal, and the leak rate with an interval.

masked texts -> a sample -> answers -> {"judged": 200, "leaks": 0, "rate": 0.0, "high": 0.0149, ...}

    0 of 200: below 1.5% with 95% confidence

Intervals are Clopper and Pearson's, exact for a share of independent draws. Strata are texts with no finding, with one
or two, and with more; each gives its share of the sample, so that the plain share stands for the whole.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from nichetune.core.exact import bound_above, bound_share


@dataclass(frozen=True)
class Shown:
    """One masked text and how many findings it had."""

    place: str
    text: str
    findings: int


@dataclass(frozen=True)
class AuditResult:
    """What a person found; `low` and `high` bound the share of texts in which something personal is left."""

    judged: int
    leaks: int
    skipped: int
    population: int
    low: float
    high: float
    places: tuple[str, ...] = ()

    @property
    def sentence(self) -> str:
        """The result in words."""
        if not self.judged:
            return "nothing was judged: no leak rate"
        above = bound_above(self.leaks, self.judged)
        said = f"{self.leaks} of {self.judged}: below {above:.1%} with 95% confidence"
        share = f" ({self.leaks / self.judged:.1%}, interval {self.low:.1%} to {self.high:.1%})"
        return said + share if self.leaks else said

    def to_dict(self) -> dict[str, Any]:
        """For a file or a page; it holds no text."""
        return asdict(self) | {"rate": self.leaks / self.judged if self.judged else None, "sentence": self.sentence}


def draw_sample(texts: Sequence[Shown], size: int, seed: int = 0) -> list[Shown]:
    """A sample in which each stratum has its share, in an order that mixes them; the same seed draws the same."""
    rng = random.Random(seed)
    strata: dict[int, list[Shown]] = {}
    for one in texts:
        strata.setdefault(0 if not one.findings else 1 if one.findings <= 2 else 2, []).append(one)
    size = min(size, len(texts))
    exact = {key: size * len(group) / len(texts) for key, group in strata.items()}
    counts = {key: int(share) for key, share in exact.items()}
    by_rest = sorted(exact, key=lambda key: counts[key] - exact[key])
    for key in by_rest[: size - sum(counts.values())]:
        counts[key] += 1
    drawn = [one for key, group in sorted(strata.items()) for one in rng.sample(group, counts[key])]
    rng.shuffle(drawn)
    return drawn


def judge_sample(sample: Sequence[Shown], population: int, ask: Callable[[Shown, int], str]) -> AuditResult:
    """Asks about each text.

    Args:
        ask: shows a text and returns "y" (something personal is left), "n", "s" (skip) or "q" (stop here).
    """
    leaks, judged, skipped = [], 0, 0
    for number, one in enumerate(sample, start=1):
        answer = ask(one, number)
        if answer == "q":
            break
        skipped += answer == "s"
        judged += answer in "yn"
        if answer == "y":
            leaks.append(one.place)
    low, high = bound_leaks(len(leaks), judged)
    return AuditResult(judged, len(leaks), skipped, population, low, high, tuple(leaks))


def bound_leaks(hits: int, trials: int) -> tuple[float, float]:
    """The exact interval of a share (`core/exact.py`); with no hits, or nothing but hits, all 5% lie on one side.

    `1 - 0.05 ** (1 / 200) = 0.0149`: none of 200 leaves less than 1.5%.
    """
    if trials and hits == 0:
        return 0.0, bound_above(hits, trials)
    if trials and hits == trials:
        return 1 - bound_above(0, trials), 1.0
    return bound_share(hits, trials)
