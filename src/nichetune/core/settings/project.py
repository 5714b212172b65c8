"""A whole project, and the sections that belong to no layer below it."""

from __future__ import annotations

import re
from typing import Literal

from pydantic import Field, field_validator, model_validator

from nichetune.core.settings.corpus import (
    DataSettings,
    DedupeSettings,
    IngestSettings,
    MaskSettings,
    QualitySettings,
    SourceSettings,
    SplitSettings,
)
from nichetune.core.settings.remote import AskingSettings, RemoteSettings, check_address
from nichetune.core.settings.section import Section
from nichetune.core.settings.task import PRIMARY_METRICS, TaskSettings
from nichetune.core.settings.training import BaseSettings, PreferenceSettings, SweepSettings, TrainSettings

_MOVED = [f"{sft}+{loss}{rag}" for sft in ("qlora", "lora") for loss in ("dpo", "orpo", "kto") for rag in ("", "+rag")]
RUNGS = (
    "classical", "base", "fewshot", "rag", "qlora", "qlora+rag", "lora", "lora+rag", "full", "full+rag", *_MOVED,
)  # fmt: skip

READY = "ready"
READY_SUITES = ("policy", "general", "drift", "retrieval")
LOCAL_JUDGE = "local"
_SUITE_NAME = re.compile(r"[a-z0-9][a-z0-9_-]*")


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
    seeds: int = Field(
        1,
        ge=1,
        le=20,
        description="Trainings of every tuned rung, from seeds `seed`, `seed` + 1, …; a gain must hold over all of "
        "them. 1: durability is not tested; 3 to 5 tell a lucky training from a better method.",
    )


class IndexSettings(Section):
    """Retrieval."""

    encoder: str = Field("all-minilm-l6-v2", description="A packaged name, a Hugging Face id, or a local folder.")
    k: int = Field(3, ge=1, description="Passages a question gets.")
    max_passage_words: int = Field(90, ge=10, description="A passage in a prompt is cut around its best lines.")


class GenerateSettings(Section):
    """Generating answers."""

    batch_size: int = Field(128, ge=1, description="Prompts a batch, sorted by length.")


class EvaluateSettings(Section):
    """Evaluating rungs."""

    shots: list[int] = Field([0, 4, 8], description="Numbers of examples tried for `fewshot` on the development set.")
    shot_choices: int = Field(2, ge=1, description="Different choices of shots tried for each number.")
    choice_items: int = Field(24, ge=1, description="Development items a task on which shots are judged.")
    wordings: bool = Field(
        True,
        description="Also try a task's `short_prompt` and `wordings` in place of its `prompt` for `fewshot` and `rag`: "
        "one trial more for each.",
    )
    suite_rungs: list[str] = Field(
        default_factory=list,
        description="Rungs that are asked the suites; empty: all, so that none is compared blindly.",
    )
    calibration_items: int = Field(
        0,
        ge=0,
        description="Development items a task that each rung answers besides, to calibrate its confidence (Platt, from "
        "20 answers up) and to choose when abstaining pays; 0: none, since each costs an answer.",
    )
    wrong_cost: float = Field(
        1.0,
        ge=0,
        description="What a wrong answer costs in effective reliability, where a right one is worth 1 and abstaining "
        "0; 1, the usual first choice, until you know your own.",
    )
    robustness: bool = Field(
        False,
        description="Ask every sealed item again with typos, in small letters, in capitals, paraphrased by rule and "
        "with its fields in another order. Off, since it asks up to five times as much.",
    )
    latency_items: int = Field(
        20,
        ge=0,
        description="Sealed items that each rung answers once more, one at a time, to time a reply as a user waits for "
        "it; p95 stands from 20 items up, p99 from 100; 0: none. A hosted model is not asked again.",
    )
    support: Literal["quote", "encoder"] = Field(
        "quote",
        description="When a cited passage supports an answer: it holds the answer word for word; or also, by "
        "index.encoder, a line of it means the same with the same numbers. quote, since reading lines takes time.",
    )


class JudgeSettings(AskingSettings):
    """A judge model for tasks of kind free; it decides nothing unless people's labels bear it out."""

    url: str = Field(
        "",
        description="An OpenAI-compatible endpoint, up to and with its /v1; local: the base model as it came; empty: "
        "no judge.",
    )
    allow: bool = Field(
        False, description="Your consent that questions, answers and references of sealed items leave this machine."
    )
    model: str = Field("", description="The model's name at that endpoint.")
    labels: str = Field(
        "",
        description="Answers that people marked, JSON Lines with question, answer, reference and label (yes or no: is "
        "the answer as good as the reference); relative to the project.",
    )
    min_kappa: float = Field(
        0.6,
        gt=0,
        le=1,
        description="The judge may decide if the low end of kappa's interval reaches this; from 0.61 agreement is "
        "called substantial (Landis and Koch 1977).",
    )

    @field_validator("url")
    @classmethod
    def _check_url(cls, url: str) -> str:
        return check_address(url) if url not in ("", LOCAL_JUDGE) else url

    @model_validator(mode="after")
    def _check_judge(self) -> JudgeSettings:
        if not self.url:
            return self
        if not self.labels:
            raise ValueError(
                "a judge needs `labels`: a file of answers that people marked, to see if it can be trusted"
            )
        if self.url != LOCAL_JUDGE and not (self.allow and self.model):
            raise ValueError(
                "a judge elsewhere needs `model`, and `allow: true`: sealed questions and answers leave this machine"
            )
        return self


class CanarySettings(Section):
    """Invented secrets planted in the corpus, to see whether a tuned model gives them out: if one does, it never ships.

    They are trained on like everything else, so the dataset page shows them and a little of training goes to them.
    """

    count: int = Field(
        0,
        ge=0,
        description="Secrets to plant; 0: none. None given out of 30 bounds the rate below 10%, of 10 below 26%.",
    )
    repeats: int = Field(
        4, ge=1, description="Records that hold each secret: what is worth hiding mostly stands in several."
    )
    references: int = Field(
        100,
        ge=1,
        description="Other secrets among which a planted one is ranked: exposure reaches log2(101) = 6.7 bits, and "
        "each is read by the model once a canary.",
    )
    task: str = Field(
        "", description="The task whose answers hold them; empty: the first one that has text of its own to write."
    )


class GatesSettings(Section):
    """What stands between a verdict and production; a run itself is never stopped by it."""

    critical_failures: Literal["block", "allow"] = Field(
        "block",
        description="Missed abstentions of the shipped rung in a critical suite (`policy`). block: `registry promote` "
        "refuses the version unless forced with a reason, since one such answer can cost more than all gains.",
    )


class EconomicsSettings(Section):
    """Prices. They multiply counted resources, so that the same content gives the same verdict on any machine."""

    answers: int = Field(100_000, ge=1, description="Answers over the horizon that the cost is counted for.")
    horizon_months: float = Field(12, gt=0, description="Months of storage.")
    usd_per_machine_hour: float = Field(0.10, ge=0, description="A 2-core cloud machine.")
    machine_gflops: float = Field(100, gt=0, description="What such a machine does, in 1e9 operations a second.")
    usd_per_gib_month: float = Field(0.10, ge=0, description="Storage of weights, adapter and index.")
    requests_per_month: int = Field(
        0, ge=0, description="Requests a month; with `horizon_months` they replace `answers`. 0: `answers` counts."
    )
    trainings: int = Field(
        1, ge=1, description="Trainings over the horizon, each of all seeds; more where the corpus keeps changing."
    )
    usd_per_review: float = Field(
        0.0, ge=0, description="People's review of one tuned rung, at each training: data, failures, release. 0: none."
    )
    usd_per_wrong_answer: float = Field(
        0.0,
        ge=0,
        description="What a wrong answer costs you. 0: unknown; with all three at 0 the margin alone decides.",
    )
    usd_per_abstention: float = Field(0.0, ge=0, description="What asking back costs, right or not. 0: unknown.")
    usd_per_escalation: float = Field(
        0.0,
        ge=0,
        description="What it costs when a person takes over: an answer was due and the model abstained, or wrote what "
        "cannot be read. 0: unknown.",
    )

    @property
    def horizon_answers(self) -> float:
        """Answers over the horizon."""
        return self.requests_per_month * self.horizon_months if self.requests_per_month else float(self.answers)

    @property
    def monthly_requests(self) -> float:
        """Answers a month."""
        return self.horizon_answers / self.horizon_months


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
    suites: dict[str, str] = Field(
        default_factory=dict,
        description="Sealed items beside the holdout, by name: `ready` for policy, general, drift or retrieval, else "
        "a file (YAML or JSONL) in the project. None by default: each costs every rung its time.",
    )
    gates: GatesSettings = GatesSettings()
    index: IndexSettings = IndexSettings()
    train: TrainSettings = TrainSettings()
    preference: PreferenceSettings = PreferenceSettings()
    generate: GenerateSettings = GenerateSettings()
    evaluate: EvaluateSettings = EvaluateSettings()
    canaries: CanarySettings = CanarySettings()
    judge: JudgeSettings = JudgeSettings()
    remote: dict[str, RemoteSettings] = Field(
        default_factory=dict, description="Hosted models by name, each a rung `remote:NAME` of the ladder."
    )
    sweep: SweepSettings = SweepSettings()
    economics: EconomicsSettings = EconomicsSettings()
    registry: RegistrySettings = RegistrySettings()
    serve: ServeSettings = ServeSettings()

    @field_validator("suites")
    @classmethod
    def _check_suites(cls, suites: dict[str, str]) -> dict[str, str]:
        for name, path in suites.items():
            if not _SUITE_NAME.fullmatch(name):
                raise ValueError(f"a suite is named by lower-case letters, digits, dash and underscore, not {name!r}")
            if path == READY and name not in READY_SUITES:
                raise ValueError(f"no suite {name!r} is ready-made, only {', '.join(READY_SUITES)}: give a file")
        return suites

    @property
    def canary_task(self) -> str:
        """The task whose answers hold canaries; empty where none can."""
        able = [name for name, task in self.tasks.items() if _writes_text(task)]
        wanted = self.canaries.task
        return next((name for name in able if wanted in ("", name)), "")

    @model_validator(mode="after")
    def _check_canaries(self) -> Settings:
        if self.canaries.count and not self.canary_task:
            named = f"`canaries.task` {self.canaries.task!r} is" if self.canaries.task else "no task here is"
            raise ValueError(
                f"canaries stand in answers of free text, and {named} a form with an open field, exact, free or a "
                "workflow: name such a task, or set canaries.count to 0"
            )
        return self

    @property
    def primary_metric(self) -> str:
        """`task.metric` that decides; with several tasks `all.success`, each item's own task's metric."""
        if self.benchmark.primary:
            return self.benchmark.primary
        if len(self.tasks) > 1:
            return "all.success"
        name, task = next(iter(self.tasks.items()))
        return f"{name}.{PRIMARY_METRICS[task.kind]}"


def _writes_text(task: TaskSettings) -> bool:
    """Whether an answer may hold any text: quotations and closed values may not."""
    return task.kind in ("exact", "free", "workflow") or any(not one.values for one in task.fields.values())
