"""Mask: replaces people, numbers, addresses and secrets by typed placeholders, in every text of the corpus.

ingest/ -> examples.jsonl, documents.jsonl, entities.json (counts by type), quarantine.jsonl (as it was)

    "Pt: Maria Keller, MRN 00482913. Pinguecula, OD."  ->  "Pt: [PERSON_1], MRN [MEDICAL_RECORD_1]. Pinguecula, OD."

One record's texts share one set of placeholders. Values of closed fields are never masked. A quotation is taken
from the masked document in which it stands, so that it stays verbatim there.

Documents come first, since answers quote them. Both are masked in parts, by this machine's processes or on a Ray
cluster; parts that are done stand in `derived/work` until the stage is whole, and a killed one goes on with them. In
memory stay the vocabulary, and what the workers have in hand.
"""

from __future__ import annotations

import shutil
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from nichetune.core.errors import UserError
from nichetune.core.files import dump_line, iter_records, read_json, write_json, write_lines, write_text
from nichetune.core.progress import track
from nichetune.core.records import Document, Dropped, Example
from nichetune.core.settings import MaskSettings, Settings
from nichetune.core.stages import DERIVED, Report
from nichetune.corpus.dataplane import Job, is_on_ray, write_parts
from nichetune.corpus.documents import DocumentFile, write_index
from nichetune.corpus.engine import start_engine
from nichetune.corpus.ingest import PUBLISHED
from nichetune.corpus.lines import RecordFile
from nichetune.corpus.mask_parts import DocumentMasker, ExampleMasker, Means, WordReader, count_blocks
from nichetune.corpus.mask_tables import add_counts, read_lines, read_numbers
from nichetune.corpus.masker import Search
from nichetune.corpus.masking.keys import derive, load_key
from nichetune.corpus.masking.policy import Policy, load_policy
from nichetune.corpus.processes import Pool
from nichetune.corpus.quoting import Quotable, Replaced
from nichetune.corpus.vocabulary import Evidence, build_vocabulary, write_vocabulary

# Blocks of a part: as many as make some four thousand parts, between half a second's work and a minute and a half's.
_LEAST_BLOCKS, _MOST_BLOCKS, _PARTS = 1, 160, 4_000
_READ_BLOCKS = 40  # that one process reads for their words at a time
WORDS = "vocabulary.json"


@dataclass(frozen=True)
class Done:
    """What a corpus came to: records, and how many stretches of each type were replaced."""

    examples: int
    documents: int
    entities: Counter[str] = field(default_factory=Counter)

    def report(self, rules: MaskSettings) -> Report:
        """Counts and facts for the manifest."""
        counts = {"in": self.examples + self.documents, "examples": self.examples, "documents": self.documents}
        facts = {"masked": rules.enabled, "because": "" if rules.enabled else rules.because, "policy": rules.policy,
                 "entities": dict(sorted(self.entities.items()))}  # fmt: skip
        return Report(counts=counts | ({"masked": self.entities.total()} if rules.enabled else {}), facts=facts)


def run(settings: Settings, inputs: dict[str, Path], out: Path) -> Report:
    """Masks what ingest read; `facts["masked"]` says whether, and `facts["because"]` why not.

    Args:
        inputs: `ingest`, where unmasked text stands, and `project`, where policies stand and the key must not.

    Raises:
        UserError: a policy or the key is not in order.
        SystemFailure: a worker was lost, or the Ray cluster does not answer.
    """
    source, out = inputs["ingest"].absolute(), out.absolute()  # workers on a cluster have another working directory
    if settings.mask.enabled:
        done = _mask_corpus(settings, source, out, inputs.get("project"))
    else:
        done = Done(_copy(source, out, "examples", Example), _copy(source, out, "documents", Document))
    _copy(source, out, "quarantine", Dropped)
    write_json(out / "entities.json", dict(sorted(done.entities.items())))
    return done.report(settings.mask)


def _copy(source: Path, out: Path, name: str, kind: type[Example] | type[Document] | type[Dropped]) -> int:
    return write_lines(out / f"{name}.jsonl", map(dump_line, iter_records(source / f"{name}.jsonl", kind)))


def _mask_corpus(settings: Settings, source: Path, out: Path, project: Path | None) -> Done:
    work = out / DERIVED / "work"
    published = frozenset(read_json(source / PUBLISHED))
    policy, key = _load_policy(settings, project)
    _clear_others_work(work, key)
    documents = RecordFile(source / "documents.jsonl", work / "documents.npy", Document)
    examples = RecordFile(source / "examples.jsonl", work / "examples.npy", Example)
    version = _learn_words(settings, documents, examples, published, source / WORDS)
    start_engine(settings.data)  # after the first pool: a process with a cluster's threads is not one to fork
    search = Search(policy=policy, min_score=settings.mask.min_score, second_pass=settings.mask.second_pass)
    means = Means(search, source / WORDS, version, settings.mask.consistency == "corpus", key)
    with Pool(settings.mask.processes, means.load) as pool:
        masked = _mask_parts("documents", DocumentMasker(documents, published, means), len(documents), work, pool)
        write_lines(out / "documents.jsonl", read_lines(masked))
        quotable = _open_quotable(settings, documents, masked, work)
        job = ExampleMasker(examples, settings.tasks, quotable, settings.project, means)
        more = _mask_parts("examples", job, len(examples), work, pool)
        write_lines(out / "examples.jsonl", read_lines(more))
    done = Done(len(examples), len(documents), add_counts([*masked, *more]))
    means.words.unlink()
    shutil.rmtree(out / DERIVED)
    return done


def _load_policy(settings: Settings, project: Path | None) -> tuple[Policy, bytes]:
    """The policy and, if it needs one, the key."""
    rules = settings.mask
    policy = load_policy(rules.policy, project)
    _refuse_whole_fields(settings, policy)
    key = Path(rules.key_file) if rules.key_file else None
    return policy, load_key(key, project) if policy.needs_key else b""


def _learn_words(
    settings: Settings,
    documents: RecordFile[Document],
    examples: RecordFile[Example],
    published: frozenset[str],
    words: Path,
) -> str:
    """Learns the vocabulary, leaves it to the workers in `private/`, and tells its version.

    It is done by this machine's processes, with a cluster too: what texts show stands in no file but that one.
    """
    evidence = Evidence()
    with Pool(1 if is_on_ray() else settings.mask.processes, lambda: None) as pool:
        for read in (WordReader(documents, published), WordReader(examples)):
            blocks = count_blocks(len(read.records))
            with track("words", blocks, "blocks") as tick:
                for part in pool.map(read, _cut(blocks)):
                    evidence.join(part)
                    tick(_READ_BLOCKS)
    return write_vocabulary(build_vocabulary(settings, evidence), words)


def _cut(blocks: int) -> list[range]:
    return [range(at, min(blocks, at + _READ_BLOCKS)) for at in range(0, blocks, _READ_BLOCKS)]


def _refuse_whole_fields(settings: Settings, policy: Policy) -> None:
    """A field that the task asks for cannot be dropped: it would ask for nothing."""
    asked = {name for task in settings.tasks.values() for name in task.fields}
    whole = sorted(name for name, do in policy.fields.items() if isinstance(do, str) and do != "keep" and name in asked)
    if whole:
        raise UserError(f"mask.policy: fields.{whole[0]}: a task asks for this field: give actions by type instead")


def _clear_others_work(work: Path, key: bytes) -> None:
    """Parts that were masked with another key are of no use. What tells keys apart gives none away."""
    stamp, mark = work / "key", derive(key, "parts of an unfinished stage").hex()
    if not (stamp.is_file() and stamp.read_text(encoding="ascii") == mark):
        shutil.rmtree(work, ignore_errors=True)
        write_text(stamp, mark)


def _mask_parts(name: str, job: Job, records: int, work: Path, pool: Pool) -> list[Path]:
    blocks = count_blocks(records)
    size = min(max(_LEAST_BLOCKS, -(-blocks // _PARTS)), _MOST_BLOCKS)
    return write_parts(f"mask {name}", job, np.arange(blocks), work / name, size, pool)


def _open_quotable(
    settings: Settings, documents: RecordFile[Document], masked: list[Path], work: Path
) -> Quotable | None:
    """The documents by id, if a task quotes them."""
    if not any(task.kind == "grounded" for task in settings.tasks.values()):
        return None
    write_lines(work / "replaced.jsonl", read_lines(masked, "replaced"))
    index = write_index(read_numbers(masked, "id"), work / "ids.npy")
    replaced = RecordFile(work / "replaced.jsonl", work / "replaced.npy", Replaced)
    return Quotable(DocumentFile(documents, index), replaced)
