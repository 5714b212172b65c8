"""Live progress for people: a bar on a terminal, sparse lines elsewhere, nothing for machines.

Progress goes to standard error, so that standard output stays clean for `--json`.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

_quiet = False
_LINE_EVERY_S = 15.0


def silence_progress(quiet: bool = True) -> None:
    """Turns all progress output off (or on again)."""
    global _quiet
    _quiet = quiet


def is_silent() -> bool:
    """Whether progress output is off."""
    return _quiet


def say(text: str) -> None:
    """Prints one line of progress for a person."""
    if not _quiet:
        print(text, file=sys.stderr, flush=True)


class Tick:
    """Counts work done; call it with how many units were finished and an optional note."""

    def __init__(self, label: str, total: int, unit: str) -> None:
        self.label, self.total, self.unit = label, total, unit
        self.done = 0
        self._start = self._last = time.monotonic()
        self._terminal = sys.stderr.isatty()

    def __call__(self, units: int = 1, note: str = "") -> None:
        self.done += units
        now = time.monotonic()
        every = 0.2 if self._terminal else _LINE_EVERY_S
        if not _quiet and (now - self._last >= every):
            self._last = now
            self._print(now, note)

    def _print(self, now: float, note: str) -> None:
        rate = self.done / max(now - self._start, 1e-9)
        left_s = (self.total - self.done) / rate if rate else 0.0
        text = f"  {self.label}: {self.done}/{self.total} {self.unit}, {rate:.1f}/s, {left_s:.0f} s left {note}"
        print(
            f"\r\033[K{text}" if self._terminal else text,
            end="" if self._terminal else "\n",
            file=sys.stderr,
            flush=True,
        )

    def close(self) -> None:
        """Clears the live line."""
        if self._terminal and not _quiet:
            print("\r\033[K", end="", file=sys.stderr, flush=True)


@contextmanager
def track(label: str, total: int, unit: str = "items") -> Iterator[Tick]:
    """Shows progress of `total` units while the block runs."""
    tick = Tick(label, total, unit)
    try:
        yield tick
    finally:
        tick.close()
