"""Dedupe: drops what teaches nothing or stands there twice, keeps twins, joins the groups of near-duplicates.

format/ -> examples.jsonl (groups joined), dropped.jsonl, contradictions.jsonl, clusters.jsonl, lookalikes.jsonl

    {"id": "int-0713", "reason": "exact duplicate", "because_of": "int-0004", "source": {…}}

What counts as what stands in cleaning.py. Documents pass by: later stages read them from mask/. No more than a few
numbers a record are in memory; what is done stands in `derived/work` until the stage is whole, and a killed one goes
on with it.
"""

from __future__ import annotations

import json
import shutil
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from nichetune.core.files import write_jsonl, write_lines
from nichetune.core.records import Example
from nichetune.core.settings import Settings
from nichetune.core.stages import DERIVED, Report
from nichetune.corpus.cleaning import clean_examples
from nichetune.corpus.contradictions import estimate_label_noise
from nichetune.corpus.digests import digest
from nichetune.corpus.engine import start_engine
from nichetune.corpus.lines import RecordFile
from nichetune.corpus.minhash import detection_probability
from nichetune.corpus.semantic import Encode
from nichetune.corpus.verdicts import Cleaned


def run(settings: Settings, inputs: dict[str, Path], out: Path, encode: Encode | None = None) -> Report:
    """Dedupes what format wrote.

    Args:
        encode: turns texts into unit vectors; without it texts are not compared by meaning.

    Raises:
        UserError: near-duplicates join too large a group, or a contradiction shall stop the run.
        SystemFailure: the Ray cluster does not answer.
    """
    start_engine(settings.data)
    work = out / DERIVED / "work"
    examples = RecordFile(inputs["format"] / "examples.jsonl", work / "lines.npy", Example)
    cleaned = clean_examples(examples, settings, encode, work)
    write_lines(out / "examples.jsonl", _copy_kept(examples, cleaned))
    write_jsonl(out / "dropped.jsonl", cleaned.dropped)
    write_jsonl(out / "contradictions.jsonl", cleaned.contradictions)
    write_jsonl(out / "clusters.jsonl", cleaned.clusters)
    write_jsonl(out / "lookalikes.jsonl", cleaned.lookalikes)
    shutil.rmtree(out / DERIVED)
    reasons = Counter(cleaned.count_reasons())
    counts = {
        "in": len(examples),
        "out": len(cleaned.places),
        "contradictions": len(cleaned.torn),
        "groups": cleaned.count_groups(),
        "joined_groups": cleaned.joined_groups,
        "near_pairs": cleaned.near_pairs,
    }
    return Report(counts, dict(sorted(reasons.items())), _state_facts(settings, cleaned))


def _copy_kept(examples: RecordFile[Example], cleaned: Cleaned) -> Iterator[bytes]:
    """Lines as they came, but for new names of groups."""
    moved = np.array([digest(name) for name, root in cleaned.joined.items() if name != root], dtype=np.uint64)
    is_moved = np.isin(cleaned.traits.groups[cleaned.places], moved).tolist()
    for n, changes in zip(cleaned.places.tolist(), is_moved, strict=True):
        line = examples.line(n)
        if changes:
            record = json.loads(line)
            record["group"] = cleaned.joined[record["group"]]
            line = json.dumps(record, ensure_ascii=False).encode() + b"\n"
        yield line


def _state_facts(settings: Settings, cleaned: Cleaned) -> dict[str, Any]:
    rules = settings.dedupe
    return {
        "detection_probability": round(detection_probability(rules.threshold, rules), 6),
        "label_noise": estimate_label_noise(cleaned.traits).model_dump(mode="json"),
        "template": {"shingles": cleaned.template_shingles, "texts": cleaned.template_texts},
        "semantic": {"mode": rules.semantic, "compared": cleaned.meant_texts, "pairs": cleaned.meant_pairs},
    }
