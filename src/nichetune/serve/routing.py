"""From what a client names to what answers it: the one place where a request meets a version.

Reads a model's name, a task, a tenant and the registry -> Route:

    "production:triage" -> Route(version=<9f2c… qlora>, task="triage", tenant="default")

Today a name is an alias or a version, the same for everyone. Tenants with versions of their own, and experiments that
share traffic between versions, choose the version here too; nothing after this asks again.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from nichetune.core.errors import UserError
from nichetune.core.records import Candidate
from nichetune.registry.registry import Registry
from nichetune.registry.version import VersionInfo
from nichetune.serve.errors import ApiError

_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")


@dataclass(frozen=True)
class Route:
    """What answers a request. `tenant` decides whose documents are searched."""

    version: VersionInfo
    task: str
    tenant: str


def resolve_route(registry: Registry, model: str, task: str | None = None, tenant: str = "default") -> Route:
    """Finds the version and task for a request; asks the registry each time, so that a move is seen at once.

    Args:
        model: an alias, a digest or the unique beginning of one; `:task` may follow.

    Raises:
        ApiError: 404 when nothing has that name, 400 when the task is unknown or has to be named.
    """
    name, _, suffix = model.partition(":")
    if task and suffix and task != suffix:
        raise ApiError(400, "task: the model's name ends with another task", "invalid_value", "task")
    version = find_version(registry, name)
    try:
        chosen = choose_task(version.candidate, task or suffix)
    except UserError as error:
        raise ApiError(400, str(error), "unknown_task" if task or suffix else "task_required", "task") from None
    return Route(version, chosen, tenant)


def find_version(registry: Registry, name: str) -> VersionInfo:
    """The version that an alias, a digest or the unique beginning of one names.

    Raises:
        ApiError: 404, with what there is.
    """
    try:
        if not _NAME.fullmatch(name):
            raise UserError("model: not an alias, and not a digest: see /v1/models")
        return registry.resolve(name)
    except UserError as error:
        raise ApiError(404, str(error), "model_not_found", "model") from None


def choose_task(candidate: Candidate, named: str = "") -> str:
    """The task that is named, or the only one there is: between several, nobody guesses.

    Raises:
        UserError: no such task, or several and none named.
    """
    tasks = ", ".join(candidate.tasks)
    if not named and len(candidate.tasks) == 1:
        return next(iter(candidate.tasks))
    if not named:
        raise UserError(f"name a task, one of: {tasks}")
    if named not in candidate.tasks:
        raise UserError(f"no such task; there are: {tasks}")
    return named
