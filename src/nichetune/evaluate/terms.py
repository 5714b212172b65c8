"""The domain's own words in an answer: closed values, names of fields, ids and codes; and codes that nobody knows.

tasks + documents + training texts -> `Vocabulary`; an answer -> {"term_precision": 0.5, "term_recall": 1.0, …}

A code is a word of the form that the task's `codes` describes, or, without that, of the form of a document's id:
letters and digits at the same places, as in H10.1 and H90.3. A code is known if a document, a training example or the
question holds it; an answer with another one invents. Terms are what is compared with the expected answer: of a form
its closed values, by field, and what its open fields hold; elsewhere codes, cited ids and the phrases of the domain
(closed values of any task, titles of documents).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from nichetune.core.records import Answer, Document, Example, Expected, Prediction
from nichetune.core.settings import TaskSettings
from nichetune.core.tasks import normalise, read_form, render_answer

Term = tuple[str, str]  # what kind of term or which field, and the term itself
_TOKEN = re.compile(r"(?<![^\W_])(?=[\w./-]*\d)[^\W_](?:[\w./-]*[^\W_])?")  # only with a digit: codes have one
_WORD = re.compile(r"\w+")
_LONGEST_CODE, _MOST_SHAPES, _MOST_WORDS = 16, 64, 8


@dataclass
class Vocabulary:
    """What the domain knows.

    Attributes:
        shapes: forms of the documents' ids, `A99.9`; empty where these have too many forms to mean anything.
        codes: every known code, case folded.
        phrases: phrases of the domain, each as its words.
    """

    tasks: Mapping[str, TaskSettings]
    shapes: frozenset[str] = frozenset()
    codes: set[str] = field(default_factory=set)
    phrases: frozenset[tuple[str, ...]] = frozenset()

    def find_codes(self, task: TaskSettings, text: str) -> set[str]:
        """The codes that a text holds, case folded."""
        if task.codes:
            return {found.group().casefold() for found in re.finditer(task.codes, text)}
        return {word.casefold() for word in _TOKEN.findall(text) if _shape(word) in self.shapes}

    def find_phrases(self, text: str) -> set[str]:
        """The domain's phrases that a text holds, the longest one at each place."""
        words = _WORD.findall(text.casefold())
        found: set[str] = set()
        at = 0
        while at < len(words):
            size = next((n for n in range(_MOST_WORDS, 0, -1) if tuple(words[at : at + n]) in self.phrases), 0)
            if size:
                found.add(" ".join(words[at : at + size]))
            at += max(1, size)
        return found


def learn_vocabulary(
    tasks: Mapping[str, TaskSettings], documents: Iterable[Document], train: Iterable[Example]
) -> Vocabulary:
    """The vocabulary of a project; documents and examples are read one by one."""
    shapes: set[str] = set()
    phrases = {tuple(_WORD.findall(value.casefold())) for task in tasks.values() for value in _closed_values(task)}
    words: set[str] = set()  # every word that could be a code: ids tell only at the end what codes look like
    texts: set[str] = set()
    patterns = {task.codes for task in tasks.values() if task.codes}

    def read(text: str) -> None:
        words.update(word for word in _TOKEN.findall(text) if _may_be_code(word))
        texts.update(found.group().casefold() for one in patterns for found in re.finditer(one, text))

    for document in documents:
        if _may_be_code(document.id):
            shapes.add(_shape(document.id))
        phrases.add(tuple(_WORD.findall(document.title.casefold())))
        read(f"{document.id}\n{document.title}\n{document.text}")
    for example in train:
        read("\n".join(message.content for message in example.messages))
        if example.task in tasks:
            read(render_answer(tasks[example.task], example.expected))
    kept = frozenset(shapes) if len(shapes) <= _MOST_SHAPES else frozenset()
    known = texts | {word.casefold() for word in words if _shape(word) in kept}
    return Vocabulary(tasks, kept, known, frozenset(filter(_tells, phrases)))


def score_terms(
    vocabulary: Vocabulary, task: TaskSettings, item: Example, prediction: Prediction
) -> Iterator[tuple[str, float]]:
    """The term metrics that apply to one prediction, by name."""
    written, wanted = _list_terms(vocabulary, task, prediction.answer), _list_terms(vocabulary, task, item.expected)
    if written:
        yield "term_precision", len(written & wanted) / len(written)
    if wanted:
        yield "term_recall", len(written & wanted) / len(wanted)
    if task.kind == "form" and (keys := set(read_form(prediction.text) or ())):
        yield "key_precision", len(keys & set(task.fields)) / len(keys)
        yield "key_recall", len(keys & set(task.fields)) / len(task.fields)
    codes = _answer_codes(vocabulary, task, prediction.answer)
    if codes:
        known = vocabulary.codes | vocabulary.find_codes(task, item.prompt)
        yield "invented_codes", float(not codes <= known)


def _list_terms(vocabulary: Vocabulary, task: TaskSettings, said: Answer | Expected) -> set[Term]:
    fields = said.fields or {}
    closed = {name for name, one in task.fields.items() if one.values}
    terms = {(name, normalise(fields[name])) for name in closed if fields.get(name)}
    if task.kind == "choice" and said.answer and not said.abstain:
        return {("", normalise(said.answer))}
    for text in _open_texts(task, said):
        codes = vocabulary.find_codes(task, text)
        terms |= {("code", code) for code in codes}
        terms |= {("phrase", phrase) for phrase in vocabulary.find_phrases(text)}
    return terms | {("code", ref.casefold()) for ref in _references(said)}


def _answer_codes(vocabulary: Vocabulary, task: TaskSettings, said: Answer) -> set[str]:
    codes = (vocabulary.find_codes(task, text) for text in _open_texts(task, said))
    return set().union(*codes, (ref.casefold() for ref in said.citations))


def _open_texts(task: TaskSettings, said: Answer | Expected) -> list[str]:
    """What an answer says in words of its own; nothing where it abstains."""
    if task.kind == "form":
        filled = said.fields or {}
        return [filled[name] for name, one in task.fields.items() if filled.get(name) and not one.values]
    if said.abstain or task.kind == "choice":
        return []
    return [*([said.answer] if said.answer else []), *(said.steps or [])]


def _references(said: Answer | Expected) -> list[str]:
    if said.abstain:
        return []
    return said.citations if isinstance(said, Answer) else said.evidence


def _closed_values(task: TaskSettings) -> Iterator[str]:
    yield from task.values or []
    for one in task.fields.values():
        yield from one.values or []


def _tells(words: tuple[str, ...]) -> bool:
    """Whether a phrase is one of the domain: not a short word by itself, and no sentence."""
    return 1 < len(words) <= _MOST_WORDS or (len(words) == 1 and len(words[0]) > 5)


def _may_be_code(word: str) -> bool:
    """A word with digits and letters or signs among them: a bare number is no code."""
    has_digit = any(sign.isdigit() for sign in word)
    return has_digit and not word.isdigit() and len(word) <= _LONGEST_CODE and bool(_TOKEN.fullmatch(word))


def _shape(word: str) -> str:
    """The form of a word: H10.1 -> A99.9."""
    return "".join("9" if s.isdigit() else ("A" if s.isupper() else "a") if s.isalpha() else s for s in word)
