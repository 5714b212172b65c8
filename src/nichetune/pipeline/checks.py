"""All problems of a project at once, before anything runs: settings, files, base model, retrieval."""

from __future__ import annotations

import importlib.util
from pathlib import Path

from nichetune.core.errors import UserError
from nichetune.core.settings import LOCAL_JUDGE, READY, REMOTE, Settings
from nichetune.core.settings_file import load_settings
from nichetune.generate.host import Host


def find_problems(project: Path, overrides: list[str] | None) -> list[str]:
    """One line a problem; empty if there is none.

    Raises:
        SettingsError: the settings cannot be read; it lists all of its problems.
    """
    settings = load_settings(project, overrides)
    folder = project if project.is_dir() else project.parent
    own = [*_check_engine(settings), *_check_rungs(settings), *_check_base(settings), *_check_metrics(settings)]
    own += _check_taken(settings)
    own += [*_check_keys(settings), *_check_labels(settings, folder)]
    return [*_check_sources(settings, folder), *_check_suites(settings, folder), *own]


def _check_sources(settings: Settings, folder: Path) -> list[str]:
    from nichetune.pipeline.private import find_corpus_files

    problems = []
    for n, source in enumerate(settings.sources):
        try:
            find_corpus_files(settings.model_copy(update={"sources": [source]}), folder)
        except UserError as error:
            problems.append(f"sources[{n}]: {error}")
    return problems


def _check_suites(settings: Settings, folder: Path) -> list[str]:
    """Users' own suites; the ready-made ones are made from sealed items, and none is sealed yet."""
    from nichetune.benchmark.suites import read_suite

    unknown = [rung for rung in settings.evaluate.suite_rungs if rung not in settings.rungs]
    problems = [f"evaluate.suite_rungs: {rung!r} is none of this project's rungs" for rung in unknown]
    for name, path in settings.suites.items():
        try:
            if path != READY:
                read_suite(folder / path, name, settings)
        except UserError as error:
            problems.append(f"suites.{name}: {error}")
    return problems


def _check_engine(settings: Settings) -> list[str]:
    if settings.data.engine == "ray" and importlib.util.find_spec("ray") is None:
        return ["data.engine: ray is not installed: pip install nichetune[ray]"]
    return []


def _check_taken(settings: Settings) -> list[str]:
    """Trainings that a finished run should hold."""
    from nichetune.evaluate.candidates import list_seeds, list_trainings
    from nichetune.train.taken import find_taken

    if not settings.train.from_run:
        return []
    methods = dict.fromkeys(method for rung in settings.rungs for method in list_trainings(rung))
    problems = []
    for name in (name for method in methods for name in list_seeds(method, settings.benchmark.seeds)):
        try:
            find_taken(Path(settings.train.from_run), f"train/{name}")
        except UserError as error:
            problems.append(str(error))
    return problems


def _check_metrics(settings: Settings) -> list[str]:
    """What a verdict rests on, and what a sweep looks for."""
    from nichetune.evaluate.primary import check_primary
    from nichetune.sweep.objective import check_objective

    problems = []
    for check in (check_primary, check_objective):
        try:
            check(settings)
        except UserError as error:
            problems.append(str(error))
    return problems


def _check_rungs(settings: Settings) -> list[str]:
    has_documents = any(s.holds == "documents" for s in settings.sources)
    wanting = [r for r in settings.rungs if "rag" in r]
    if wanting and not has_documents:
        return [f"rungs: {', '.join(wanting)} retrieve, and no source holds documents (`as: documents`)"]
    return []


def _check_keys(settings: Settings) -> list[str]:
    """Keys of hosted models, a judge among them, that the environment does not hold."""
    hosts = [
        Host.of_rung(name, remote) for name, remote in settings.remote.items() if f"{REMOTE}{name}" in settings.rungs
    ]
    if settings.judge.url not in ("", LOCAL_JUDGE):
        hosts.append(Host.of_judge(settings.judge))
    problems = []
    for host in hosts:
        try:
            host.read_key()
        except UserError as error:
            problems.append(str(error))
    return problems


def _check_labels(settings: Settings, folder: Path) -> list[str]:
    """What people marked, by which a judge is tried."""
    from nichetune.evaluate.judge import read_labels

    try:
        if settings.judge.url:
            read_labels(folder / settings.judge.labels, settings)
    except UserError as error:
        return [f"judge.labels: {error}"]
    return []


def _check_base(settings: Settings) -> list[str]:
    """As far as this machine alone can tell: the hub is not asked."""
    from nichetune.models.packaged import PACKAGED, find_local

    name = settings.base.model
    try:
        if find_local(name) is None and name not in PACKAGED and "/" not in name:
            return [f"base.model: {name!r} is no packaged name, no folder and no Hugging Face id (owner/name)"]
    except UserError as error:
        return [f"base.model: {error}"]
    return []
