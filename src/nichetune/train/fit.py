"""How a training is made to fit: what is kept, what is computed again, and in how many pieces, by the memory there is.

settings + the base's config + the longest example -> Fit(packed, checkpointing, dtype, splits), and a line on why.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from nichetune.core.errors import UserError
from nichetune.core.progress import say
from nichetune.core.settings import Method, TrainSettings
from nichetune.models.compute import Dtype
from nichetune.models.memory import Shape, free_bytes, plan_memory, read_shape
from nichetune.train.ranks import place

_GIB = 2**30
_SHARE = 0.9  # of the free memory that the plan may fill: forecasts are held to 10%
# What a way costs in time, to choose the quickest that fits: fresh pages for every large block, one forward pass more
# in three, dequantising at every use, and smaller products, of which fewer share a prefix.
_COMPACTING, _RECOMPUTING, _PACKING, _SPLITTING = 1.65, 1.35, 1.6, 1.15


@dataclass(frozen=True)
class Fit:
    """How a training is held in memory; none of it changes what is learnt.

    Attributes:
        packed: QLoRA's weights stay in 4 bits.
        checkpointing: activations are computed again.
        dtype: the weights' format.
        splits: device steps that a batch is split into; the loss is normalised over the optimiser step.
        compact: freed blocks are given back at once (models/allocator.py).
    """

    packed: bool
    checkpointing: bool
    dtype: Dtype
    splits: int = 1
    compact: bool = False

    @property
    def cost(self) -> float:
        """Time against the way that keeps all."""
        halvings = self.splits.bit_length() - 1
        compacting, recomputing = _COMPACTING**self.compact, _RECOMPUTING**self.checkpointing
        return compacting * recomputing * _PACKING**self.packed * _SPLITTING**halvings


def choose_fit(
    train: TrainSettings, method: Method, folder: Path, dtype: Dtype, device: str, longest: int, free: int | None = None
) -> Fit:
    """The quickest way that the settings allow and that fits.

    Args:
        longest: tokens of the longest training example.
        free: bytes that are free; by itself what this machine has.

    Raises:
        UserError: not even the most frugal way fits.
    """
    ways = list_ways(train, method, dtype, device)
    try:
        shape = read_shape(folder)
    except KeyError:
        say("  memory: the base's config is not a plain decoder's, nothing is reckoned")
        return ways[0]
    free = free_bytes(device) if free is None else free
    budget = int(_SHARE * free) if isinstance(train.memory, str) else int(train.memory * _GIB)
    needs = [need_bytes(shape, train, method, way, device, longest) for way in ways]
    chosen = next((n for n, need in enumerate(needs) if need <= budget), None)
    if chosen is None:
        raise UserError(_refusal(shape, train, method, ways, device, longest, budget))
    say(_reason(train, method, ways, needs, chosen, free))
    return ways[chosen]


def list_ways(train: TrainSettings, method: Method, dtype: Dtype, device: str) -> list[Fit]:
    """Every way that the settings allow, the quickest first."""
    packings = [False] if method != "qlora" or train.dequantise == "on" else [True]
    if method == "qlora" and train.dequantise == "auto":
        packings = [False, True]
    recomputes = [train.checkpointing == "on"] if train.checkpointing != "auto" else [False, True]
    own = train.batch_size // place().ranks  # examples of a device step that are this rank's
    splits = [n for n in range(1, own + 1) if own % n == 0]
    compact = device == "cpu"  # a GPU's memory has an allocator of its own
    ways = [Fit(packed, again, dtype, n, compact) for packed in packings for again in recomputes for n in splits]
    if compact and not packings[0] and not recomputes[0]:
        ways += [Fit(False, False, dtype, n) for n in splits]  # whose holes are known
    return sorted(ways, key=lambda way: way.cost)


def need_bytes(shape: Shape, train: TrainSettings, method: str, way: Fit, device: str, longest: int) -> int:
    """The forecast peak of one way."""
    return plan_memory(
        shape, method, train.rank, train.batch_size // place().ranks // way.splits, longest, packed=way.packed,
        checkpointing=way.checkpointing, weight_bytes=4 if way.dtype == "float32" else 2, device=device,
        accumulation=train.accumulation * way.splits, compact=way.compact,
    ).total  # fmt: skip


def _reason(train: TrainSettings, method: str, ways: list[Fit], needs: list[int], chosen: int, free: int) -> str:
    given = f"{free / _GIB:.1f} GiB free" if isinstance(train.memory, str) else f"train.memory {train.memory:g} GiB"
    text = f"  memory: {needs[chosen] / _GIB:.2f} of {given} for {method}: {describe_fit(ways[chosen], train, method)}"
    return text if chosen == 0 else f"{text}, since the quickest way would need {needs[0] / _GIB:.2f}"


def describe_fit(way: Fit, train: TrainSettings, method: str) -> str:
    """A way in words."""
    parts = ["activations computed again" if way.checkpointing else "activations kept"]
    if method == "qlora":
        parts.append("weights in 4 bits" if way.packed else "weights dequantised once")
    if way.compact:
        parts.append("freed memory given back at once")
    if way.splits > 1:
        parts.append(f"batches of {train.batch_size} in {way.splits} parts")
    return ", ".join(parts)


def _refusal(
    shape: Shape, train: TrainSettings, method: Method, ways: list[Fit], device: str, longest: int, budget: int
) -> str:
    """What does not fit, and what would."""

    def least(given: TrainSettings, how: Method, length: int) -> int:
        return min(
            need_bytes(shape, given, how, way, device, length) for way in list_ways(given, how, ways[0].dtype, device)
        )

    frugal = train.model_copy(update={"checkpointing": "auto", "dequantise": "auto"})
    fixes = []
    if train != frugal and least(frugal, method, longest) <= budget:
        fixes.append("train.checkpointing and train.dequantise on auto")
    if method != "qlora" and least(frugal, "qlora", longest) <= budget:
        fixes.append("train.method qlora")
    length = longest
    while length > 64 and least(train, method, length) > budget:
        length = int(length * 0.9)
    if length > 64:
        fixes.append(f"examples of at most {length} tokens (base.max_length) instead of {longest}")
    would = " or ".join(fixes) or "only a smaller base.model"
    return (
        f"{method} needs {least(train, method, longest) / _GIB:.2f} GiB at its most frugal, example by example, and "
        f"{budget / _GIB:.2f} may be used: what fits is {would}; or raise train.memory"
    )
