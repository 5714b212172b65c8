"""A finished run's folder, made by code in a second: four rungs, 36 sealed items, scored and decided for real.

Settings and items -> what all stages up to decide/ leave behind; only the answers and the counts are invented.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from pathlib import Path

from nichetune.core.files import hash_text, write_json, write_jsonl
from nichetune.core.records import Candidate, Example, Expected, ItemScore, Message, Prediction, Source
from nichetune.core.settings import PRIMARY_METRICS, Settings
from nichetune.core.tasks import parse_answer, render_answer
from nichetune.decide import verdict
from nichetune.evaluate.metrics import summarise
from nichetune.evaluate.resources import Resources
from nichetune.evaluate.scoring import score_item

# rung: chance of a right field, chance of a right quote, training and serving operations, bytes kept
RUNGS = {
    "classical": (0.5, None, 0.0, 0.0, 2_000_000),
    "base": (0.35, 0.1, 0.0, 4e12, 270_000_000),
    "qlora": (0.94, 0.2, 2e14, 1.2e12, 280_000_000),
    "qlora+rag": (0.94, 0.9, 2e14, 2.1e12, 330_000_000),
}
FINDINGS = ["Lattice corneal dystrophy", "Senile cataract", "Acute mastoiditis", "Otosclerosis", "Macular cyst"]
MANIFESTS: dict[str, tuple[dict[str, int], dict[str, int]]] = {
    "ingest": ({"files": 14, "in": 2310, "examples": 1266, "documents": 1002}, {"not JSON": 31, "no text": 11}),
    "mask": ({"in": 2268, "examples": 1266, "documents": 1002, "masked": 5140}, {}),
    "dedupe": ({"in": 1266, "out": 1120}, {"exact duplicate": 61, "near duplicate": 73, "contradiction": 12}),
    "split": ({"in": 1120, "out": 1098}, {"overlaps a sealed item": 22}),
    "benchmark": ({"in": 36, "out": 36}, {}),
    "train/qlora": ({"in": 760, "out": 760}, {}),
}
ENTITIES = {"PERSON": 2210, "DATE": 1490, "PHONE": 702, "MEDICAL_RECORD": 611, "API_KEY": 127}


@dataclass(frozen=True)
class Run:
    """What a report is made from."""

    settings: Settings
    inputs: dict[str, Path]


def make_settings(**more: object) -> Settings:
    """Two tasks: a form that may ask back, and questions with citations."""
    tasks = {
        "triage": {
            "kind": "form",
            "fields": {
                "finding": {},
                "side": {"values": ["right", "left", "bilateral", "none"]},
                "action": {"values": ["code", "query laterality"]},
            },
            "abstain": {"field": "action", "value": "query laterality"},
        },
        "instruction": {"kind": "grounded"},
    }
    plain = {
        "project": "eye-ear-desk",
        "sources": [{"path": "notes.jsonl", "task": "triage"}],
        "tasks": tasks,
        "rungs": list(RUNGS),
        "benchmark": {"primary": "triage.exact_form", "bootstrap": 1000},
        "registry": {"url": "postgresql://desk:hunter2@db/registry"},
    }
    return Settings.model_validate(plain | more)


def make_items() -> list[Example]:
    """24 notes and 12 questions, two items a group."""
    notes = [make_note(n) for n in range(24)]
    return notes + [make_question(n) for n in range(12)]


def make_note(n: int) -> Example:
    """An intake note; each sixth one has no side and must be asked about."""
    finding, side = FINDINGS[n % 5], ["right", "left", "bilateral"][n % 3]
    asks = n % 6 == 5
    text = f"[PERSON_{n}], seen [DATE_{n}]: {finding}{'' if asks else ', ' + side}. Mother had glaucoma."
    action = {"side": "none", "action": "query laterality"} if asks else {"side": side, "action": "code"}
    return _example(f"note-{n:02}", f"g{n // 2}", "triage", text, Expected(fields={"finding": finding, **action}))


def make_question(n: int) -> Example:
    """A question about a document; each fourth one has no answer."""
    if n % 4 == 3:
        return _example(f"q-{n:02}", f"q{n // 2}", "instruction", f"Which code has note {n}?", Expected(abstain=True))
    expected = Expected(answer=f"Code first underlying disease {n}", evidence=[f"H{10 + n}"])
    return _example(f"q-{n:02}", f"q{n // 2}", "instruction", f"What does H{10 + n} say to code first?", expected)


def _example(name: str, group: str, task: str, text: str, expected: Expected) -> Example:
    message = Message(role="user", content=text)
    return Example(id=name, group=group, task=task, messages=[message], expected=expected, source=Source(file="notes"))


def answer_item(settings: Settings, item: Example, rung: str) -> Prediction | None:
    """What a rung of this quality writes: right, wrong, or now and then not readable."""
    field_skill, quote_skill = RUNGS[rung][:2]
    skill = field_skill if item.task == "triage" else quote_skill
    if skill is None:
        return None
    draw = random.Random(f"{rung.partition('+')[0] if item.task == 'triage' else rung} {item.id}")
    task = settings.tasks[item.task]
    if item.task == "triage":
        wrong = {"finding": "Myopia", "side": "left", "action": "code"}
        fields = {k: v if draw.random() < skill else wrong[k] for k, v in (item.expected.fields or {}).items()}
        text = render_answer(task, Expected(fields=fields)) if draw.random() < 0.97 else "I think it is Myopia,"
    else:
        right = render_answer(task, item.expected)
        text = right if draw.random() < skill else '"Use additional code" [H99]'
    return Prediction(item=item.id, text=text, answer=parse_answer(task, text), prompt_tokens=90, new_tokens=30)


def write_rung(settings: Settings, items: list[Example], rung: str, folder: Path) -> Path:
    """An evaluated rung, as the stage leaves it."""
    found = [(item, p) for item in items if (p := answer_item(settings, item, rung)) is not None]
    scores = []
    for item, prediction in found:
        task = settings.tasks[item.task]
        values = score_item(task, item, prediction)
        values["success"] = values[PRIMARY_METRICS[task.kind]]
        scores.append(ItemScore(item=item.id, group=item.group, task=item.task, scores=values))
    _, _, train, serve, stored = RUNGS[rung]
    counted = Resources(items=len(found), train_flops=train, serve_flops=serve, storage_bytes=stored)
    adapter = "train/qlora/adapter" if "qlora" in rung else ""
    candidate = Candidate(
        rung=rung, adapter=adapter, adapter_digest="a1" if adapter else "", retrieval="rag" in rung,
        tasks=settings.tasks,
    )  # fmt: skip
    write_json(folder / "candidate.json", candidate)
    write_jsonl(folder / "predictions.jsonl", [prediction for _, prediction in found])
    write_jsonl(folder / "scores.jsonl", scores)
    write_json(folder / "metrics.json", summarise([item for item, _ in found], scores, settings.tasks))
    write_json(folder / "resources.json", counted)
    return folder


def write_manifest(folder: Path, name: str, counts: dict[str, int], dropped: dict[str, int]) -> None:
    """What the stages' runner leaves behind."""
    manifest = {
        "stage": name, "digest": hash_text(name), "inputs": {"before": hash_text(f"before {name}")}, "counts": counts,
        "dropped": dropped, "versions": {"torch": "2.13.0"} if name.startswith("train") else {}, "seed": 7,
    }  # fmt: skip
    write_json(folder / "manifest.json", manifest)


def write_losses(folder: Path) -> None:
    """A noisy curve that falls."""
    draw = random.Random(3)
    points = [{"step": n, "loss": 2.2 * 0.985**n + 0.12 + 0.15 * draw.random(), "tokens": 400} for n in range(1, 191)]
    write_jsonl(folder / "loss.jsonl", points)


def write_run(root: Path, settings: Settings, items: list[Example]) -> Run:
    """The whole folder up to the verdict."""
    inputs = {name: root / name for name in MANIFESTS}
    for name, (counts, dropped) in MANIFESTS.items():
        write_manifest(inputs[name], name, counts, dropped)
    write_json(inputs["mask"] / "entities.json", ENTITIES)
    write_jsonl(inputs["benchmark"] / "items.jsonl", items)
    seal = {"digest": hash_text("sealed"), "primary": settings.primary_metric, "margin": 0.02, "alpha": 0.05}
    write_json(inputs["benchmark"] / "benchmark.json", seal)
    write_losses(inputs["train/qlora"])
    for rung in settings.rungs:
        inputs[f"evaluate/{rung}"] = write_rung(settings, items, rung, root / "evaluate" / rung)
    inputs["decide"] = root / "decide"
    inputs["decide"].mkdir()
    verdict.run(settings, inputs, inputs["decide"])
    write_manifest(inputs["decide"], "decide", {"rungs": len(settings.rungs)}, {})
    return Run(settings, inputs)
