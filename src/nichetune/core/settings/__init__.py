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
    RUNGS,
    BenchmarkSettings,
    EconomicsSettings,
    EvaluateSettings,
    GenerateSettings,
    IndexSettings,
    RegistrySettings,
    ServeSettings,
    Settings,
)
from nichetune.core.settings.remote import REMOTE, RemoteSettings
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
    "PRIMARY_METRICS",
    "REMOTE",
    "RESERVED_FIELDS",
    "RUNGS",
    "AbstainSettings",
    "BaseSettings",
    "BenchmarkSettings",
    "ChatFormat",
    "DataSettings",
    "DedupeSettings",
    "EconomicsSettings",
    "EvaluateSettings",
    "FieldSettings",
    "FileFormat",
    "GenerateSettings",
    "IndexSettings",
    "IngestSettings",
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
