"""Whether a gain is worth its money: what better answers save in a month, beside what the dearer rung costs more.

Reads scores by item, `economics` and the costs of two rungs -> `Worth`:

    {"a": "qlora", "b": "full", "saving_usd": 210.0, "low_usd": 90.0, "high_usd": 330.0, "extra_usd": 900.0,
     "pays": "does not pay", "break_even_requests": 171000}

An answer costs its owner what comes of it: usd_per_wrong_answer where it was given and is wrong (in part, where a
score lies between 0 and 1), usd_per_abstention where the model asked back, usd_per_escalation where a person has to
take over, since an answer was due and none came, or none that can be read. What a rung saves is the difference of
these costs on the same sealed items, with the interval of `decide/paired.py` over groups and seeds. The low end of
its (1 - alpha) interval must exceed the extra cost; where even the high end does not, the rung does not pay.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from nichetune.core.records import ItemScore
from nichetune.core.settings import EconomicsSettings
from nichetune.decide.economics import Cost
from nichetune.decide.evaluated import Aligned, Evaluated, line_up
from nichetune.decide.ladder import Pair, Pays, Rule
from nichetune.decide.paired import PairedSet, six_digits
from nichetune.decide.seeds import measure_seeds


@dataclass(frozen=True)
class Outcomes:
    """US dollars that an answer costs its owner, by what comes of it."""

    wrong: float
    abstained: float
    escalated: float

    @property
    def known(self) -> bool:
        """Whether anything was said of them."""
        return self.dearest > 0

    @property
    def dearest(self) -> float:
        """The most that one answer can cost."""
        return max(self.wrong, self.abstained + self.escalated)

    def spare(self, score: ItemScore, metric: str) -> float:
        """What an answer spared of the dearest outcome, as a share, 0..1: what is compared like a score."""
        wrong, abstained, missing = sort_outcome(score, metric)
        lost = self.wrong * wrong + self.abstained * abstained + self.escalated * missing
        return 1.0 - lost / self.dearest


def sort_outcome(score: ItemScore, metric: str) -> tuple[float, bool, bool]:
    """What came of an answer: how far it is wrong (0..1), whether it abstained, whether a person takes over."""
    abstained = "abstain_precision" in score.scores  # it applies to the items on which a rung abstains
    unreadable = score.scores.get("parsed", 1.0) < 0.5
    missing = unreadable or (abstained and score.scores.get("over_refusal", 0.0) > 0.5)
    return 0.0 if abstained or unreadable else 1.0 - score.scores[metric], abstained, missing


def read_outcomes(prices: EconomicsSettings) -> Outcomes:
    """What the settings say of the worth of answers."""
    return Outcomes(prices.usd_per_wrong_answer, prices.usd_per_abstention, prices.usd_per_escalation)


@dataclass(frozen=True)
class Saving:
    """What a dearer rung spares of the dearest outcome in a mean answer, as a share, with its interval."""

    difference: float
    low: float
    high: float


@dataclass(frozen=True)
class Worth:
    """A dearer rung b against a cheaper rung a, in US dollars a month.

    Attributes:
        saving_usd: by better answers, with the ends of its interval.
        extra_usd: cost of b less that of a: training, review, storage and serving, spread over the horizon.
        break_even_requests: requests a month from which the saving exceeds the extra cost; None if at no volume.
    """

    a: str
    b: str
    saving_usd: float
    low_usd: float
    high_usd: float
    extra_usd: float
    pays: Pays
    break_even_requests: float | None

    def to_json(self) -> dict[str, Any]:
        """For `verdict.json`."""
        return {key: six_digits(v) if isinstance(v, float) else v for key, v in asdict(self).items()}


def align_outcomes(rungs: list[Evaluated], aligned: Aligned, metric: str, outcomes: Outcomes) -> Aligned:
    """What every answer spared, lined up as the scores are."""
    name = metric.partition(".")[2]

    def read(one: Evaluated) -> Mapping[str, float]:
        return {item: outcomes.spare(one.scores[item], name) for item in aligned.items}

    return line_up(rungs, aligned.items, aligned.groups, read)


def measure_savings(spared: Aligned, pairs: Iterable[Pair], rule: Rule) -> dict[Pair, Saving]:
    """What the dearer rung of each pair spares, over groups and seeds."""
    wanted = list(pairs)
    if not wanted:
        return {}
    spread = measure_seeds(spared.by_seed)
    luck = [spread.between(*pair) for pair in wanted] if spread else ()
    places = [(spared.rungs.index(a), spared.rungs.index(b)) for a, b in wanted]
    together = PairedSet(spared.scores, spared.groups, places, rule.resamples, rule.seed, luck)
    return {
        pair: Saving(float(together.differences[:, n].mean()), *together.interval(n, rule.alpha))
        for n, pair in enumerate(wanted)
    }


def judge_worth(pair: Pair, saving: Saving, costs: Mapping[str, Cost], prices: EconomicsSettings) -> Worth:
    """Weighs what a dearer rung saves against what it costs more."""
    a, b = (costs[rung] for rung in pair)
    month = prices.monthly_requests * read_outcomes(prices).dearest
    extra = (b.total_usd - a.total_usd) / prices.horizon_months
    low, high = saving.low * month, saving.high * month
    pays: Pays = "pays" if low > extra else "open" if high > extra else "does not pay"
    return Worth(*pair, saving.difference * month, low, high, extra, pays, _break_even(saving, a, b, prices))


def _break_even(saving: Saving, a: Cost, b: Cost, prices: EconomicsSettings) -> float | None:
    """Requests a month at which what is paid once has come back, at the observed saving."""
    once = (b.total_usd - b.serving_usd - a.total_usd + a.serving_usd) / prices.horizon_months
    each = saving.difference * read_outcomes(prices).dearest
    each -= (b.serving_usd - a.serving_usd) / prices.horizon_answers
    return max(0.0, once / each) if each > 0 else None


def value_of_a_point(prices: EconomicsSettings) -> float:
    """US dollars a month that a percentage point is worth: one answer in a hundred right instead of wrong."""
    return 0.01 * prices.monthly_requests * prices.usd_per_wrong_answer
