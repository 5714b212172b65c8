"""Early stopping: the development set's loss decides when training ends and which checkpoint is kept.

Whether to stop is read from the trainer's own log, which every checkpoint holds: a resumed run stops where an unbroken
one does.
"""

from __future__ import annotations

from typing import Any

from transformers import TrainerCallback


class StopEarly(TrainerCallback):
    """Ends training after so many evaluations without a new best."""

    def __init__(self, patience: int) -> None:
        self.patience = patience

    def on_train_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """A resumed run may already be over."""
        self._judge(state, control)

    def on_evaluate(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Called behind each evaluation."""
        self._judge(state, control)

    def _judge(self, state: Any, control: Any) -> None:
        if is_over(dev_losses(state.log_history), self.patience):
            control.should_training_stop = True


def dev_losses(logs: list[dict[str, float]]) -> list[float]:
    """The development set's losses so far."""
    return [log["eval_loss"] for log in logs if "eval_loss" in log]


def is_over(losses: list[float], patience: int) -> bool:
    """Whether the last `patience` losses are all no better than the best before them.

    >>> is_over([0.9, 0.5, 0.6, 0.7], 2), is_over([0.9, 0.5, 0.6, 0.4], 2)
    (True, False)
    """
    return len(losses) > patience and len(losses) - 1 - losses.index(min(losses)) >= patience


def evaluation_steps(steps: int, epochs: float, per_epoch: int) -> int:
    """Optimiser steps from one evaluation to the next."""
    return max(1, round(steps / max(1.0, epochs * per_epoch)))
