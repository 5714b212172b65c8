"""The search itself: asks Optuna for values, has them tried, and goes on where it was killed.

Reads split/, mask/, benchmark/ (for training's own check) [, index/] -> sweep/study.db

A study's name holds a digest of all that decides a trial's figure: other data, settings, code or another space
begin a new one beside the old. Each draw has its own seed, by how many trials there are, so that a sweep that was
killed and continued tries what an unbroken one tries.
"""

from __future__ import annotations

import socket
import time
import warnings
from concurrent.futures import FIRST_COMPLETED, Future, wait
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nichetune.core.errors import NichetuneError
from nichetune.core.files import hash_file, hash_value
from nichetune.core.progress import say
from nichetune.core.settings import Method, Settings
from nichetune.core.stages import code_version, input_digest
from nichetune.sweep.dev import read_dev
from nichetune.sweep.objective import LOSS, check_objective, is_minimised
from nichetune.sweep.space import apply_values, make_distributions, own_values, read_space, write_flags
from nichetune.sweep.storage import local_url, make_pruner, open_storage
from nichetune.sweep.workers import open_workers

if TYPE_CHECKING:
    import optuna

    from nichetune.sweep.trial import Outcome

OWN_SETTINGS = "own settings"  # the note of the trial that stands for the project as it is
_OWNER, _STARTED = "owner", "started"
_FAILURES = 3  # in a row: then it is not the values that are wrong
_HERE = "this run"


@dataclass(frozen=True)
class Sweep:
    """A study, and what its trials need."""

    settings: Settings
    method: Method
    inputs: dict[str, Path]
    out: Path
    study: optuna.Study
    distributions: dict[str, Any]
    url: str

    @property
    def owner(self) -> str:
        """Who asks for trials here: with an SQLite file of the run's own nobody else can."""
        return f"{socket.gethostname()}:{self.out}" if self.settings.sweep.storage else _HERE


def open_sweep(settings: Settings, inputs: dict[str, Path], out: Path, method: Method) -> Sweep:
    """Opens the study that these settings and this data name, or begins it with the project's own settings.

    Raises:
        UserError: no Optuna, no development example, an unknown objective, a database that cannot be opened.
    """
    check_objective(settings)
    read_dev(settings, inputs["split"])
    out.mkdir(parents=True, exist_ok=True)
    url = settings.sweep.storage or local_url(out / "study.db")
    storage = open_storage(url)
    import optuna

    study = optuna.create_study(
        storage=storage, study_name=_name_study(settings, inputs, method), load_if_exists=True,
        pruner=make_pruner(settings.sweep),
        direction="minimize" if is_minimised(settings.sweep.objective) else "maximize",
    )  # fmt: skip
    distributions = make_distributions(settings.train, read_space(settings, method))
    own = own_values(settings, method, distributions)
    if own is not None and not study.get_trials(deepcopy=False):
        study.enqueue_trial(own, user_attrs={OWN_SETTINGS: True})
    return Sweep(settings, method, inputs, out, study, distributions, url)


def _name_study(settings: Settings, inputs: dict[str, Path], method: Method) -> str:
    space = read_space(settings, method)
    fixed = settings.train.model_dump(mode="json", exclude={key.removeprefix("train.") for key in space} | {"method"})
    sweep = settings.sweep
    layers = ("train", "generate", "models", "sweep", *(() if sweep.objective == LOSS else ("evaluate",)))
    decides = {
        "space": {key: tried.model_dump(mode="json") for key, tried in space.items()}, "train": fixed,
        "base": settings.base, "tasks": settings.tasks, "seed": settings.seed, "looks": sweep.looks,
        "dev_items": sweep.dev_items, "pruner": sweep.pruner, "code": code_version(layers),
        "data": {part: hash_file(inputs["split"] / f"{part}.jsonl") for part in ("train", "dev")},
        "index": input_digest(inputs["index"]) if "index" in inputs else "",
    }  # fmt: skip
    return f"{method}-{sweep.objective}-{hash_value(decides)[:12]}"


def run_trials(sweep: Sweep, minutes: float | None = None) -> None:
    """Runs trials until there are as many as the settings say, several at once if they say so.

    Args:
        minutes: none begins later than that; those under way are finished.

    Raises:
        NichetuneError: three trials in a row failed: the last one's error.
    """
    end = time.monotonic() + 60 * minutes if minutes is not None else float("inf")
    left = _left_over(sweep)
    if left:
        say(f"  going on with {len(left)} trial{'s' if len(left) > 1 else ''} that a stopped sweep left")
    running: dict[Future[Outcome], optuna.trial.Trial] = {}
    failures = 0
    from nichetune.sweep.trial import clear_trial, run_trial

    with open_workers(sweep.settings.sweep, sweep.settings.data) as submit:
        while True:
            while len(running) < sweep.settings.sweep.parallel and time.monotonic() < end:
                trial = left.pop(0) if left else _ask(sweep)
                if trial is None:
                    break
                running[submit(run_trial, _make_job(sweep, trial))] = trial
            if not running:
                return
            for future in wait(running, return_when=FIRST_COMPLETED).done:
                trial = running.pop(future)
                error = _tell(sweep, trial, future)
                clear_trial(_folder(sweep, trial.number))
                failures = failures + 1 if error is not None else 0
                if error is not None and failures == _FAILURES:
                    raise error


def _left_over(sweep: Sweep) -> list[optuna.trial.Trial]:
    """Trials that a killed process of this run's folder had begun: whoever calls this holds the folder's lock."""
    import optuna

    running = sweep.study.get_trials(deepcopy=False, states=(optuna.trial.TrialState.RUNNING,))
    mine = [t for t in running if t.user_attrs.get(_OWNER, sweep.owner) == sweep.owner]
    sweep.study.sampler = _seeded(sweep, len(sweep.study.get_trials(deepcopy=False)) - 1)
    trials = [optuna.trial.Trial(sweep.study, t._trial_id) for t in mine]
    for trial in trials:
        _suggest(sweep, trial)  # what it lacks, should it have been killed between two draws
    return trials


def _ask(sweep: Sweep) -> optuna.trial.Trial | None:
    """A new trial, or None where there are enough."""
    import optuna

    trials = sweep.study.get_trials(deepcopy=False)
    begun = sum(t.state != optuna.trial.TrialState.WAITING for t in trials)
    if begun >= sweep.settings.sweep.trials:
        return None
    sweep.study.sampler = _seeded(sweep, begun)
    trial = sweep.study.ask()
    trial.set_user_attr(_OWNER, sweep.owner)
    _suggest(sweep, trial)
    return trial


def _seeded(sweep: Sweep, number: int) -> Any:
    import optuna

    return optuna.samplers.TPESampler(seed=sweep.settings.seed * 100_003 + number)


def _suggest(sweep: Sweep, trial: optuna.trial.Trial) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for key, distribution in sweep.distributions.items():
            trial._suggest(key, distribution)


def _make_job(sweep: Sweep, trial: optuna.trial.Trial) -> Any:
    from nichetune.sweep.trial import TrialJob

    values = {key: trial.params[key] for key in sweep.distributions}
    say(f"trial {trial.number + 1} of {sweep.settings.sweep.trials}: {write_flags(values)}")
    return TrialJob(
        settings=apply_values(sweep.settings, values), method=sweep.method, inputs=sweep.inputs,
        folder=_folder(sweep, trial.number), storage=sweep.url, study=sweep.study.study_name,
        trial_id=trial._trial_id, number=trial.number, quiet=sweep.settings.sweep.parallel > 1,
    )  # fmt: skip


def _folder(sweep: Sweep, number: int) -> Path:
    return sweep.out / "trials" / f"{number:04d}"


def _tell(sweep: Sweep, trial: optuna.trial.Trial, future: Future[Outcome]) -> Exception | None:
    """Keeps how a trial ended; its error where it failed."""
    import optuna

    error = future.exception()
    if error is not None:
        cause = getattr(error, "cause", None) or error  # Ray hands errors over in one of its own
        known = isinstance(cause, NichetuneError)
        trial.set_user_attr("failure", str(cause) if known else type(cause).__name__)
        sweep.study.tell(trial, state=optuna.trial.TrialState.FAIL)
        say(f"  trial {trial.number + 1} failed: {trial.user_attrs['failure']}")
        return cause if isinstance(cause, Exception) else None
    outcome = future.result()
    if outcome.pruned:
        sweep.study.tell(trial, state=optuna.trial.TrialState.PRUNED)
        say(f"  trial {trial.number + 1} ended early")
        return None
    figure = outcome.figure
    if figure is None or figure.value is None:
        trial.set_user_attr("failure", "the objective applies to none of its answers")
        sweep.study.tell(trial, state=optuna.trial.TrialState.FAIL)
        return None
    trial.set_user_attr("figure", figure.model_dump())
    trial.set_user_attr("seconds", outcome.seconds)
    sweep.study.tell(trial, figure.value)
    say(f"  trial {trial.number + 1}: {sweep.settings.sweep.objective} {figure.value:.4f}")
    return None
