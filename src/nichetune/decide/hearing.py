"""Whose word counts: a judge's figures are heard only from the judge that these settings ask.

Reads evaluate/<rung>/{judge.json, manifest.json} -> whether the manifest lists that very file under the same `judge`:

    {"outputs": {"judge.json": "4c…"}, "settings": {"judge": {"url": "local", "min_kappa": 0.6, …}}, …}

A file may be left over from another judge, or from settings that asked for one. What it says is then neither told nor
decided by, and the scores that came with it are put aside.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from nichetune.core.files import hash_file, read_json
from nichetune.core.settings import HOW_IT_IS_ASKED, Settings
from nichetune.core.stages import MANIFEST
from nichetune.decide.evaluated import Evaluated
from nichetune.evaluate.judge import JUDGE_RESULT, JUDGED


def heard_judge(settings: Settings, folder: Path) -> bool:
    """Whether a rung's evaluation holds the word of the judge that the settings ask."""
    file, manifest = folder / JUDGE_RESULT, folder / MANIFEST
    if not settings.judge.url or not file.is_file() or not manifest.is_file():
        return False
    told = read_json(manifest)
    asked = settings.judge.model_dump(mode="json", exclude=set(HOW_IT_IS_ASKED))
    same_judge = told.get("settings", {}).get("judge") == asked
    return bool(same_judge and told.get("outputs", {}).get(JUDGE_RESULT) == hash_file(file))


def hear(settings: Settings, rung: Evaluated, folder: Path) -> Evaluated:
    """The rung with its judge's scores if that judge is asked, else without them."""
    if heard_judge(settings, folder):
        return rung
    scores = {
        item: one.model_copy(update={"scores": {name: v for name, v in one.scores.items() if name != JUDGED}})
        for item, one in rung.scores.items()
    }
    metrics = {name: value for name, value in rung.metrics.items() if name.partition(".")[2] != JUDGED}
    return replace(rung, scores=scores, metrics=metrics)
