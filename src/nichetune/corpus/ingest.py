"""Ingest: reads the user's files into examples and documents, and puts aside what cannot be read.

the project's files -> examples.jsonl, documents.jsonl (unmasked: for `private/` alone), quarantine.jsonl,
reading.jsonl (each file: how it was read, and what came of it), published.json (files of documents that are public)

    {"id": "notes.csv:18", "reason": "empty text", "source": {"file": "corpus/notes.csv", "line": 18, "sha256": "9f…"}}
    {"file": "corpus/chats.jsonl", "sha256": "77…", "read_as": "Alpaca", "records": 52002, "kept": 51760, …}

A record is put aside under the place where it stands, since its own id may be part of what is wrong with it. Records
are written as they are read: of a line format no more than the first few are ever held. A killed run goes on behind
the last record that was noted, in the middle of a file, too.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, closing
from itertools import islice
from pathlib import Path

from nichetune.core.errors import UserError
from nichetune.core.files import write_json
from nichetune.core.progress import say, track
from nichetune.core.settings import Settings
from nichetune.core.stages import Report
from nichetune.corpus.checkpoint import open_checkpoint
from nichetune.corpus.harvest import Harvest, Writers
from nichetune.corpus.intake import take_part
from nichetune.corpus.private import open_private
from nichetune.corpus.reading.formats import explain_unknown, is_readable
from nichetune.corpus.reading.locate import Found, Listing
from nichetune.corpus.reading.packages import find_source
from nichetune.corpus.reading.parts import open_parts
from nichetune.corpus.seen import SeenIds

PUBLISHED, READING = "published.json", "reading.jsonl"
_FILES = ("examples.jsonl", "documents.jsonl", "quarantine.jsonl", READING)
_SHOWN_FILES = 20


def run(settings: Settings, inputs: dict[str, Path], out: Path, kept: Path | None = None) -> Report:
    """Reads all sources of the project in `inputs["project"]`.

    Args:
        kept: a file that tells how far a killed run had come; this one goes on there, in what it left in `out`.

    Raises:
        UserError: a file or column is missing, too much is broken, a label is unknown, or nothing is left.
        SystemFailure: a remote store does not answer.
    """
    listings = [find_source(inputs["project"], source) for source in settings.sources]
    out.chmod(0o700)
    checkpoint = open_checkpoint(kept, out)
    with closing(SeenIds()) as seen, ExitStack() as files:
        writers = {
            name: files.enter_context(open_private(out / name, checkpoint.sizes.get(name, 0))) for name in _FILES
        }
        harvest = Harvest(Writers(*writers.values()), seen)
        checkpoint.restore(harvest, out)
        if checkpoint.is_fresh:
            _note_skipped(harvest, listings)
        for _ in _read_all(harvest, settings, listings, out):
            checkpoint.save(harvest, writers)
        refuse_if_useless(harvest, settings)
    write_json(out / PUBLISHED, sorted(harvest.published))
    _tell(harvest)
    counts = {
        "files": sum(len(one.files) for one in listings),
        "in": harvest.read,
        "examples": harvest.examples,
        "documents": harvest.documents,
    } | ({"preferences": harvest.preferences} if harvest.preferences else {})
    return Report(counts=counts, dropped=dict(sorted(harvest.reasons.items())), facts=_state_facts(harvest))


def _note_skipped(harvest: Harvest, listings: list[Listing]) -> None:
    for listing in listings:
        for name, reason in listing.skipped.items():
            harvest.skip(name, reason)


def _read_all(harvest: Harvest, settings: Settings, listings: list[Listing], workspace: Path) -> Iterator[None]:
    """Reads what was not read yet, and tells after each record and each file."""
    files = [(number, found) for number, listing in enumerate(listings) for found in listing.files]
    with track("ingest", len(files), "files") as tick:
        tick(harvest.done_files)
        for number, found in files[harvest.done_files :]:
            for _ in _read_file(harvest, settings, number, found, workspace):
                tick(0, f"{harvest.read} records")
                yield
            harvest.end_file()
            tick(note=f"{harvest.read} records")
            yield


def _read_file(harvest: Harvest, settings: Settings, number: int, found: Found, workspace: Path) -> Iterator[None]:
    source, done = settings.sources[number], harvest.done_parts
    for part in islice(open_parts(found, source.max_expansion, workspace), done, None):
        is_member = part.name != found.name
        if is_member and part.handle is not None and source.format == "auto" and not is_readable(part.inner):
            harvest.skip(part.name, explain_unknown(part.inner))
        else:
            yield from take_part(harvest, settings, number, part)
        harvest.end_part()


def refuse_if_useless(harvest: Harvest, settings: Settings) -> None:
    """Stops at a corpus that is mostly broken, or empty.

    Raises:
        UserError: it is; the first broken place is named.
    """
    share = harvest.broken / max(1, harvest.read)
    if share > settings.ingest.max_broken_share and harvest.first_broken is not None:
        first = harvest.first_broken
        raise UserError(
            f"{harvest.broken} of {harvest.read} records cannot be read ({share:.0%}, "
            f"ingest.max_broken_share is {settings.ingest.max_broken_share:.0%}); the first is "
            f"{first.source.place} ({first.reason}): mend the files or raise the share"
        )
    if not harvest.examples:
        aside = ", ".join(f"{reason} {count}" for reason, count in sorted(harvest.reasons.items()))
        raise UserError(
            f"the corpus is empty: no example in {harvest.read} records ({aside or 'nothing put aside'}): "
            "check sources[].path"
        )


def _tell(harvest: Harvest) -> None:
    """Shows people how their files were taken: a format that was guessed wrongly is seen at once."""
    told = [tally for tally in harvest.tallies if tally.read_as]
    for tally in told[:_SHOWN_FILES]:
        say(f"  {tally.file}: read as: {tally.describe()}")
    if len(told) > _SHOWN_FILES:
        say(f"  … and {harvest.files_read - _SHOWN_FILES} more files: see {READING}")
    for reason, count in sorted(harvest.skipped.items()):
        say(f"  passed over {count} {'file' if count == 1 else 'files'}: {reason}")


def _state_facts(harvest: Harvest) -> dict[str, object]:
    facts: dict[str, object] = {"read_as": dict(sorted(harvest.read_as.items()))}
    more: dict[str, Counter[str] | int] = {
        "skipped_files": harvest.skipped,
        "mojibake_repaired": harvest.repaired,
        "later_turns_left_out": harvest.later_turns,
        "rejected_answers_left_out": harvest.rejected,
    }
    return facts | {name: dict(value) if isinstance(value, Counter) else value for name, value in more.items() if value}
