"""The settings of a project: one `nichetune.yaml`, read into these models; unknown keys are refused.

Every field's description carries its unit and the reason for its default; the reference page is made from them.

    project: eye-ear-desk
    sources: [{path: notes.csv, task: triage, map: {text: note}}]
    tasks: {triage: {kind: form, fields: {side: {values: [left, right]}}}}
    benchmark: {primary: triage.exact_form}
"""

from nichetune.core.settings.corpus import (
    ChatFormat,
    DataSettings,
    DedupeSettings,
    FileFormat,
    IngestSettings,
    MaskSettings,
    QualitySettings,
    SourceSettings,
    SplitSettings,
)
from nichetune.core.settings.project import (
    LOCAL_JUDGE,
    READY,
    READY_SUITES,
    RUNGS,
    BenchmarkSettings,
    CanarySettings,
    EconomicsSettings,
    EvaluateSettings,
    GatesSettings,
    GenerateSettings,
    IndexSettings,
    JudgeSettings,
    RegistrySettings,
    ServeSettings,
    Settings,
)
from nichetune.core.settings.remote import HOW_IT_IS_ASKED, REMOTE, AskingSettings, RemoteSettings
from nichetune.core.settings.section import Section
from nichetune.core.settings.task import (
    PRIMARY_METRICS,
    RESERVED_FIELDS,
    AbstainSettings,
    FieldSettings,
    TaskKind,
    TaskSettings,
)
from nichetune.core.settings.training import (
    BaseSettings,
    Method,
    Optimiser,
    PreferenceSettings,
    Preferring,
    RangeSettings,
    SweepSettings,
    TrainSettings,
)

__all__ = [
    "HOW_IT_IS_ASKED",
    "LOCAL_JUDGE",
    "PRIMARY_METRICS",
    "READY",
    "READY_SUITES",
    "REMOTE",
    "RESERVED_FIELDS",
    "RUNGS",
    "AbstainSettings",
    "AskingSettings",
    "BaseSettings",
    "BenchmarkSettings",
    "CanarySettings",
    "ChatFormat",
    "DataSettings",
    "DedupeSettings",
    "EconomicsSettings",
    "EvaluateSettings",
    "FieldSettings",
    "FileFormat",
    "GatesSettings",
    "GenerateSettings",
    "IndexSettings",
    "IngestSettings",
    "JudgeSettings",
    "MaskSettings",
    "Method",
    "Optimiser",
    "PreferenceSettings",
    "Preferring",
    "QualitySettings",
    "RangeSettings",
    "RegistrySettings",
    "RemoteSettings",
    "Section",
    "ServeSettings",
    "Settings",
    "SourceSettings",
    "SplitSettings",
    "SweepSettings",
    "TaskKind",
    "TaskSettings",
    "TrainSettings",
]
