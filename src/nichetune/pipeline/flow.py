"""The whole flow on one screen: which stage reads what, depends on which settings, and runs which function.

    ingest → mask → format → dedupe → split → benchmark → dataset → index (→ preferences) → train/… → evaluate/…
    → decide → report (→ register)

A stage runs again only when an input, its settings, its layer's source or a version that matters has changed.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from nichetune.core.progress import track
from nichetune.core.settings import HOW_IT_IS_ASKED, REMOTE, Settings
from nichetune.core.stages import Report, Stage, StageResult, run_stage
from nichetune.evaluate.candidates import (
    list_seeds,
    list_trainings,
    name_seed,
    rung_method,
    rung_retrieves,
    sft_method,
    split_seed,
    trained_folder,
)
from nichetune.pipeline import private, sealing

# Training is kept clear of these; a new rule or price over the same items asks for no new training.
_SEALED_ITEMS = ("benchmark/items.jsonl", "benchmark/boilerplate.json")
# In the run's folder, where masked texts were judged: {"sampled": 200, "leaks": 0, "masked": "<digest of mask/>"}.
AUDIT = "audit.json"


@dataclass(frozen=True)
class Project:
    """Where a run reads and writes."""

    settings: Settings
    folder: Path
    run_dir: Path

    def path(self, stage: str) -> Path:
        """A stage's folder."""
        return self.run_dir / stage

    def with_seed(self, seed: int) -> Project:
        """The same project as its trainings of seed 2, 3, … see it: each draws from a seed of its own."""
        return replace(self, settings=self.settings.model_copy(update={"seed": self.settings.seed + seed - 1}))

    def subset(self, *sections: str) -> dict[str, Any]:
        """The resolved settings of some sections, for a stage's key."""
        # Where ranks run changes nothing; what is taken from a run is an input of its own, by its digest.
        elsewhere = {"train": {"engine", "ray_address", "from_run"}}
        whole = self.settings.model_dump(mode="json", by_alias=True, exclude=elsewhere)
        used = {name: whole[name] for name in sections}
        if "tasks" in used:  # digests sort keys, and a form is written in its fields' order
            used["field_order"] = {name: list(task.fields) for name, task in self.settings.tasks.items()}
        return used


def list_stages(project: Project) -> list[str]:
    """Names of the stages that these settings ask for, in order."""
    rungs = project.settings.rungs
    methods = list(dict.fromkeys(m for r in rungs for m in list_trainings(r)))
    head = ["ingest", "mask", "format", "dedupe", "split", "benchmark", "dataset"]
    index = ["index"] if uses_index(project.settings) else []
    moved = any(m != sft_method(m) for m in methods) and not project.settings.train.from_run
    pairs = ["preferences"] if moved else []
    trains = _name_seeds("train", methods, project.settings)
    evaluates = _name_seeds("evaluate", rungs, project.settings)
    return [*head, *index, *pairs, *trains, *evaluates, "decide", "report"]


def _name_seeds(kind: str, parts: list[str], settings: Settings) -> list[str]:
    """Stages of every part and seed: all of the first seed, which ships, before any of the next."""
    names = [f"{kind}/{name}" for part in parts for name in list_seeds(part, settings.benchmark.seeds)]
    return sorted(names, key=lambda name: split_seed(name)[1])


def uses_index(settings: Settings) -> bool:
    """Whether anything retrieves: a rung, or the training of a grounded task."""
    has_documents = any(s.holds == "documents" for s in settings.sources)
    tuned = settings.train.retrieval and any(rung_method(r) not in ("", "classical") for r in settings.rungs)
    wanted = tuned or any(rung_retrieves(r) for r in settings.rungs)
    return has_documents and wanted and any(task.uses_retrieval for task in settings.tasks.values())


def run_one(project: Project, name: str) -> StageResult:
    """Runs one stage, or reuses it."""
    kind, _, part = name.partition("/")
    return _RUN[kind](project, *split_seed(part)) if part else _RUN[kind](project)


def _ingest(p: Project) -> StageResult:
    return private.ingest(p.settings, p.folder, p.run_dir, p.subset("sources", "tasks", "ingest", "canaries"))


def _mask(p: Project) -> StageResult:
    return private.mask(p.settings, p.folder, p.run_dir, p.subset("mask", "tasks"), lambda: _ingest(p))


def _format(p: Project) -> StageResult:
    from nichetune.corpus import format as formatting

    return _run(p, "format", ("corpus",), ["mask"], p.subset("tasks"), formatting.run)


def _dedupe(p: Project) -> StageResult:
    from nichetune.corpus import dedupe

    encode, used = _encoder(p, p.settings.dedupe.semantic)
    return _run(p, "dedupe", ("corpus",), ["format"], p.subset("dedupe", "quality", "tasks") | used,
                lambda s, inputs, out: dedupe.run(s, inputs, out, encode), ("daft",))  # fmt: skip


def _split(p: Project) -> StageResult:
    from nichetune.corpus import split

    encode, used = _encoder(p, p.settings.split.semantic)
    limit = {"semantic_limit": p.settings.dedupe.semantic_limit}
    own = p.subset("split", "tasks", "benchmark", "canaries")
    own["benchmark"].pop("seeds", None)  # however often is trained on it, the split is the same
    return _run(p, "split", ("corpus",), ["dedupe", "mask/documents.jsonl"],
                own | used | limit,
                lambda s, inputs, out: split.run(s, inputs | {"mask": p.path("mask")}, out, encode))  # fmt: skip


def _encoder(p: Project, mode: str) -> tuple[Callable[[list[str]], Any] | None, dict[str, Any]]:
    """What turns texts into vectors, loaded at its first use, and its name for the stage's key."""
    if mode == "off":
        return None, {}
    name = p.settings.index.encoder

    def encode(texts: list[str]) -> Any:
        from nichetune.models.encoder import load_encoder

        with track("comparing meaning", len(texts), "texts") as tick:
            return load_encoder(name).encode(texts, tick=tick)

    return encode, {"encoder": name}


def _benchmark(p: Project) -> StageResult:
    return sealing.run_sealing(p, _run)


def seal_for_good(p: Project, why: str = "") -> StageResult:
    """Seals what `split` holds and locks it; with a reason it takes a locked one's place."""
    return sealing.run_sealing(p, _run, why, locked=True)


def _dataset(p: Project) -> StageResult:
    def work(*given: Any) -> Report:
        from nichetune.report import dataset  # with scipy, which a page that stands does not need

        return dataset.run(*given)

    inputs = ["ingest", "mask", "format", "dedupe", "split", "benchmark"]
    audit = p.run_dir / AUDIT
    whole = p.settings.model_dump(mode="json", by_alias=True, include={"project", "sources", "tasks", "mask", *inputs})
    return _run(p, "dataset", ("report", "decide", "benchmark", "corpus"), inputs, whole, work, ("scipy",),
                {"audit": audit} if audit.is_file() else {})  # fmt: skip


def _index(p: Project) -> StageResult:
    from nichetune.retrieve import index

    return _run(p, "index", ("retrieve",), ["mask/documents.jsonl"], p.subset("index"),
                lambda s, inputs, out: index.run(s, {"mask": p.path("mask")}, out), ("lancedb",))  # fmt: skip


def _preferences(p: Project) -> StageResult:
    from nichetune.train import pairs

    return _run(p, "preferences", ("train", "benchmark", "corpus"), ["format", "benchmark"],
                p.subset("preference", "dedupe", "split", "tasks"), pairs.run)  # fmt: skip


def _move(p: Project, method: str, seed: int) -> StageResult:
    from nichetune.train import preference

    start = f"train/{name_seed(sft_method(method), seed)}"
    inputs = ["preferences", start, *(["index"] if uses_index(p.settings) else [])]
    folders = {name: p.path(name) for name in [*inputs, "mask"]} | {"sft": p.path(start)}
    return _run(
        p.with_seed(seed), f"train/{name_seed(method, seed)}", ("train", "generate", "models"), inputs,
        _without_watching(p.subset("base", "train", "preference", "tasks", "index")),
        lambda s, _inputs, out: preference.run(s, folders, out, method),
        ("torch", "transformers", "trl", "peft", "bitsandbytes"),
    )  # fmt: skip


def _take(p: Project, method: str, seed: int) -> StageResult:
    from nichetune.train import taken

    name = f"train/{name_seed(method, seed)}"
    found = taken.find_taken(Path(p.settings.train.from_run), name).as_inputs()
    used = {} if method == "classical" else p.subset("base")
    inputs = found | {"benchmark": p.path("benchmark")}
    return _run(p.with_seed(seed), name, ("train",), [*_SEALED_ITEMS], used,
                lambda s, _inputs, out: taken.run(s, inputs, out), (), found)  # fmt: skip


def _train(p: Project, method: str, seed: int) -> StageResult:
    if p.settings.train.from_run:
        return _take(p, method, seed)
    if method != sft_method(method):
        return _move(p, method, seed)
    if method == "classical":
        from nichetune.train import classical

        folders = {name: p.path(name) for name in ("split", "benchmark")}
        used = p.subset("tasks") | {"examples": p.settings.train.examples}
        return _run(p, "train/classical", ("train",), ["split", *_SEALED_ITEMS], used,
                    lambda s, _inputs, out: classical.run(s, folders, out), ("scikit-learn",))  # fmt: skip
    from nichetune.train import spread

    dev = ["split/dev.jsonl"] if p.settings.train.early_stopping else []
    inputs = ["split/train.jsonl", *dev, *_SEALED_ITEMS, *(["index"] if uses_index(p.settings) else [])]
    folders = {n.split("/")[0]: p.path(n.split("/")[0]) for n in [*inputs, "mask"]}
    return _run(
        p.with_seed(seed), f"train/{name_seed(method, seed)}", ("train", "generate", "models"), inputs,
        _without_watching(p.subset("base", "train", "tasks", "index", "split")),
        lambda s, _inputs, out: spread.run(s, folders, out, method),  # type: ignore[arg-type]
        ("torch", "transformers", "trl", "peft", "bitsandbytes"),
    )  # fmt: skip


def _without_watching(used: dict[str, Any]) -> dict[str, Any]:
    """How a training is watched and kept changes nothing of its result."""
    train = {key: value for key, value in used["train"].items() if key not in ("trackers", "checkpoint_every_s")}
    return used | {"train": train}


def _evaluate(p: Project, rung: str, seed: int) -> StageResult:
    from nichetune.evaluate import run as evaluation

    trained = trained_folder(rung, seed)
    inputs = ["benchmark", "split"]
    folders = {name: p.path(name) for name in ("benchmark", "split", "mask")} | {
        "cache": p.run_dir / "cache/outputs.db"
    }
    if trained:
        inputs.append(str(Path(trained).parent))
        folders["train"] = p.path(trained).parent
    if rung_retrieves(rung) and uses_index(p.settings):
        inputs.append("index")
        folders["index"] = p.path("index")
    labels = {"labels": p.folder / p.settings.judge.labels} if p.settings.judge.url else {}
    used = p.subset("base", "tasks", "generate", "evaluate", "index", "benchmark", "canaries") | _judge(p)
    done = _run(
        p.with_seed(seed), f"evaluate/{name_seed(rung, seed)}", ("evaluate", "generate", "models"), inputs,
        used | _hosted(p, rung), lambda s, _inputs, out: evaluation.run(s, folders | labels, out, rung, seed),
        ("torch", "transformers", "peft"), labels,
    )  # fmt: skip
    sealing.note_look(p, f"evaluate/{name_seed(rung, seed)}", done)
    return done


def _judge(p: Project) -> dict[str, Any]:
    """Who judges free texts; how it is asked decides nothing."""
    return {"judge": p.settings.judge.model_dump(mode="json", exclude=set(HOW_IT_IS_ASKED))}


def _hosted(p: Project, rung: str) -> dict[str, Any]:
    """What decides a hosted model's answers and price; how it is asked decides neither."""
    if not rung.startswith(REMOTE):
        return {}
    remote = p.settings.remote[rung.removeprefix(REMOTE)]
    return {"remote": remote.model_dump(mode="json", exclude=set(HOW_IT_IS_ASKED))}


def _decide(p: Project) -> StageResult:
    from nichetune.decide import verdict
    from nichetune.pipeline.production import find_previous

    rungs = _name_seeds("evaluate", p.settings.rungs, p.settings)
    previous = find_previous(p.settings, p.run_dir, p.folder)
    extra = {"previous": previous} if previous else {}
    looks = sealing.count_looks(p)
    return _run(
        p, "decide", ("decide", "evaluate"), ["benchmark", *rungs],
        p.subset("benchmark", "economics", "gates") | _judge(p) | {"looks": looks},
        lambda s, inputs, out: verdict.run(s, inputs, out, looks), ("scipy", "statsmodels"), extra,
    )  # fmt: skip


def _report(p: Project) -> StageResult:
    from nichetune.report import render

    made = [n for n in list_stages(p) if n.startswith(("preferences", "train/", "evaluate/"))]
    trains = [n for n in made if split_seed(n)[1] == 1]  # what ships; the other seeds stand in the verdict
    inputs = ["decide", "dataset", "benchmark", "split", "dedupe", "format", "mask", "ingest", *trains]
    elsewhere: Any = dict.fromkeys(("run_dir", "registry", "serve", "data", "sweep"), True) | {"train": {"from_run"}}
    whole = p.settings.model_dump(mode="json", by_alias=True, exclude=elsewhere)
    return _run(p, "report", ("report", "decide", "evaluate"), inputs, whole, render.run)


def _run(
    p: Project, name: str, code: tuple[str, ...], inputs: list[str], settings: dict[str, Any],
    work: Callable[[Settings, dict[str, Path], Path], Report], packages: tuple[str, ...] = (),
    extra: dict[str, Path] | None = None,
) -> StageResult:  # fmt: skip
    paths = {n: p.path(n) for n in inputs} | (extra or {})
    stage = Stage(name, code, paths, settings, packages, p.settings.seed)
    return run_stage(stage, p.path(name), lambda out: work(p.settings, paths, out))


_RUN: dict[str, Callable[..., StageResult]] = {
    "ingest": _ingest, "mask": _mask, "format": _format, "dedupe": _dedupe, "split": _split,
    "benchmark": _benchmark, "dataset": _dataset, "index": _index, "preferences": _preferences,
    "train": _train, "evaluate": _evaluate,
    "decide": _decide, "report": _report,
}  # fmt: skip
