"""What a training would take on machines that are at hand or could be rented: memory, time, money, and what fits.

a base's sizes + method, rank, length, batch -> Forecast for each machine; no weights are needed, nothing is loaded
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, get_args

from nichetune.core.errors import UserError
from nichetune.core.settings import BaseSettings, Method, TrainSettings
from nichetune.core.settings_file import FILE_NAME, load_settings
from nichetune.models.compute import Dtype
from nichetune.models.machines import Machine, find_machine, forecast_seconds, list_machines
from nichetune.models.memory import MemoryPlan, plan_memory
from nichetune.models.shapes import Shape, find_shape
from nichetune.train.fit import Fit, describe_fit, list_ways

GIB = 2**30
USABLE = 0.9  # of a machine's memory: forecasts are held to 10%
SUPERVISED_SHARE = 0.35
_LARGEST_BATCH, _LARGEST_LENGTH = 1024, 131_072


@dataclass(frozen=True)
class Job:
    """What is to be trained, and how much of it is an epoch."""

    shape: Shape
    method: Method
    rank: int
    length: int
    batch: int
    examples: int


@dataclass(frozen=True)
class Question:
    """What was asked for; empty or 0: as the settings have it, and every machine. Price None: known."""

    base: str = ""
    method: str = ""
    rank: int = 0
    length: int = 0
    batch: int = 0
    machine: str = ""
    examples: int = 1000
    usd_per_hour: float | None = None


@dataclass(frozen=True)
class Forecast:
    """One machine's answer; times and prices are of one epoch, 0 where the job does not fit.

    Attributes:
        way: how it is made to fit, in words.
        largest_batch: examples a device step at this length; largest_length: tokens at this batch.
    """

    machine: Machine
    fits: bool
    way: str
    plan: MemoryPlan
    largest_batch: int
    largest_length: int
    minutes: float
    usd: float

    def as_record(self) -> dict[str, Any]:
        """For machines."""
        return asdict(self) | {"machine": self.machine.name, "memory_bytes": self.machine.memory_bytes}


def forecast_question(project: Path, overrides: list[str] | None, asked: Question) -> tuple[Job, list[Forecast]]:
    """The job that a question means under a project's settings (or the defaults), and each machine's answer.

    Raises:
        UserError: no such base, method or machine.
    """
    settings = load_settings(project, overrides) if has_settings(project) else None
    base = settings.base if settings else BaseSettings()
    train = settings.train if settings else TrainSettings()
    methods = get_args(Method)
    if asked.method and asked.method not in methods:
        raise UserError(f"--method: no method {asked.method!r}: take one of {', '.join(methods)}")
    job = Job(
        find_shape(asked.base or base.model), asked.method or train.method, asked.rank or train.rank,  # type: ignore[arg-type]
        asked.length or base.max_length, asked.batch or train.batch_size, asked.examples,
    )  # fmt: skip
    machines = [find_machine(name) for name in ([asked.machine] if asked.machine else list_machines())]
    if asked.usd_per_hour is not None:
        machines = [replace(machine, usd_per_hour=asked.usd_per_hour) for machine in machines]
    return job, [forecast_job(job, machine) for machine in machines]


def has_settings(project: Path) -> bool:
    """Whether a project, or a settings file, stands there."""
    return (project / FILE_NAME if project.is_dir() else project).is_file()


def forecast_job(job: Job, machine: Machine) -> Forecast:
    """How the quickest way that fits does on a machine, or the most frugal one where none does."""
    train = TrainSettings(rank=job.rank, batch_size=job.batch)
    ways = [way for way in list_ways(train, job.method, _held(machine), machine.device) if way.splits == 1]
    usable = int(USABLE * machine.memory_bytes)

    def plan(way: Fit, batch: int, length: int) -> MemoryPlan:
        return plan_memory(
            job.shape, job.method, job.rank, batch, length, supervised_share=SUPERVISED_SHARE, packed=way.packed,
            checkpointing=way.checkpointing, weight_bytes=4 if way.dtype == "float32" else 2, device=machine.device,
            compact=way.compact,
        )  # fmt: skip

    def fits(batch: int, length: int) -> bool:
        return any(plan(way, batch, length).total <= usable for way in ways)

    frugal = min(ways, key=lambda way: plan(way, job.batch, job.length).total)
    way = next((way for way in ways if plan(way, job.batch, job.length).total <= usable), frugal)
    fit = fits(job.batch, job.length)
    seconds = forecast_seconds(
        job.shape, job.method, job.length, job.examples * job.length, machine, SUPERVISED_SHARE, way.checkpointing
    )
    return Forecast(
        machine, fit, describe_fit(way, train, job.method), plan(way, job.batch, job.length),
        find_largest(lambda batch: fits(batch, job.length), _LARGEST_BATCH),
        find_largest(lambda length: fits(job.batch, length), _LARGEST_LENGTH),
        seconds / 60 if fit else 0.0, seconds / 3600 * machine.usd_per_hour if fit else 0.0,
    )  # fmt: skip


def _held(machine: Machine) -> Dtype:
    return "float32" if machine.dtype == "float32" else "bfloat16"


def find_largest(fits: Callable[[int], bool], most: int) -> int:
    """The largest number up to `most` that fits, 0 if not even one does; what fits must also fit when smaller."""
    low, high = 0, most + 1
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if fits(middle) else (low, middle)
    return low


def show_forecasts(job: Job, forecasts: list[Forecast]) -> list[str]:
    """Lines for a terminal: the first machine's memory by part, then every machine."""
    first = forecasts[0]
    lines = [
        f"{job.method}, {job.shape.parameters / 1e6:,.0f} M parameters, rank {job.rank}, {job.length} tokens, "
        f"batch {job.batch}",
        "", f"on {first.machine.name}: {first.way}",
        *(f"  {name:<24} {size / GIB:8.2f} GiB" for name, size in first.plan.parts.items()),
        f"  {'peak (' + first.plan.moment + ')':<24} {first.plan.total / GIB:8.2f} GiB, not all parts at one time",
        "", f"{'machine':<10} {'has GiB':>8} {'needs':>7}  fits  {'batch':>5} {'length':>7} {'min/epoch':>9} {'USD':>7}"
        "  way",
    ]  # fmt: skip
    for one in forecasts:
        time = f"{one.minutes:9.1f} {one.usd:7.3f}" if one.fits else f"{'-':>9} {'-':>7}"
        lines.append(
            f"{one.machine.name:<10} {one.machine.memory_bytes / GIB:8.1f} {one.plan.total / GIB:7.2f}  "
            f"{'yes ' if one.fits else 'NO  '}  {one.largest_batch:>5} {one.largest_length:>7} {time}  {one.way}"
        )
    lines += [
        "", f"batch: the largest at {job.length} tokens; length: the longest at batch {job.batch}; an epoch: "
        f"{job.examples:,} examples of {job.length} tokens",
    ]  # fmt: skip
    return lines
