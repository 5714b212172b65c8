"""The page as a list of sections, in the order in which they are read: to add one, add a builder and a template.

Material -> HTML, one file: styles and script inlined, and a policy in it that forbids the browser every request
"""

from __future__ import annotations

import base64
import functools
import hashlib
import importlib.resources
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from nichetune.report.comparisons import build_comparisons, build_regressions
from nichetune.report.cost import build_cost
from nichetune.report.data import build_data
from nichetune.report.differences import build_differences
from nichetune.report.headline import build_headline
from nichetune.report.material import Material
from nichetune.report.preference import build_preferences
from nichetune.report.provenance import build_provenance
from nichetune.report.quality import build_abstention, build_quality
from nichetune.report.training import build_training


@dataclass(frozen=True)
class Section:
    """One part of the page. A builder that returns None leaves its part out."""

    anchor: str
    title: str
    build: Callable[[Material], Any]

    @property
    def template(self) -> str:
        """Its file in templates/."""
        return f"sections/{self.anchor}.html.j2"


SECTIONS = (
    Section("quality", "Quality of each rung", build_quality),
    Section("comparisons", "Is the dearer rung really better?", build_comparisons),
    Section("cost", "Quality against cost", build_cost),
    Section("abstention", "Knowing when not to answer", build_abstention),
    Section("preference", "Could preferences move what is left?", build_preferences),
    Section("differences", "Wins and losses, side by side", build_differences),
    Section("regressions", "Against production", build_regressions),
    Section("data", "What became of the data", build_data),
    Section("training", "Training", build_training),
    Section("provenance", "Settings, digests, and how to reproduce this", build_provenance),
)


@dataclass(frozen=True)
class Built:
    """A section with what its builder found."""

    section: Section
    content: Any


def render_page(run: Material) -> str:
    """The whole page; the same material gives the same bytes."""
    built = [Built(s, content) for s in SECTIONS if (content := s.build(run)) is not None]
    return render_template(
        "page.html.j2",
        project=run.settings.project,
        masked=run.settings.mask.enabled,
        headline=build_headline(run),
        sections=built,
    )


def render_template(name: str, **content: Any) -> str:
    """A page with our style and script inlined, and a policy that lets nothing else run."""
    style, script = read_asset("style.css"), read_asset("filter.js")
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
