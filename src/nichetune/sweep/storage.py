"""Where the trials stand: Optuna's tables in SQLite or any other database, and a trial's looks in them.

sweep/study.db, or the URL of sweep.storage
"""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nichetune.core.errors import UserError
from nichetune.core.settings import SweepSettings

if TYPE_CHECKING:
    from optuna.pruners import BasePruner
    from optuna.storages import RDBStorage

_WAIT_S = 60  # for another process that writes to the same SQLite file
_STARTUP = 4  # trials that are finished before any is measured against them


def local_url(path: Path) -> str:
    """The URL of an SQLite file."""
    from sqlalchemy.engine import URL

    return URL.create("sqlite", database=str(path)).render_as_string(hide_password=False)


def open_storage(url: str) -> RDBStorage:
    """Opens the tables, and makes them where there are none.

    Raises:
        UserError: Optuna is not installed, or the database cannot be opened.
    """
    try:
        import optuna
    except ImportError:
        raise UserError("nichetune sweep needs Optuna: pip install nichetune[sweep]") from None
    from sqlalchemy.exc import ArgumentError, SQLAlchemyError

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    options: dict[str, Any] = {"connect_args": {"timeout": _WAIT_S}} if url.startswith("sqlite") else {}
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return optuna.storages.RDBStorage(url, engine_kwargs=options)
    except (SQLAlchemyError, ArgumentError, ImportError, RuntimeError) as error:
        # Its text may hold the URL's password.
        raise UserError(
            f"sweep.storage: the trials' database cannot be opened ({type(error).__name__}): check the URL, its "
            "driver and the file"
        ) from None


def make_pruner(sweep: SweepSettings) -> BasePruner:
    """What ends a trial early."""
    from optuna.pruners import HyperbandPruner, MedianPruner, NopPruner

    if sweep.pruner == "median":
        return MedianPruner(n_startup_trials=_STARTUP)
    if sweep.pruner == "hyperband":
        return HyperbandPruner(min_resource=1, max_resource=sweep.looks, reduction_factor=2)
    return NopPruner()


class Watched:
    """A trial that another process asked for, as the worker that trains it sees it."""

    def __init__(self, storage: RDBStorage, study: str, trial_id: int, sweep: SweepSettings) -> None:
        import optuna

        # A sampler that draws nothing here: the values are drawn already.
        opened = optuna.load_study(
            study_name=study, storage=storage, sampler=optuna.samplers.RandomSampler(), pruner=make_pruner(sweep)
        )
        self._trial = optuna.trial.Trial(opened, trial_id)

    def report(self, look: int, value: float) -> None:
        """Keeps a look; one that a killed process had told already stays as it was."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            self._trial.report(value, look)

    def should_prune(self) -> bool:
        """Whether the trial falls behind."""
        return self._trial.should_prune()
