"""Finds near-duplicate texts among more than one place can hold: one Daft program, on cores or on a Ray cluster.

texts -> pairs and their similarities

1. *Sign*, part by part: cut a text into shingles, MinHash them, keep a key of each band (minhash.py).
2. *Shuffle*, some bands at a time: rows of (band, key) go to one place by their key, and pairs come out.
3. *Compare*, part by part: read the two texts of a pair and compare their shingles.

Memory: a shuffle holds at most `_MOST_ROWS` rows, however many texts there are; all else lies in the folder.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from nichetune.core.settings import DedupeSettings
from nichetune.corpus.candidates import READ_AT_ONCE, Found, compare_pairs, keep_good
from nichetune.corpus.dataplane import DataType, Series, col, count_cores, daft, is_on_ray, tell_losses, write_parts
from nichetune.corpus.minhash import cut_into_bands, pair_up
from nichetune.corpus.subjects import Corpus
from nichetune.corpus.templates import Templates

# Of (band, key) rows a shuffle takes as many bands as make the first number; a band of more rows than the second is
# taken in shares. A row costs some 100 bytes while it is shuffled. A cluster takes so many a core.
_ROUND_ROWS, _MOST_ROWS = 500_000, 8_000_000
_SLOT_ROWS = 500_000  # rows that are sorted at once


@dataclass(frozen=True)
class _Cutter:
    """What both jobs need of texts."""

    corpus: Corpus
    templates: Templates
    settings: DedupeSettings
    seed: int


@dataclass(frozen=True)
class _Signer(_Cutter):
    def __call__(self, first: int, places: np.ndarray) -> pa.Table:
        starts = range(0, len(places), READ_AT_ONCE)
        return pa.concat_tables([self._sign(first + at, places[at : at + READ_AT_ONCE]) for at in starts])

    def _sign(self, first: int, places: np.ndarray) -> pa.Table:
        telling = self.templates.strip(self.corpus.read(places, self.settings.ngram_words))
        keys = zip(_name_bands(self.settings), cut_into_bands(telling, self.settings, self.seed), strict=True)
        rows = np.arange(first, first + len(places))
        return pa.table({"row": rows, "size": telling.sizes.astype(np.int32)} | dict(keys))


@dataclass(frozen=True)
class _Comparer(_Cutter):
    """Compares pairs of rows, each given as one number; `places` names a file that says which text a row is."""

    places: Path
    rows: int

    def __call__(self, first: int, pairs: np.ndarray) -> pa.Table:
        starts = range(0, len(pairs), READ_AT_ONCE)
        places = np.load(self.places, mmap_mode="r")
        ends = [np.stack(np.divmod(pairs[at : at + READ_AT_ONCE], self.rows), axis=1) for at in starts]
        texts = (self.corpus, places, self.templates, self.settings.ngram_words)
        similarities = [compare_pairs(*texts, some) for some in ends]
        return pa.table({"similarity": np.concatenate(similarities)})


def shuffle_pairs(
    corpus: Corpus, places: np.ndarray, templates: Templates, settings: DedupeSettings, seed: int, folder: Path
) -> Found:
    """As `find_candidates`, by parts that are kept in the folder."""
    cutter = (corpus, templates, settings, seed)
    signed = write_parts("signing", _Signer(*cutter), places, folder / "bands")
    sizes = np.concatenate([pq.read_table(file, columns=["size"])["size"].to_numpy() for file in signed])
    proposed = _propose(signed, settings, len(places))
    comparer = _Comparer(*cutter, folder / "bands" / "places.npy", len(places))
    compared = write_parts("comparing", comparer, proposed, folder / "pairs")
    similarity = np.concatenate([pq.read_table(file)["similarity"].to_numpy() for file in compared] or [np.empty(0)])
    pairs = np.stack(np.divmod(proposed, len(places)), axis=1)
    return Found(keep_good(pairs, similarity, settings.threshold), np.flatnonzero(sizes == 0))


def _propose(signed: list[Path], settings: DedupeSettings, rows: int) -> np.ndarray:
    """Pairs of rows that agree in a whole band and whose sizes allow the threshold, each once: a * rows + b, sorted."""
    names, threshold = _name_bands(settings), settings.threshold
    nodes = count_cores() if is_on_ray() else 1
    at_once, shares = max(1, nodes * _ROUND_ROWS // rows), -(-rows // (nodes * _MOST_ROWS))
    keys = np.empty(0, dtype=np.int64)
    for start in range(0, len(names), at_once):
        for share in range(shares):
            more = _shuffle(signed, names[start : start + at_once], threshold, rows, (share, shares))
            keys = np.unique(np.concatenate([keys, more]))  # the same pair comes once a band
    return keys


def _number_pairs(row: np.ndarray, key: np.ndarray, size: np.ndarray, threshold: float, rows: int) -> np.ndarray:
    pairs = pair_up(row, key, size, threshold)
    numbers: np.ndarray = pairs[:, 0] * rows + pairs[:, 1]
    return numbers


def _shuffle(signed: list[Path], names: list[str], threshold: float, rows: int, share: tuple[int, int]) -> np.ndarray:
    """Pairs of some bands, of those keys that fall to this share."""
    own, shares = share
    frame = daft.read_parquet([str(file) for file in signed]).select("row", "size", *names)
    key: Any = col("key")
    size: Any = col("size")
    frame = frame.where(size > 0).unpivot(["row", "size"], names, "band", "key")
    frame = frame.where(key % shares == own) if shares > 1 else frame
    frame = frame.with_column("slot", key // shares % (-(-rows // shares // _SLOT_ROWS)))
    slots = frame.groupby("band", "slot").agg(*(col(name).list_agg() for name in ("row", "key", "size")))
    pairer = _make_pairer(threshold, rows)
    pairs = slots.select(pairer(col("row"), col("key"), col("size")).alias("pair")).explode("pair")
    with tell_losses():
        found = pairs.where(col("pair").not_null()).distinct().to_arrow()["pair"]
    numbers: np.ndarray = found.to_numpy()
    return numbers


def _make_pairer(threshold: float, rows: int) -> Any:
    @daft.func.batch(return_dtype=DataType.list(DataType.int64()), batch_size=1, use_process=False)
    def pair(row: Series, key: Series, size: Series) -> list[list[int]]:
        slots = zip(_list_arrays(row), _list_arrays(key), _list_arrays(size), strict=True)
        return [_number_pairs(own, keys, sizes, threshold, rows).tolist() for own, keys, sizes in slots]

    return pair


def _list_arrays(lists: Series) -> list[np.ndarray]:
    return [one.values.to_numpy() for one in lists.to_arrow()]


def _name_bands(settings: DedupeSettings) -> list[str]:
    return [f"band{n:03}" for n in range(settings.bands)]
