"""The report says what the run holds, in one file that nothing can break out of."""

from __future__ import annotations

import re
from collections.abc import Callable
from html import escape, unescape
from pathlib import Path

import pytest
from finished_run import ENTITIES, MANIFESTS, Run, make_items, make_note
from html_tools import read_page

from nichetune.core.files import read_json, read_records, write_json, write_jsonl
from nichetune.core.records import Example, Message, Prediction
from nichetune.report.headline import build_headline
from nichetune.report.material import read_material
from nichetune.report.page import SECTIONS, render_page
from nichetune.report.quality import build_quality
from nichetune.report.render import run

ATTACK = '<script>alert(1)</script><img src=x onerror=alert(2)> "{{ 7 * 7 }}'


def render(made: Run) -> str:
    return render_page(read_material(made.settings, made.inputs))


def test_report_refers_to_nothing_outside_itself(page: str) -> None:
    found = read_page(page)
    links = [v for tag in found.tags for k, v in tag.attributes.items() if k in ("href", "src", "srcset", "data")]
    assert links and all(link and (link.startswith("#") or link == "data:,") for link in links)
    assert not re.search(r"url\(|@import|https?://", page.replace("postgresql://", ""))
    policy = next(t.attributes["content"] for t in found.named("meta") if "http-equiv" in t.attributes)
    assert policy is not None and policy.startswith("default-src 'none'")


def test_same_content_gives_the_same_bytes_whatever_the_clocks(finished: Run, tmp_path: Path) -> None:
    pages = []
    for name, seconds in (("one", 1.0), ("two", 99.0)):
        write_json(finished.inputs["decide"] / "timing.json", {"started": name, "seconds": seconds})
        (tmp_path / name).mkdir()
        report = run(finished.settings, finished.inputs, tmp_path / name)
        pages.append((tmp_path / name / "report.html").read_bytes())
    assert pages[0] == pages[1]
    assert report.counts == {"rungs": 4, "bytes": len(pages[0])}
    assert not re.search(rb"\b20\d\d-\d\d-\d\d|\bseconds\b|p50|p95", pages[0])


def test_headline_is_the_verdicts_own_sentence_and_every_reason_is_told(finished: Run, page: str) -> None:
    verdict = read_json(finished.inputs["decide"] / "verdict.json")
    headline = unescape(page.partition("<h1>")[2].partition("</h1>")[0])
    assert headline.startswith("Ship qlora: ") and verdict["reasons"][0].startswith(headline.rstrip("."))
    assert ">Conclusive<" in page
    assert all(str(escape(reason)) in page for reason in verdict["reasons"][1:])


def test_open_verdict_is_called_not_conclusive(make_run: Callable[..., Run]) -> None:
    made = make_run()
    verdict = read_json(made.inputs["decide"] / "verdict.json")
    write_json(made.inputs["decide"] / "verdict.json", verdict | {"conclusive": False})
    assert ">Not conclusive<" in render(made)


def test_text_from_a_corpus_or_a_model_never_becomes_html(make_run: Callable[..., Run]) -> None:
    items = [_rewrite(item) for item in make_items()]
    made = make_run(items=items)
    for rung in made.settings.rungs:
        file = made.inputs[f"evaluate/{rung}"] / "predictions.jsonl"
        write_jsonl(file, [p.model_copy(update={"text": ATTACK}) for p in read_records(file, Prediction)])
    page = render(made)
    found = read_page(page)
    assert len(found.named("script")) == 1 and not found.named("img")
    assert "&lt;script&gt;alert(1)" in page and "{{ 7 * 7 }}" in page
    assert not [tag for tag in found.tags if any(name.startswith("on") for name in tag.attributes)]


def _rewrite(item: Example) -> Example:
    return item.model_copy(update={"messages": [Message(role="user", content=ATTACK)], "id": f"{item.id}'\"><b>"})


def test_every_number_in_a_plot_stands_in_a_table_of_its_section(full_page: str) -> None:
    found = read_page(full_page)
    assert {"quality", "abstention", "comparisons", "memorisation", "robustness", "judge"} <= found.plots.keys()
    for section, texts in found.plots.items():
        numbers = [text for text in texts if re.fullmatch(r"[+-]?[\d.]+%?", text)]
        missing = [number for number in numbers if number not in found.tables[section]]
        assert section in ("cost", "training", "power", "risk", "calibration") or numbers
        assert not missing, (section, missing)


def test_drawings_are_left_out_for_readers_of_the_screen_and_tables_are_reachable(page: str) -> None:
    found = read_page(page)
    drawings = page.count('aria-hidden="true" focusable="false"')
    assert drawings and len(found.named("figure")) > 5
    scrolling = [tag for tag in found.tags if tag.attributes.get("class") == "scroll"]
    assert scrolling and all(tag.attributes["tabindex"] == "0" and tag.attributes["aria-label"] for tag in scrolling)
    assert all(tag.attributes.get("scope") for tag in found.named("th"))


def test_ids_are_unique_and_every_section_can_be_reached(page: str) -> None:
    found = read_page(page)
    ids = [tag.attributes["id"] for tag in found.tags if "id" in tag.attributes]
    assert len(ids) == len(set(ids))
    targets = [(tag.attributes["href"] or "")[1:] for tag in found.named("a")]
    missing = {"suites", "judge", "calibration"}  # this run has none of these
    assert {section.anchor for section in SECTIONS} - missing <= set(targets) <= set(ids)


def test_a_run_that_measured_everything_has_every_section(full_page: str) -> None:
    found = read_page(full_page)
    ids = [tag.attributes["id"] for tag in found.tags if "id" in tag.attributes]
    assert len(ids) == len(set(ids)) and {section.anchor for section in SECTIONS} <= set(ids)
    assert all(tag.attributes.get("scope") for tag in found.named("th"))


def test_everything_dropped_and_masked_is_counted(page: str) -> None:
    for _, dropped in MANIFESTS.values():
        assert all(f"{reason} <b>{count}</b>" in page for reason, count in dropped.items())
    assert all(name in page and f"{count:,}" in page for name, count in ENTITIES.items())


def test_unmasked_corpus_is_said_to_be_one(make_run: Callable[..., Run]) -> None:
    page = render(make_run(mask={"enabled": False, "because": "public data"}))
    assert "This corpus was not masked." in page and "public data" in page
    assert "All texts in it are masked" not in page


def test_all_digests_settings_and_versions_stand_in_the_report(finished: Run, page: str) -> None:
    for name in MANIFESTS:
        manifest = read_json(finished.inputs[name] / "manifest.json")
        assert manifest["digest"] in page and manifest["inputs"]["before"] in page
    assert read_json(finished.inputs["decide"] / "verdict.json")["benchmark_digest"] in page
    assert "margin: 0.02" in page and "2.13.0" in page


def test_address_of_the_registry_is_not_told(page: str) -> None:
    assert "hunter2" not in page and "postgresql" not in page


def test_fallen_metrics_are_listed(make_run: Callable[..., Run]) -> None:
    made = make_run()
    fallen = {
        "metric": "triage.side", "old": 0.93, "new": 0.88, "difference": -0.05, "low": -0.08, "high": -0.02,
        "p": 0.004, "n": 24, "groups": 12,
    }  # fmt: skip
    verdict = read_json(made.inputs["decide"] / "verdict.json")
    told = verdict | {"regressions": [fallen], "previous": "compared with production (base): 1 metrics fell"}
    write_json(made.inputs["decide"] / "verdict.json", told)
    page = render(made)
    assert "Compared with production (base): 1 metrics fell." in page
    assert "93.0%" in page and "-8.0 to -2.0" in page


def test_a_metric_of_all_tasks_counts_the_items_of_all(make_run: Callable[..., Run]) -> None:
    made = make_run(rungs=["base", "qlora"], benchmark={"primary": "all.success", "bootstrap": 1000})
    run = read_material(made.settings, made.inputs)
    assert next(f.value for f in build_headline(run).figures if f.name == "Sealed items") == "36"
    quality = build_quality(run)
    assert [cell.value for cell in quality.tasks[0].rows[0].cells] == [row.value for row in quality.primary.rows]


@pytest.mark.parametrize("kept", [["classical"], ["base"]])
def test_one_rung_alone_has_a_report_too(make_run: Callable[..., Run], kept: list[str]) -> None:
    made = make_run(rungs=kept)
    bare = {name: path for name, path in made.inputs.items() if name in ("decide", "benchmark", f"evaluate/{kept[0]}")}
    page = render(Run(made.settings, bare))
    assert f"Ship {kept[0]}" in page and "No stage left its counts" not in page
    assert 'id="comparisons"' not in page and 'id="training"' not in page and 'id="differences"' not in page


def test_many_long_items_stay_a_page_that_a_browser_opens(make_run: Callable[..., Run]) -> None:
    long = "Mother had glaucoma. " * 1_000
    items = [
        note.model_copy(update={"messages": [Message(role="user", content=f"{note.prompt} {long}")]})
        for note in map(make_note, range(300))
    ]
    page = render(make_run(items=items))
    assert len(page.encode()) < 5_000_000 and "more characters)" in page
