"""Reads `nichetune.yaml` into `Settings`, with all problems at once, each with its line and its mend.

Reads nichetune.yaml (+ `--set key=value`) -> Settings, or SettingsError:

    nichetune.yaml:14: train.learning_rat: unknown key; did you mean `learning_rate`?
"""

from __future__ import annotations

import difflib
import re
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ValidationError

from nichetune.core.errors import SettingsError, UserError
from nichetune.core.search_space import check_space
from nichetune.core.settings import PRIMARY_METRICS, REMOTE, RUNGS, Settings

FILE_NAME = "nichetune.yaml"
Place = tuple[str | int, ...]


def load_settings(project: Path, overrides: list[str] | None = None) -> Settings:
    """Reads a project's settings.

    Args:
        project: folder that holds `nichetune.yaml`, or the file itself.
        overrides: `key=value` texts, dotted keys, values in YAML.

    Raises:
        UserError: no such file, or an override that is not `key=value`.
        SettingsError: one or more problems in the file.
    """
    path = project / FILE_NAME if project.is_dir() else project
    if not path.is_file():
        raise UserError(f"no settings at {path}: run `nichetune init {project}` or give --project")
    try:
        text = path.read_text(encoding="utf-8")
        raw, lines = yaml.safe_load(text), _line_numbers(text)
    except UnicodeDecodeError:
        raise SettingsError([f"{path.name}: not UTF-8 text: save it as UTF-8"]) from None
    except yaml.YAMLError as error:
        raise SettingsError([_explain_yaml(path.name, error)]) from None
    if not isinstance(raw, dict):
        raise SettingsError([f"{path.name}:1: empty or not a mapping: it needs project, sources and tasks"])
    for override in overrides or []:
        _apply_override(raw, override)
    settings = _validate(raw, path.name, lines)
    return _place_run(_place_base(settings, path.parent), path.parent)


def _place_base(settings: Settings, project: Path) -> Settings:
    """A base model that is a folder or file beside the settings is found from anywhere, as all their paths are."""
    own = project / settings.base.model
    if not own.exists():
        return settings
    base = settings.base.model_copy(update={"model": str(own.resolve())})
    return settings.model_copy(update={"base": base})


def _place_run(settings: Settings, project: Path) -> Settings:
    """So is a finished run whose trainings are taken."""
    if not settings.train.from_run:
        return settings
    train = settings.train.model_copy(update={"from_run": str((project / settings.train.from_run).resolve())})
    return settings.model_copy(update={"train": train})


def _validate(raw: dict[str, Any], name: str, lines: dict[Place, int]) -> Settings:
    try:
        settings = Settings.model_validate(raw)
    except ValidationError as error:
        raise SettingsError([_explain(name, lines, problem) for problem in error.errors()]) from None
    problems = [f"{name}:{_find_line(lines, place)}: {text}" for place, text in _cross_check(settings)]
    if problems:
        raise SettingsError(problems)
    return settings


def _cross_check(settings: Settings) -> list[tuple[Place, str]]:
    """Problems between sections that no single field can see."""
    found: list[tuple[Place, str]] = []
    for n, source in enumerate(settings.sources):
        place: Place = ("sources", n, "task")
        if source.holds != "documents" and source.task not in settings.tasks:
            known = ", ".join(settings.tasks)
            found.append((place, f"sources[{n}].task: {source.task or 'missing'!r} is no task; tasks are: {known}"))
        elif source.holds != "documents":
            found += _check_mapped_fields(settings, n)
    remote = [f"{REMOTE}{name}" for name in settings.remote]
    found += [
        (("rungs", n), f"rungs[{n}]: {_explain_rung(rung, remote)}")
        for n, rung in enumerate(settings.rungs)
        if rung not in (*RUNGS, *remote)
    ]
    found += [
        (("remote", name), f"remote.{name}: a name is made of letters, digits, dot, dash and underscore")
        for name in settings.remote
        if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*", name)
    ]
    found += [(("rungs", n), f"rungs[{n}]: {text}") for n, text in _check_preferring(settings)]
    task, _, metric = settings.primary_metric.partition(".")
    if task not in (*settings.tasks, "all") or not metric:
        example = next(f"{t}.{PRIMARY_METRICS[s.kind]}" for t, s in settings.tasks.items())
        found.append(
            (
                ("benchmark", "primary"),
                f"benchmark.primary: {settings.primary_metric!r} names no task; write task.metric, such as {example}",
            )
        )
    found += [(("sweep", "space", key), text) for key, text in check_space(settings.train, settings.sweep.space)]
    if not settings.mask.enabled and not settings.mask.because.strip():
        found.append((("mask", "enabled"), "mask.enabled: an unmasked corpus needs `mask.because`: say why, in words"))
    return found


def _explain_rung(rung: str, remote: list[str]) -> str:
    """What is wrong with the name of a rung that is none."""
    if rung.startswith(REMOTE):
        known = ", ".join(remote) or "none: describe it under `remote`"
        return f"unknown hosted model {rung!r}; known: {known}"
    if rung.removesuffix("+rag") in ("full+dpo", "full+orpo", "full+kto"):
        return (
            f"{rung!r}: preferences move an adapter, and full tuning leaves none: take {rung.replace('full', 'lora')}"
        )
    return f"unknown rung {rung!r}{_nearest(rung, RUNGS)}"


def _check_preferring(settings: Settings) -> list[tuple[int, str]]:
    """What rungs of preference optimisation lack: pairs, and the SFT rung that they start from."""
    has_pairs = any(source.holds == "preferences" for source in settings.sources)
    found: list[tuple[int, str]] = []
    for n, rung in enumerate(settings.rungs):
        sft, _, loss = rung.removesuffix("+rag").partition("+")
        if rung not in RUNGS or not loss:
            continue
        if not has_pairs:
            found.append((n, f"{rung!r} learns from preference pairs, and no source holds any: add one with "
                             "`as: preferences` (prompt, chosen, rejected)"))  # fmt: skip
        if sft not in settings.rungs:
            found.append((n, f"{rung!r} starts from {sft!r}: list that rung, too, so that what it moved can be told"))
    return found


def _check_mapped_fields(settings: Settings, n: int) -> list[tuple[Place, str]]:
    source = settings.sources[n]
    fields = settings.tasks[source.task].fields
    plain = {
        "id",
        "text",
        "group",
        "answer",
        "steps",
        "evidence",
        "abstain",
        "title",
        "tenant",
        "document_class",
        "valid_from",
        "valid_to",
        "messages",
        "rejected",
    }
    known = plain | {f"fields.{name}" for name in fields}
    return [
        (
            ("sources", n, "map", key),
            f"sources[{n}].map: {key!r} is nothing that task {source.task!r} has{_nearest(key, tuple(known))}",
        )
        for key in source.map
        if key not in known
    ]


def _apply_override(raw: dict[str, Any], override: str) -> None:
    key, eq, value = override.partition("=")
    if not eq or not key:
        raise UserError(f"--set {override}: write it as key=value, such as train.epochs=1")
    *parents, last = key.strip().split(".")
    place: Any = raw
    for name in parents:
        place = place.setdefault(name, {}) if isinstance(place, dict) else None
        if not isinstance(place, dict):
            raise UserError(f"--set {override}: {name!r} is no section")
    try:
        place[last] = _parse_scalar(value)
    except yaml.YAMLError:
        raise UserError(f"--set {override}: the value is not valid YAML") from None


def _parse_scalar(value: str) -> Any:
    parsed = yaml.safe_load(value)
    if isinstance(parsed, str):  # YAML 1.1 reads 1e-4 as a text: it wants 1.0e-4
        try:
            return float(parsed)
        except ValueError:
            return parsed
    return parsed


def _explain(name: str, lines: dict[Place, int], problem: Any) -> str:
    place: Place = tuple(problem["loc"])
    dotted = ".".join(str(part) for part in place) or "settings"
    line = _find_line(lines, place)
    if problem["type"] == "extra_forbidden":
        near = _nearest(str(place[-1]), _known_keys(place[:-1]))
        return f"{name}:{line}: {dotted}: unknown key{near}"
    if problem["type"] == "missing":
        return f"{name}:{line}: {dotted}: missing, and it has no default"
    text = problem["msg"].removeprefix("Value error, ")
    return f"{name}:{line}: {dotted}: {text[0].lower() + text[1:]}"


def _known_keys(place: Place) -> tuple[str, ...]:
    model: Any = Settings
    for part in place:
        model = _step_into(model, part)
    if isinstance(model, type) and issubclass(model, BaseModel):
        return tuple(field.alias or key for key, field in model.model_fields.items())
    return ()


def _step_into(model: Any, part: str | int) -> Any:
    """The model of a key; a place in a list and a name in a mapping stay with the model that they hold."""
    if isinstance(model, type) and issubclass(model, BaseModel):
        for key, field in model.model_fields.items():
            if part in (key, field.alias):
                return _unwrap(field.annotation)
    return model


def _unwrap(annotation: Any) -> Any:
    """The settings model inside list[...], dict[str, ...] or an optional."""
    inner = [_unwrap(arg) for arg in getattr(annotation, "__args__", ())]
    models = [m for m in inner if isinstance(m, type) and issubclass(m, BaseModel)]
    return models[0] if models else annotation


def _nearest(word: str, known: tuple[str, ...]) -> str:
    match = difflib.get_close_matches(word, known, n=1, cutoff=0.5)
    return f"; did you mean `{match[0]}`?" if match else f"; known: {', '.join(sorted(known))}" if known else ""


def _explain_yaml(name: str, error: yaml.YAMLError) -> str:
    mark = getattr(error, "problem_mark", None)
    line = f":{mark.line + 1}" if mark else ""
    return f"{name}{line}: not valid YAML: {getattr(error, 'problem', None) or 'check the indentation and quotes'}"


def _line_numbers(text: str) -> dict[Place, int]:
    lines: dict[Place, int] = {}
    root = yaml.compose(text, Loader=yaml.SafeLoader)
    if root is not None:
        _walk(root, (), lines)
    return lines


def _walk(node: yaml.Node, place: Place, lines: dict[Place, int]) -> None:
    lines.setdefault(place, node.start_mark.line + 1)
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            lines[(*place, key.value)] = key.start_mark.line + 1
            _walk(value, (*place, key.value), lines)
    elif isinstance(node, yaml.SequenceNode):
        for n, item in enumerate(node.value):
            _walk(item, (*place, n), lines)


def _find_line(lines: dict[Place, int], place: Place) -> int:
    while place and place not in lines:
        place = place[:-1]
    return lines.get(place, 1)
