"""Masks the `text` of any JSON Lines file, line by line, without a project.

in.jsonl -> out.jsonl, one line out for every line in, all other fields unchanged

    {"n": 1, "text": "Pt: Maria Keller"}
    -> {"n": 1, "text": "Pt: [PERSON_1]",
        "entities": [{"start": 4, "end": 16, "type": "PERSON", "replacement": "[PERSON_1]"}]}

Offsets count characters of the original text. A field `entities` that was there before is replaced.
"""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from nichetune.core.errors import UserError
from nichetune.core.stages import Report
from nichetune.corpus.masker import Job, Masked, find_spans, mask_record
from nichetune.corpus.vocabulary import Vocabulary


def mask_file(
    source: Path, target: Path, allow: Sequence[str] = (), min_score: float = 0.4, processes: int = 0
) -> Report:
    """Masks `source` into `target`, which is whole or not written at all.

    Args:
        allow: terms that are never masked.

    Raises:
        UserError: a line is no JSON object or has no `text`; its number is told.
    """
    records = _read(source)
    vocabulary = Vocabulary(allowed=frozenset(term.casefold().strip() for term in allow))
    texts = [record["text"] for record in records if record is not None]
    spans = find_spans([Job(text) for text in texts], vocabulary, min_score, processes)
    masked = [mask_record([text], [found], vocabulary)[0] for text, found in zip(texts, spans, strict=True)]
    _write(target, records, masked)
    entities = Counter(entity.type for one in masked for entity in one.entities)
    counts = {"lines": len(records), "texts": len(texts), "masked": entities.total()}
    return Report(counts=counts, facts={"masked": True, "entities": dict(sorted(entities.items()))})


def _read(source: Path) -> list[dict[str, Any] | None]:
    """The objects, one a line; None for a blank line, which stays blank."""
    if not source.is_file():
        raise UserError(f"no such file: {source}")
    try:
        lines = source.read_bytes().removeprefix(b"\xef\xbb\xbf").decode("utf-8").split("\n")
    except UnicodeDecodeError as error:
        line = source.read_bytes()[: error.start].count(b"\n") + 1
        raise UserError(f"{source}:{line}: not UTF-8 text: save the file as UTF-8") from None
    if lines and not lines[-1]:
        lines.pop()
    return [_parse(source, number, line) for number, line in enumerate(lines, start=1)]


def _parse(source: Path, number: int, line: str) -> dict[str, Any] | None:
    if not line.strip():
        return None
    try:
        record = json.loads(line)
    except (ValueError, RecursionError):
        raise UserError(f"{source}:{number}: not JSON: every line must be one JSON object with `text`") from None
    if not isinstance(record, dict):
        raise UserError(f"{source}:{number}: not a JSON object: every line must be one with `text`")
    if not isinstance(record.get("text"), str):
        what = "`text` is no text" if "text" in record else f"no `text` (it has: {', '.join(record) or 'nothing'})"
        raise UserError(f"{source}:{number}: {what}: put what is to be masked into `text`")
    return record


def _write(target: Path, records: list[dict[str, Any] | None], masked: list[Masked]) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(f".{target.name}.part")
    new = iter(masked)
    try:
        with part.open("w", encoding="utf-8", newline="\n") as handle:
            for record in records:
                handle.write(("" if record is None else _dump(record, next(new))) + "\n")
        os.replace(part, target)
    except BaseException:
        part.unlink(missing_ok=True)
        raise


def _dump(record: dict[str, Any], masked: Masked) -> str:
    line = json.dumps(
        record | {"text": masked.text, "entities": [asdict(entity) for entity in masked.entities]}, ensure_ascii=False
    )
    # Half a character can be spelled in JSON but not in a file: escape it again.
    return line if _is_encodable(line) else json.dumps(json.loads(line))


def _is_encodable(line: str) -> bool:
    try:
        line.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True
