"""Around the one place of unmasked text: what is kept there, what goes, and what makes it be read again."""

from __future__ import annotations

from nichetune.core.settings import Settings
from nichetune.pipeline import private

POLICY = "identifiers: {all: [PERSON]}\nactions: {PERSON: %s}\n"


def run_both(folder, settings):
    """Ingests and masks; the mask stage's result."""
    used = settings.model_dump(mode="json", include={"sources", "tasks", "mask"})

    def read():
        return private.ingest(settings, folder, folder / "run", used)

    read()
    return private.mask(settings, folder, folder / "run", used, read)


def test_a_policy_file_that_changes_masks_anew(tmp_path):
    settings = Settings.model_validate({
        "project": "ward", "sources": [{"path": "notes.csv", "task": "note"}], "tasks": {"note": {"kind": "free"}},
        "mask": {"policy": ["own.yaml"]},
    })  # fmt: skip
    (tmp_path / "notes.csv").write_text("id,text,answer\nn1,Pt: Maria Keller is well,Yes\n")
    (tmp_path / "own.yaml").write_text(POLICY % "placeholder")
    first = run_both(tmp_path, settings)
    assert "Pt: [PERSON_1] is well" in (first.folder / "examples.jsonl").read_text()
    assert not (tmp_path / "run/private").exists()
    assert run_both(tmp_path, settings).reused
    (tmp_path / "own.yaml").write_text(POLICY % "drop")
    again = run_both(tmp_path, settings)
    assert not again.reused and "Pt:  is well" in (again.folder / "examples.jsonl").read_text()
    assert not (tmp_path / "run/private").exists()
