"""Writes the report: one file that opens without a network, for a manager to read and an auditor to dig into.

Reads decide/, benchmark/, evaluate/<rung>/, train/<method>/, mask/, dataset/ and the manifests of the stages
-> report.html, and beside it dataset.html, dataset.croissant.json and derived/speed.html

Content only: no clock and no measured speed stands in the report, so that the same content gives the same bytes; those
have a page of their own, outside the stage's digest.
"""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

from nichetune.core.files import write_text
from nichetune.core.settings import Settings
from nichetune.core.stages import DERIVED, Report
from nichetune.report.dataset import CARD, PAGE
from nichetune.report.material import read_material
from nichetune.report.page import render_page
from nichetune.report.speed import SPEED, render_speed

REPORT = "report.html"


def run(settings: Settings, inputs: dict[str, Path], out: Path) -> Report:
    """Renders the run's report.

    Args:
        inputs: `decide`, `benchmark`, `evaluate/<rung>` for each rung; as far as there are any `train/<method>`,
            `mask`, and every other stage whose manifest shall be told of.

    Raises:
        UserError: a file of those is missing or broken.
    """
    material = read_material(settings, inputs)
    page = render_page(replace(material, has_speed_page=True))
    write_text(out / REPORT, page)
    write_text(out / DERIVED / SPEED, render_speed(material, inputs))
    if "dataset" in inputs:  # beside the report, which refers to it: both can be handed on together
        for name in (PAGE, CARD):
            shutil.copyfile(inputs["dataset"] / name, out / name)
    return Report(counts={"rungs": len(material.rungs), "bytes": len(page.encode())}, facts={"ship": material.ship})
