"""All that the report tells, read once from the stage folders; everything after this is pure.

Reads decide/verdict.json, benchmark/items.jsonl, evaluate/<rung>/{candidate,resources}.json and
{predictions,scores}.jsonl, what was measured there on demand (`NOTES`), mask/entities.json,
train/<method>/loss.jsonl and every manifest.json -> `Material`. Its texts are masked ones: of the stages before mask/
only counts are read.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from nichetune.core.files import iter_jsonl, read_json, read_records
from nichetune.core.records import Candidate, Estimate, Example, ItemScore, Prediction
from nichetune.core.settings import RUNGS, Settings
from nichetune.core.stages import MANIFEST
from nichetune.decide.economics import Cost
from nichetune.decide.hearing import heard_judge
from nichetune.evaluate.resources import Resources

EVALUATE, TRAIN = "evaluate/", "train/"
NOTES = ("confidence", "judge", "memorisation", "robustness")  # files of an evaluated rung that not every one has


@dataclass(frozen=True)
class Rung:
    """One rung: its figures as the verdict holds them, its cost, and what it answered item by item.

    Attributes:
        candidate: what was evaluated, with its digests; None where only figures are left.
        resources: what it used; None as above.
        other_seeds: what its other trainings used.
        notes: what else was measured of it, by the name of its file in `NOTES`.
    """

    name: str
    metrics: dict[str, Estimate]
    cost: Cost
    predictions: dict[str, Prediction]
    scores: dict[str, ItemScore]
    candidate: Candidate | None = None
    resources: Resources | None = None
    other_seeds: tuple[Resources, ...] = ()
    notes: Mapping[str, Any] = field(default_factory=dict)

    def figure(self, metric: str) -> Estimate | None:
        """The figure of `task.metric`; None where the rung has none."""
        found = self.metrics.get(metric)
        return found if found is not None and found.value is not None else None


@dataclass(frozen=True)
class LossPoint:
    """One optimiser step."""

    step: int
    loss: float


@dataclass(frozen=True)
class Material:
    """A finished run, as far as its report tells it.

    Attributes:
        rungs: by cost, the cheapest first.
        entities: how many of each type were masked; None where masking left no count.
        manifests: by stage, in the order of the flow.
        has_dataset_page: whether dataset.html stands beside the report.
        has_speed_page: whether derived/speed.html will.
    """

    settings: Settings
    verdict: dict[str, Any]
    items: list[Example]
    rungs: list[Rung]
    losses: dict[str, list[LossPoint]]
    entities: dict[str, int] | None
    manifests: dict[str, dict[str, Any]]
    has_dataset_page: bool = False
    has_speed_page: bool = False

    @property
    def ship(self) -> str:
        """The rung that the verdict ships."""
        return str(self.verdict["ship"])

    @property
    def primary(self) -> str:
        """`task.metric` that decides."""
        return str(self.verdict["primary"])

    @property
    def shipped(self) -> Rung:
        """The rung that the verdict ships, with its answers."""
        return next(rung for rung in self.rungs if rung.name == self.ship)


def read_material(settings: Settings, inputs: dict[str, Path]) -> Material:
    """Reads a run's stage folders.

    Raises:
        UserError: a file that the report cannot do without is missing or broken.
    """
    verdict = read_json(inputs["decide"] / "verdict.json")
    entities = inputs["mask"] / "entities.json" if "mask" in inputs else None
    return Material(
        settings=settings,
        verdict=verdict,
        items=read_records(inputs["benchmark"] / "items.jsonl", Example),
        rungs=_read_rungs(settings, verdict, inputs),
        losses=_read_losses(inputs),
        entities=read_json(entities) if entities is not None and entities.is_file() else None,
        manifests=_read_manifests(inputs),
        has_dataset_page="dataset" in inputs,
    )


def _read_rungs(settings: Settings, verdict: dict[str, Any], inputs: dict[str, Path]) -> list[Rung]:
    rungs = [
        replace(
            _read_rung(settings, name, told, inputs.get(EVALUATE + name)), other_seeds=_read_other_seeds(name, inputs)
        )
        for name, told in verdict["rungs"].items()
    ]
    return sorted(rungs, key=lambda rung: (rung.cost.total_usd, _place(rung.name, RUNGS), rung.name))


def _read_rung(settings: Settings, name: str, told: dict[str, Any], folder: Path | None) -> Rung:
    predictions = read_records(folder / "predictions.jsonl", Prediction) if folder else []
    scores = read_records(folder / "scores.jsonl", ItemScore) if folder else []
    candidate, counted = _read_note(folder, "candidate.json"), _read_note(folder, "resources.json")
    return Rung(
        name=name,
        metrics={metric: Estimate.model_validate(figure) for metric, figure in told["metrics"].items()},
        cost=Cost.model_validate(told["cost"]),
        predictions={p.item: p for p in predictions},
        scores={s.item: s for s in scores},
        candidate=Candidate.model_validate(candidate) if candidate else None,
        resources=Resources.model_validate(counted) if counted else None,
        notes=_read_notes(settings, folder) if folder else {},
    )


def _read_notes(settings: Settings, folder: Path) -> dict[str, Any]:
    """What was measured on demand; a judge's word only where these settings ask that judge."""
    found = {note: _read_note(folder, f"{note}.json") for note in NOTES}
    if not heard_judge(settings, folder):
        found["judge"] = None
    return {note: told for note, told in found.items() if told is not None}


def _read_other_seeds(rung: str, inputs: dict[str, Path]) -> tuple[Resources, ...]:
    """What the other trainings of a rung used: the stages `evaluate/<rung>@…`."""
    notes = [
        _read_note(path, "resources.json") for name, path in inputs.items() if name.startswith(f"{EVALUATE}{rung}@")
    ]
    return tuple(Resources.model_validate(note) for note in notes if note)


def _read_note(folder: Path | None, name: str) -> Any:
    """A small JSON file of a stage; None where there is none."""
    file = folder / name if folder else None
    return read_json(file) if file is not None and file.is_file() else None


def _read_losses(inputs: dict[str, Path]) -> dict[str, list[LossPoint]]:
    files = {name.removeprefix(TRAIN): path / "loss.jsonl" for name, path in inputs.items() if name.startswith(TRAIN)}
    found = {name: file for name, file in sorted(files.items()) if file.is_file()}  # a classical model has none
    return {name: _read_curve(file) for name, file in found.items()}


def _read_curve(file: Path) -> list[LossPoint]:
    return [LossPoint(int(point["step"]), float(point["loss"])) for point in iter_jsonl(file)]


_FLOW = (
    "ingest",
    "mask",
    "format",
    "dedupe",
    "split",
    "benchmark",
    "dataset",
    "index",
    "preferences",
    "train",
    "evaluate",
    "decide",
)


def _read_manifests(inputs: dict[str, Path]) -> dict[str, dict[str, Any]]:
    found = {name: path / MANIFEST for name, path in inputs.items() if (path / MANIFEST).is_file()}
    in_order = sorted(found, key=lambda name: (_place(name.partition("/")[0], _FLOW), name))
    return {name: read_json(found[name]) for name in in_order}


def _place(name: str, order: tuple[str, ...]) -> int:
    return order.index(name) if name in order else len(order)
