"""The report in a real browser: it asks for nothing, fits a phone, is read and reached. Skipped without Chromium."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path

import pytest
from browser import Browser, OpenPage
from pypdf import PdfReader

TAB = 9
# Every visible text with the colours that it is drawn in, transparency resolved against what lies behind.
CONTRASTS = """(() => {
  const parse = (text) => (text.match(/[\\d.]+/g) || [0, 0, 0, 0]).map(Number);
  const ground = (node) => {
    for (let one = node; one; one = one.parentElement) {
      const [r, g, b, a = 1] = parse(getComputedStyle(one).backgroundColor);
      if (a === 1) return [r, g, b];
    }
    return [255, 255, 255];
  };
  const light = (rgb) => rgb.map((c) => c / 255).map((c) => c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4)
    .reduce((sum, c, n) => sum + c * [0.2126, 0.7152, 0.0722][n], 0);
  const found = [], walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let text = walker.nextNode(); text; text = walker.nextNode()) {
    const one = text.parentElement;
    if (!text.data.trim() || one.closest("script, style") || !one.checkVisibility()) continue;
    const style = getComputedStyle(one), ink = parse(one.closest("svg") ? style.fill : style.color).slice(0, 3);
    const [high, low] = [light(ink), light(ground(one))].sort((a, b) => b - a);
    found.push([(high + 0.05) / (low + 0.05), one.tagName + "." + (one.getAttribute("class") || ""), text.data.trim()]);
  }
  return found;
})()"""
REACHABLE = """[...document.querySelectorAll("a[href], summary, input, select, button, [tabindex='0']")]
  .filter((one) => one.checkVisibility() && !one.disabled)"""


def open_whole(browser: Browser, file: Path, more_texts_than: int) -> Iterator[OpenPage]:
    """A page in a window, then on a phone in the dark: it asks for nothing, fits, and every text can be read."""
    for width, dark in ((1280, False), (320, True)):
        page = browser.open(file, width=width, height=844, dark=dark)
        assert page.requests() == [file.as_uri()] and page.complaints() == []
        assert page.ask("[innerWidth, document.documentElement.scrollWidth]") == [width, width]
        texts = page.ask(CONTRASTS)
        assert len(texts) > more_texts_than and [text for text in texts if text[0] < 4.5] == []
        yield page


@pytest.fixture
def opened(browser: Browser, page_file: Path):
    return browser.open(page_file)


def test_page_asks_for_nothing_and_breaks_no_policy(opened, page_file):
    assert opened.requests() == [page_file.as_uri()]
    assert opened.complaints() == []
    assert page_file.stat().st_size < 5_000_000


@pytest.mark.parametrize("width", [320, 390, 768, 1280])
def test_nothing_scrolls_sideways_but_tables_of_their_own(browser, page_file, width):
    page = browser.open(page_file, width=width, height=844)
    page.ask("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
    assert page.ask("[innerWidth, document.documentElement.scrollWidth]") == [width, width]


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_every_text_has_contrast_in_the_colours_that_it_is_drawn_in(browser, page_file, dark):
    page = browser.open(page_file, dark=dark)
    assert page.ask("getComputedStyle(document.body).backgroundColor") == (
        "rgb(20, 23, 26)" if dark else "rgb(253, 253, 251)"
    )
    page.ask("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
    found = page.ask(CONTRASTS)
    assert len(found) > 500
    assert [one for one in found if one[0] < 4.5] == []


def test_keyboard_reaches_everything_that_can_be_used_in_the_order_of_the_page(opened):
    opened.ask(f"window.all = {REACHABLE}; window.seen = []")
    count = opened.ask("all.length")
    for _ in range(count):
        opened.press("Tab", TAB)
        opened.ask("seen.push(all.indexOf(document.activeElement))")
    assert opened.ask("seen") == list(range(count)) and count > 40


def test_what_has_the_focus_shows_it(opened):
    opened.press("Tab", TAB)
    skip = "document.activeElement"
    assert opened.ask(f"[{skip}.className, getComputedStyle({skip}).outlineStyle]") == ["skip", "solid"]
    box = opened.ask(f"(() => {{ const b = {skip}.getBoundingClientRect(); return [b.left >= 0, b.top >= 0] }})()")
    assert box == [True, True]


def test_a_slider_moves_by_keyboard_and_says_its_value(opened):
    slider = "document.querySelector('#prices input[type=range]')"
    opened.ask(f"{slider}.focus()")
    before = opened.ask(f"[{slider}.value, {slider}.ariaValueText || {slider}.getAttribute('aria-valuetext')]")
    opened.press("ArrowRight", 39)
    after = opened.ask(f"[{slider}.value, {slider}.getAttribute('aria-valuetext')]")
    assert float(after[0]) > float(before[0]) and after[1] != before[1]


def test_controls_and_landmarks_have_names(opened):
    named = """[...document.querySelectorAll("input, select, button")].map((one) =>
      one.ariaLabel || (one.labels && one.labels.length ? one.labels[0] : one).textContent.trim())"""
    assert all(opened.ask(named))
    assert opened.ask("[document.documentElement.lang, document.title.length > 10]") == ["en", True]
    count = "['header', 'nav', 'main', 'footer'].map((name) => document.querySelectorAll('body > ' + name).length)"
    assert opened.ask(count) == [1, 1, 1, 1]


def test_headings_go_down_one_step_at_a_time(opened):
    levels = opened.ask("[...document.querySelectorAll('h1,h2,h3,h4,h5,h6')].map((one) => Number(one.tagName[1]))")
    assert levels[0] == 1 and levels.count(1) == 1
    assert all(after - before <= 1 for before, after in itertools.pairwise(levels))


def test_every_plot_has_a_table_in_its_section(opened):
    plots = "[...document.querySelectorAll('main figure')]"
    bare = f"{plots}.filter((one) => !one.closest('section').querySelector('table'))"
    assert opened.ask(f"{bare}.length") == 0 and opened.ask(f"{plots}.length") > 8


def test_items_are_filtered_by_outcome_rival_part_and_words(opened):
    opened.ask("""window.pick = (name, value) => { const one = document.getElementById('filter').elements[name];
      one.value = value; one.dispatchEvent(new Event('input', { bubbles: true }));
      return [...document.querySelectorAll('#items .item')].filter((i) => !i.hidden).map((i) => ({...i.dataset})) }""")
    assert opened.ask("document.getElementById('filter').hidden") is False
    every = opened.ask("pick('outcome', '')")
    losses = opened.ask("pick('outcome', 'loss')")
    assert 0 < len(losses) < len(every) and {one["outcome"] for one in losses} == {"loss"}
    assert opened.ask("document.getElementById('shown').textContent") == (
        f"{len(losses)} of the {len(every)} shown fit."
    )
    opened.ask("pick('outcome', '')")
    rivals = opened.ask("pick('rival', 'base')")
    assert 0 < len(rivals) < len(every) and {one["rival"] for one in rivals} == {"base"}
    opened.ask("pick('rival', '')")
    sides = opened.ask("pick('wrong', 'side')")
    assert 0 < len(sides) < len(every) and all('"side"' in one["wrong"] for one in sides)
    opened.ask("pick('wrong', '')")
    found = opened.ask("pick('text', 'h19 say')")
    assert 0 < len(found) < len(every) and {one["task"] for one in found} == {"instruction"}


def test_paper_holds_all_that_was_folded_and_no_controls(browser, page_file, tmp_path):
    page = browser.open(page_file, dark=True)  # paper is light whatever the screen
    page.print(tmp_path / "page.pdf")
    assert page.ask("document.querySelectorAll('details:not([open])').length") == 0
    text = "".join(sheet.extract_text() for sheet in PdfReader(tmp_path / "page.pdf").pages)
    assert "Sealed benchmark" in text and "All settings, as resolved" in text and "usd_per_gib_month" in text
    assert "Back to the settings" not in text and "words in the item" not in text
    paper = browser.open(page_file, dark=True, media="print")
    assert paper.ask("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
