"""Follows one record through a run: where it came from, and what each stage did with it.

Reads every stage folder's JSON Lines -> Trace, by an example's or document's id, or by its place (`notes.csv:18`):

    Trace(id="int-0007", source="corpus/intake/2025.jsonl:7", steps=[Step("mask", "masked: PERSON 1"), …])

No text of the record is shown: what a stage says of it is its place, its digest, counts and reasons.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from nichetune.core.errors import UserError
from nichetune.core.files import hash_text, read_json
from nichetune.core.records import Source
from nichetune.core.stages import MANIFEST
from nichetune.corpus.masking.findings import PLACEHOLDER
from nichetune.pipeline.flow import Project, list_stages

# What a run keeps of single records; later stages work on the sealed items and the training set as they are.
_STAGES = ("ingest", "mask", "format", "dedupe", "split", "benchmark", "index", "preferences")
_PLACE = re.compile(r"^(?P<file>.+?)(?:\s?\[(?P<part>[^\]]+)\])?(?::p(?P<page>\d+))?(?::(?P<line>\d+))?$")
_READING = "reading.jsonl"


@dataclass(frozen=True)
class Step:
    """What one stage did, in words."""

    stage: str
    outcome: str


@dataclass
class Trace:
    """One record's way.

    Attributes:
        kind: example, document, or "put aside" where no record was made of it.
        source: its place, and `sha256` its digest there.
        file: how its file was read: format, digest, counts.
    """

    id: str
    kind: str
    source: str = ""
    sha256: str = ""
    title: str = ""
    file: dict[str, Any] = field(default_factory=dict)
    steps: list[Step] = field(default_factory=list)


@dataclass(frozen=True)
class _Hit:
    """A record that a stage wrote."""

    stage: str
    stem: str
    record: dict[str, Any]


def trace_record(project: Project, wanted: str) -> list[Trace]:
    """The ways of all records that have this id or place; usually one.

    Raises:
        UserError: there is no run, or no record of it has this id or place.
    """
    if not (project.path("ingest") / MANIFEST).is_file():
        raise UserError(f"no run in {project.run_dir}: nichetune run makes one, or give --run-dir")
    hits = _find_hits(project, _match_id(project, wanted)) or _find_hits(project, _match_place(wanted))
    if not hits:
        raise UserError(
            f"no record {wanted!r} in {project.run_dir}: give an id as it stands in mask/, or a place such as "
            "notes.csv:18 or guide.pdf:p3"
        )
    return [_follow(project, name, found) for name, found in _by_id(hits).items()]


Match = Callable[[dict[str, Any]], bool]


def _match_id(project: Project, wanted: str) -> tuple[list[str], Match]:
    """By id, or by one that a column of names or masking made a pseudonym of."""
    digest = hash_text(project.settings.project + wanted)[:16]
    names = [wanted, f"id-{digest}", f"masked-{digest}"]
    return [_escape(name) for name in names], lambda record: record.get("id") in names


def _match_place(wanted: str) -> tuple[list[str], Match]:
    """By file and line, page or sheet; a file alone means what was put aside as a whole."""
    found = _PLACE.match(wanted)
    assert found is not None  # the pattern takes any text
    file, part = found["file"], found["part"]
    page, line = (int(found[name]) if found[name] else None for name in ("page", "line"))

    def matches(record: dict[str, Any]) -> bool:
        source = record.get("source") or {}
        name = str(source.get("file", ""))
        return (
            (name == file or name.endswith(f"/{file}"))
            and (source.get("line") == line if page is None else line in (None, source.get("line")))
            and (page is None or source.get("page") == page)
            and (part is None or source.get("part") == part)
        )

    return [_escape(file.rpartition("/")[2])], matches


def _escape(text: str) -> str:
    """A text as it stands in a line of JSON."""
    return json.dumps(text, ensure_ascii=False)[1:-1]


def _find_hits(project: Project, match: tuple[list[str], Match]) -> list[_Hit]:
    """The records that match, stage by stage.

    Args:
        match: texts of which the record's line holds one (most lines need no parsing then), and the test itself.
    """
    held, matches = match
    hits = []
    for stage in _STAGES:
        for path in sorted(project.path(stage).glob("*.jsonl")):
            if path.name != _READING and not (stage == "mask" and path.stem == "quarantine"):  # a copy of ingest's
                hits += [_Hit(stage, path.stem, one) for one in _scan(path, held) if matches(one)]
    return hits


def _scan(path: Path, held: list[str]) -> Iterator[dict[str, Any]]:
    """The objects on lines that hold one of these texts."""
    with path.open(encoding="utf-8") as handle:
        yield from (json.loads(line) for line in handle if any(text in line for text in held))


def _by_id(hits: list[_Hit]) -> dict[str, list[_Hit]]:
    found: dict[str, list[_Hit]] = {}
    for hit in hits:
        found.setdefault(str(hit.record.get("id", "")), []).append(hit)
    return found


def _follow(project: Project, name: str, hits: list[_Hit]) -> Trace:
    first = hits[0]
    source = Source.model_validate(next((h.record["source"] for h in hits if h.record.get("source")), {"file": ""}))
    is_document = any(hit.stem == "documents" for hit in hits)
    kind = "put aside" if first.stage == "ingest" else "document" if is_document else "example"
    trace = Trace(name, kind, source.place, source.sha256, str(first.record.get("title", "")))
    trace.file = _find_file(project, source.file)
    if kind != "put aside":
        trace.steps.append(Step("ingest", "taken in"))
    trace.steps += [Step(hit.stage, _describe(hit)) for hit in hits]
    trace.steps += _end(project, name, hits)
    return trace


def _find_file(project: Project, file: str) -> dict[str, Any]:
    path = project.path("ingest") / _READING
    if not path.is_file():
        return {}
    return next((one for one in _scan(path, [_escape(file)]) if one["file"] == file), {})


def _describe(hit: _Hit) -> str:
    record = hit.record
    if "reason" in record:
        because = f", because of {record['because_of']}" if record.get("because_of") else ""
        return f"{'put aside' if hit.stage == 'ingest' else 'dropped'}: {record['reason']}{because}"
    if hit.stage == "mask":
        kept = {key: value for key, value in record.items() if key not in ("id", "group", "source")}
        found = PLACEHOLDER.findall(json.dumps(kept, ensure_ascii=False))
        masked = Counter(one[1:].rpartition("_")[0] for one in found)
        told = ", ".join(f"{kind} {count}" for kind, count in sorted(masked.items()))
        return f"masked: {told}" if told else "nothing masked"
    if hit.stage == "dedupe":
        return f"kept, group {record.get('group', '')}"
    if hit.stage == "split":
        names = {"train": "training set", "dev": "development set", "blind": "blind holdout"}
        return names.get(hit.stem, hit.stem)
    if hit.stage == "preferences":
        return {"train": "pair to learn from", "heldout": "pair held out"}.get(hit.stem, hit.stem)
    return {"benchmark": "sealed", "index": "indexed as a passage"}.get(hit.stage, "kept")


def _end(project: Project, name: str, hits: list[_Hit]) -> list[Step]:
    """What became of a record behind the last stage that wrote it down."""
    steps: list[Step] = []
    if any(hit.stage == "split" and hit.stem == "train" for hit in hits):
        done = [n for n in list_stages(project) if n.startswith("train/") and _is_done(project, n)]
        how = "not trained on, taken from a finished run" if project.settings.train.from_run else "trained on"
        steps += [Step(n, f"{how} (adapter {_digest(project, n)})") for n in done]
    if any(hit.stage == "benchmark" for hit in hits):
        done = [n for n in list_stages(project) if n.startswith("evaluate/") and _is_done(project, n)]
        steps += [Step(n, "answered as a sealed item") for n in done]
    if any(hit.stem == "documents" for hit in hits):
        cited = Counter(part for part in ("train", "dev", "holdout") for _ in _citing(project, part, name))
        steps += [Step("split", f"evidence of {count} examples in {part}") for part, count in cited.items()]
    return steps


def _citing(project: Project, part: str, name: str) -> Iterator[str]:
    path = project.path("split") / f"{part}.jsonl"
    if path.is_file():
        for one in _scan(path, [_escape(name)]):
            if name in one["expected"]["evidence"]:
                yield one["id"]


def _is_done(project: Project, stage: str) -> bool:
    return (project.path(stage) / MANIFEST).is_file()


def _digest(project: Project, stage: str) -> str:
    return str(read_json(project.path(stage) / MANIFEST)["digest"])[:12]
