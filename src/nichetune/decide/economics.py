"""What a rung costs: training, review, storage and serving, at the prices of the settings times what was counted.

Reads resources.json and `economics` -> `Cost`:

    {"training_usd": 0.27, "storage_usd": 0.31, "serving_usd": 3.10, "total_usd": 3.68, "usd_per_1000": 0.0368}

Nothing here is measured, so that the same content gives the same verdict on any machine.
"""

from __future__ import annotations

from collections.abc import Sequence

from pydantic import Field

from nichetune.core.records import Record
from nichetune.core.settings import EconomicsSettings
from nichetune.evaluate.resources import Resources

_GIB = 1 << 30
_DIGITS = 8


class Cost(Record):
    """US dollars over the horizon: its answers, `horizon_months` months of storage, `trainings` of all seeds.

    Attributes:
        review_usd: people's review of each training; left out where it costs nothing.
        usd_per_1000: the total, spread over the answers: what a thousand of them cost all in all.
    """

    training_usd: float
    storage_usd: float
    serving_usd: float
    total_usd: float
    usd_per_1000: float
    review_usd: float = Field(0.0, exclude_if=lambda usd: usd == 0)


def price_rung(
    resources: Resources, prices: EconomicsSettings, reruns: Sequence[Resources] = (), tuned: bool = False
) -> Cost:
    """The cost of a rung over the horizon.

    serving = answers x (operations an answer / operations a machine hour x price of a machine hour + paid to a host)

    Args:
        resources: of the training that ships.
        reruns: of its other seeds, whose training is paid for too: it is what the proof costs.
        tuned: whether people review it at each training.
    """
    usd_per_flop = prices.usd_per_machine_hour / (prices.machine_gflops * 1e9 * 3600)
    training = sum(one.train_flops for one in (resources, *reruns)) * usd_per_flop * prices.trainings
    storage = resources.storage_bytes / _GIB * prices.usd_per_gib_month * prices.horizon_months
    an_answer = (resources.serve_flops * usd_per_flop + resources.paid_usd) / resources.items
    serving = an_answer * prices.horizon_answers
    review = prices.usd_per_review * prices.trainings if tuned else 0.0
    total = training + storage + serving + review
    return Cost(
        training_usd=round(training, _DIGITS),
        storage_usd=round(storage, _DIGITS),
        serving_usd=round(serving, _DIGITS),
        total_usd=round(total, _DIGITS),
        usd_per_1000=round(total * 1000 / prices.horizon_answers, _DIGITS),
        review_usd=round(review, _DIGITS),
    )
