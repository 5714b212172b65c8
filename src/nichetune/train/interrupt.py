"""Ctrl-C during training: once, the step is finished and kept; twice, the program leaves at once.

Either way nothing is half-written: a checkpoint without its last file is none (see `folder.last_checkpoint`).
"""

from __future__ import annotations

import signal
import threading
from types import FrameType
from typing import Any

from transformers import TrainerCallback

from nichetune.core.errors import Stopped
from nichetune.core.progress import say


class FinishStep(TrainerCallback):
    """Takes the first Ctrl-C as a wish and the second as an order, while the block runs."""

    def __init__(self) -> None:
        self.asked = False

    def __enter__(self) -> FinishStep:
        # Signals belong to the main thread; a training elsewhere keeps its caller's.
        self._was = signal.signal(signal.SIGINT, self._ask) if _is_main() else None
        return self

    def __exit__(self, *_: Any) -> None:
        if self._was is not None:
            signal.signal(signal.SIGINT, self._was)

    def _ask(self, number: int, frame: FrameType | None) -> None:
        if self.asked:
            raise KeyboardInterrupt
        self.asked = True
        say("  stopping behind this step; Ctrl-C again leaves at once")

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Keeps the step and ends the training there."""
        if self.asked:
            control.should_save = control.should_training_stop = True

    def leave(self, step: int, steps: int) -> None:
        """Ends the program if that was asked for.

        Raises:
            Stopped: with the line that says how to go on.
        """
        if self.asked and step < steps:
            raise Stopped(f"stopped behind step {step} of {steps}, kept: the same command goes on from there")


def _is_main() -> bool:
    return threading.current_thread() is threading.main_thread()
