"""Masks the `text` of any JSON Lines file, line by line, without a project; with a vault and its key, undoes it.

in.jsonl -> out.jsonl, one line out for every line in, all other fields unchanged

    {"n": 1, "text": "Pt: Maria Keller"}
    -> {"n": 1, "text": "Pt: [PERSON_1]",
        "entities": [{"start": 4, "end": 16, "type": "PERSON", "replacement": "[PERSON_1]"}]}

Offsets count characters of the original text. A field `entities` that was there before is replaced. A policy may name
other fields to mask, hash or drop; those are counted, and no offsets are kept for them. The file is read through once
for mistakes and once to be masked; no more of it is in memory than the workers have in hand, and a vault's values.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from itertools import tee
from pathlib import Path
from typing import Any

from nichetune.core.errors import UserError
from nichetune.core.progress import Tick, track
from nichetune.core.stages import Report
from nichetune.corpus.masker import Job, Masked, Search, mask_stream
from nichetune.corpus.masking.keys import load_key
from nichetune.corpus.masking.policy import DEFAULT, load_policy
from nichetune.corpus.masking.replace import Replacer
from nichetune.corpus.masking.vault import read_vault, write_vault
from nichetune.corpus.text_lines import TextLine, iter_text_lines, write_text_lines
from nichetune.corpus.vocabulary import Vocabulary


@dataclass(frozen=True)
class MaskChoices:
    """What masking a file may be told.

    Attributes:
        policy: ready policies by name, or YAML files.
        allow: terms that are never masked.
        consistent: one hash or surrogate for a value in all lines, not another in each.
        key_file: the key of hashes, surrogates and vault; the user's own if none is given.
        vault: where the masked values go, encrypted.
    """

    policy: Sequence[str] = DEFAULT
    allow: Sequence[str] = ()
    min_score: float = 0.4
    processes: int = 0
    second_pass: bool = True
    consistent: bool = False
    key_file: Path | None = None
    vault: Path | None = None


def mask_file(source: Path, target: Path, choices: MaskChoices | None = None) -> Report:
    """Masks `source` into `target`, which is whole or not written at all.

    Raises:
        UserError: a line is no JSON object or has no `text`; its number is told. A policy or key is not in order.
    """
    choices = choices or MaskChoices()
    policy = load_policy(choices.policy)
    size = _check_lines(source)
    key = load_key(choices.key_file) if policy.needs_key or choices.vault else b""
    allowed = frozenset(term.casefold().strip() for term in choices.allow)
    search = Search(Vocabulary(allowed=allowed), policy, choices.min_score, choices.processes, choices.second_pass)
    told = _Told(originals=[] if choices.vault else None)
    with track("mask", size.texts, "texts") as tick:
        masked = _mask_lines(source, search, key, choices.consistent, told)
        write_text_lines(target, _tick_each(masked, tick))
    if choices.vault and told.originals is not None:
        write_vault(choices.vault, key, told.originals)
    counts = {"lines": size.lines, "texts": size.texts, "masked": told.entities.total()}
    facts = {"masked": True, "policy": list(choices.policy), "entities": dict(sorted(told.entities.items()))}
    return Report(counts=counts, facts=facts)


@dataclass(frozen=True)
class _Size:
    lines: int
    texts: int


def _check_lines(source: Path) -> _Size:
    """Reads a file through, so that a wrong line is told before any work is done; its lines, and those not blank."""
    lines = texts = 0
    for _, record in iter_text_lines(source):
        lines += 1
        texts += record is not None
    return _Size(lines, texts)


@dataclass
class _Told:
    """What is told of a file once it is masked: counts by type and, for a vault, the values of each text."""

    originals: list[list[str]] | None
    entities: Counter[str] = field(default_factory=Counter)

    def add(self, text: str, masked: Sequence[Masked]) -> None:
        self.entities.update(entity.type for one in masked for entity in one.entities)
        if self.originals is not None:
            self.originals.append([text[one.start : one.end] for one in masked[0].entities])


def _tick_each(lines: Iterator[TextLine | None], tick: Tick) -> Iterator[TextLine | None]:
    for one in lines:
        yield one
        tick(one is not None)


def _mask_lines(source: Path, search: Search, key: bytes, shared: bool, told: _Told) -> Iterator[TextLine | None]:
    """Masked lines as they come."""
    # Between the two stands what the workers have in hand.
    ours, theirs = tee(record for _, record in iter_text_lines(source))
    jobs = (_read_jobs(record, search) for record in theirs if record is not None)
    masked, replacer = mask_stream(jobs, search, key, shared), Replacer(search.policy, key)
    for record in ours:
        if record is None:
            yield None
        else:
            new = next(masked)
            told.add(record["text"], new)
            yield _rewrite(record, _read_jobs(record, search), new, replacer)


def _read_jobs(record: TextLine, search: Search) -> list[Job]:
    """The text, and every other field that the policy treats as text."""
    named = [name for name, do in search.policy.fields.items() if not isinstance(do, str) and name != "text"]
    others = [Job(record[name], field=name) for name in named if isinstance(record.get(name), str)]
    return [Job(record["text"], field="text"), *others]


def _rewrite(record: TextLine, jobs: Sequence[Job], masked: Sequence[Masked], replacer: Replacer) -> TextLine:
    new: dict[str, Any] = record | {job.field: one.text for job, one in zip(jobs, masked, strict=True)}
    for name, do in replacer.policy.fields.items():
        if isinstance(do, str) and name != "text" and name in new:
            new = _change_field(new, name, do, replacer)
    return new | {"entities": [asdict(entity) for entity in masked[0].entities]}


def _change_field(record: TextLine, name: str, do: str, replacer: Replacer) -> TextLine:
    """A whole value, treated as one: its type is the field's name."""
    if do == "drop":
        return {key: value for key, value in record.items() if key != name}
    if do == "hash":
        return record | {name: replacer.hash_value(name.upper(), str(record[name]))}
    return record if do == "keep" else record | {name: f"[{name.upper()}]"}


def restore_file(source: Path, target: Path, vault: Path, key_file: Path | None = None) -> Report:
    """Puts the vault's values back into a masked file: the inverse of `mask_file` for its `text`.

    Raises:
        UserError: the vault does not belong to this file, or the key not to the vault.
    """
    size = _check_lines(source)
    values = read_vault(vault, load_key(key_file))
    if len(values) != size.texts:
        raise UserError(f"{vault}: not the vault of {source}: it holds {len(values)} lines, not {size.texts}")
    new = iter(values)
    records = iter_text_lines(source)
    write_text_lines(target, (None if one is None else _restore(one, next(new), source) for _, one in records))
    return Report(counts={"lines": size.lines, "restored": sum(map(len, values))})


def _restore(record: TextLine, values: Sequence[str], source: Path) -> TextLine:
    entities = record.get("entities") or []
    if len(entities) != len(values):
        raise UserError(f"{source}: changed since it was masked: its `entities` are not the vault's")
    text, parts, at, shift = record["text"], [], 0, 0
    for entity, value in zip(entities, values, strict=True):
        start = entity["start"] + shift
        parts += [text[at:start], value]
        at = start + len(entity["replacement"])
        shift += len(entity["replacement"]) - (entity["end"] - entity["start"])
    return {key: value for key, value in record.items() if key != "entities"} | {"text": "".join([*parts, text[at:]])}
