"""The classical model as it answers and as it lies on disk: vocabulary and weights, no pickle.

Reads or writes <folder>/{classical.json, arrays.safetensors}; texts -> `Prediction`s:

    {"tasks": {"triage": {"task": {...}, "terms": {"words": ["acute", ...]},
     "heads": {"side": {"reads": "words", "labels": ["left", "right"], "linear": true}}}}}

A head is one thing to answer: a field of a form, or (named "") the whole answer. It either weighs terms, one row of
weights a label, or takes over the answer of the most similar training example.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from nichetune.core.errors import UserError
from nichetune.core.files import read_json, write_text
from nichetune.core.records import Answer, Example, Expected, Prediction
from nichetune.core.settings import TaskSettings
from nichetune.core.tasks import parse_answer, render_answer

Reading = Literal["words", "characters", "both", "single words", "phrases"]
READINGS: tuple[Reading, ...] = ("words", "characters", "both", "single words", "phrases")
WHOLE = ""  # the head that answers a task without fields
_GRAMS: dict[str, dict[str, Any]] = {
    "words": {"analyzer": "word", "ngram_range": (1, 2), "token_pattern": r"(?u)\b\w+\b"},
    "characters": {"analyzer": "char_wb", "ngram_range": (2, 5)},
    "single words": {"analyzer": "word", "ngram_range": (1, 1), "token_pattern": r"(?u)\b\w+\b"},
    "phrases": {"analyzer": "word", "ngram_range": (1, 3), "token_pattern": r"(?u)\b\w+\b"},
}
KINDS = tuple(_GRAMS)
_NOTHING = "(nothing)"  # what a text without any term holds, so that no vocabulary is ever empty
_DESCRIPTION, _ARRAYS = "classical.json", "arrays.safetensors"
Floats = NDArray[np.float32]


class Terms:
    """TF-IDF of words (1, 1-2 or 1-3) or of characters within words (2-5), each text scaled to length 1."""

    def __init__(self, kind: str, terms: Sequence[str], idf: Floats) -> None:
        from sklearn.feature_extraction.text import TfidfVectorizer

        self.kind, self.terms, self.idf = kind, list(terms), idf
        vocabulary = {term: n for n, term in enumerate(terms)}
        self._vectoriser = TfidfVectorizer(
            analyzer=_split(kind), sublinear_tf=True, dtype=np.float32, vocabulary=vocabulary
        )
        self._vectoriser.idf_ = idf

    @classmethod
    def fit(cls, kind: str, texts: Sequence[str]) -> Terms:
        """Learns the terms of these texts and how rare each one is."""
        from sklearn.feature_extraction.text import TfidfVectorizer

        vectoriser = TfidfVectorizer(analyzer=_split(kind), sublinear_tf=True, dtype=np.float32).fit(texts)
        return cls(kind, vectoriser.get_feature_names_out().tolist(), vectoriser.idf_.astype(np.float32))

    def read(self, texts: Sequence[str]) -> sparse.csr_matrix:
        """Weights of the terms: [texts, terms]."""
        return sparse.csr_matrix(self._vectoriser.transform(texts), dtype=np.float32)


def _split(kind: str) -> Callable[[str], list[str]]:
    from sklearn.feature_extraction.text import CountVectorizer

    grams: Callable[[str], list[str]] = CountVectorizer(**_GRAMS[kind]).build_analyzer()
    return lambda text: grams(text) or [_NOTHING]


@dataclass(frozen=True)
class Head:
    """One thing to answer.

    Attributes:
        reads: which terms.
        labels: of a linear head its classes, else one answer for each training example.
        weights: [classes, terms], and `intercepts` [classes]; None where the nearest example answers.
    """

    reads: Reading
    labels: list[str]
    weights: Floats | None = None
    intercepts: Floats | None = None

    def answer(self, rows: sparse.csr_matrix, known: sparse.csr_matrix | None) -> list[str]:
        """One label for each row.

        Args:
            known: the training examples' rows, for a head that takes the nearest.
        """
        return [self.labels[n] for n in self._rate(rows, known).argmax(axis=1)]

    def answer_surely(self, rows: sparse.csr_matrix, known: sparse.csr_matrix | None) -> tuple[list[str], Floats]:
        """One label for each row, and how sure it is: its probability, or the cosine of the nearest example."""
        rates = self._rate(rows, known)
        best = rates.argmax(axis=1)
        top = np.take_along_axis(rates, best[:, None], axis=1)
        if self.weights is not None:
            sure = 1 / np.exp(rates - top).sum(axis=1)  # the largest share of a softmax
        else:
            sure = np.clip(top[:, 0] / len(kinds_of(self.reads)), 0, 1)  # each kind of term has length 1
        return [self.labels[n] for n in best], sure.astype(np.float32)

    def _rate(self, rows: sparse.csr_matrix, known: sparse.csr_matrix | None) -> Floats:
        """[rows, labels]; more is likelier."""
        if self.weights is not None and self.intercepts is not None:
            return np.asarray(rows @ self.weights.T + self.intercepts)
        assert known is not None
        return np.asarray((rows @ known.T).toarray())  # rows have one length, so this orders like the cosine


@dataclass(frozen=True)
class Said:
    """Answers as text, and the confidence of each: the product over its heads, 0..1."""

    texts: list[str]
    confidence: list[float]


@dataclass
class TaskModel:
    """Everything that answers one task.

    Attributes:
        known: the training examples' rows, for each reading that a nearest head needs.
    """

    task: TaskSettings
    terms: dict[str, Terms]
    heads: dict[str, Head]
    known: dict[str, sparse.csr_matrix] = field(default_factory=dict)

    def read(self, texts: Sequence[str], reading: Reading) -> sparse.csr_matrix:
        """Rows of term weights: [texts, terms of that reading]."""
        parts = [self.terms[kind].read(texts) for kind in kinds_of(reading)]
        return sparse.csr_matrix(sparse.hstack(parts, format="csr"))

    def answer(self, texts: Sequence[str]) -> list[str]:
        """The answers as text, in the form that a language model is taught to write."""
        return self.say(texts).texts

    def say(self, texts: Sequence[str]) -> Said:
        """The answers as text, and how sure the model is of each as a whole."""
        rows = {head.reads: self.read(texts, head.reads) for head in self.heads.values()}
        said = {n: h.answer_surely(rows[h.reads], self.known.get(h.reads)) for n, h in self.heads.items()}
        sure = np.prod([confidence for _, confidence in said.values()], axis=0).tolist()
        if self.task.kind != "form":
            return Said(said[WHOLE][0], sure)
        forms = [{name: said[name][0][n] for name in self.heads} for n in range(len(texts))]
        return Said([render_answer(self.task, Expected(fields=form)) for form in forms], sure)

    def count_flops(self, texts: Sequence[str]) -> float:
        """Multiplications and additions behind these answers: two for each weight that is read."""
        total = 0.0
        for head in self.heads.values():
            if head.weights is None:
                total += 2.0 * self.known[head.reads].nnz * len(texts)
            else:
                total += 2.0 * self.read(texts, head.reads).nnz * len(head.labels)
        return total


def kinds_of(reading: Reading) -> tuple[str, ...]:
    """The kinds of terms of a reading."""
    return ("words", "characters") if reading == "both" else (reading,)


@dataclass
class ClassicalModel:
    """The rung below all language models."""

    tasks: dict[str, TaskModel]

    def predict(self, examples: Sequence[Example]) -> list[Prediction]:
        """Predictions in the examples' order; a task that was never trained gets an empty answer."""
        texts: dict[int, str] = {}
        sure: dict[int, float] = {}
        for name, model in self.tasks.items():
            own = [n for n, example in enumerate(examples) if example.task == name]
            if own:
                said = model.say([examples[n].prompt for n in own])
                texts |= dict(zip(own, said.texts, strict=True))
                sure |= dict(zip(own, said.confidence, strict=True))
        return [self._predict(example, texts.get(n, ""), sure.get(n)) for n, example in enumerate(examples)]

    def _predict(self, example: Example, text: str, sure: float | None) -> Prediction:
        model = self.tasks.get(example.task)
        return Prediction(
            item=example.id, text=text, answer=parse_answer(model.task, text) if model else Answer(parsed=False),
            confidence=None if sure is None else float(f"{sure:.6g}"),
        )  # fmt: skip

    def count_flops(self, examples: Sequence[Example]) -> float:
        """Operations behind the answers to these examples."""
        by_task = {name: [e.prompt for e in examples if e.task == name] for name in self.tasks}
        return sum(self.tasks[name].count_flops(texts) for name, texts in by_task.items() if texts)

    def save(self, folder: Path) -> None:
        """Writes the model: a description in JSON, and arrays."""
        from safetensors.numpy import save_file

        folder.mkdir(parents=True, exist_ok=True)
        arrays: dict[str, NDArray[Any]] = {}
        for name, model in self.tasks.items():
            arrays |= {f"{name}/{key}": array for key, array in _list_arrays(model).items()}
        save_file({key: np.ascontiguousarray(array) for key, array in arrays.items()}, folder / _ARRAYS)
        described = {"tasks": {name: _describe(model) for name, model in self.tasks.items()}}
        write_text(folder / _DESCRIPTION, json.dumps(described, ensure_ascii=False) + "\n")  # in writing order


def load_classical(folder: Path) -> ClassicalModel:
    """Reads a saved model.

    Raises:
        UserError: the folder holds none.
    """
    from safetensors.numpy import load_file

    if not (folder / _ARRAYS).is_file():
        raise UserError(f"no classical model at {folder}: train it first (`nichetune run --until train`)")
    arrays = load_file(folder / _ARRAYS)
    described = read_json(folder / _DESCRIPTION)["tasks"]
    tasks = {}
    for name, description in described.items():
        own = {key.removeprefix(f"{name}/"): array for key, array in arrays.items() if key.startswith(f"{name}/")}
        tasks[name] = _build_task(description, own)
    return ClassicalModel(tasks)


def _describe(model: TaskModel) -> dict[str, Any]:
    return {
        "task": model.task.model_dump(mode="json"),
        "terms": {kind: terms.terms for kind, terms in model.terms.items()},
        "heads": {
            name: {"reads": head.reads, "labels": head.labels, "linear": head.weights is not None}
            for name, head in model.heads.items()
        },
        "columns": {reading: rows.shape[1] for reading, rows in model.known.items()},
    }


def _list_arrays(model: TaskModel) -> dict[str, NDArray[Any]]:
    arrays: dict[str, NDArray[Any]] = {f"idf/{kind}": terms.idf for kind, terms in model.terms.items()}
    for reading, rows in model.known.items():
        arrays |= {f"known/{reading}/{part}": getattr(rows, part) for part in ("data", "indices", "indptr")}
    for name, head in model.heads.items():
        if head.weights is not None and head.intercepts is not None:
            arrays |= {f"weights/{name}": head.weights, f"intercepts/{name}": head.intercepts}
    return arrays


def _build_task(description: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> TaskModel:
    terms = {kind: Terms(kind, names, arrays[f"idf/{kind}"]) for kind, names in description["terms"].items()}
    heads = {
        name: Head(one["reads"], one["labels"], arrays.get(f"weights/{name}"), arrays.get(f"intercepts/{name}"))
        for name, one in description["heads"].items()
    }
    known = {}
    for reading, columns in description["columns"].items():
        data, indices, indptr = (arrays[f"known/{reading}/{part}"] for part in ("data", "indices", "indptr"))
        known[reading] = sparse.csr_matrix((data, indices, indptr), shape=(len(indptr) - 1, columns))
    return TaskModel(TaskSettings.model_validate(description["task"]), terms, heads, known)
