"""Axes, labels and colours: places are where they should be, and everything can be read."""

from __future__ import annotations

import importlib.resources
import itertools
import re

import pytest
from finished_run import Run

from nichetune.decide.reasons import usd
from nichetune.report.cost import Mark, build_cost, spread_labels, trace_frontier
from nichetune.report.material import LossPoint, read_material
from nichetune.report.scale import linear_scale, log_scale, share_scale
from nichetune.report.training import smooth, thin_out
from nichetune.report.words import write_gain, write_p, write_round_usd


def test_share_axis_is_never_cut() -> None:
    assert [share_scale().at(share) for share in (0, 0.652, 1)] == [0, 65.2, 100]


@pytest.mark.parametrize("values", [[-0.772, 0.75, 0.02], [0.0, 0.0], [3.0, 3.0], [0.0, 2.31], [-0.004, 0.001]])
def test_linear_axis_holds_its_values_between_round_ticks(values: list[float]) -> None:
    scale = linear_scale(values)
    assert scale.low <= min(values) and scale.high >= max(values) and 2 <= len(scale.ticks) <= 8
    assert (scale.ticks[0], scale.ticks[-1]) == pytest.approx((scale.low, scale.high))


@pytest.mark.parametrize("values", [[2.2e-5, 0.034], [0.0, 0.0], [0.0, 5.0], [1.0], [1e-9, 1e6]])
def test_log_axis_takes_free_rungs_too(values: list[float]) -> None:
    scale = log_scale(values)
    assert all(0 <= scale.at(value) <= 100 for value in values) and 2 <= len(scale.ticks) <= 8
    assert scale.at((scale.low * scale.high) ** 0.5) == pytest.approx(50)


def test_labels_of_close_rungs_do_not_meet() -> None:
    marks = [Mark(f"r{n}", 70 + n, 80 + 2.0 * n, False) for n in range(5)]
    placed = spread_labels(marks)
    for a, b in itertools.combinations(placed, 2):
        assert a.anchor != b.anchor or abs(a.label_y - b.label_y) >= 17


def test_frontier_never_pays_more_for_less(finished: Run) -> None:
    section = build_cost(read_material(finished.settings, finished.inputs))
    points = trace_frontier(section.marks)
    assert all(a[0] <= b[0] and a[1] >= b[1] for a, b in itertools.pairwise(points))
    assert {row.name for row in section.rows} == {"classical", "base", "qlora", "qlora+rag"}


def test_running_mean_keeps_steps_and_thinning_keeps_ends() -> None:
    points = [LossPoint(n, 2.0 if n % 2 else 0.0) for n in range(1, 1001)]
    assert [p.step for p in smooth(points)] == [p.step for p in points]
    assert smooth(points)[-1].loss == pytest.approx(1.0)
    thin = thin_out(points)
    assert len(thin) == 300 and (thin[0], thin[-1]) == (points[0], points[-1])


def test_numbers_are_written_for_people() -> None:
    assert [usd(a) for a in (0, 0.0000221, 0.3, 1234.5)] == ["$0", "$0.000022", "$0.30", "$1,234.50"]
    assert [write_round_usd(a) for a in (1e-05, 0.1, 100.0)] == ["$0.00001", "$0.1", "$100"]
    assert [write_gain(g) for g in (0.123, -0.05, 0.0, -0.0001)] == ["+12.3", "-5.0", "0.0", "0.0"]
    assert [write_p(p) for p in (0.0002, 0.0312, 1.0)] == ["< 0.001", "0.031", "1.000"]


def palettes() -> list[dict[str, str]]:
    style = (importlib.resources.files("nichetune.report") / "templates" / "style.css").read_text()
    blocks = re.findall(r":root \{([^}]*--ink[^}]*)\}", style)
    return [dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6})", block)) for block in blocks]


def luminance(colour: str) -> float:
    """WCAG 2.2, relative luminance."""
    channels = [int(colour[n : n + 2], 16) / 255 for n in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return sum(weight * c for weight, c in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


@pytest.mark.parametrize("palette", palettes(), ids=["light", "dark"])
def test_contrast_meets_wcag_aa(palette: dict[str, str]) -> None:
    def contrast(a: str, b: str) -> float:
        high, low = sorted((luminance(palette[a]), luminance(palette[b])), reverse=True)
        return (high + 0.05) / (low + 0.05)

    text = ("ink", "quiet", "accent", "good", "bad", "open")
    assert min(contrast(name, "paper") for name in text) >= 4.5
    assert min(contrast(name, "panel") for name in ("ink", "quiet")) >= 4.5
    assert min(contrast(name, "paper") for name in ("rule", "curve-0", "curve-1", "curve-2", "curve-3")) >= 3


def test_there_is_a_light_and_a_dark_palette_with_the_same_names() -> None:
    light, dark = palettes()
    assert light.keys() == dark.keys()
