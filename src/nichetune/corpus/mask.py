"""Mask: replaces people, numbers, addresses and secrets by typed placeholders, in every text of the corpus.

ingest/ -> examples.jsonl, documents.jsonl, entities.json (counts by type), quarantine.jsonl (as it was)

    "Pt: Maria Keller, MRN 00482913. Pinguecula, OD."  ->  "Pt: [PERSON_1], MRN [MEDICAL_RECORD_1]. Pinguecula, OD."

One record's texts share one set of placeholders. Values of closed fields are never masked. A quotation is taken
from the masked document in which it stands, so that it stays verbatim there.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from nichetune.core.errors import UserError
from nichetune.core.files import hash_text, read_json, read_records, write_json, write_jsonl
from nichetune.core.records import Document, Dropped, Example, Expected
from nichetune.core.settings import Settings, TaskSettings
from nichetune.core.stages import Report
from nichetune.corpus.ingest import PUBLISHED
from nichetune.corpus.masker import Job, Masked, Search, find_spans, mask_records
from nichetune.corpus.masking.keys import load_key
from nichetune.corpus.masking.policy import Policy, load_policy
from nichetune.corpus.vocabulary import learn_vocabulary

# An id that could hold a name or an address: `int-0007` cannot.
_TELLING = re.compile(r"[\s@,]|[a-z][A-Z]")


def run(settings: Settings, inputs: dict[str, Path], out: Path) -> Report:
    """Masks what ingest read; `facts["masked"]` says whether, and `facts["because"]` why not."""
    source = inputs["ingest"]
    examples = read_records(source / "examples.jsonl", Example)
    documents = read_records(source / "documents.jsonl", Document)
    counts = {"in": len(examples) + len(documents), "examples": len(examples), "documents": len(documents)}
    entities: Counter[str] = Counter()
    if settings.mask.enabled:
        published = frozenset(read_json(source / PUBLISHED))
        examples, documents, entities = mask_corpus(settings, examples, documents, published, inputs.get("project"))
        counts["masked"] = entities.total()
    write_jsonl(out / "examples.jsonl", examples)
    write_jsonl(out / "documents.jsonl", documents)
    write_jsonl(out / "quarantine.jsonl", read_records(source / "quarantine.jsonl", Dropped))
    write_json(out / "entities.json", dict(sorted(entities.items())))
    because = "" if settings.mask.enabled else settings.mask.because
    facts = {"masked": settings.mask.enabled, "because": because, "policy": settings.mask.policy,
             "entities": dict(sorted(entities.items()))}  # fmt: skip
    return Report(counts=counts, facts=facts)


def mask_corpus(
    settings: Settings,
    examples: list[Example],
    documents: list[Document],
    published: frozenset[str] = frozenset(),
    project: Path | None = None,
) -> tuple[list[Example], list[Document], Counter[str]]:
    """Masked examples and documents, and how many stretches of each type were replaced.

    Args:
        published: files of documents that are public.
        project: the project's folder, where the policies' files stand and the key must not.
    """
    policy = load_policy(settings.mask.policy, project)
    _refuse_whole_fields(settings, policy)
    key = (
        load_key(Path(settings.mask.key_file) if settings.mask.key_file else None, project) if policy.needs_key else b""
    )
    vocabulary = learn_vocabulary(settings, documents, (example.prompt for example in examples), published)
    search = Search(vocabulary, policy, settings.mask.min_score, settings.mask.processes, settings.mask.second_pass)
    bundles = [[Job(text, one.source.file not in published) for text in (one.text, one.title)] for one in documents]
    bundles += [_open_texts(one, settings.tasks[one.task]) for one in examples]
    masked = mask_records(bundles, search, key, settings.mask.consistency == "corpus")
    texts_of = {one.id: (one.text, new[0]) for one, new in zip(documents, masked, strict=False)}
    new_documents = [
        one.model_copy(update={"text": new[0].text, "title": new[1].text})
        for one, new in zip(documents, masked, strict=False)
    ]
    pseudonyms = _find_pseudonyms(settings, examples, search)
    new_examples = [
        _rebuild(one, new, settings.tasks[one.task], texts_of, pseudonyms)
        for one, new in zip(examples, masked[len(documents) :], strict=True)
    ]
    return new_examples, new_documents, Counter(e.type for bundle in masked for one in bundle for e in one.entities)


def _refuse_whole_fields(settings: Settings, policy: Policy) -> None:
    """A field that the task asks for cannot be dropped: it would ask for nothing."""
    asked = {name for task in settings.tasks.values() for name in task.fields}
    whole = sorted(name for name, do in policy.fields.items() if isinstance(do, str) and do != "keep" and name in asked)
    if whole:
        raise UserError(f"mask.policy: fields.{whole[0]}: a task asks for this field: give actions by type instead")


def _open_texts(example: Example, task: TaskSettings) -> list[Job]:
    """All texts of an example that may name somebody: turns, open answers, steps, open fields."""
    expected = example.expected
    texts = [Job(message.content) for message in example.messages]
    if expected.answer is not None and task.kind != "choice":
        texts.append(Job(expected.answer))
    texts += [Job(step) for step in expected.steps or []]
    fields = expected.fields or {}
    return texts + [Job(value, field=name) for name, value in fields.items() if task.fields[name].values is None]


def _rebuild(
    example: Example,
    masked: list[Masked],
    task: TaskSettings,
    documents: dict[str, tuple[str, Masked]],
    pseudonyms: dict[str, str],
) -> Example:
    """The example with its masked texts, which come in the order of `_open_texts`."""
    texts = iter([one.text for one in masked])
    messages = [one.model_copy(update={"content": next(texts)}) for one in example.messages]
    expected = example.expected
    changes: dict[str, object] = {}
    if expected.answer is not None and task.kind != "choice":
        answer = next(texts)
        quoted = _quote(expected, documents) if task.kind == "grounded" else None
        changes["answer"] = answer if quoted is None else quoted
    if expected.steps is not None:
        changes["steps"] = [next(texts) for _ in expected.steps]
    if expected.fields is not None:
        is_open = {name for name in expected.fields if task.fields[name].values is None}
        changes["fields"] = {name: next(texts) if name in is_open else v for name, v in expected.fields.items()}
    return example.model_copy(
        update={
            "id": pseudonyms.get(example.id, example.id),
            "group": pseudonyms.get(example.group, example.group),
            "messages": messages,
            "expected": expected.model_copy(update=changes),
        }
    )


def _quote(expected: Expected, documents: dict[str, tuple[str, Masked]]) -> str | None:
    """The masked words of the document that the answer quotes; None if it quotes none of its evidence."""
    for reference in expected.evidence:
        text, masked = documents.get(reference, ("", Masked("", ())))
        start = text.find(expected.answer) if expected.answer else -1
        if expected.answer and start >= 0:
            return masked.project(start, start + len(expected.answer))
    return None


def _find_pseudonyms(settings: Settings, examples: Iterable[Example], search: Search) -> dict[str, str]:
    """Stand-ins for ids and groups that hold something personal: they go into every file of a run."""
    values = sorted({value for one in examples for value in (one.id, one.group) if _TELLING.search(value)})
    spans = find_spans([Job(value) for value in values], search)
    return {
        value: f"masked-{hash_text(settings.project + value)[:16]}"
        for value, found in zip(values, spans, strict=True)
        if found
    }
