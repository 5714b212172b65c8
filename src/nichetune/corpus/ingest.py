"""Ingest: reads the user's files into examples and documents, and puts aside what cannot be read.

the project's files -> examples.jsonl, documents.jsonl (unmasked: for `private/` alone), quarantine.jsonl,
published.json (files of documents that are public)

    {"id": "notes.csv:18", "reason": "empty text", "source": {"file": "corpus/notes.csv", "line": 18, "sha256": "9f…"}}

A record is put aside under the place where it stands, since its own id may be part of what is wrong with it.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from nichetune.core.errors import UserError
from nichetune.core.files import write_json
from nichetune.core.progress import track
from nichetune.core.records import Document, Dropped, Example
from nichetune.core.settings import Settings, SourceSettings
from nichetune.core.stages import Report
from nichetune.corpus.columns import Place, columns_of, resolve_columns
from nichetune.corpus.mapping import Mapper, Unfit
from nichetune.corpus.private import write_private
from nichetune.corpus.readers import RawRecord, detect_format, find_files, read_file

PUBLISHED = "published.json"


@dataclass
class Harvest:
    """What has been read so far."""

    examples: dict[str, Example] = field(default_factory=dict)
    documents: dict[str, Document] = field(default_factory=dict)
    quarantine: list[Dropped] = field(default_factory=list)
    published: list[str] = field(default_factory=list)
    labels: dict[str, str] = field(default_factory=dict)

    def label(self, file: str) -> str:
        """A short name for a file: its last part, or the whole path where another file has that already."""
        name = Path(file).name
        return name if self.labels.setdefault(name, file) == file else file

    read: int = 0
    broken: int = 0


def run(settings: Settings, inputs: dict[str, Path], out: Path) -> Report:
    """Reads all sources of the project in `inputs["project"]`.

    Raises:
        UserError: a file or column is missing, too much is broken, a label is unknown, or nothing is left.
    """
    project = inputs["project"]
    harvest = Harvest()
    files = [(n, path) for n, source in enumerate(settings.sources) for path in _list_files(source, project)]
    with track("ingest", len(files), "files") as tick:
        for number, path in files:
            _read_source_file(harvest, settings, number, path, project)
            tick()
    _refuse_if_useless(harvest, settings)
    out.chmod(0o700)
    write_private(out / "examples.jsonl", harvest.examples.values())
    write_private(out / "documents.jsonl", harvest.documents.values())
    write_private(out / "quarantine.jsonl", harvest.quarantine)
    write_json(out / PUBLISHED, sorted(harvest.published))
    counts = {
        "files": len(files),
        "in": harvest.read,
        "examples": len(harvest.examples),
        "documents": len(harvest.documents),
    }
    return Report(counts=counts, dropped=dict(sorted(Counter(one.reason for one in harvest.quarantine).items())))


def _list_files(source: SourceSettings, project: Path) -> list[Path]:
    return find_files(project, source.path, source.format)


def _read_source_file(harvest: Harvest, settings: Settings, number: int, path: Path, project: Path) -> None:
    source = settings.sources[number]
    task = settings.tasks[source.task] if source.holds == "examples" else None
    file = path.relative_to(project).as_posix() if path.is_relative_to(project) else path.as_posix()
    label = harvest.label(file)
    records = read_file(path, detect_format(path, source.format), source.encoding, label)
    if not any(raw.values is not None for raw in records):
        columns: dict[str, str] = {}  # an empty or wholly broken file has none to resolve
    else:
        columns = resolve_columns(source, task, columns_of(raw.values for raw in records), Place(number, file))
    if source.published and source.holds == "documents":
        harvest.published.append(file)
    mapper = Mapper(file, label, source, task, columns, settings.ingest.max_words, settings.project)
    for raw in records:
        _take_record(harvest, mapper, raw)


def _take_record(harvest: Harvest, mapper: Mapper, raw: RawRecord) -> None:
    harvest.read += 1
    place = mapper.locate(raw)
    name = mapper.place_name(raw)
    if raw.values is None:
        harvest.broken += 1
        harvest.quarantine.append(Dropped(id=name, reason=raw.problem, source=place))
        return
    try:
        record = mapper.make_example(raw) if mapper.task else mapper.make_document(raw)
    except Unfit as unfit:
        harvest.quarantine.append(Dropped(id=name, reason=str(unfit), source=place))
        return
    held: dict[str, Example] | dict[str, Document] = harvest.examples if mapper.task else harvest.documents
    first = held.get(record.id)
    if first is None:
        held[record.id] = record  # type: ignore[assignment]
    else:
        original = f"{harvest.label(first.source.file)}:{first.source.line}"
        harvest.quarantine.append(Dropped(id=name, reason="duplicate id", source=place, because_of=original))


def _refuse_if_useless(harvest: Harvest, settings: Settings) -> None:
    share = harvest.broken / max(1, harvest.read)
    if share > settings.ingest.max_broken_share:
        first = next(one for one in harvest.quarantine if one.source.line is not None)
        raise UserError(
            f"{harvest.broken} of {harvest.read} records cannot be read ({share:.0%}, "
            f"ingest.max_broken_share is {settings.ingest.max_broken_share:.0%}); the first is "
            f"{first.source.file}:{first.source.line} ({first.reason}): mend the files or raise the share"
        )
    if not harvest.examples:
        reasons = Counter(one.reason for one in harvest.quarantine)
        aside = ", ".join(f"{reason} {count}" for reason, count in sorted(reasons.items())) or "nothing put aside"
        raise UserError(f"the corpus is empty: no example in {harvest.read} records ({aside}): check sources[].path")
