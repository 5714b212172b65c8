"""The page as a list of sections, in the order in which they are read: to add one, add a builder and a template.

Material -> HTML, one file: styles and script inlined, and a policy in it that forbids the browser every request
"""

from __future__ import annotations

import base64
import functools
import hashlib
import importlib.resources
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from nichetune.report.calibration import build_calibration
from nichetune.report.card import build_card
from nichetune.report.comparisons import build_comparisons, build_regressions
from nichetune.report.confusion import build_confusions
from nichetune.report.cost import build_cost
from nichetune.report.data import build_data
from nichetune.report.differences import build_differences
from nichetune.report.economics import build_economics
from nichetune.report.headline import Headline, build_headline
from nichetune.report.judge import build_judge
from nichetune.report.material import Material
from nichetune.report.memorisation import build_memorisation
from nichetune.report.power import build_power
from nichetune.report.preference import build_preferences
from nichetune.report.provenance import build_provenance
from nichetune.report.quality import build_abstention, build_quality
from nichetune.report.risk import build_risk
from nichetune.report.robustness import build_robustness
from nichetune.report.seeds import build_seeds
from nichetune.report.slices import build_slices
from nichetune.report.suites import build_suites
from nichetune.report.training import build_training

DECISION, EVIDENCE, RECORD = "The decision", "The evidence", "The record"


@dataclass(frozen=True)
class Section:
    """One part of the page. A builder that returns None leaves its part out.

    Attributes:
        chapter: under which heading of the contents it stands: what a manager reads, then what an auditor digs into.
    """

    anchor: str
    title: str
    chapter: str
    build: Callable[[Any], Any]

    @property
    def template(self) -> str:
        """Its file in templates/."""
        return f"sections/{self.anchor}.html.j2"


SECTIONS = (
    Section("quality", "Quality of each rung", DECISION, build_quality),
    Section("comparisons", "Is the dearer rung really better?", DECISION, build_comparisons),
    Section("seeds", "Does it hold over seeds?", DECISION, build_seeds),
    Section("power", "What this benchmark can show", DECISION, build_power),
    Section("cost", "Quality against cost", DECISION, build_cost),
    Section("economics", "With other prices", DECISION, build_economics),
    Section("regressions", "Against production", DECISION, build_regressions),
    Section("suites", "Suites beside the domain", EVIDENCE, build_suites),
    Section("slices", "Slice by slice", EVIDENCE, build_slices),
    Section("confusion", "Which value is taken for which", EVIDENCE, build_confusions),
    Section("abstention", "Knowing when not to answer", EVIDENCE, build_abstention),
    Section("risk", "Risk against coverage", EVIDENCE, build_risk),
    Section("calibration", "Is it as sure as it is right?", EVIDENCE, build_calibration),
    Section("judge", "The judge of free texts", EVIDENCE, build_judge),
    Section("robustness", "Written otherwise", EVIDENCE, build_robustness),
    Section("memorisation", "Does it give its training texts away?", EVIDENCE, build_memorisation),
    Section("preference", "Could preferences move what is left?", EVIDENCE, build_preferences),
    Section("differences", "Wins and losses, side by side", EVIDENCE, build_differences),
    Section("card", "The dataset", RECORD, build_card),
    Section("data", "What became of the data", RECORD, build_data),
    Section("training", "Training", RECORD, build_training),
    Section("provenance", "Settings, digests, and how to reproduce this", RECORD, build_provenance),
)


@dataclass(frozen=True)
class Built:
    """A section with what its builder found."""

    section: Section
    content: Any


def render_page(run: Material) -> str:
    """The whole page; the same material gives the same bytes."""
    return render_sections(SECTIONS, run, build_headline(run), run.settings.project, run.settings.mask.enabled)


def render_sections(sections: Sequence[Section], found: Any, headline: Headline, title: str, masked: bool) -> str:
    """A page of these sections, each built from what was found.

    Args:
        masked: whether the page may say that all its texts are masked ones.
    """
    built = [Built(s, content) for s in sections if (content := s.build(found)) is not None]
    return render_template(
        "page.html.j2",
        scripts=("filter.js", "economics.js"),
        project=title,
        masked=masked,
        headline=headline,
        chapters=group_chapters(built),
    )


def group_chapters(built: Sequence[Built]) -> dict[str, list[Built]]:
    """Sections by chapter, in the order of the page."""
    chapters: dict[str, list[Built]] = {}
    for one in built:
        chapters.setdefault(one.section.chapter, []).append(one)
    return chapters


def render_template(name: str, scripts: Sequence[str] = ("filter.js",), **content: Any) -> str:
    """A page with our style and scripts inlined, and a policy that lets nothing else run."""
    style, script = read_asset("style.css"), "".join(read_asset(one) for one in scripts)
    inlined = {"style": Markup(style), "script": Markup(script), "policy": write_policy(style, script)}
    return page_environment().get_template(name).render(**content, **inlined)


@functools.cache
def page_environment() -> Environment:
    """Templates that escape whatever is put into them."""
    return Environment(
        loader=PackageLoader("nichetune.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def read_asset(name: str) -> str:
    """A style or script to be inlined."""
    return (importlib.resources.files("nichetune.report") / "templates" / name).read_text(encoding="utf-8")


def write_policy(style: str, script: str) -> str:
    """Only our own style and script run, known by digest: text that slipped through could neither run nor call out."""
    return f"default-src 'none'; style-src '{_digest(style)}'; script-src '{_digest(script)}'; img-src data:"


def _digest(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
