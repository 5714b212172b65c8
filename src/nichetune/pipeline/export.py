"""Leaving with what was made: a version or a rung in a form that others serve, and how alike it answers.

Reads registry/ or evaluate/<rung>/ with its adapter, benchmark/ -> writes a folder, whole or not at all, with
`export.json`:

    {"to": "gguf", "quantise": "q8_0", "origin": {"version": "9f2c…"}, "files": {"model.gguf": {"bytes": …}},
     "replay": {"engine": "llama.cpp", "items": 100, "same_text": {…}, "same_answer": {…}, "metrics": {…}}}

An export is believed only after it has answered benchmark items as the original did: a merge that rounds otherwise,
or a file with wrongly ordered rows, loads and talks like a right one. What leaves for another harness is no model but
the benchmark, and has nothing to replay.
"""

from __future__ import annotations

import importlib.metadata
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nichetune.benchmark.seal import verify_benchmark
from nichetune.core.errors import UserError
from nichetune.core.files import hash_file, hash_folder, hash_value, list_files, read_json, read_records, write_json
from nichetune.core.progress import say, track
from nichetune.core.records import Candidate, Document
from nichetune.evaluate.replay import choose_items, compare_answers
from nichetune.generate.llamacpp import has_llamacpp
from nichetune.models.packaged import model_digest, resolve_model
from nichetune.pipeline.export_formats import QUANTISED, Source, Written, write_format
from nichetune.pipeline.export_harness import HARNESSES, write_harness
from nichetune.pipeline.flow import Project

RECORD = "export.json"
_VERSIONS = ("torch", "transformers", "peft", "gguf")


@dataclass(frozen=True)
class Wanted:
    """What to make of a candidate.

    Attributes:
        to: merged, gguf, vllm or ollama; inspect or lm-eval.
        quantise: number format of the weights; empty: the form's own default.
        replay: how many benchmark items to replay; 0 for none; None: 100 of a model's, none for a harness.
        force: replace an earlier export.
    """

    to: str
    quantise: str = ""
    replay: int | None = None
    force: bool = False

    @property
    def items(self) -> int:
        """How many benchmark items to replay."""
        return 0 if self.to in HARNESSES else 100 if self.replay is None else self.replay

    @property
    def kind(self) -> str:
        """The number format, chosen or by default."""
        return self.quantise.lower() or QUANTISED[self.to][0]


def find_source(project: Project, version: str = "", rung: str = "") -> Source:
    """The candidate that a version (by alias or digest) or a run's rung names; the registry's `production` by default.

    Raises:
        UserError: there is none, it is no language model, or it has changed since it was evaluated.
    """
    if version and rung:
        raise UserError("export: give --version or --rung, not both")
    found = _find_rung(project, rung) if rung else _find_version(project, version or "production")
    if found.candidate.rung == "classical":
        raise UserError("export: the classical rung is no language model: its whole is train/classical/model")
    _check_unchanged(found)
    return found


def _find_rung(project: Project, rung: str) -> Source:
    file = project.path(f"evaluate/{rung}") / "candidate.json"
    if not file.is_file():
        raise UserError(f"export: rung {rung!r} was not evaluated here: nichetune evaluate {rung}")
    candidate = Candidate.model_validate(read_json(file))
    adapter = project.run_dir / candidate.adapter if candidate.adapter else None
    index = project.path("index") if candidate.retrieval else None
    return _make_source(project, candidate, adapter, index, {"rung": rung})


def _find_version(project: Project, ref: str) -> Source:
    from nichetune.registry.register import open_registry, registry_folder

    place = (project.settings, project.run_dir, project.folder)
    if not project.settings.registry.url and not registry_folder(*place).is_dir():
        raise UserError("export: no version is registered yet: `nichetune run` registers one, or give --rung")
    info = open_registry(*place).resolve(ref)
    index = info.index if info.candidate.retrieval else None
    origin = {"rung": info.rung, "version": info.digest}
    return _make_source(project, info.candidate, info.adapter, index, origin)


def _make_source(
    project: Project, candidate: Candidate, adapter: Path | None, index: Path | None, origin: dict[str, str]
) -> Source:
    name = re.sub(r"[^a-z0-9.-]+", "-", f"{project.settings.project}-{candidate.rung}".lower()).strip("-")
    device, batch = project.settings.base.device, project.settings.generate.batch_size
    return Source(candidate, adapter, index, name, device, batch, origin)


def _check_unchanged(source: Source) -> None:
    """An adapter on another base than its own, or another adapter, would make a model that nobody measured."""
    candidate, adapter = source.candidate, source.adapter
    if adapter and (not adapter.is_dir() or hash_value(hash_folder(adapter)) != candidate.adapter_digest):
        raise UserError(f"{adapter} is missing, or has changed since {candidate.rung} was evaluated: run it again")
    base = candidate.base_model
    if candidate.remote is None and model_digest(resolve_model(base, candidate.base_revision)) != candidate.base_digest:
        raise UserError(f"base model {base} has changed since {candidate.rung} was evaluated: run it again")


def export(project: Project, source: Source, wanted: Wanted, out: Path) -> dict[str, Any]:
    """Writes the export and replays it; returns its record, which stands in `export.json`.

    Raises:
        UserError: a wrong choice, a target that stands already, or no benchmark to replay.
        CheckFailed: the benchmark was changed after it was sealed.
    """
    _check_wanted(project, source, wanted)
    with _new_folder(out, wanted.force) as work:
        say(f"writing {source.candidate.rung} as {wanted.to}")
        if wanted.to in HARNESSES:
            written = _write_benchmark(project, source, wanted.to, work)
        else:
            written = write_format(source, wanted.to, wanted.kind, work)
        record = {
            "to": wanted.to, "quantise": written.kind, "name": source.name, "origin": source.origin,
            "candidate": source.candidate.model_dump(mode="json", exclude={"tasks", "shots"}),
            "files": {p.relative_to(work).as_posix(): {"bytes": p.stat().st_size, "sha256": hash_file(p)}
                      for p in list_files(work)},
            "replay": _replay(project, source, written, wanted.items) if wanted.items else None,
            "notes": written.notes, "versions": {name: importlib.metadata.version(name) for name in _VERSIONS},
        }  # fmt: skip
        write_json(work / RECORD, record)
    return record


def _write_benchmark(project: Project, source: Source, to: str, work: Path) -> Written:
    """The sealed items as another harness's task; nothing of it answers by itself."""
    benchmark = verify_benchmark(project.path("benchmark"))  # the scorers, too: a copy of them goes along
    items = [item for item in benchmark.items if item.task in source.candidate.tasks]
    notes = write_harness(source, to, items, project.run_dir, work)
    return Written(lambda items, done: [], to, "", notes)


def _check_wanted(project: Project, source: Source, wanted: Wanted) -> None:
    """Before minutes of work."""
    if wanted.to in HARNESSES:
        _check_harness(project, wanted)
        return
    if source.candidate.remote:
        raise UserError(f"export: {source.candidate.rung} is hosted elsewhere, and so are its weights")
    if wanted.to not in QUANTISED:
        raise UserError(f"--to {wanted.to!r}: choose one of {', '.join([*QUANTISED, *HARNESSES])}")
    if wanted.kind not in QUANTISED[wanted.to]:
        known = ", ".join(QUANTISED[wanted.to])
        more = "; k-quants: export f16, then llama.cpp's own llama-quantize" if "_k" in wanted.kind else ""
        raise UserError(f"--quantise {wanted.quantise!r}: --to {wanted.to} writes {known}{more}")
    if wanted.quantise and wanted.to == "vllm" and source.has_adapter:
        raise UserError(
            "--quantise: vLLM quantises the base itself, as serve.sh says: leave it out, or use --to merged"
        )
    if wanted.items and wanted.to in ("gguf", "ollama") and not has_llamacpp():
        raise UserError("replaying a GGUF needs xllamacpp: pip install 'nichetune[export]', or --items 0 for none")
    if wanted.items and not (project.path("benchmark") / "items.jsonl").is_file():
        raise UserError(f"no benchmark at {project.path('benchmark')} to replay: give --run-dir, or --items 0 for none")


def _check_harness(project: Project, wanted: Wanted) -> None:
    if wanted.quantise or wanted.replay is not None:
        option = "--quantise" if wanted.quantise else "--items"
        raise UserError(f"{option}: --to {wanted.to} writes the whole benchmark and no weights: leave it out")
    if not (project.path("benchmark") / "items.jsonl").is_file():
        raise UserError(f"no benchmark at {project.path('benchmark')} to export: give --run-dir, or seal one first")


@contextmanager
def _new_folder(out: Path, force: bool) -> Iterator[Path]:
    """A hidden neighbour that takes the name once all in it is whole; gone if anything fails.

    Raises:
        UserError: the target stands already, or is no export.
    """
    out = out.resolve()
    earlier = out.exists() and (not out.is_dir() or any(out.iterdir()))
    if earlier and not force:
        raise UserError(f"{out} exists: give another --out, or --force to replace it")
    if earlier and not (out / RECORD).is_file():
        raise UserError(f"{out} is no earlier export (it has no {RECORD}): --force does not replace it")
    work, old = out.with_name(f".{out.name}.work"), out.with_name(f".{out.name}.old")
    shutil.rmtree(work, ignore_errors=True)  # left by a process that was killed
    try:
        work.mkdir(parents=True)
        yield work
        if out.exists():
            shutil.rmtree(old, ignore_errors=True)
            os.replace(out, old)
        os.replace(work, out)
    finally:
        shutil.rmtree(work, ignore_errors=True)
        if out.exists():  # else the earlier export is all there is
            shutil.rmtree(old, ignore_errors=True)


def _replay(project: Project, source: Source, written: Written, count: int) -> dict[str, Any]:
    """The original first: the runner keeps one model in memory, and two exports of one name must not share theirs."""
    benchmark = verify_benchmark(project.path("benchmark"), check_scorers=False)
    items = choose_items([i for i in benchmark.items if i.task in source.candidate.tasks], count)
    documents = project.path("mask") / "documents.jsonl"
    texts = {d.id: d.text for d in read_records(documents, Document)} if documents.is_file() else None
    with track("answering as evaluated", len(items)) as tick:
        before = source.runner.answer(items, tick)
    with track("answering as exported", len(items)) as tick:
        after = written.answer(items, tick)
    agreement = compare_answers(source.candidate, items, before, after, texts, benchmark.alpha)
    facts = {"engine": written.engine, "benchmark_digest": benchmark.digest}
    return facts | agreement.model_dump(mode="json")
