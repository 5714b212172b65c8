"""The page of a comparison: two runs or two files of scores, on the same page as a run's report.

Compared -> HTML, one file, by the same template, style and script
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from nichetune.core.files import write_text
from nichetune.report.page import DECISION, EVIDENCE, RECORD, Section, render_sections
from nichetune.report.pair_material import Compared, read_compared
from nichetune.report.pair_sections import (
    build_pair_difference,
    build_pair_differences,
    build_pair_groups,
    build_pair_headline,
    build_pair_inputs,
    build_pair_metrics,
    build_pair_power,
)

PAIR_SECTIONS = (
    Section("pair", "The difference", DECISION, build_pair_difference),
    Section("power", "What these items can show", DECISION, build_pair_power),
    Section("pair_metrics", "Every metric that both hold", EVIDENCE, build_pair_metrics),
    Section("pair_groups", "Groups that moved most", EVIDENCE, build_pair_groups),
    Section("differences", "Wins and losses, side by side", EVIDENCE, build_pair_differences),
    Section("pair_inputs", "What was compared", RECORD, build_pair_inputs),
)


def write_comparison(
    a: Path, b: Path, result: dict[str, Any], out: Path, metric: str = "", alpha: float = 0.05
) -> None:  # fmt: skip
    """Writes the page of what `compare_scores(a, b, …)` found.

    Args:
        alpha: 1 - the level of the result's interval.

    Raises:
        UserError: as `compare_scores`.
    """
    write_text(out, render_comparison(read_compared(a, b, result, metric, alpha)))


def render_comparison(pair: Compared) -> str:
    """The whole page; the same inputs give the same bytes."""
    return render_sections(PAIR_SECTIONS, pair, build_pair_headline(pair), "Comparison", masked=False)
