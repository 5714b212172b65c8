"""Finds near-duplicate texts: one Daft program, on this machine's cores or on a Ray cluster, with the same result.

texts -> pairs (a, b, similarity), a < b

    Pair(a=3, b=17, similarity=0.91)

1. *Sign*, part by part: cut a text into shingles, MinHash them, keep a key of each band (minhash.py).
2. *Shuffle*, some bands at a time: rows of (band, key) go to one place by their key, and pairs come out.
3. *Verify*, part by part: read the two texts of a pair and compare their shingles. Pairs below the threshold are
   thrown out: no false positives.

Memory: a shuffle holds at most `_MOST_ROWS` rows, however many texts there are; all else lies in the folder. Texts of
one part are not shuffled: they lie in one place.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from nichetune.core.settings import DedupeSettings
from nichetune.corpus.dataplane import DataType, Series, col, count_cores, daft, is_on_ray, tell_losses, write_parts
from nichetune.corpus.minhash import Pair, cut_into_bands, pair_up
from nichetune.corpus.shingles import Subject, Templates, jaccard, shingle

# Of (band, key) rows a shuffle takes as many bands as make the first number; a band of more rows than the second is
# taken in shares. A row costs some 100 bytes while it is shuffled. A cluster takes so many a core.
_ROUND_ROWS, _MOST_ROWS = 500_000, 8_000_000
_SLOT_ROWS = 500_000  # rows that are sorted at once
_KEPT_CUTS = 4_000  # texts that were compared last, some 10 KB each; pairs come sorted by their first text
_CUT_AT_ONCE = 2_000  # texts whose shingles are in memory, some 10 KB each


@dataclass(frozen=True)
class Found:
    """Verified pairs, and the rows of texts that hold no shingle of their own."""

    pairs: list[Pair]
    bare: np.ndarray


@dataclass(frozen=True)
class _Cutter:
    """What both jobs need of texts."""

    subjects: Sequence[Subject]
    templates: Templates
    settings: DedupeSettings
    seed: int


@dataclass(frozen=True)
class _Signer(_Cutter):
    def __call__(self, first: int, places: np.ndarray) -> pa.Table:
        starts = range(0, len(places), _CUT_AT_ONCE)
        return pa.concat_tables([self._sign(first + at, places[at : at + _CUT_AT_ONCE]) for at in starts])

    def _sign(self, first: int, places: np.ndarray) -> pa.Table:
        sets = [self.templates.strip(self.subjects[n]) for n in places.tolist()]
        bands = cut_into_bands(sets, self.settings, self.seed)
        rows = np.arange(first, first + len(places))
        keys = {name: bands[:, n] for n, name in enumerate(_name_bands(self.settings))}
        return pa.table({"row": rows, "size": np.array([len(one) for one in sets], dtype=np.int32)} | keys)


@dataclass(frozen=True)
class _Comparer(_Cutter):
    """Compares pairs of rows, each given as one number; `places` names a file that says which text a row is."""

    places: Path
    rows: int

    def __call__(self, first: int, pairs: np.ndarray) -> pa.Table:
        places = np.load(self.places, mmap_mode="r")
        subject = lru_cache(_KEPT_CUTS)(lambda n: self.subjects[n])
        telling = lru_cache(_KEPT_CUTS)(lambda n: self.templates.strip(subject(n)))
        whole = lru_cache(_KEPT_CUTS)(lambda n: shingle(subject(n).text, self.settings.ngram_words))
        similarities = []
        for one, other in zip(places[pairs // self.rows].tolist(), places[pairs % self.rows].tolist(), strict=True):
            similarity = jaccard(telling(one), telling(other))
            if similarity >= self.settings.threshold and len(self.templates):
                similarity = min(similarity, jaccard(whole(one), whole(other)))
            similarities.append(similarity)
        return pa.table({"similarity": np.array(similarities, dtype=np.float64)})


def find_candidates(
    subjects: Sequence[Subject],
    places: np.ndarray,
    templates: Templates,
    settings: DedupeSettings,
    seed: int,
    folder: Path,
) -> Found:
    """Verified pairs of the texts at `places`; `a` and `b` are rows: places in `places`.

    Args:
        subjects: of the whole corpus; travels to the workers.
        templates: shingles by which no text is found. A similarity is the smaller of that without and with them.
        folder: for what is done so far; a second call with the same arguments goes on with it.
    """
    if not len(places):
        return Found([], np.empty(0, np.int64))
    cutter = (subjects, templates, settings, seed)
    signed = write_parts("signing", _Signer(*cutter), places, folder / "bands")
    sizes = np.concatenate([pq.read_table(file, columns=["size"])["size"].to_numpy() for file in signed])
    proposed = _propose(signed, settings, len(places))
    comparer = _Comparer(*cutter, folder / "bands" / "places.npy", len(places))
    compared = write_parts("comparing", comparer, proposed, folder / "pairs")
    similarity = np.concatenate([pq.read_table(file)["similarity"].to_numpy() for file in compared] or [np.empty(0)])
    good = similarity >= settings.threshold
    keys, values = proposed[good].tolist(), similarity[good].tolist()
    pairs = [Pair(key // len(places), key % len(places), value) for key, value in zip(keys, values, strict=True)]
    return Found(pairs, np.flatnonzero(sizes == 0))


def _propose(signed: list[Path], settings: DedupeSettings, rows: int) -> np.ndarray:
    """Pairs of rows that agree in a whole band and whose sizes allow the threshold, each once: a * rows + b, sorted."""
    names, threshold = _name_bands(settings), settings.threshold
    if len(signed) == 1:  # what lies in one place need not be brought there
        table = pq.read_table(signed[0]).filter(pc.field("size") > 0)
        row, size = table["row"].to_numpy(), table["size"].to_numpy()
        found = [_number_pairs(row, table[name].to_numpy(), size, threshold, rows) for name in names]
        return np.unique(np.concatenate(found))
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
