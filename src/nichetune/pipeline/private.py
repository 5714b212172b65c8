"""Ingest and mask, around the one place where unmasked text may stand.

    corpus files -> private/ (0700: examples.jsonl, documents.jsonl) -> mask/; then private/ is deleted

The ingest stage's own folder holds no text: its manifest vouches for `private/` by digest, so that a finished run
is reused without it, and a changed mask setting reads the corpus again. While masking runs, the vocabulary stands
there, too. A killed ingest goes on with what it left if the stage's unfinished folder tells how far it had come.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nichetune.core.files import hash_file
from nichetune.core.settings import Settings
from nichetune.core.stages import DERIVED, Report, Stage, StageResult, finished_stage, run_stage, stage_key

if TYPE_CHECKING:
    from nichetune.corpus.reading.locate import Found

PRIVATE = "private"
# What a text comes out of them as may change with their versions.
_READERS = ("pypdf", "python-docx", "lxml", "python-calamine", "ftfy", "charset-normalizer")
_TEXTS = ("examples.jsonl", "documents.jsonl")


def ingest(settings: Settings, project: Path, run_dir: Path, used: dict[str, Any]) -> StageResult:
    """Reads the corpus into `private/`; what is put aside stands in `ingest/` without its text."""
    found = find_corpus_files(settings, project)
    files = {one.name: one.path for one in found if one.path is not None}
    remote = {one.name: one.version() for one in found if one.path is None}
    stage = Stage("ingest", ("corpus",), files, used | ({"remote": remote} if remote else {}), _READERS, settings.seed)
    return run_stage(stage, run_dir / "ingest", lambda out: _ingest_apart(settings, project, run_dir, out))


def find_corpus_files(settings: Settings, project: Path) -> list[Found]:
    """Every file of every source, in order.

    Raises:
        UserError: a source has none.
        SystemFailure: a remote store does not answer.
    """
    from nichetune.corpus.reading.packages import find_source

    return [one for source in settings.sources for one in find_source(project, source).files]


def _ingest_apart(settings: Settings, project: Path, run_dir: Path, out: Path) -> Report:
    from nichetune.corpus import ingest as ingesting
    from nichetune.corpus.canaries import plant_canaries

    apart, kept = run_dir / PRIVATE, out / DERIVED / "done.json"
    if not kept.is_file():  # what a killed run of this very stage left is told by its unfinished folder alone
        shutil.rmtree(apart, ignore_errors=True)
    apart.mkdir(parents=True, mode=0o700, exist_ok=True)
    report = ingesting.run(settings, {"project": project}, apart, kept)
    if settings.canaries.count:
        planted = plant_canaries(settings, apart / "examples.jsonl")
        report = replace(report, counts=report.counts | {"canaries": planted})
    shutil.rmtree(out / DERIVED, ignore_errors=True)
    for path in sorted(apart.iterdir()):
        if path.name not in _TEXTS:
            shutil.copyfile(path, out / path.name)
    digests = {name: hash_file(apart / name) for name in _TEXTS if (apart / name).is_file()}
    return replace(report, facts=report.facts | {"private": digests})


def mask(
    settings: Settings, project: Path, run_dir: Path, used: dict[str, Any], read_again: Callable[[], StageResult]
) -> StageResult:
    """Masks what stands in `private/`, then deletes it unless `mask.keep_raw`."""

    def work(out: Path) -> Report:
        from nichetune.corpus import mask as masking  # seconds to import, and a stage that stands needs none of it

        return masking.run(settings, {"ingest": apart, "project": project}, out)

    policies = {name: project / name for name in settings.mask.policy if (project / name).is_file()}
    stage = Stage("mask", ("corpus",), {"ingest": run_dir / "ingest", **policies}, used,
                  ("spacy", "phonenumbers", "python-stdnum", "detect-secrets"), settings.seed)  # fmt: skip
    apart = run_dir / PRIVATE
    if finished_stage(run_dir / "mask", stage_key(stage)) is None and not apart.is_dir():
        shutil.rmtree(run_dir / "ingest")
        read_again()
    result = run_stage(stage, run_dir / "mask", work)
    if not settings.mask.keep_raw:
        shutil.rmtree(apart, ignore_errors=True)
    return result
