"""Where this process stands among the ranks of a training, and which rows of each step are its own.

    order [5, 2, 9, 1, 7, 3], batch 4, 2 ranks -> rank 0: [5, 9], [7]; rank 1: [2, 1], [3]

A step sees the very rows that one process would see, dealt out like cards: since a batch is sorted by length, every
rank gets long and short ones.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

IDLE = -1  # in place of a row: the last step has too few for this rank, which then computes one that teaches nothing


@dataclass(frozen=True)
class Place:
    """This process's rank among `ranks`; rank 0 is the one that writes and speaks."""

    rank: int = 0
    ranks: int = 1

    @property
    def writes(self) -> bool:
        """Whether this is the process that writes the result."""
        return self.rank == 0

    @property
    def alone(self) -> bool:
        """Whether all of training runs in this process."""
        return self.ranks == 1


_place = Place()
_launched = False


def place() -> Place:
    """This process's place; rank 0 of 1 where none was taken."""
    return _place


def take_place(rank: int, ranks: int) -> None:
    """Makes this process a rank, for as long as it lives."""
    global _place, _launched
    _place, _launched = Place(rank, ranks), True


def is_launched() -> bool:
    """Whether this process was started as a rank (even as the only one)."""
    return _launched


@contextmanager
def first_goes_first() -> Iterator[None]:
    """Rank 0 runs the block before the others do, who then find what it has written."""
    import torch.distributed as dist

    if not _place.writes:
        dist.barrier()
    yield
    if _place.writes and not _place.alone:
        dist.barrier()


def deal_order(order: list[int], batch_size: int, at: Place) -> list[int]:
    """This rank's rows of the planned order, `batch_size / ranks` a step; `IDLE` where the last step has none."""
    own: list[int] = []
    for start in range(0, len(order), batch_size):
        own += order[start : start + batch_size][at.rank :: at.ranks] or [IDLE]
    return own
