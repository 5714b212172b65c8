"""Every error that nichetune raises on purpose, and the exit status that each one means.

NichetuneError
├── CheckFailed     exit 1: a check that was asked for says no (a regression, a changed seal)
├── UserError       exit 2: the caller's mistake, told as what, where and how to fix it
│   └── SettingsError   exit 2: one or more problems in nichetune.yaml, each with its line
├── SystemFailure   exit 3: the machine or a remote failed (full disk, out of memory, registry down)
└── Stopped         exit 130: Ctrl-C, answered once what was under way had been kept

Messages are one line, and never quote a user's data: they name files, lines, keys and ids.
"""

from __future__ import annotations

import errno


class NichetuneError(Exception):
    """Base of all deliberate errors; `exit_status` is what the command line returns."""

    exit_status = 3


class CheckFailed(NichetuneError):
    """A check that the caller asked for says no."""

    exit_status = 1


class UserError(NichetuneError):
    """A mistake of the caller's: bad input, a missing file, an unknown name."""

    exit_status = 2


class SettingsError(UserError):
    """Problems in a settings file.

    Attributes:
        problems: one line each, with file, line, key and the way to fix it.
    """

    def __init__(self, problems: list[str]) -> None:
        self.problems = problems
        more = f" (and {len(problems) - 1} more: run `nichetune check`)" if len(problems) > 1 else ""
        super().__init__(problems[0] + more)


class SystemFailure(NichetuneError):
    """The machine or a remote failed; trying again after mending it will go on where it stood."""

    exit_status = 3


class Stopped(NichetuneError):
    """The caller's Ctrl-C, after the work under way was kept; the same command goes on."""

    exit_status = 130


def explain_os_error(error: OSError) -> NichetuneError:
    """Turns an operating system error into one line that says how to fix it."""
    where = f" at {error.filename}" if error.filename else ""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return SystemFailure(f"the disk is full{where}: free some space, then run the same command again")
    if isinstance(error, FileNotFoundError):
        return UserError(f"no such file{where}: check the path")
    if isinstance(error, PermissionError):
        return UserError(f"no permission{where}: check the owner and mode of that path")
    return SystemFailure(f"{error.strerror or type(error).__name__}{where}")
