"""The settings of a project: one `nichetune.yaml`, read into these models; unknown keys are refused.

Every field's description carries its unit and the reason for its default; the reference page is made from them.

    project: eye-ear-desk
    sources: [{path: notes.csv, task: triage, map: {text: note}}]
    tasks: {triage: {kind: form, fields: {side: {values: [left, right]}}}}
    benchmark: {primary: triage.exact_form}
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, field_serializer, field_validator, model_validator

from nichetune.core.urls import show_url

TaskKind = Literal["form", "exact", "choice", "workflow", "grounded", "free"]
Method = Literal["qlora", "lora", "full"]
Optimiser = Literal["adamw", "adamw_8bit", "paged_adamw_8bit", "adafactor", "sgd"]
FileFormat = Literal[
    "auto", "jsonl", "json", "csv", "parquet", "excel", "markdown", "text", "html", "pdf", "docx", "eml", "mbox"
]  # fmt: skip
ChatFormat = Literal["auto", "none", "messages", "sharegpt", "alpaca", "prompt-completion", "preference"]
Preferring = Literal["dpo", "orpo", "kto"]
_MOVED = [f"{sft}+{loss}{rag}" for sft in ("qlora", "lora") for loss in ("dpo", "orpo", "kto") for rag in ("", "+rag")]
RUNGS = (
    "classical", "base", "fewshot", "rag", "qlora", "qlora+rag", "lora", "lora+rag", "full", "full+rag", *_MOVED,
)  # fmt: skip


# Metrics of a form besides its fields', which are named by themselves.
RESERVED_FIELDS = frozenset(
    ("exact_form", "fields", "terminology", "abstain_precision", "abstain_recall", "over_refusal", "parsed", "success")
)


class Section(BaseModel):
    """Base of all settings sections: unknown keys are refused."""

    model_config = ConfigDict(extra="forbid", validate_default=True)


class FieldSettings(Section):
    """One field of a form."""

    values: list[str] | None = Field(None, description="Allowed values; leave out for open text.")
    may_be_empty: bool = Field(False, description="The right answer may be to leave the field empty.")


class AbstainSettings(Section):
    """What abstaining looks like: a sentence, or for a form one field's value."""

    answer: str = Field("", description="The sentence that says there is no answer.")
    field: str = Field("", description="Form only: the field that says so.")
    value: str = Field("", description="Form only: that field's value.")


class TaskSettings(Section):
    """One kind of question that the model is to answer."""

    kind: TaskKind = Field(description="form, exact, choice, workflow, grounded or free.")
    prompt: str = Field("", description="The instruction for untuned rungs; allowed values are added by themselves.")
    short_prompt: str = Field("", description="The instruction for tuned rungs: what it saves is part of their gain.")
    fields: dict[str, FieldSettings] = Field(default_factory=dict, description="Form only, in writing order.")
    values: list[str] | None = Field(None, description="Choice only: the allowed answers.")
    abstain: AbstainSettings | None = Field(None, description="What abstaining looks like, if it is ever right.")
    retrieve: bool | None = Field(
        None, description="Whether retrieval rungs look documents up; default: grounded only."
    )
    max_new_tokens: int = Field(96, ge=1, description="Longest answer, in tokens; longer ones are cut and counted.")

    @property
    def uses_retrieval(self) -> bool:
        """Whether retrieval rungs retrieve for this task."""
        return self.kind == "grounded" if self.retrieve is None else self.retrieve

    @model_validator(mode="after")
    def _check_kind(self) -> TaskSettings:
        if self.kind == "form" and not self.fields:
            raise ValueError("a form needs `fields`: name each one, with `values` or empty for open text")
        if taken := sorted(RESERVED_FIELDS & set(self.fields)):
            raise ValueError(f"a field cannot be named {taken[0]!r}, a metric has that name: choose another")
        if self.kind != "form" and self.fields:
            raise ValueError(f"`fields` belongs to a form, this task is of kind {self.kind}")
        if self.kind == "choice" and not self.values:
            raise ValueError("a choice needs `values`: the allowed answers")
        if self.kind == "grounded" and not (self.abstain and self.abstain.answer):
            self.abstain = AbstainSettings(answer="The documents hold no answer.")
        if self.abstain and self.abstain.field:
            self._check_abstain_field(self.abstain)
        return self

    def _check_abstain_field(self, rule: AbstainSettings) -> None:
        if rule.field not in self.fields:
            raise ValueError(f"`abstain.field` names {rule.field!r}, which is no field of this form")
        allowed = self.fields[rule.field].values
        if allowed is not None and rule.value not in allowed:
            raise ValueError(f"`abstain.value` {rule.value!r} is no allowed value of {rule.field!r}")


class SourceSettings(Section):
    """Where records come from, and which of the user's columns become what."""

    path: str = Field(
        description="File, folder, glob, archive (zip, tar) or fsspec URL (s3://…); relative to the project."
    )
    holds: Literal["examples", "documents", "preferences"] = Field(
        "examples",
        alias="as",
        description="What the records are. preferences: a prompt with a chosen and a rejected answer, for rungs such "
        "as qlora+dpo.",
    )
    task: str = Field("", description="Examples and preferences only: the task's name.")
    format: FileFormat = Field("auto", description="auto: by file name, without .gz, .zst, .bz2 or .xz.")
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


class BenchmarkSettings(Section):
    """What is sealed before anything is tuned."""

    primary: str = Field(
        "",
        description="`task.metric` that decides; empty: the task's own, or with several "
        "tasks `all.success`, the share of items that their own task's metric calls right.",
    )
    margin: float = Field(0.02, ge=0, lt=1, description="Gain (0..1) that the lower bound must exceed to pay more.")
    alpha: float = Field(0.05, gt=0, lt=0.5, description="Family-wise error of the verdict (Holm).")
    min_items: int = Field(20, ge=20, description="Fewer sealed items than this is refused.")
    bootstrap: int = Field(10000, ge=1000, description="Resamples (and permutations) behind an interval.")


class BaseSettings(Section):
    """The base model that all rungs share."""

    model: str = Field(
        "smollm2-135m", description="A packaged name, a Hugging Face id, a local folder, or a GGUF file."
    )
    revision: str = Field("", description="Commit of a Hugging Face id; empty: its main.")
    device: Literal["auto", "cpu", "cuda"] = Field("auto", description="auto: the GPU if there is one.")
    dtype: Literal["auto", "float32", "bfloat16", "float16"] = Field(
        "auto",
        description="Format of the frozen linear weights; auto: bfloat16 where the machine multiplies it faster than "
        "float32, on a GPU that does not but gains by float16 that, else float32 (measured at start).",
    )
    max_length: int = Field(
        1024,
        ge=64,
        description="Longest training example, in tokens; longer ones are refused or dropped and counted, never cut.",
    )


class IndexSettings(Section):
    """Retrieval."""

    encoder: str = Field("all-minilm-l6-v2", description="A packaged name, a Hugging Face id, or a local folder.")
    k: int = Field(3, ge=1, description="Passages a question gets.")
    max_passage_words: int = Field(90, ge=10, description="A passage in a prompt is cut around its best lines.")


class TrainSettings(Section):
    """Tuning."""

    method: Method = Field("qlora", description="What `nichetune train` trains when a rung does not say.")
    rank: int = Field(16, ge=1, description="LoRA rank; 16 on all linear layers is the measured default.")
    alpha: int = Field(32, ge=1, description="LoRA scale (alpha / rank multiplies the update).")
    rslora: bool = Field(False, description="alpha / sqrt(rank) multiplies the update: steadier at ranks over 64.")
    dora: bool = Field(
        False,
        description="DoRA: each layer's weight norms are trained beside its LoRA; slower, for low ranks.",
    )
    targets: Literal["all-linear"] | list[str] = Field(
        "all-linear",
        description="Layers that get LoRA: every linear one, or those named (q_proj, v_proj); an unknown name is told.",
    )
    dropout: float = Field(0.0, ge=0, lt=1, description="LoRA dropout; 0 at a few epochs.")
    learning_rate: float | None = Field(
        None, gt=0, description="None: by method (adapters 6e-4, full 6e-5: ten times apart)."
    )
    epochs: float = Field(2.0, gt=0, description="Passes over the training examples.")
    batch_size: int = Field(4, ge=1, description="Examples a device step.")
    accumulation: int = Field(
        1,
        ge=1,
        description="Device steps an optimiser step; the loss is normalised by supervised tokens over all of them.",
    )
    warmup_share: float = Field(0.05, ge=0, lt=1, description="Share of steps that warm up.")
    optimiser: Optimiser = Field(
        "adamw",
        description="adamw; adamw_8bit (a quarter of its state, helps full tuning); paged_adamw_8bit (state paged to "
        "the CPU, CUDA); adafactor (hardly any state); sgd (none; wants a rate of its own).",
    )
    weight_decay: float = Field(0.0, ge=0, description="The optimiser's weight decay.")
    max_grad_norm: float = Field(1.0, gt=0, description="Gradient clipping.")
    retrieval: bool = Field(True, description="Grounded examples are trained with retrieved passages in the prompt.")
    too_long: Literal["refuse", "drop"] = Field(
        "refuse", description="Examples over base.max_length: stop, or drop and count."
    )
    memory: Literal["auto"] | Annotated[float, Field(gt=0)] = Field(
        "auto",
        description="GiB that training may take; auto: nine tenths of what is free. The quickest way that fits is "
        "taken: see checkpointing, dequantise; a batch is also split into smaller ones, with the same numbers.",
    )
    checkpointing: Literal["auto", "on", "off"] = Field(
        "auto",
        description="Gradient checkpointing: activations computed again rather than kept. auto: only where free memory "
        "asks for it.",
    )
    dequantise: Literal["auto", "on", "off"] = Field(
        "auto",
        description="QLoRA: hold the frozen NF4 values in float once instead of at every use; the same numbers. "
        "auto: unless even checkpointing does not make it fit.",
    )
    checkpoint_every_s: int = Field(60, ge=1, description="Seconds between checkpoints; a kill costs at most this.")
    early_stopping: int = Field(
        0,
        ge=0,
        description="Evaluations of the development set's loss without a new best after which training stops; the best "
        "checkpoint is kept. 0: off, since an evaluation costs about a third of a pass over as many examples.",
    )
    evaluations_per_epoch: int = Field(4, ge=1, description="Early stopping only: evaluations in an epoch.")
    trackers: list[Literal["tensorboard", "mlflow", "wandb", "trackio"]] = Field(
        default_factory=list,
        description="Where loss and settings are also logged, in `tracking/` of the run unless the tracker's own "
        "environment says else (Weights & Biases: offline unless WANDB_MODE is set); never a text of yours.",
    )
    engine: Literal["local", "ray"] = Field(
        "local",
        description="Where the ranks run. local: this machine. ray: a Ray cluster, with `nichetune[ray]` on every node "
        "and the run's folder where all nodes see it; where data is cleaned is data.engine's.",
    )
    processes: Annotated[int, Field(ge=1)] | Literal["auto"] = Field(
        1,
        description="Ranks that share each device step (batch_size must divide by them); loss and weights are those of "
        "one. auto: one a GPU.",
    )
    sharding: Literal["none", "fsdp2", "deepspeed"] = Field(
        "none",
        description="What a rank holds. none: the whole model. fsdp2, deepspeed: its share of weights, gradients and "
        "optimiser, for models that no GPU holds alone; on GPUs only.",
    )
    ray_address: str = Field("", description="The Ray cluster's address, as data.address; empty: a Ray started here.")

    @field_validator("targets")
    @classmethod
    def _name_some(cls, targets: str | list[str]) -> str | list[str]:
        if not targets:
            raise ValueError("an empty list adapts nothing: name layers (q_proj, v_proj), or all-linear")
        return targets

    @model_validator(mode="after")
    def _check_ranks(self) -> TrainSettings:
        if self.processes != "auto" and self.batch_size % self.processes:
            fits = -(-self.batch_size // self.processes) * self.processes
            raise ValueError(
                f"batch_size {self.batch_size} does not divide by processes {self.processes}, which share each step: "
                f"set batch_size to {fits}"
            )
        return self


class PreferenceSettings(Section):
    """Preference optimisation after SFT, for the rungs +dpo, +orpo and +kto; all else is as in `train`."""

    beta: float = Field(
        0.1, gt=0, description="dpo, kto: how firmly the SFT policy is held on to; orpo: weight of the odds ratio."
    )
    learning_rate: float | None = Field(
        None, gt=0, description="None: by method (dpo and kto 5e-5, orpo 8e-5: a tenth of what SFT takes)."
    )
    epochs: float = Field(1.0, gt=0, description="Passes over the pairs; more soon overfits to them.")
    batch_size: int = Field(4, ge=1, description="Pairs a device step.")
    held_out: float = Field(
        0.2, gt=0, lt=1, description="Share of the pairs' groups that are kept for the win rate, never trained on."
    )
    min_pairs: int = Field(20, ge=2, description="Fewer pairs than this, after cleaning, are refused.")


class GenerateSettings(Section):
    """Generating answers."""

    batch_size: int = Field(128, ge=1, description="Prompts a batch, sorted by length.")


class EvaluateSettings(Section):
    """Evaluating rungs."""

    shots: list[int] = Field([0, 4, 8], description="Numbers of examples tried for `fewshot` on the development set.")
    shot_choices: int = Field(2, ge=1, description="Different choices of shots tried for each number.")
    choice_items: int = Field(24, ge=1, description="Development items a task on which shots are judged.")


class RangeSettings(Section):
    """What a sweep tries for one setting: `choices`, or all from `low` to `high`."""

    choices: list[bool | int | float | str | None] | None = Field(None, description="The values to try.")
    low: float | None = Field(None, description="Least value.")
    high: float | None = Field(None, description="Greatest value.")
    log: bool = Field(False, description="Try by order of magnitude, as suits a learning rate.")
    step: float | None = Field(None, gt=0, description="Distance between values; a whole-number setting has 1.")

    @model_validator(mode="after")
    def _check_shape(self) -> RangeSettings:
        if (self.choices is None) == (self.low is None and self.high is None):
            raise ValueError("write either `choices: [..]` or `low:` and `high:`")
        if self.choices is not None:
            if not self.choices or self.log or self.step:
                raise ValueError("`choices` is a list of values, and has neither `log` nor `step`")
            return self
        if self.low is None or self.high is None or not self.low < self.high:
            raise ValueError("a range needs `low:` below `high:`")
        if self.log and (self.low <= 0 or self.step):
            raise ValueError("`log` needs a `low:` above 0, and has no `step`")
        return self


class SweepSettings(Section):
    """Searching for training settings on the development set: `nichetune sweep`."""

    space: dict[str, RangeSettings] = Field(
        default_factory=dict,
        description="What to try, by setting: `train.rank: {choices: [8, 16]}`, `train.learning_rate: {low: 1.0e-4, "
        "high: 3.0e-3, log: true}`. Empty: learning rate, passes, and an adapter's rank around the defaults.",
    )
    objective: str = Field(
        "loss",
        description="loss: nats a supervised token of the development set. Or `task.metric` (or all.success) of "
        "answers to it, which costs generating them in every trial.",
    )
    trials: int = Field(20, ge=1, description="Trials in all; a sweep that goes on counts those that it has.")
    pruner: Literal["median", "hyperband", "none"] = Field(
        "median",
        description="Ends a trial early whose development loss falls behind: behind the median of the others at the "
        "same share of training, by brackets of successive halving, or never.",
    )
    looks: int = Field(
        4, ge=1, description="Looks at the development loss in a trial, evenly spread; the last is its end."
    )
    dev_items: int = Field(
        0, ge=0, description="At most so many development examples are judged, the same in all trials; 0: all."
    )
    parallel: int = Field(
        1, ge=1, description="Trials at once; more than one run over Ray, with `nichetune[ray]`, at data.address."
    )
    storage: str = Field(
        "",
        description="SQLAlchemy URL that holds the trials; empty: SQLite in the run's folder, which serves one machine "
        "and not a cluster.",
    )


class EconomicsSettings(Section):
    """Prices. They multiply counted resources, so that the same content gives the same verdict on any machine."""

    answers: int = Field(100_000, ge=1, description="Answers over the horizon that the cost is counted for.")
    horizon_months: float = Field(12, gt=0, description="Months of storage.")
    usd_per_machine_hour: float = Field(0.10, ge=0, description="A 2-core cloud machine.")
    machine_gflops: float = Field(100, gt=0, description="What such a machine does, in 1e9 operations a second.")
    usd_per_gib_month: float = Field(0.10, ge=0, description="Storage of weights, adapter and index.")


class RegistrySettings(Section):
    """Where versions live."""

    url: str = Field("", description="SQLAlchemy URL; empty: SQLite in the registry's folder.")
    folder: str = Field("", description="Files of the versions; empty: `registry/` in the run's folder.")


class ServeSettings(Section):
    """The HTTP server."""

    host: str = Field("127.0.0.1", description="Address; localhost, since there is no authentication yet.")
    port: int = Field(8080, ge=0, le=65535, description="Port; 0: any free one.")


class Settings(Section):
    """A whole project."""

    project: str = Field(
        description="The project's name: letters, digits, dot, dash and underscore.",
        pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$",
    )
    seed: int = Field(7, description="Seed of everything that draws.")
    run_dir: str = Field("", description="Where the run is written; empty: `runs/<project>` in the project.")
    rungs: list[str] = Field(["classical", "base", "fewshot", "qlora"], description="Rungs of the ladder to try.")
    base: BaseSettings = BaseSettings()
    sources: list[SourceSettings] = Field(description="Where the corpus is.")
    tasks: dict[str, TaskSettings] = Field(description="What the model is to answer.")
    ingest: IngestSettings = IngestSettings()
    mask: MaskSettings = MaskSettings()
    data: DataSettings = DataSettings()
    quality: QualitySettings = QualitySettings()
    dedupe: DedupeSettings = DedupeSettings()
    split: SplitSettings = SplitSettings()
    benchmark: BenchmarkSettings = BenchmarkSettings()
    index: IndexSettings = IndexSettings()
    train: TrainSettings = TrainSettings()
    preference: PreferenceSettings = PreferenceSettings()
    generate: GenerateSettings = GenerateSettings()
    evaluate: EvaluateSettings = EvaluateSettings()
    sweep: SweepSettings = SweepSettings()
    economics: EconomicsSettings = EconomicsSettings()
    registry: RegistrySettings = RegistrySettings()
    serve: ServeSettings = ServeSettings()

    @property
    def primary_metric(self) -> str:
        """`task.metric` that decides; with several tasks `all.success`, each item's own task's metric."""
        if self.benchmark.primary:
            return self.benchmark.primary
        if len(self.tasks) > 1:
            return "all.success"
        name, task = next(iter(self.tasks.items()))
        return f"{name}.{PRIMARY_METRICS[task.kind]}"


PRIMARY_METRICS: dict[str, str] = {
    "form": "exact_form",
    "exact": "exact",
    "choice": "exact",
    "workflow": "exact_steps",
    "grounded": "answer",
    "free": "similarity",
}
