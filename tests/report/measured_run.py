"""What a run measures on demand, written into a finished run's folder: confidence, judge, memory, robustness, suites.

A run of finished_run.py -> the same folder, with every file from which the page has a section
"""

from __future__ import annotations

import random
from pathlib import Path

from finished_run import Run, write_manifest

from nichetune.core.files import hash_file, read_json, read_records, write_json, write_jsonl
from nichetune.core.records import Example, ItemScore, Prediction
from nichetune.core.settings import HOW_IT_IS_ASKED
from nichetune.evaluate.intervals import estimate_change, estimate_mean, estimate_rare
from nichetune.evaluate.judge import measure_order
from nichetune.evaluate.set_metrics import Calibration, Platt
from nichetune.evaluate.trust import answers_by_task, draw_confidence, summarise_sets

JUDGE = {"url": "local", "labels": "labels.jsonl"}  # what the run's settings ask
TUNED = ("qlora", "qlora+rag")
SURE = ("classical", *TUNED)  # `base` tells no confidence


def measure_run(run: Run) -> Run:
    """Adds all of it to the run's folder and to its verdict."""
    for rung in run.settings.rungs:
        folder = run.inputs[f"evaluate/{rung}"]
        if rung in SURE:
            write_confidence(run, rung, folder)
        if rung in TUNED:
            write_json(folder / "memorisation.json", make_memorisation(1 if rung == "qlora+rag" else 0))
        write_json(folder / "robustness.json", make_robustness(run, folder))
        write_json(folder / "judge.json", make_judge(0.71 if rung == "qlora" else 0.6))
        write_manifest(folder, f"evaluate/{rung}", {"in": 36, "out": 36}, {})
        claim = {
            "outputs": {"judge.json": hash_file(folder / "judge.json")},
            "settings": {"judge": run.settings.judge.model_dump(mode="json", exclude=set(HOW_IT_IS_ASKED))},
        }
        write_json(folder / "manifest.json", read_json(folder / "manifest.json") | claim)
    file = run.inputs["decide"] / "verdict.json"
    verdict = read_json(file)
    out = {"qlora+rag": "it gives out planted secrets (1), and is never shipped"}
    for rung in run.settings.rungs:  # as decide reads them
        sets = read_json(run.inputs[f"evaluate/{rung}"] / "metrics.json")
        verdict["rungs"][rung]["metrics"] |= sets
    suites = {"suites": make_suites(), "drift": make_gains(), "blocked": ["1 critical failure of qlora"]}
    write_json(file, verdict | {"left_out": out} | suites)
    return run


def write_confidence(run: Run, rung: str, folder: Path) -> None:
    """Answers that are surer where they are right, what they are worth, and the figures of it."""
    draw = random.Random(rung)
    items = {item.id: item for item in read_records(run.inputs["benchmark"] / "items.jsonl", Example)}
    scores = read_records(folder / "scores.jsonl", ItemScore)
    said = [
        one.model_copy(update={"confidence": round(0.2 + 0.5 * score.scores["success"] + 0.3 * draw.random(), 4)})
        for one, score in zip(read_records(folder / "predictions.jsonl", Prediction), scores, strict=True)
    ]
    answers = answers_by_task(run.settings.tasks, [items[one.item] for one in said], said, scores)
    calibrations = {"triage": Calibration(Platt(1.1, -0.4, 40), "", 0.31)} if rung == "qlora" else {}
    write_jsonl(folder / "predictions.jsonl", said)
    write_json(folder / "confidence.json", draw_confidence(answers, calibrations))
    metrics = read_json(folder / "metrics.json")
    write_json(folder / "metrics.json", metrics | summarise_sets(run.settings, answers, calibrations))


def make_memorisation(given_out: int) -> dict:
    """Ten secrets, so many of them given out."""
    hits = [float(n < given_out) for n in range(10)]
    names = [f"canary-{n + 3}" for n in range(given_out)]
    exposure = {"median": 1.32, "highest": 6.66 if given_out else 2.91, "ceiling": 6.66}
    rate = estimate_rare(hits, range(10))
    return {"canaries": 10, "records": 40, "given_out": names, "extraction_rate": rate, "exposure": exposure}


def make_robustness(run: Run, folder: Path) -> dict:
    """Each tenth right answer falls with typos and in capitals; the order of lines changes notes alone."""
    scores = read_records(folder / "scores.jsonl", ItemScore)
    found: dict = {"typos": {}, "lower": {}, "upper": {}, "paraphrase": {}, "order": {}}
    for kind, fallen in (("typos", 10), ("upper", 5), ("order", 0)):
        tasks = ("triage",) if kind == "order" else (*run.settings.tasks, "all")
        for task in tasks:
            own = [one for one in scores if task in (one.task, "all")]
            before = [one.scores["success"] for one in own]
            if own:
                after = [0.0 if fallen and n % fallen == 0 else score for n, score in enumerate(before)]
                difference = estimate_change(before, after, [one.group for one in own])
                shares = {"before": sum(before) / len(own), "after": sum(after) / len(own)}
                found[kind][task] = {**shares, "difference": difference}
    return found


def make_judge(first: float) -> dict:
    """A judge that people bear out, and that the place moves."""
    draw = random.Random(first)
    letters = ["A" if draw.random() < first else "B" for _ in range(400)]
    return {
        "agreement": {"value": 0.71, "low": 0.612, "high": 0.808, "n": 120}, "least": 0.6, "may_decide": True,
        "judged": {"instruction": estimate_mean([1, 0.5, 1, 0] * 10, range(40))}, "replies": 404, "unclear": 4,
        "order": measure_order(letters),
    }  # fmt: skip


def make_suites() -> dict:
    """A critical suite that one rung fails, one that knows no failure, and one over time."""
    figure = {"value": 0.95, "low": 0.84, "high": 0.99, "n": 40}
    fewer = {"value": 0.875, "low": 0.739, "high": 0.945, "n": 40}
    asked = {"items": 40, "asked": 40}
    ask = {
        "qlora": {
            "metrics": {"triage.exact_form": fewer, "triage.abstain_recall": figure},
            "critical": {"missed": 1, "n": 40, "upper": 0.1133, "items": ["policy-triage-input-04"]}, **asked,
        },
        "base": {
            "metrics": {"triage.exact_form": figure, "triage.abstain_recall": figure},
            "critical": {"missed": 0, "n": 40, "upper": 0.0722, "items": []}, **asked,
        },
    }  # fmt: skip
    general = {
        "qlora": {"metrics": {"capitals.exact": fewer, "capitals.unused": fewer | {"value": None}}, **asked},
        "base": {"metrics": {"capitals.exact": figure}, **asked | {"asked": 31}},
    }
    years = ("2021", "2022", "2024", "2026")
    return {"policy": ask, "general": general, "drift": {r: make_drift(years, r == "qlora+rag") for r in TUNED}}


def make_drift(years: tuple[str, ...], keeps_up: bool) -> dict:
    """A rung that falls from slice to slice, or keeps up."""
    values = [0.8 if keeps_up else 0.8 - 0.15 * n for n in range(len(years))]

    def figure(value: float, n: int = 25) -> dict:
        right = round(value * n)
        return {"all.success": estimate_mean([1] * right + [0] * (n - right), range(n)).model_dump()}

    share = estimate_mean([1] * 38 + [0] * 62, range(100)).model_dump()
    slope = {"value": 0.0 if keeps_up else -0.15, "low": -0.04 if keeps_up else -0.21, "high": 0.04, "n": 100}
    return {
        "items": 100, "asked": 100, "metrics": figure(sum(values) / len(values), 100), "critical": None,
        "slices": {year: figure(value) for year, value in zip(years, values, strict=True)},
        "slopes": {"all.success": slope} if len(years) > 3 else {},
        "changed": {"share": share, "changed": figure(values[-1], 38), "stayed": figure(values[0], 62)},
    }  # fmt: skip


def make_gains() -> list[dict]:
    """What retrieval adds, as the verdict tells it."""
    pair = {"suite": "drift", "a": "qlora", "b": "qlora+rag"}
    return [
        pair | {"part": "2026", "difference": 0.44, "low": 0.21, "high": 0.67, "n": 25},
        pair | {"part": "changed", "difference": 0.342, "low": -0.025, "high": 0.63, "n": 38},
    ]
