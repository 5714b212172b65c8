"""A search space for Optuna, and a trial's values back into settings and flags.

{"train.rank": {choices: [8, 16]}} -> CategoricalDistribution -> {"train.rank": 16} -> Settings, --set train.rank=16
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from nichetune.core.search_space import PREFIX, is_whole, read_value
from nichetune.core.settings import Method, RangeSettings, Settings, TrainSettings
from nichetune.train.arguments import DEFAULT_RATES

if TYPE_CHECKING:
    from optuna.distributions import BaseDistribution

Space = Mapping[str, RangeSettings]
Values = dict[str, Any]


def read_space(settings: Settings, method: Method) -> dict[str, RangeSettings]:
    """The settings' own space in the order of its keys, or one around the method's defaults."""
    if settings.sweep.space:
        return dict(sorted(settings.sweep.space.items()))
    rate = DEFAULT_RATES[method]
    space = {
        "train.epochs": RangeSettings(choices=[1.0, 2.0, 3.0]),
        "train.learning_rate": RangeSettings(low=float(f"{rate / 6:.3g}"), high=float(f"{rate * 5:.3g}"), log=True),
    }
    return space if method == "full" else space | {"train.rank": RangeSettings(choices=[8, 16, 32])}


def make_distributions(train: TrainSettings, space: Space) -> dict[str, BaseDistribution]:
    """What Optuna draws each value from."""
    return {key: _make_distribution(train, key.removeprefix(PREFIX), tried) for key, tried in space.items()}


def _make_distribution(train: TrainSettings, name: str, tried: RangeSettings) -> BaseDistribution:
    from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

    if tried.choices is not None:
        return CategoricalDistribution([read_value(train, name, value) for value in tried.choices])
    low, high = read_value(train, name, tried.low), read_value(train, name, tried.high)
    if is_whole(name):
        return IntDistribution(low, high, log=tried.log, step=int(tried.step or 1))
    return FloatDistribution(low, high, log=tried.log, step=tried.step)


def own_values(settings: Settings, method: Method, distributions: Mapping[str, BaseDistribution]) -> Values | None:
    """The project's own settings as a point of the space; None if they lie outside it."""
    values = {key: getattr(settings.train, key.removeprefix(PREFIX)) for key in distributions}
    if values.get("train.learning_rate", 0) is None:
        values["train.learning_rate"] = DEFAULT_RATES[method]
    try:
        inside = all(
            distribution._contains(distribution.to_internal_repr(values[key]))
            for key, distribution in distributions.items()
        )
    except (ValueError, TypeError):  # of no choice, or None where a number is tried
        return None
    return values if inside else None


def apply_values(settings: Settings, values: Values) -> Settings:
    """The project's settings with a trial's values in them."""
    train = settings.train.model_dump() | {key.removeprefix(PREFIX): value for key, value in values.items()}
    return settings.model_copy(update={"train": TrainSettings.model_validate(train)})


def write_flags(values: Values) -> str:
    """The same values as command line flags."""
    return " ".join(f"--set {key}={json.dumps(value)}" for key, value in values.items())
