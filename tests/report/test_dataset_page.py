"""The page to sign says what the stages did, in one file and in a card for machines, and holds no text."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path

import pytest
from browser import Browser
from finished_run import make_settings as report_settings
from html_tools import read_page

from nichetune.benchmark import seal
from nichetune.core.errors import UserError
from nichetune.core.files import hash_folder, hash_value, read_json, write_json, write_jsonl
from nichetune.core.records import Document, Example, Expected, Message, Source
from nichetune.core.settings import Settings
from nichetune.core.stages import Report
from nichetune.corpus import dedupe, split
from nichetune.report import dataset
from nichetune.report.dataset import CARD, PAGE, PARTS
from nichetune.report.dataset_material import Audit
from nichetune.report.dataset_sections import describe_residual

WORDS = ("amber", "brisk", "cedar", "dune", "ember", "fjord", "grove", "heron", "inlet", "jetty", "knoll", "lagoon")
SECRET = "<b>xyzzyplugh</b>"


@dataclass(frozen=True)
class Made:
    """A dataset's folders."""

    settings: Settings
    inputs: dict[str, Path]


def make_note(n: int, text: str = "", side: str = "left") -> Example:
    """A note that shares no run of words with any other; each says a word that no page may hold."""
    text = text or f"{SECRET} " + " ".join(f"{word}{chr(97 + n // 26)}{chr(97 + n % 26)}" for word in WORDS)
    fields = {"finding": "Cyst", "side": side, "action": "code"}
    turns = [Message(role="user", content=text)]
    return Example(
        id=f"n{n:03}", group=f"g{n // 2}", task="triage", messages=turns, expected=Expected(fields=fields),
        valid_from=f"2026-0{1 + n % 3}-05", source=Source(file="notes.jsonl", line=n + 1),
    )  # fmt: skip


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    """120 notes with a copy, a contradiction, twins and a leak, through dedupe, split and seal."""
    root = tmp_path_factory.mktemp("dataset")
    settings = report_settings(split={"dev": 0.1}, sources=[
        {"path": "notes.jsonl", "task": "triage", "licence": "CC-BY-4.0"}, {"path": "more.csv", "task": "triage"},
    ])  # fmt: skip
    notes = [make_note(n) for n in range(120)]
    homes = split.assign_groups(notes, settings.split)
    sealed = next(one for one in notes if homes[one.group] == "holdout")
    trained = next(one for one in notes if homes[one.group] == "train")
    notes[notes.index(trained)] = make_note(
        int(trained.id[1:]), f"{trained.prompt} and {' '.join(sealed.prompt.split()[4:13])}"
    )
    notes += [
        make_note(200, notes[0].prompt + "!"),
        make_note(201, "one input", "left"),
        make_note(202, "one input", "right"),
    ]
    write_jsonl(root / "mask" / "examples.jsonl", notes)
    write_jsonl(root / "mask" / "documents.jsonl", [Document(id="d", text=sealed.prompt, source=Source(file="faq.md"))])
    write_json(root / "mask" / "entities.json", {"PERSON": 12})
    write_jsonl(root / "format" / "examples.jsonl", notes)
    told = {"ingest": Report({"files": 1, "in": 126}, {"not JSON": 2}), "mask": Report({"in": 124}), "format": Report()}
    folders = {name: root / name for name in ("mask", "format", "dedupe", "split", "benchmark", "ingest")}
    for name, stage in (("dedupe", dedupe), ("split", split), ("benchmark", seal)):
        told[name] = stage.run(settings, folders, folders[name])
    for name, report in told.items():
        files = hash_folder(folders[name]) if folders[name].is_dir() else {}
        write_json(folders[name] / "manifest.json", {
            "digest": hash_value([name, files]), "outputs": files, "counts": report.counts, "dropped": report.dropped,
            "facts": report.facts,
        })  # fmt: skip
    return Made(settings, folders)


def render(made: Made, out: Path) -> str:
    out.mkdir(exist_ok=True)
    dataset.run(made.settings, made.inputs, out)
    return (out / PAGE).read_text(encoding="utf-8")


def test_every_section_is_there_and_can_be_reached(made: Made, tmp_path: Path) -> None:
    found = read_page(render(made, tmp_path))
    ids = [tag.attributes["id"] for tag in found.tags if "id" in tag.attributes]
    targets = [(tag.attributes["href"] or "")[1:] for tag in found.named("a")]
    assert len(ids) == len(set(ids))
    assert {part.anchor for part in PARTS} | {"signature"} <= set(targets) <= set(ids)
    assert all(tag.attributes.get("scope") for tag in found.named("th"))


def test_the_page_asks_for_nothing_and_holds_no_text_of_the_corpus(made: Made, tmp_path: Path) -> None:
    page = render(made, tmp_path)
    assert not re.search(r"url\(|@import|https?://", page)
    for name in (PAGE, CARD):
        told = (tmp_path / name).read_text()
        assert "xyzzyplugh" not in told and "amberaa" not in told


def test_the_same_content_gives_the_same_bytes(made: Made, tmp_path: Path) -> None:
    assert render(made, tmp_path / "one") == render(made, tmp_path / "two")
    assert (tmp_path / "one" / CARD).read_bytes() == (tmp_path / "two" / CARD).read_bytes()


def test_what_was_dropped_found_and_shared_is_told(made: Made, tmp_path: Path) -> None:
    page = render(made, tmp_path)
    assert "126 records were read: 2 could not be used, 1 are documents to search in, 123 are examples" in page
    assert "CC-BY-4.0" in page and "1 of 2 sources state no licence" in page
    assert "not JSON <b>2</b>" in page and "PERSON" in page
    assert "n200" in page and "notes.jsonl:1" in page
    assert "n201" in page and "same input, different answers" in page
    assert "that overlapped the sealed benchmark and were removed: 1. Counted again after that: none is left." in page
    assert "question: run, 9 words" in page and "faq.md" in page
    assert "95% interval), from 2 inputs that were labelled more than once" in page
    assert ">No overlap<" in page and "no overlap is left" in page


def test_overlap_that_is_left_is_said_in_the_headline(made: Made, tmp_path: Path) -> None:
    train = made.inputs["split"] / "train.jsonl"
    before = train.read_text()
    try:
        train.write_text(before + (made.inputs["benchmark"] / "items.jsonl").read_text().splitlines()[0] + "\n")
        page = render(made, tmp_path)
    finally:
        train.write_text(before)
    assert ">Overlap left<" in page and "1 left, with which training refuses to start" in page


def test_the_smallest_gain_grows_when_groups_are_alike(made: Made, tmp_path: Path) -> None:
    page = render(made, tmp_path)
    row = re.search(r'<th scope="row">all</th><td class="num">(\d+)</td><td class="num">(\d+)</td>'
                    r'<td class="num">([\d.]+)</td><td class="num">([\d.]+)</td>', page)  # fmt: skip
    assert row and int(row[1]) > int(row[2]) and float(row[3]) < float(row[4])


@pytest.mark.parametrize(
    ("audit", "words"),
    [
        (None, "Not measured"),
        (Audit(200, 0, stale=True), "Not measured: a sample was judged, but"),
        (Audit(200, 0), "0 of 200 judged texts still held personal data: below 1.5% with 95% confidence"),
        (Audit(200, 3), "3 of 200 judged texts still held personal data: below 3.8% with 95% confidence"),
    ],
)
def test_the_residual_risk_has_an_exact_bound(audit: Audit | None, words: str) -> None:
    assert describe_residual(audit).sentence.startswith(words)


def test_the_audit_stands_on_the_page(made: Made, tmp_path: Path) -> None:
    page = render(with_audit(made, tmp_path, {"sampled": 200, "leaks": 0}), tmp_path)
    assert "Below 1.5%" in page
    page = render(with_audit(made, tmp_path, {"sampled": 200, "leaks": 0, "masked": "another digest"}), tmp_path)
    assert "Below 1.5%" not in page and "masked anew since" in page


@pytest.mark.parametrize("told", [[], {"sampled": 10}, {"sampled": 10, "leaks": 11}, {"sampled": "many", "leaks": 0}])
def test_a_wrong_audit_is_said_in_one_line(made: Made, tmp_path: Path, told: object) -> None:
    with pytest.raises(UserError, match=r"audit\.json: not an audit: it holds"):
        render(with_audit(made, tmp_path, told), tmp_path)


def with_audit(made: Made, folder: Path, told: object) -> Made:
    write_json(folder / "audit.json", told)
    return Made(made.settings, made.inputs | {"audit": folder / "audit.json"})


def test_the_card_is_json_ld_that_names_every_file_by_its_digest(made: Made, tmp_path: Path) -> None:
    render(made, tmp_path)
    card = read_json(tmp_path / CARD)
    assert card["@type"] == "sc:Dataset" and "http://mlcommons.org/croissant/1.0" in card["conformsTo"]
    outputs = read_json(made.inputs["split"] / "manifest.json")["outputs"]
    files = {one["@id"]: one["sha256"] for one in card["distribution"]}
    assert files == {f"{part}.jsonl": outputs[f"{part}.jsonl"] for part in ("train", "dev", "holdout")}
    fields = [one for records in card["recordSet"] for one in records["field"]]
    assert {one["source"]["fileObject"]["@id"] for one in fields} == set(files)
    columns = set(json.loads((made.inputs["split"] / "train.jsonl").read_text().splitlines()[0]))
    assert {one["source"]["extract"]["column"] for one in fields} <= columns
    counts = {one["name"]: one["value"] for one in card["variableMeasured"]}
    assert counts["ingest: dropped, not JSON"] == 2 and counts["split: content digest"]
    assert card["license"] == ["CC-BY-4.0"]


def test_the_card_is_valid_croissant(made: Made, tmp_path: Path) -> None:
    croissant = pytest.importorskip("mlcroissant")
    folder = made.inputs["split"].parent / "dataset"  # the card names its files from there
    render(made, folder)
    card = croissant.Dataset(jsonld=str(folder / CARD))
    assert card.metadata.name == made.settings.project
    first = json.loads((made.inputs["split"] / "train.jsonl").read_text().splitlines()[0])
    assert next(iter(card.records("train")))["train/id"].decode() == first["id"]


def test_in_a_browser_it_asks_for_nothing_fits_a_phone_and_prints_unfolded(
    made: Made, tmp_path: Path, browser: Browser
) -> None:
    render(made, tmp_path)
    page = browser.open(tmp_path / PAGE, width=390, height=844)
    assert page.requests() == [(tmp_path / PAGE).as_uri()] and page.complaints() == []
    assert page.ask("document.documentElement.scrollWidth") == 390
    folded = "document.querySelectorAll('details:not([open])').length"
    assert page.ask(folded) > 3
    page.print(tmp_path / "page.pdf")
    assert page.ask(folded) == 0
