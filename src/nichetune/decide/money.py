"""The verdict's money: what was assumed, what each proven gain is worth, what would turn the verdict.

Reads an `Assessment` -> the part `economics` of verdict.json, and sentences:

    "full is 1.2 points better than qlora on triage.exact_form (95% interval 0.4 to 2.0), which is worth $210.00 a
     month ($90.00 to $330.00) and costs $900.00 a month more: it does not pay."
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from nichetune.core.settings import EconomicsSettings
from nichetune.decide.assess import Assessment
from nichetune.decide.ladder import Comparison
from nichetune.decide.paired import six_digits
from nichetune.decide.reasons import usd
from nichetune.decide.sensitivity import Turn
from nichetune.decide.worth import Worth, read_outcomes, value_of_a_point

NO_VALUE = (
    "No value of an answer was given (economics.usd_per_wrong_answer and its like are 0), so the margin alone decides "
    "what a gain is worth."
)


def describe_money(found: Assessment, turns: Sequence[Turn]) -> dict[str, Any]:
    """For `verdict.json`."""
    prices = found.prices
    known = read_outcomes(prices).known
    return {
        "value_given": known,
        "requests_per_month": six_digits(prices.monthly_requests),
        "horizon_months": prices.horizon_months,
        "usd_of_a_point_a_month": six_digits(value_of_a_point(prices)) if known else None,
        "steps": [found.worth[pair].to_json() for pair in sorted(found.worth)],
        "turns": [turn.to_json() for turn in turns],
    }


def explain_money(found: Assessment, turns: Sequence[Turn]) -> list[str]:
    """What was assumed, and what would turn the verdict."""
    if not read_outcomes(found.prices).known:
        return [NO_VALUE]
    return [_explain_assumptions(found.prices), *_explain_volume(found), _explain_turns(found, turns)]


def explain_worth(step: Comparison, worth: Worth) -> str:
    """What a gain is worth a month, and what it costs: the end of a sentence that has told the gain."""
    low, high = usd(worth.low_usd), usd(worth.high_usd)
    more = f"costs {usd(worth.extra_usd)} a month more"
    return (
        f"which is worth {usd(worth.saving_usd)} a month ({low} to {high}) and {more}: {_CLAIMS[step.pays or 'pays']}"
    )


_CLAIMS = {"pays": "it pays", "does not pay": "it does not pay", "open": "whether it pays is open"}


def _explain_assumptions(prices: EconomicsSettings) -> str:
    outcomes = {
        "a wrong answer": prices.usd_per_wrong_answer,
        "an abstention": prices.usd_per_abstention,
        "an escalation": prices.usd_per_escalation,
    }
    told = ", ".join(f"{name} {usd(amount)}" for name, amount in outcomes.items() if amount)
    point = value_of_a_point(prices)
    worth = f"; a point is worth {usd(point)} a month" if point else ""
    return (
        f"Money: {prices.monthly_requests:,.0f} requests a month over {prices.horizon_months:g} months; {told}{worth}. "
        "A dearer rung must also save more than it costs by the low end of its 95% interval."
    )


def _explain_volume(found: Assessment) -> list[str]:
    """The break-even volume of the last climb, and of what did not pay."""
    path = found.judgement.path
    asked = [tuple(path[-2:])] if len(path) > 1 else []
    asked += [(c.a, c.b) for c in found.judgement.comparisons if c.a == path[-1] and c.pays in ("does not pay", "open")]
    return [_explain_break_even(found.worth[pair]) for pair in asked]  # type: ignore[index]


def _explain_break_even(worth: Worth) -> str:
    if worth.break_even_requests is None:
        return f"{worth.b} costs more than {worth.a} by every answer than it saves: it breaks even at no volume."
    if worth.break_even_requests < 1:
        return f"{worth.b} saves more than it costs more than {worth.a} from the first request on."
    return f"{worth.b} over {worth.a} breaks even at {worth.break_even_requests:,.0f} requests a month."


def _explain_turns(found: Assessment, turns: Sequence[Turn]) -> str:
    if not turns:
        return "No assumption, moved alone up to a hundredfold, turns the verdict."
    told = "; ".join(f"economics.{t.assumption} times {t.factor:g} would ship {t.ship}" for t in turns[:3])
    return f"Nearest to turning the verdict: {told}."
