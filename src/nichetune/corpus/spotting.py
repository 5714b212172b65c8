"""Reads the whole corpus for what it shares with sealed items, part by part, on as many cores as there are.

examples + sealed items -> boilerplate (digests of runs), and a hit for every example that gives an item away

What counts as shared stands in overlap.py. Sealed items and their runs are in memory, 16 KB an item of 60 words, in
this process and in each worker; the corpus is not.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from nichetune.core.records import Example
from nichetune.core.settings import TaskSettings
from nichetune.corpus.dataplane import write_parts
from nichetune.corpus.overlap import Hit, SealedRuns, digest_run, list_wanted, spot_runs

_HIT = pa.schema([("place", pa.int64()), ("example", pa.string()), ("item", pa.string()), ("reason", pa.string()),
                  ("holds", pa.string()), ("words", pa.int32())])  # fmt: skip


@dataclass(frozen=True)
class _BoilerplateSpotter:
    examples: Sequence[Example]
    wanted: frozenset[str]
    most_groups: int
    tasks: Mapping[str, TaskSettings]

    def __call__(self, first: int, places: np.ndarray) -> pa.Table:
        read = (self.examples[n] for n in places.tolist())
        groups = spot_runs(read, self.wanted, self.most_groups, self.tasks)
        rows = [(run, group) for run, held in groups.items() for group in held]
        columns = {"run": [run for run, _ in rows], "group": [group for _, group in rows]}
        return pa.table(columns, schema=pa.schema([("run", pa.string()), ("group", pa.string())]))


@dataclass(frozen=True)
class _LeakSpotter:
    examples: Sequence[Example]
    sealed: SealedRuns

    def __call__(self, first: int, places: np.ndarray) -> pa.Table:
        hits = [(n, hit) for n in places.tolist() if (hit := self.sealed.find_hit(self.examples[n]))]
        return pa.Table.from_pylist([{"place": n} | asdict(hit) for n, hit in hits], schema=_HIT)


def find_boilerplate(
    examples: Sequence[Example],
    sealed: Sequence[Example],
    words: int,
    least_groups: int,
    tasks: Mapping[str, TaskSettings],
    folder: Path,
) -> frozenset[str]:
    """Runs of the sealed items that stand in so many groups of the whole corpus that they tell nothing.

    Args:
        folder: for what is done so far.
    """
    spotter = _BoilerplateSpotter(examples, list_wanted(sealed, words, tasks), least_groups, tasks)
    groups: dict[str, set[str]] = defaultdict(set)
    for file in write_parts("boilerplate", spotter, np.arange(len(examples)), folder):
        for row in pq.read_table(file).to_pylist():
            if len(groups[row["run"]]) < least_groups:
                groups[row["run"]].add(row["group"])
    return frozenset(digest_run(run) for run, held in groups.items() if len(held) >= least_groups)


def find_leaks(
    examples: Sequence[Example], places: np.ndarray, sealed: SealedRuns, folder: Path
) -> list[tuple[int, Hit]]:
    """Every example at `places` that shares words with a sealed item, with its place.

    Args:
        folder: for what is done so far.
    """
    files = write_parts("contamination", _LeakSpotter(examples, sealed), places, folder)
    rows = (row for file in files for row in pq.read_table(file).to_pylist())
    return [(row.pop("place"), Hit(**row)) for row in rows]
