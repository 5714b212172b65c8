"""Same input, different answers: nobody can say which is right, and a setting decides what becomes of them.

examples -> kept, put aside, and an estimate of how often the labels are wrong

    Estimate(value=0.021, low=0.009, high=0.043, n=132)
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from scipy import stats

from nichetune.core.errors import UserError
from nichetune.core.records import Dropped, Estimate, Example
from nichetune.corpus.answers import answer_key, input_key
from nichetune.corpus.findings import write_place

CONTRADICTION = "same input, different answers"
SUPERSEDED = "same input, newer answer"
_SHOWN = 4
_CONFIDENCE = 0.95


@dataclass(frozen=True)
class Sifted:
    """Examples that stay, and records of those that do not."""

    kept: list[Example]
    dropped: list[Dropped]


def settle_contradictions(examples: Sequence[Example], rule: Literal["quarantine", "newest", "stop"]) -> Sifted:
    """Takes out every text that comes with different answers, all its copies included, but for what the rule keeps.

    Raises:
        UserError: the rule is `stop` and there is one.
    """
    inputs: dict[tuple[str, str, str], list[Example]] = defaultdict(list)
    for one in examples:
        inputs[input_key(one)].append(one)
    torn = [members for members in inputs.values() if len({answer_key(one) for one in members}) > 1]
    if torn and rule == "stop":
        raise UserError(_describe(torn))
    newest = {id(one) for members in torn for one in _find_newest(members)} if rule == "newest" else set()
    fate: dict[int, Dropped] = {}
    for members in torn:
        winners = [one for one in members if id(one) in newest]
        for one in members:
            if id(one) not in newest:
                fate[id(one)] = _put_aside(one, members, winners)
    kept = [one for one in examples if id(one) not in fate]
    return Sifted(kept, [fate[id(one)] for one in examples if id(one) in fate])


def _find_newest(members: Sequence[Example]) -> list[Example]:
    """Those of the latest date that all say the same; none where dates are missing or the latest disagree."""
    if any(not one.valid_from for one in members):
        return []
    last = max(one.valid_from or "" for one in members)
    newest = [one for one in members if one.valid_from == last]
    return newest if len({answer_key(one) for one in newest}) == 1 else []


def _put_aside(one: Example, members: Sequence[Example], winners: Sequence[Example]) -> Dropped:
    other = winners[0] if winners else next(m for m in members if answer_key(m) != answer_key(one))
    reason = SUPERSEDED if winners else CONTRADICTION
    return Dropped(id=one.id, reason=reason, source=one.source, because_of=other.id)


def _describe(torn: Sequence[Sequence[Example]]) -> str:
    shown = "; ".join(" and ".join(_place(one) for one in members[:2]) for members in torn[:_SHOWN])
    more = "; …" if len(torn) > _SHOWN else ""
    return (
        f"{len(torn)} inputs come with different answers (dedupe.contradictions is stop): {shown}{more}: mend their "
        f"labels, or set it to quarantine or newest"
    )


def _place(one: Example) -> str:
    return f"{one.id} ({write_place(one.source)})"


def estimate_label_noise(examples: Sequence[Example]) -> Estimate:
    """The share of wrong labels, from inputs that were labelled more than once.

    Two labels of one input differ in a share d of such inputs. If a label is wrong with chance e, whatever the other
    one is, and two wrong ones hardly ever agree, then d = 1 - (1 - e)^2. The first two labels of each input are
    compared, so that inputs are independent; the interval of d is exact (Clopper and Pearson 1934, Biometrika 26).
    Copies that were never labelled anew make the rate too low.
    """
    first: dict[tuple[str, str, str], str] = {}
    differs: dict[tuple[str, str, str], bool] = {}
    for one in examples:
        key, answer = input_key(one), answer_key(one)
        if key in first:
            differs.setdefault(key, answer != first[key])
        else:
            first[key] = answer
    n, k = len(differs), sum(differs.values())
    if n == 0:
        return Estimate(value=None, low=None, high=None, n=0)
    between = stats.binomtest(k, n).proportion_ci(_CONFIDENCE, method="exact")
    rate, low, high = (round(1 - math.sqrt(1 - d), 6) for d in (k / n, float(between.low), float(between.high)))
    return Estimate(value=rate, low=low, high=high, n=n)
