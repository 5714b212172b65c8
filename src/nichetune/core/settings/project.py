"""A whole project, and the sections that belong to no layer below it."""

from __future__ import annotations

from pydantic import Field

from nichetune.core.settings.corpus import (
    DataSettings,
    DedupeSettings,
    IngestSettings,
    MaskSettings,
    QualitySettings,
    SourceSettings,
    SplitSettings,
)
from nichetune.core.settings.remote import RemoteSettings
from nichetune.core.settings.section import Section
from nichetune.core.settings.task import PRIMARY_METRICS, TaskSettings
from nichetune.core.settings.training import BaseSettings, PreferenceSettings, SweepSettings, TrainSettings

_MOVED = [f"{sft}+{loss}{rag}" for sft in ("qlora", "lora") for loss in ("dpo", "orpo", "kto") for rag in ("", "+rag")]
RUNGS = (
    "classical", "base", "fewshot", "rag", "qlora", "qlora+rag", "lora", "lora+rag", "full", "full+rag", *_MOVED,
)  # fmt: skip


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
    remote: dict[str, RemoteSettings] = Field(
        default_factory=dict, description="Hosted models by name, each a rung `remote:NAME` of the ladder."
    )
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
