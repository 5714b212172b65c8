"""The command line: one verb a command, `--json` for machines, one line for an error.

Exit statuses: 0 fine, 1 a check that was asked for says no, 2 the caller's mistake, 3 a failure. Nothing heavy is
imported before a verb needs it, so that `--help` answers at once.
"""

from __future__ import annotations

import errno
import os
import sys
import traceback
from pathlib import Path

import typer
from typer.exceptions import TyperException

import nichetune
from nichetune.cli import benchmark, export, live, models, project, registry, stages, sweep, trace
from nichetune.core.errors import NichetuneError, explain_os_error
from nichetune.core.progress import silence_progress

app = typer.Typer(
    name="nichetune", no_args_is_help=True, add_completion=False, rich_markup_mode=None,
    pretty_exceptions_enable=False, context_settings={"help_option_names": ["-h", "--help"]},
    help="A private corpus in, a small language model out that has proved itself on your own sealed benchmark.",
)  # fmt: skip


def _show_version(wanted: bool) -> None:
    if wanted:
        print(nichetune.__version__)
        raise typer.Exit


@app.callback()
def _options(version: bool = typer.Option(False, "--version", callback=_show_version, is_eager=True,
                                          help="Show the version.")) -> None:  # fmt: skip
    """Options of the program itself."""


project.add_commands(app)
stages.add_commands(app)
live.add_commands(app)
trace.add_commands(app)
app.command("sweep")(sweep.sweep)
export.add_commands(app)
app.add_typer(benchmark.app, name="benchmark", help="The private benchmark: seal, supersede, show, verify, power.")
app.add_typer(registry.app, name="registry", help="Versions under governance: list, show, promote, rollback, …")
app.add_typer(models.app, name="models", help="Base models and encoders from the package registry.")


_INTERRUPTED = 130
_STOPPED = "stopped; the same command goes on where it stood"


def main(arguments: list[str] | None = None) -> None:
    """Runs the command line and exits with its status."""
    sys.exit(run(arguments))


def run(arguments: list[str] | None = None) -> int:
    """Runs the command line; returns its exit status."""
    silence_progress(False)  # what an earlier call in this process asked for
    try:
        result = app(args=arguments, standalone_mode=False)
    except NichetuneError as error:
        return _fail(str(error), error.exit_status)
    except TyperException as error:
        text = error.format_message() if hasattr(error, "format_message") else str(error)
        return _fail(text, 2) if text else 2
    except OSError as error:
        known = explain_os_error(error)
        return _fail(str(known), known.exit_status)
    except MemoryError:
        return _fail("out of memory: a smaller train.batch_size, or train.checkpointing: on, needs less", 3)
    except (KeyboardInterrupt, typer.Abort):
        return _fail(_STOPPED, _INTERRUPTED)
    except Exception as error:  # noqa: BLE001 - the last line of defence: a person gets one line, never a traceback
        return _explain_unforeseen(error)
    if result == _INTERRUPTED:  # typer's own answer to Ctrl-C, without a word
        return _fail(_STOPPED, _INTERRUPTED)
    return int(result) if isinstance(result, int) else 0


def _fail(text: str, status: int) -> int:
    print(f"error: {' '.join(text.split())}", file=sys.stderr)
    return status


# What torch, safetensors and LanceDB say of a full disk: none of them raises an OSError.
_DISK_FULL = ("No space left", "os error 28", "file write failed", "unexpected pos")


def _explain_unforeseen(error: Exception) -> int:
    """A full disk or memory as a library tells of it; else the error's kind and place.

    Its text is never shown: it may hold a user's data.
    """
    text = str(error)
    if "not enough memory" in text or "out of memory" in text.lower():
        return _fail("out of memory: a smaller train.batch_size, or train.checkpointing: on, needs less", 3)
    if any(sign in text for sign in _DISK_FULL):
        return _fail(str(explain_os_error(OSError(errno.ENOSPC, ""))), 3)
    if isinstance(error.__cause__, OSError):
        return _fail(str(explain_os_error(error.__cause__)), 3)
    if os.environ.get("NICHETUNE_DEBUG"):
        traceback.print_exc()
    last = traceback.extract_tb(error.__traceback__)[-1]
    where = f"{Path(last.filename).name}:{last.lineno}"
    return _fail(f"internal error {type(error).__name__} at {where}: NICHETUNE_DEBUG=1 shows the traceback", 3)


if __name__ == "__main__":
    main()
