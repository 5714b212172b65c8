"""The nouns: what stages hand to one another, as validated records, one JSON object a line.

{"id": "intake-0007", "group": "lattice corneal dystrophy", "task": "triage",
 "messages": [{"role": "user", "content": "Lattice corneal dystrophy, OD. Mother had glaucoma."}],
 "expected": {"fields": {"finding": "Lattice corneal dystrophy", "side": "right"}}, ...}
"""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from nichetune.core.settings import RemoteSettings, TaskSettings


class Record(BaseModel):
    """Base: unknown keys are refused, and a record never changes after it is made."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Source(Record):
    """Where a record came from. What does not apply is left out of the record's JSON.

    Attributes:
        file: relative to the project, or a URL; a file in an archive stands behind the archive's name and `/`.
        line: from 1; in a table file its row, in a Word file its paragraph, in a PDF the line of its page.
        sha256: of the raw line, row, message or passage; of the whole file where it cannot be read at all.
        page: of a PDF, from 1.
        part: a workbook's sheet.
    """

    file: str
    line: int | None = None
    sha256: str = ""
    page: int | None = Field(None, exclude_if=lambda value: value is None)
    part: str = Field("", exclude_if=lambda value: not value)

    @property
    def place(self) -> str:
        """The place in words: `notes.csv:18`, `book.xlsx [Sheet1]:4`, `guide.pdf, page 3, line 1`."""
        name = self.file + (f" [{self.part}]" if self.part else "")
        if self.page is not None:
            return f"{name}, page {self.page}" + ("" if self.line is None else f", line {self.line}")
        return name if self.line is None else f"{name}:{self.line}"


class Message(Record):
    """One chat turn."""

    role: Literal["system", "user", "assistant"]
    content: str


class Expected(Record):
    """What scoring needs. Which part is filled depends on the task's kind.

    Attributes:
        fields: for `form`; an empty string means "leave empty".
        answer: for `exact`, `choice` and `free`; for `grounded` the text that must be quoted.
        steps: for `workflow`, in order.
        evidence: ids of the documents that carry the answer.
        abstain: the right answer is to abstain.
    """

    fields: dict[str, str] | None = None
    answer: str | None = None
    steps: list[str] | None = None
    evidence: list[str] = []
    abstain: bool = False


class Example(Record):
    """One supervised item; `group` is what must never straddle train and holdout.

    With `rejected` it is a preference: `expected` is the answer that was chosen, `rejected` the text that was not.
    """

    id: str
    group: str
    task: str
    tenant: str = "default"
    document_class: str = ""
    messages: list[Message]
    expected: Expected
    valid_from: str | None = None
    source: Source
    rejected: str = Field("", exclude_if=lambda value: not value)

    @property
    def kind(self) -> str:
        """Example or preference: a pair may have the id of the example that it is about."""
        return "preference" if self.rejected else "example"

    @property
    def prompt(self) -> str:
        """The user's text: the last user turn."""
        return next(m.content for m in reversed(self.messages) if m.role == "user")


class Document(Record):
    """One retrieval passage."""

    id: str
    text: str
    title: str = ""
    tenant: str = "default"
    document_class: str = ""
    valid_from: str | None = None
    valid_to: str | None = None
    source: Source

    @property
    def kind(self) -> str:
        """As an example's."""
        return "document"


class Dropped(Record):
    """A record put aside: where it stood and why, never its text."""

    id: str
    reason: str
    source: Source
    because_of: str = ""


class Answer(Record):
    """A model's output, parsed: the same parts as `Expected`, or a parse failure."""

    fields: dict[str, str] | None = None
    answer: str | None = None
    steps: list[str] | None = None
    citations: list[str] = []
    abstain: bool = False
    parsed: bool = True


class Prediction(Record):
    """A candidate's output on one item. Measured seconds live beside it in `timing.json`.

    Attributes:
        confidence: the candidate's own probability of the whole answer, 0..1: of a language model the product over
            its tokens (exp of the sequence log-probability), to six significant digits; None where nothing tells it.
    """

    item: str
    text: str
    answer: Answer
    retrieved: list[str] = []
    prompt_tokens: int = 0
    cached_prompt_tokens: int = 0
    new_tokens: int = 0
    stopped: Literal["end", "brace", "length", "none"] = "end"
    index_version: str = ""
    confidence: float | None = Field(None, exclude_if=lambda value: value is None)


class Shot(Record):
    """A solved example shown in a prompt."""

    prompt: str
    answer: str


class Candidate(Record):
    """One rung, complete: what is evaluated, registered and served. Its files lie beside it.

    Attributes:
        rung: the ladder's name for it, such as `qlora+rag`.
        base_model: packaged name, Hugging Face id or folder; empty for `classical`.
        base_digest: SHA-256 over the base's files.
        quantisation: how the frozen weights are held, `nf4` with double quantisation or as they are.
        dtype: format of the frozen linear weights; the adapter was trained beside these very values.
        adapter: folder of the adapter (or full weights, or the classical model) relative to this record.
        adapter_digest: SHA-256 over that folder's files; empty for an untuned rung.
        prompt_style: `full` tells keys and allowed values, `short` is the tuned rung's.
        shots: solved examples by task.
        retrieval: whether tasks that use retrieval get passages.
        index_version: content digest of the index; empty without retrieval.
        k: passages a question gets.
        remote: the hosted model that it asks; None for one that runs here.
    """

    rung: str
    base_model: str = ""
    base_revision: str = ""
    base_digest: str = ""
    quantisation: Literal["none", "nf4"] = "none"
    dtype: Literal["float32", "bfloat16", "float16"] = "float32"
    adapter: str = ""
    adapter_digest: str = ""
    prompt_style: Literal["full", "short"] = "full"
    shots: dict[str, list[Shot]] = {}
    retrieval: bool = False
    index_version: str = ""
    encoder: str = ""
    k: int = 3
    max_passage_words: int = 90
    tasks: dict[str, TaskSettings] = {}
    remote: RemoteSettings | None = Field(None, exclude_if=lambda value: value is None)


class Estimate(Record):
    """A figure with its sample size and interval; None where too little data allows no figure."""

    value: float | None
    low: float | None
    high: float | None
    n: int


class ItemScore(Record):
    """What one item scored, metric by metric (0..1); a metric that does not apply is absent."""

    item: str
    group: str
    task: str
    scores: dict[str, float]
