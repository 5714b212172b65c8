"""Masks the `text` of any JSON Lines file, line by line, without a project.

in.jsonl -> out.jsonl, one line out for every line in, all other fields unchanged

    {"n": 1, "text": "Pt: Maria Keller"}
    -> {"n": 1, "text": "Pt: [PERSON_1]",
        "entities": [{"start": 4, "end": 16, "type": "PERSON", "replacement": "[PERSON_1]"}]}

Offsets count characters of the original text. A field `entities` that was there before is replaced.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from nichetune.core.stages import Report
from nichetune.corpus.masker import Job, Masked, find_spans, mask_record
from nichetune.corpus.text_lines import TextLine, read_text_lines, write_text_lines
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
    records = read_text_lines(source)
    vocabulary = Vocabulary(allowed=frozenset(term.casefold().strip() for term in allow))
    texts = [record["text"] for record in records if record is not None]
    spans = find_spans([Job(text) for text in texts], vocabulary, min_score, processes)
    masked = [mask_record([text], [found], vocabulary)[0] for text, found in zip(texts, spans, strict=True)]
    new = iter(masked)
    write_text_lines(target, [None if record is None else _rewrite(record, next(new)) for record in records])
    entities = Counter(entity.type for one in masked for entity in one.entities)
    counts = {"lines": len(records), "texts": len(texts), "masked": entities.total()}
    return Report(counts=counts, facts={"masked": True, "entities": dict(sorted(entities.items()))})


def _rewrite(record: TextLine, masked: Masked) -> TextLine:
    return record | {"text": masked.text, "entities": [asdict(entity) for entity in masked.entities]}
