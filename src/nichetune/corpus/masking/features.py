"""Turns a text's words into the numbers that the tagger reads: hashed forms, flags, and spaCy's word vectors.

spaCy docs -> Features(forms [words, 4], flags [words, 23], vectors [words, 64])

Forms are hashes of the lower-cased word, its first and last three letters and its shape ("Xxxxx", "dd").
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from spacy.attrs import ORTH
from spacy.strings import StringStore
from spacy.tokens import Doc

from nichetune.corpus.analyzer import ReadDocs, load_language
from nichetune.corpus.masking.lexicon import depend_on_names, eponym_heads, eponyms, given_names, surname_rank
from nichetune.corpus.masking.plain_words import is_plain, spellings
from nichetune.corpus.masking.things import find_things, read_things

# Sizes of the hash tables: lower, prefix, suffix, shape. Row 0 stands for "hidden" and for padding.
TABLES = (10_007, 4_001, 4_001, 1_009)
WORD_FLAGS = 15
# Places of the flags that lists of names give, and of the one that listed things give.
NAME_FLAGS, THING_FLAG = (5, 12, 13), 14
_COMMON_SURNAME = 5_000
# spaCy's guesses: each word's entity, one flag a group.
_GROUPS = (
    ("PERSON",), ("GPE", "LOC"), ("ORG",), ("FAC",), ("NORP", "LANGUAGE"), ("DATE", "TIME"),
    ("CARDINAL", "ORDINAL", "QUANTITY", "MONEY", "PERCENT"), ("PRODUCT", "EVENT", "LAW", "WORK_OF_ART"),
)  # fmt: skip
_GROUP_OF = {label: n for n, labels in enumerate(_GROUPS) for label in labels}
FLAGS = WORD_FLAGS + len(_GROUPS)
STREET_WORDS = frozenset(
    [
        "street",
        "st",
        "avenue",
        "ave",
        "road",
        "rd",
        "lane",
        "ln",
        "drive",
        "dr",
        "court",
        "ct",
        "place",
        "pl",
        "way",
        "boulevard",
        "blvd",
        "terrace",
        "close",
        "crescent",
        "gardens",
        "grove",
        "square",
        "hill",
        "highway",
        "hwy",
        "parkway",
        "trail",
        "loop",
        "row",
        "mews",
        "rue",
        "straße",
        "strasse",
        "str",
        "weg",
        "platz",
        "gasse",
        "calle",
        "avenida",
        "via",
        "viale",
        "piazza",
        "straat",
        "laan",
        "rua",
        "ul",
        "ulica",
        "gatan",
        "vägen",
        "vej",
        "gade",
        "katu",
        "utca",
        "strada",
        "caddesi",
        "jalan",
        "flat",
        "apt",
        "unit",
        "suite",
        "block",
        "sector",
        "plot",
    ]
)
_TITLES = frozenset(
    [
        "mr",
        "mrs",
        "ms",
        "miss",
        "dr",
        "prof",
        "sir",
        "dame",
        "rev",
        "sgt",
        "judge",
        "justice",
        "nurse",
        "herr",
        "frau",
        "mme",
        "señor",
        "señora",
        "pt",
        "patient",
    ]
)


@dataclass(frozen=True)
class Features:
    """What the tagger reads of some words."""

    forms: np.ndarray  # [words, 4] int64, rows of the hash tables
    flags: np.ndarray  # [words, FLAGS] float32
    vectors: np.ndarray  # [words, 64] float32, spaCy's


def read_features(read: ReadDocs) -> Features:
    """Features of all words of some texts, one text after the other."""
    strings = load_language().vocab.strings
    seen = [_describe_known(orth, strings) for doc in read.docs for orth in doc.to_array([ORTH]).ravel().tolist()]  # type: ignore[arg-type]
    forms = np.array([form for form, _ in seen], dtype=np.int64).reshape(-1, len(TABLES))
    flags = np.zeros((len(seen), FLAGS), dtype=np.float32)
    flags[:, :WORD_FLAGS] = np.array([flag for _, flag in seen], dtype=np.float32).reshape(-1, WORD_FLAGS)
    _mark_entities(read.docs, flags)
    _mark_things(read.docs, flags)
    return Features(forms, flags, read.vectors)


def _mark_entities(docs: Sequence[Doc], flags: np.ndarray) -> None:
    at = 0
    for doc in docs:
        for entity in doc.ents:
            flags[at + entity.start : at + entity.end, WORD_FLAGS + _GROUP_OF[entity.label_]] = 1
        at += len(doc)


def _mark_things(docs: Sequence[Doc], flags: np.ndarray) -> None:
    at = 0
    for doc in docs:
        for start, end in find_things(doc.text):
            span = doc.char_span(start, end, alignment_mode="expand")
            if span is not None:
                flags[at + span.start : at + span.end, THING_FLAG] = 1
        at += len(doc)


_described: dict[int, tuple[tuple[int, ...], tuple[float, ...]]] = {}
_MOST_DESCRIBED = 200_000
depend_on_names(_described.clear)


def _describe_known(orth: int, strings: StringStore) -> tuple[tuple[int, ...], tuple[float, ...]]:
    """A word by its number in the vocabulary: making spaCy's token objects would cost more than all else here."""
    if orth not in _described:
        if len(_described) >= _MOST_DESCRIBED:
            _described.clear()
        _described[orth] = _describe(strings[orth])
    return _described[orth]


def _describe(word: str) -> tuple[tuple[int, ...], tuple[float, ...]]:
    lower = word.casefold()
    forms = (lower, lower[:3], lower[-3:], _shape(word))
    rows = tuple(
        1 + zlib.crc32(form.encode("utf-8", "replace")) % (size - 1) for form, size in zip(forms, TABLES, strict=True)
    )
    rank = surname_rank().get(lower, -1)
    flags = (
        word.istitle(), word.isupper(), word.islower(), any(map(str.isdigit, word)), word.isspace() and "\n" in word,
        lower in given_names(), lower in eponyms() or lower in read_things().shared, lower in eponym_heads(),
        lower.strip(".") in STREET_WORDS, lower.strip(".") in _TITLES, is_plain(word), lower in spellings(),
        0 <= rank < _COMMON_SURNAME, rank >= 0, False,  # the last is of several words: `_mark_things`
    )  # fmt: skip
    return rows, tuple(float(flag) for flag in flags)


def _shape(word: str) -> str:
    shape = "".join("d" if s.isdigit() else "X" if s.isupper() else "x" if s.isalpha() else s for s in word[:12])
    while "xxxxx" in shape:
        shape = shape.replace("xxxxx", "xxxx")
    return shape
