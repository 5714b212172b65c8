"""A small real index: entries of the ICD-10-CM list, and one other tenant's note."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from nichetune.core.files import write_jsonl
from nichetune.core.records import Document, Source
from nichetune.core.settings import Settings, TaskSettings
from nichetune.core.stages import Stage, StageResult, run_stage
from nichetune.retrieve import index

SETTINGS = Settings(project="desk", sources=[], tasks={"ask": TaskSettings(kind="grounded")})
SOURCE = Source(file="list.xml")
ENTRIES = {
    "H10": ("Conjunctivitis", "Excludes 1: keratoconjunctivitis (H16.2-)."),
    "H10.1": ("Acute atopic conjunctivitis", ""),
    "H10.11": ("Acute atopic conjunctivitis, right eye", ""),
    "H10.12": ("Acute atopic conjunctivitis, left eye", ""),
    "H10.82": ("Rosacea conjunctivitis", "Code first: underlying rosacea dermatitis (L71.-)."),
    "H10.821": ("Rosacea conjunctivitis, right eye", ""),
    "H10.822": ("Rosacea conjunctivitis, left eye", ""),
    "H25.1": ("Age-related nuclear cataract", "Includes: cataracta brunescens; nuclear sclerosis cataract."),
    "H40.84": ("Neovascular secondary angle closure glaucoma", ""),
    "H93.1": ("Tinnitus", ""),
    "H93.A": ("Pulsatile tinnitus", ""),
}


def make_documents() -> list[Document]:
    """The entries as documents of the tenant `clinic`, with one memo of the tenant `rival`."""
    entries = [
        Document(
            id=code,
            title=title,
            text=f"{code} {title}.\n{notes}".strip(),
            tenant="clinic",
            document_class="list",
            source=SOURCE,
        )
        for code, (title, notes) in ENTRIES.items()
    ]
    memo = "H10.82 rosacea conjunctivitis: our own secret way to code it"
    return [
        *entries,
        Document(
            id="memo-1", text="Rosacea clinic opens at nine.", tenant="clinic", document_class="memo", source=SOURCE
        ),
        Document(id="rival-1", title="Rosacea conjunctivitis", text=memo, tenant="rival", source=SOURCE),
    ]


def build_index(run: Path, documents: list[Document]) -> StageResult:
    """Runs the real stage on these documents."""
    write_jsonl(run / "mask" / "documents.jsonl", documents)
    inputs = {"mask": run / "mask"}
    stage = Stage("index", ("retrieve", "models"), inputs, SETTINGS.index.model_dump(), ("lancedb",))
    return run_stage(stage, run / "index", lambda out: index.run(SETTINGS, inputs, out))


@pytest.fixture(scope="session")
def index_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The index, built once."""
    return build_index(tmp_path_factory.mktemp("run"), make_documents()).folder


@pytest.fixture
def build() -> Callable[[Path, list[Document]], StageResult]:
    """The real stage: `build(run folder, documents)`."""
    return build_index


@pytest.fixture
def documents() -> list[Document]:
    """What the index of the session holds."""
    return make_documents()
