"""Which of the training examples are learnt from: all, or with `train.examples` so many of them.

split/train.jsonl -> the first N of one fixed order, in the order of the file

The order is a salted draw within each task, and the tasks are dealt in proportion: any N holds each task's share (to
one example), and a smaller N is part of every larger one, so that two sizes differ by what was added alone. The
salt is the split's: trainings from several seeds learn from the same examples.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from nichetune.core.errors import UserError
from nichetune.core.files import read_records
from nichetune.core.records import Example
from nichetune.core.settings import Settings
from nichetune.core.stages import name_digest
from nichetune.corpus.canaries import is_canary

LEFT_OUT = "beyond train.examples"


@dataclass(frozen=True)
class Chosen:
    """What is learnt from, and how many training examples are not."""

    examples: list[Example]
    left_out: int = 0

    @property
    def dropped(self) -> dict[str, int]:
        """The count by reason, for a stage's report."""
        return {LEFT_OUT: self.left_out} if self.left_out else {}


def read_training(settings: Settings, split: Path) -> Chosen:
    """The training examples that the settings ask for.

    Args:
        split: the stage's folder.

    Raises:
        UserError: fewer examples than `train.examples`.
    """
    return choose_examples(read_records(split / "train.jsonl", Example), settings.train.examples, settings.split.salt)


def choose_examples(examples: Sequence[Example], count: int, salt: str) -> Chosen:
    """The first `count` of the fixed order (0: all), and on top of them every planted canary.

    Raises:
        UserError: there are fewer.
    """
    if not count:
        return Chosen(list(examples))
    own = [one for one in examples if not is_canary(one)]
    if count > len(own):
        raise UserError(
            f"train.examples is {count}, and {len(own)} training examples are there: lower it, or add examples "
            f"(split.max_train limits them, too)"
        )
    taken = set(order_examples(own, salt)[:count])
    return Chosen([one for one in examples if is_canary(one) or one.id in taken], len(own) - count)


def order_examples(examples: Sequence[Example], salt: str) -> list[str]:
    """Ids in the fixed order: each task's own draw, spread evenly over the whole."""
    by_task: defaultdict[str, list[tuple[str, str]]] = defaultdict(list)
    for one in examples:
        by_task[one.task].append((name_digest(salt, one.id), one.id))
    places = [
        ((rank + 0.5) / len(drawn), task, name)
        for task, drawn in by_task.items()
        for rank, (_, name) in enumerate(sorted(drawn))
    ]
    return [name for _, _, name in sorted(places)]
