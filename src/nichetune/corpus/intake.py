"""Takes one file in: finds its columns or its chat format from the first records, then maps record after record.

Part + settings of its source -> examples or documents to keep, records to put aside, and the file's tally

A file of which a killed run had taken some records is read again from its beginning, and these are passed over: no
reader has to keep a place for that, compressed and nested ones included, and columns are chosen as they were.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import chain, groupby, islice
from typing import Any

from nichetune.core.errors import UserError
from nichetune.core.records import Dropped
from nichetune.core.settings import Settings, SourceSettings, TaskSettings
from nichetune.corpus.columns import Place, columns_of, resolve_columns
from nichetune.corpus.harvest import FileTally, Harvest, PartCounts
from nichetune.corpus.mapping import Mapper, Unfit
from nichetune.corpus.reading.chats import NoChat, recognise_chat, to_columns
from nichetune.corpus.reading.dispatch import open_reading
from nichetune.corpus.reading.formats import TITLES
from nichetune.corpus.reading.mojibake import mend_values
from nichetune.corpus.reading.parts import Part
from nichetune.corpus.reading.raw import RawRecord

# The columns are chosen by the first records, and by more of them while one that is needed has not come.
_SAMPLE, _MOST_SAMPLED = 1_000, 20_000
_CHAT_ONLY = ("text", "answer", "steps", "messages", "rejected")


@dataclass
class _Intake:
    """One file while it is taken in.

    Attributes:
        task: the examples' task; None for documents.
        chat: the chat format, empty for plain columns.
        sheet: the workbook's sheet that is being read.
        passed: records that came out of the reader; `counts.records` of them are taken.
    """

    harvest: Harvest
    settings: Settings
    number: int
    part: Part
    source: SourceSettings
    task: TaskSettings | None
    label: str
    chat: str = ""
    sheet: str = ""
    passed: int = 0

    @property
    def counts(self) -> PartCounts:
        """What came of the records that were taken."""
        return self.harvest.part

    def take_table(self, records: Iterator[RawRecord]) -> Iterator[None]:
        """Takes records that share their columns, a file's or a sheet's; tells after each."""
        ahead = list(islice(records, _SAMPLE))
        samples = [raw.values for raw in ahead if raw.values is not None]
        if self.task is not None and samples:
            self.chat = recognise_chat(samples, self.source, self.task)
        mapper = self._chat_mapper() if self.chat else self._column_mapper(ahead, records)
        seen = dict.fromkeys(columns_of(raw.values for raw in ahead))
        for raw in chain(ahead, records):
            if raw.values is not None and not self.chat and not raw.values.keys() <= seen.keys():
                seen |= dict.fromkeys(raw.values)
                mapper = self._add_columns(mapper, list(seen))
            self.passed += 1
            if self.passed > self.counts.records:
                self._take(mapper, raw)
                yield

    def _column_mapper(self, ahead: list[RawRecord], records: Iterator[RawRecord]) -> Mapper:
        """The mapper of plain columns; reads on in `records` while a needed column is missing.

        Raises:
            UserError: it is missing for good.
        """
        if not any(raw.values is not None for raw in ahead):
            ahead += islice(records, _MOST_SAMPLED)
            if not any(raw.values is not None for raw in ahead):
                return self._mapper({})  # an empty or wholly broken file has no columns to resolve
        try:
            return self._mapper(self._resolve(columns_of(raw.values for raw in ahead)))
        except UserError:
            more = list(islice(records, _MOST_SAMPLED))
            if not more:
                raise
        ahead += more
        return self._mapper(self._resolve(columns_of(raw.values for raw in ahead)))

    def _resolve(self, seen: list[str]) -> dict[str, str]:
        name = f"{self.part.name} [{self.sheet}]" if self.sheet else self.part.name
        return resolve_columns(self.source, self.task, seen, Place(self.number, name))

    def _mapper(self, columns: dict[str, str]) -> Mapper:
        return Mapper(
            self.part.name, self.label, self.source, self.task, columns, self.settings.ingest.max_words,
            self.settings.project, bool(self.chat),
        )  # fmt: skip

    def _add_columns(self, mapper: Mapper, seen: list[str]) -> Mapper:
        """The mapper with columns that came late; what is chosen stays chosen, so that records are read alike."""
        if not mapper.columns:
            return self._mapper(self._resolve(seen))
        used = mapper.columns.values()
        late = {name: column for name, column in self._resolve(seen).items() if column not in used}
        return replace(mapper, columns=late | mapper.columns)

    def _chat_mapper(self) -> Mapper:
        """The mapper of what chats are turned into; the source's own map still says where all else stands."""
        assert self.task is not None
        own = {n: c for n, c in self.source.map.items() if n not in _CHAT_ONLY}
        names = {"text": "text", "answer": "answer", "steps": "steps", "evidence": "evidence", "abstain": "abstain"}
        names |= {f"fields.{name}": name for name in self.task.fields}
        plain = ("id", "group", "tenant", "document_class", "valid_from")
        return self._mapper(names | {name: name for name in plain} | own)

    def _take(self, mapper: Mapper, raw: RawRecord) -> None:
        self.counts.records += 1
        self.harvest.read += 1
        if raw.values is None:
            self._put_aside(mapper, raw, raw.problem, raw.broken)
            return
        try:
            raw = self._prepare(raw, raw.values)
            record = mapper.make_example(raw) if mapper.task else mapper.make_document(raw)
        except (Unfit, NoChat) as why:
            self._put_aside(mapper, raw, str(why), False)
            return
        first = self.harvest.keep(record, mapper.place_name(raw))
        if first is None:
            self.counts.kept += 1
        else:
            self._put_aside(mapper, raw, "duplicate id", False, first)

    def _prepare(self, raw: RawRecord, values: dict[str, Any]) -> RawRecord:
        """The record with its mojibake undone and its chat turned into columns.

        Raises:
            Unfit: its text is damaged.
            NoChat: it holds no exchange.
        """
        mended = mend_values(values, self.source.mojibake)
        if mended.problem:
            raise Unfit(mended.problem)
        self.counts.repaired += mended.repaired
        if not self.chat:
            return raw if mended.values is values or not mended.repaired else replace(raw, values=mended.values)
        assert self.task is not None
        columns, exchange = to_columns(mended.values, self.chat, self.source, self.task)
        self.counts.later_turns += exchange.later_turns
        self.counts.rejected += exchange.rejected
        return replace(raw, values=columns)

    def _put_aside(self, mapper: Mapper, raw: RawRecord, reason: str, broken: bool, because_of: str = "") -> None:
        self.counts.aside[reason] += 1
        dropped = Dropped(id=mapper.place_name(raw), reason=reason, source=mapper.locate(raw), because_of=because_of)
        self.harvest.put_aside(dropped, broken)


def take_part(harvest: Harvest, settings: Settings, number: int, part: Part) -> Iterator[None]:
    """Reads one file of source `number` behind what `harvest.part` says was taken of it; tells after each record.

    Raises:
        UserError: a column is missing, a label is unknown, the format cannot be told, or the encoding is none.
    """
    source = settings.sources[number]
    task = settings.tasks[source.task] if source.holds != "documents" else None
    intake = _Intake(harvest, settings, number, part, source, task, harvest.label(part.name))
    reading = open_reading(part, source, intake.label)
    for intake.sheet, records in groupby(reading.records(), key=lambda raw: raw.part):
        yield from intake.take_table(records)
    if source.published and task is None:
        harvest.published.append(part.name)
    counts = harvest.part
    tally = FileTally(
        file=part.name,
        sha256=part.sha256,
        read_as=TITLES[intake.chat or reading.kind or "none"],
        encodings=reading.encodings,
        records=counts.records,
        kept=counts.kept,
        put_aside=dict(sorted(counts.aside.items())),
        repaired=counts.repaired,
        later_turns=counts.later_turns,
        rejected=counts.rejected,
    )
    harvest.finish(tally)
