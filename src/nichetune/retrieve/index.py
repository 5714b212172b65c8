"""Builds the document index: every passage with its vector and its words, in a LanceDB table.

mask/documents.jsonl -> index/documents.jsonl, index/index.json and index/derived/ (the table; rebuilt when it is lost)

    {"version": "5d0c…", "encoder": "all-minilm-l6-v2", "encoder_digest": "41d0…", "documents": 4106, "k": 3,
     "vector_bytes": 6306816}

The version rests on the texts and on the encoder's files alone, never on vectors, whose last bits differ between
machines, nor on the table's files, whose names are drawn at random.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path
from typing import Any

from nichetune.core.errors import UserError
from nichetune.core.files import canonical_json, hash_value, read_json, read_records, write_json, write_jsonl
from nichetune.core.progress import track
from nichetune.core.records import Document
from nichetune.core.settings import Settings
from nichetune.core.stages import DERIVED, Report
from nichetune.models.encoder import Encoder, load_encoder
from nichetune.retrieve.words import fold_codes

DOCUMENTS = "documents.jsonl"
INDEX = "index.json"
TABLE = "documents"
_READY = "ready.json"
_PART = ".derived-"
_LAYOUT = 1  # of the table: another number rebuilds every index


def run(settings: Settings, inputs: dict[str, Path], out: Path) -> Report:
    """Indexes the masked documents.

    Raises:
        UserError: no documents, two different ones with one id, or no such encoder.
    """
    found = read_records(inputs["mask"] / DOCUMENTS, Document)
    documents = _drop_repeated(found)
    if not documents:
        raise UserError("no documents to retrieve from: add a source with `as: documents`, or take out the rag rungs")
    encoder = load_encoder(settings.index.encoder)
    version = index_version(documents, encoder.digest)
    for unfinished in out.glob(f"{_PART}*"):  # left by a process that was killed
        shutil.rmtree(unfinished)
    write_jsonl(out / DOCUMENTS, documents)
    build_table(out, documents, encoder, version)
    note = {
        "version": version,
        "encoder": encoder.name,
        "encoder_digest": encoder.digest,
        "documents": len(documents),
        "vector_bytes": len(documents) * encoder.dimension * 4,  # float32; counted, as the table's own files vary
        "k": settings.index.k,
    }
    write_json(out / INDEX, note)
    overlong = encoder.count_overlong([embedded_text(document) for document in documents])
    return Report(
        counts={"in": len(found), "out": len(documents), "longer than the encoder reads": overlong},
        dropped={"repeated document": len(found) - len(documents)},
        facts={"version": version},
    )


def _drop_repeated(documents: list[Document]) -> list[Document]:
    """Each document once, by id; the order of the files they came from must not show in the version."""
    kept: dict[str, Document] = {}
    for document in documents:
        first = kept.setdefault(document.id, document)
        if _content(first) != _content(document):
            a, b = first.source, document.source
            raise UserError(
                f"two different documents have the id {document.id!r} ({a.file}:{a.line} and {b.file}:{b.line}): "
                "map `id` to a column that is unique"
            )
    return [kept[name] for name in sorted(kept)]


def _content(document: Document) -> dict[str, Any]:
    return document.model_dump(mode="json", exclude={"source"})


def index_version(documents: list[Document], encoder_digest: str) -> str:
    """SHA-256 over what the index finds and how: texts, titles, tenants, classes, dates, and the encoder's files."""
    contents = sorted(canonical_json(_content(document)) for document in documents)
    return hash_value({"documents": contents, "encoder": encoder_digest, "layout": _LAYOUT})


def embedded_text(document: Document) -> str:
    """What the encoder reads of a document: its title first, unless the text already begins with it."""
    return document.text if document.title in document.text[:200] else f"{document.title}\n{document.text}"


def has_table(folder: Path, version: str) -> bool:
    """Whether the table stands there, whole and of this version."""
    ready = folder / DERIVED / _READY
    return ready.is_file() and read_json(ready).get("version") == version


def build_table(folder: Path, documents: list[Document], encoder: Encoder, version: str) -> None:
    """Builds `<folder>/derived/` beside the documents, whole or not at all."""
    with tempfile.TemporaryDirectory(prefix=_PART, dir=folder) as space:
        work = Path(space) / DERIVED
        with track("index", len(documents), "documents") as tick:
            vectors = encoder.encode([embedded_text(document) for document in documents], tick=tick)
        _write_table(work, documents, vectors)
        write_json(work / _READY, {"version": version})
        shutil.rmtree(folder / DERIVED, ignore_errors=True)
        try:
            os.replace(work, folder / DERIVED)
        except OSError:
            if not has_table(folder, version):  # else another process was first, with the same table
                raise


def _write_table(folder: Path, documents: list[Document], vectors: Any) -> None:
    import lancedb
    import pyarrow as pa
    from lancedb.index import FTS, Bitmap

    columns = {
        "id": [document.id for document in documents],
        "tenant": [document.tenant for document in documents],
        "document_class": [document.document_class for document in documents],
        "title": [document.title for document in documents],
        "text": [document.text for document in documents],
        "heading": [fold_codes(f"{document.id} {document.title}") for document in documents],
        "body": [fold_codes(embedded_text(document)) for document in documents],
        "vector": pa.FixedSizeListArray.from_arrays(pa.array(vectors.reshape(-1)), vectors.shape[1]),
    }
    table = lancedb.connect(folder).create_table(TABLE, pa.table(columns))
    for column in ("heading", "body"):
        # stop words stay: "other" and "without" tell neighbouring entries of a list apart
        table.create_index(column, config=FTS(remove_stop_words=False))
    for column in ("tenant", "document_class"):
        table.create_index(column, config=Bitmap())  # they filter every search
