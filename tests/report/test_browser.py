"""The report in a real browser: it asks for nothing, fits a phone, and its filter filters. Skipped without Chromium."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

CHROMIUM = next(
    (path for name in ("chromium", "chromium-browser", "google-chrome") if (path := shutil.which(name))), ""
)
pytestmark = pytest.mark.skipif(not CHROMIUM, reason="no Chromium on this machine: apt-get install chromium")

FLAGS = [
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update",
    "--disable-sync", "--no-first-run", "--enable-logging=stderr", "--allow-file-access-from-files",
]  # fmt: skip

# A frame as wide as a phone holds the page; a script outside asks it what a reader would see.
HARNESS = """<!doctype html><iframe id="f" src="report.html" width="400" height="800"></iframe><pre id="told"></pre>
<script>
document.getElementById("f").onload = (event) => {
  const page = event.target.contentDocument, form = page.getElementById("filter");
  const visible = () => [...page.querySelectorAll(".item")].filter((i) => !i.hidden).map((i) => i.dataset.outcome);
  const requests = event.target.contentWindow.performance.getEntriesByType("resource").length;
  const told = { before: visible(), requests, width: page.documentElement.scrollWidth,
    formShown: !form.hidden };
  const pick = (name, value) => {
    form.elements[name].value = value; form.elements[name].dispatchEvent(new Event("input", { bubbles: true }));
  };
  pick("outcome", "loss"); told.losses = visible(); told.line = page.getElementById("shown").textContent;
  pick("outcome", ""); pick("text", "h19 say"); told.found = visible().length;
  const ground = page.defaultView.getComputedStyle(page.body).backgroundColor; told.ground = ground;
  event.target.contentWindow.dispatchEvent(new Event("beforeprint"));
  told.folded = page.querySelectorAll("details:not([open])").length;
  document.getElementById("told").textContent = JSON.stringify(told);
};
</script>"""


def browse(folder: Path, page: str, *more: str) -> tuple[dict[str, object], str]:
    (folder / "report.html").write_text(page, encoding="utf-8")
    (folder / "harness.html").write_text(HARNESS, encoding="utf-8")
    command = [CHROMIUM, *FLAGS, *more, f"--user-data-dir={folder / 'profile'}", "--virtual-time-budget=3000"]
    address = (folder / "harness.html").as_uri()
    done = subprocess.run([*command, "--dump-dom", address], capture_output=True, text=True, timeout=60, check=False)
    told = re.search(r'<pre id="told">(\{.*?\})</pre>', done.stdout)
    assert told is not None, done.stderr[-2000:]
    return json.loads(told.group(1)), done.stderr


def test_page_fits_a_phone_filters_items_and_asks_for_nothing(page: str, tmp_path: Path) -> None:
    told, log = browse(tmp_path, page)
    assert told["requests"] == 0 and told["formShown"] is True
    assert isinstance(told["width"], int) and told["width"] <= 400
    before, losses = told["before"], told["losses"]
    assert isinstance(before, list) and isinstance(losses, list)
    assert 0 < len(losses) < len(before) and set(losses) == {"loss"}
    assert told["line"] == f"{len(losses)} of the {len(before)} shown fit."
    assert told["found"] == 1 and told["folded"] == 0
    assert "Content Security Policy" not in log and "Uncaught" not in log


def test_dark_mode_is_dark(page: str, tmp_path: Path) -> None:
    told, _ = browse(tmp_path, page, "--blink-settings=preferredColorScheme=0")
    assert told["ground"] == "rgb(20, 23, 26)"
