"""The parts that masking writes: tables of masked lines, each with what was replaced in it.

build_table({"line": (lines, pa.binary())}, Counter(PERSON=2)) -> a table; its schema tells {"PERSON": 2}
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

_COUNTS = b"replaced"
_ROWS = 2_000  # that are held while a part is read


def build_table(columns: Mapping[str, tuple[Sequence[Any], pa.DataType]], counts: Counter[str]) -> pa.Table:
    """A part: its columns with their kinds, and how many stretches of each type were replaced."""
    arrays = {name: pa.array(values, kind) for name, (values, kind) in columns.items()}
    return pa.table(arrays).replace_schema_metadata({_COUNTS: json.dumps(counts, sort_keys=True).encode()})


def add_counts(files: Iterable[Path]) -> Counter[str]:
    """What was replaced in some parts together, by type."""
    total = Counter[str]()
    for file in files:
        total.update(json.loads(pq.read_schema(file).metadata[_COUNTS]))
    return total


def read_lines(files: Iterable[Path], column: str = "line") -> Iterator[bytes]:
    """The lines of some parts, a few thousand at a time."""
    for file in files:
        for batch in pq.ParquetFile(file).iter_batches(_ROWS, columns=[column]):
            yield from batch.column(0).to_pylist()


def read_numbers(files: Iterable[Path], column: str) -> np.ndarray:
    """A column of numbers over some parts."""
    parts = [pq.read_table(file, columns=[column])[column].to_numpy() for file in files]
    return np.concatenate([np.empty(0, dtype=np.uint64), *parts])
