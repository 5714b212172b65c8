"""The page of a comparison: of two files of scores, and of two runs, with their texts and answers."""

from __future__ import annotations

import json
import re
from html import unescape
from pathlib import Path

import pytest
from finished_run import Run
from html_tools import read_page

from nichetune.core.files import hash_file
from nichetune.decide.compare import compare_scores
from nichetune.report.pair_material import read_compared
from nichetune.report.pair_page import PAIR_SECTIONS, render_comparison, write_comparison
from nichetune.report.pair_sections import build_pair_differences, build_pair_groups

ATTACK = "<img src=x onerror=alert(1)>"


def write_scores(path: Path, scores: list[float], names: str = "q", groups: int = 0) -> Path:
    rows = [
        {"id": f"{names}{n}", "score": score} | ({"group": f"g{n % groups}"} if groups else {})
        for n, score in enumerate(scores)
    ]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def compare(a: Path, b: Path, metric: str = "", margin: float = 0.02) -> str:
    return render_comparison(read_compared(a, b, compare_scores(a, b, margin, metric), metric))


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    a = write_scores(tmp_path / "monday.jsonl", [float(n % 2) for n in range(120)], groups=30)
    return a, write_scores(tmp_path / "tuesday.jsonl", [float(n % 4 > 0) for n in range(120)], groups=30)


def test_files_of_scores_have_a_page_with_every_figure_of_the_json(files):
    a, b = files
    found, page = compare_scores(a, b), unescape(compare(a, b))
    assert f"B is {found['decision']} than A: +{100 * found['difference']:.1f} points." in page
    assert f"{100 * found['low']:.1f} to {100 * found['high']:.1f}" in page
    assert f"n = {found['n']} in {found['groups']} groups" in page
    assert "50.0%" in page and "75.0%" in page and "monday.jsonl" in page and "tuesday.jsonl" in page
    assert hash_file(a) in page and hash_file(b) in page and str(a.parent) not in page


def test_the_page_is_one_file_and_the_same_inputs_give_the_same_bytes(files):
    page = compare(*files)
    assert page == compare(*files)
    links = [v for tag in read_page(page).tags for k, v in tag.attributes.items() if k in ("href", "src")]
    assert links and all(link.startswith("#") or link == "data:," for link in links)
    assert not re.search(r"url\(|@import|https?://", page)


@pytest.mark.parametrize(("right_b", "status"), [(60, "Better"), (20, "Worse"), (40, "Inconclusive")])
def test_every_decision_has_its_sentence(tmp_path, right_b, status):
    a = write_scores(tmp_path / "a", [float(n < 40) for n in range(80)])
    b = write_scores(tmp_path / "b", [float(n >= 80 - right_b) for n in range(80)])
    assert f">{status}<" in compare(a, b)


def test_equal_scores_are_equivalent_and_have_no_power_nor_differences(tmp_path):
    a = write_scores(tmp_path / "a", [float(n % 2) for n in range(400)])
    page = compare(a, a)
    assert "B is as good as A: 0.0 points." in page
    assert 'id="power"' not in page and 'id="differences"' not in page and 'id="pair_groups"' not in page


def test_groups_that_moved_most_come_first(files):
    a, b = files
    pair = read_compared(a, b, compare_scores(a, b))
    found = build_pair_groups(pair)
    assert found is not None and len(found.rows) == 20 and found.hidden == 10
    moved = [abs(float(row.gain)) * row.n for row in found.rows]
    assert moved == sorted(moved, reverse=True) and moved[0] > 0


def test_items_are_listed_with_both_scores(files):
    a, b = files
    found = build_pair_differences(read_compared(a, b, compare_scores(a, b)))
    assert found is not None and found.total == found.tallies[0].wins + found.tallies[0].losses
    assert found.tallies[0].same == 120 - found.total
    one = next(one for one in found.shown if one.outcome == "win")
    assert (one.parts[0].shipped.text, one.parts[0].rival.text) == ("1", "0")


def test_ids_and_groups_never_become_html(tmp_path):
    a = write_scores(tmp_path / "a", [0.0] * 30, ATTACK)
    page = compare(a, write_scores(tmp_path / "b", [1.0] * 30, ATTACK))
    assert not read_page(page).named("img") and "&lt;img" in page


def test_two_runs_show_texts_answers_and_every_metric(finished: Run, tmp_path):
    root = finished.inputs["decide"].parent
    rung = root / "evaluate" / "base"
    result = compare_scores(rung, root, metric="triage.exact_form")
    write_comparison(rung, root, result, tmp_path / "pair.html", "triage.exact_form")
    page = unescape((tmp_path / "pair.html").read_text())
    assert {section.anchor for section in PAIR_SECTIONS} <= set(re.findall(r'<section id="(\w+)"', page))
    assert "triage: Field “side”" in page and "Mother had glaucoma" in page
    assert "the rung base of base" in page and "the rung qlora of" in page
    pair = read_compared(rung, root, result, "triage.exact_form")
    found = build_pair_differences(pair)
    assert found is not None and {"finding", "side", "action"} <= {part.name for part in found.shown[0].parts}
    gaps = (pair.new != pair.old).sum()
    assert found.total == gaps == sum(t.wins + t.losses for t in found.tallies)


def test_a_comparisons_page_fits_a_phone_and_breaks_no_policy(browser, files, tmp_path):
    file = tmp_path / "pair.html"
    file.write_text(compare(*files))
    opened = browser.open(file, width=390, height=844)
    assert opened.ask("document.documentElement.scrollWidth") == 390
    assert opened.complaints() == [] and len(opened.requests()) == 1
    shown = """(() => { const form = document.getElementById('filter'); form.elements.outcome.value = 'loss';
      form.dispatchEvent(new Event('input', { bubbles: true }));
      return document.getElementById('shown').textContent })()"""
    assert " shown fit." in opened.ask(shown)
