"""The dataset card for machines: Croissant 1.0, JSON-LD over schema.org, with what the page tells.

DatasetMaterial -> a JSON-LD object

    {"@type": "sc:Dataset", "name": "eye-ear-desk", "conformsTo": "…/croissant/1.0", "distribution": [{"@type":
     "cr:FileObject", "contentUrl": "../split/train.jsonl", "sha256": "…"}], "recordSet": […]}

Files are named by their place in the run's folder and known by digest. Vocabulary: Croissant Format Specification 1.0
(MLCommons 2024) and its extension for responsible AI.
"""

from __future__ import annotations

from typing import Any

from nichetune.report.dataset_findings import build_contamination, build_contradictions, build_duplicates
from nichetune.report.dataset_material import DatasetMaterial
from nichetune.report.dataset_sections import describe_residual
from nichetune.report.dataset_splits import PARTS, build_splits

_SPEC = "http://mlcommons.org/croissant/"
CONFORMS_TO = (f"{_SPEC}1.0", f"{_SPEC}RAI/1.0")
CONTEXT: dict[str, Any] = {
    "@language": "en", "@vocab": "https://schema.org/", "citeAs": "cr:citeAs", "column": "cr:column",
    "conformsTo": "dct:conformsTo", "cr": _SPEC, "rai": f"{_SPEC}RAI/",
    "data": {"@id": "cr:data", "@type": "@json"}, "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    "dct": "http://purl.org/dc/terms/", "equivalentProperty": "cr:equivalentProperty",
    "examples": {"@id": "cr:examples", "@type": "@json"}, "extract": "cr:extract", "field": "cr:field",
    "fileProperty": "cr:fileProperty", "fileObject": "cr:fileObject", "fileSet": "cr:fileSet", "format": "cr:format",
    "includes": "cr:includes", "isLiveDataset": "cr:isLiveDataset", "jsonPath": "cr:jsonPath", "key": "cr:key",
    "md5": "cr:md5", "parentField": "cr:parentField", "path": "cr:path", "recordSet": "cr:recordSet",
    "references": "cr:references", "regex": "cr:regex", "repeated": "cr:repeated", "replace": "cr:replace",
    "samplingRate": "cr:samplingRate", "sc": "https://schema.org/", "separator": "cr:separator",
    "source": "cr:source", "subField": "cr:subField", "transform": "cr:transform",
}  # fmt: skip
_FIELDS = ("id", "group", "task", "tenant", "document_class", "valid_from")


def describe_dataset(data: DatasetMaterial) -> dict[str, Any]:
    """The card."""
    licences = sorted({one.licence for one in data.settings.sources if one.licence})
    return {
        "@context": CONTEXT,
        "@type": "sc:Dataset",
        "name": data.settings.project,
        "description": _describe(data),
        "conformsTo": list(CONFORMS_TO),
        "license": licences or ["not stated"],
        "url": "dataset.html",
        "version": "1.0.0",
        "identifier": f"sha256:{data.benchmark.digest}",
        "isLiveDataset": False,
        "distribution": [_describe_file(data, part) for part in PARTS],
        "recordSet": [_describe_records(part) for part in PARTS],
        **_describe_care(data),
        "isBasedOn": [_describe_source(one) for one in data.settings.sources],
        "variableMeasured": _list_counts(data),
    }


def _describe(data: DatasetMaterial) -> str:
    parts = ", ".join(f"{data.count('split', part):,} {part}" for part in PARTS)
    return f"Supervised examples of the project {data.settings.project}: {parts}. Made by nichetune."


def _describe_file(data: DatasetMaterial, part: str) -> dict[str, Any]:
    name = f"{part}.jsonl"
    return {
        "@type": "cr:FileObject",
        "@id": name,
        "name": name,
        "description": f"The {part} part, one JSON object a line.",
        "contentUrl": f"../split/{name}",
        "encodingFormat": "application/jsonlines",
        "sha256": data.manifests["split"]["outputs"][name],
    }


def _describe_records(part: str) -> dict[str, Any]:
    fields = [_describe_field(part, name) for name in _FIELDS]
    return {"@type": "cr:RecordSet", "@id": part, "name": part, "key": {"@id": f"{part}/id"}, "field": fields}


def _describe_field(part: str, name: str) -> dict[str, Any]:
    return {
        "@type": "cr:Field",
        "@id": f"{part}/{name}",
        "name": name,
        "dataType": "sc:Text",
        "source": {"fileObject": {"@id": f"{part}.jsonl"}, "extract": {"column": name}},
    }


def _describe_care(data: DatasetMaterial) -> dict[str, Any]:
    """What the extension for responsible AI asks for, in the page's own sentences."""
    duplicates, contamination = build_duplicates(data), build_contamination(data)
    masked = ", ".join(f"{name} {count}" for name, count in sorted((data.entities or {}).items())) or "nothing"
    power = build_splits(data).power[0]
    return {
        "rai:personalSensitiveInformation": f"Masked: {masked}. {describe_residual(data.audit).sentence}",
        "rai:dataPreprocessingProtocol": [duplicates.sentence, duplicates.meaning, contamination.rule],
        "rai:dataAnnotationAnalysis": build_contradictions(data).noise,
        "rai:dataLimitations": (
            f"{contamination.sentence} The {power.items} sealed items of {power.groups} groups show a gain of "
            f"{power.loose} to {power.tight} points."
        ),
    }


def _describe_source(one: Any) -> dict[str, Any]:
    source = {"@type": "sc:CreativeWork", "name": one.origin}
    return source | ({"license": one.licence} if one.licence else {})


def _list_counts(data: DatasetMaterial) -> list[dict[str, Any]]:
    """The funnel: what each stage counted and dropped, with its digest."""
    rows = []
    for stage, manifest in data.manifests.items():
        counts = {f"{stage}: {name}": n for name, n in manifest.get("counts", {}).items()}
        drops = {f"{stage}: dropped, {reason}": n for reason, n in manifest.get("dropped", {}).items()}
        rows += [{"@type": "sc:PropertyValue", "name": name, "value": n} for name, n in (counts | drops).items()]
        digest = str(manifest.get("digest", ""))
        rows.append({"@type": "sc:PropertyValue", "name": f"{stage}: content digest", "value": digest})
    return rows
