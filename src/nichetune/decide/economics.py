"""What a rung costs: training, storage and serving, at the prices of the settings times what was counted.

Reads resources.json and `economics` -> `Cost`:

    {"training_usd": 0.27, "storage_usd": 0.31, "serving_usd": 3.10, "total_usd": 3.68, "usd_per_1000": 0.0368}

Nothing here is measured, so that the same content gives the same verdict on any machine.
"""

from __future__ import annotations

from nichetune.core.records import Record
from nichetune.core.settings import EconomicsSettings
from nichetune.evaluate.resources import Resources

_GIB = 1 << 30
_DIGITS = 8


class Cost(Record):
    """US dollars over the horizon: `answers` answers, `horizon_months` months of storage, one training.

    Attributes:
        usd_per_1000: the total, spread over the answers: what a thousand of them cost all in all.
    """

    training_usd: float
    storage_usd: float
    serving_usd: float
    total_usd: float
    usd_per_1000: float


def price_rung(resources: Resources, prices: EconomicsSettings) -> Cost:
    """The cost of a rung over the horizon.

    serving = operations an answer x answers / operations a machine hour x price of a machine hour
    """
    usd_per_flop = prices.usd_per_machine_hour / (prices.machine_gflops * 1e9 * 3600)
    training = resources.train_flops * usd_per_flop
    storage = resources.storage_bytes / _GIB * prices.usd_per_gib_month * prices.horizon_months
    serving = resources.serve_flops / resources.items * prices.answers * usd_per_flop
    total = training + storage + serving
    return Cost(
        training_usd=round(training, _DIGITS),
        storage_usd=round(storage, _DIGITS),
        serving_usd=round(serving, _DIGITS),
        total_usd=round(total, _DIGITS),
        usd_per_1000=round(total * 1000 / prices.answers, _DIGITS),
    )
