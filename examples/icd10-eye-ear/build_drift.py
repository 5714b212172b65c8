"""Build what the drift experiment compares: one desk with the list of 2021, the same with that of 2026, one suite.

    python build_drift.py [--out corpus/drift] [--seed 7]

wheels of three editions -> corpus/drift/2021/ and corpus/drift/2026/, each a project that runs as it stands:
nichetune.yaml (drift.yaml), intake/notes.jsonl, questions/questions.jsonl, documents/tabular.jsonl, and suite.jsonl,
the same in both. The same seed gives the same bytes. How the arms are run: `make drift`, docs/experiments.md.
"""

import shutil
from pathlib import Path
from random import Random

from building import run_builder, write_lines
from conditions import find_conditions
from documents import make_documents
from drift_questions import MIDDLE, NEW, OLD, Editions, make_suite, make_training
from notes import make_record, plan_notes
from tabular import find_wheel, read_entries

HERE = Path(__file__).resolve().parent
NOTES = 160  # the desk's other task, which asks for nothing that changed: the same in both editions


def build(out: Path, seed: int = 7) -> dict[str, int]:
    """Writes both projects and returns how many records of each kind they hold."""
    editions = {edition: read_entries(find_wheel(edition), edition) for edition in (OLD, MIDDLE, NEW)}
    suite = make_suite(editions, Random(f"{seed}:suite"))
    notes = _make_notes(editions, seed)
    counts = {"notes": len(notes), "suite": len(suite), "suite, changed": sum(item["changed"] for item in suite)}
    for edition in (OLD, NEW):
        folder = out / edition
        questions = make_training(editions, edition, Random(f"{seed}:questions"))
        documents = make_documents(editions[edition])
        for name in ("intake", "questions", "documents"):
            shutil.rmtree(folder / name, ignore_errors=True)
        write_lines(notes, folder / "intake/notes.jsonl")
        write_lines(questions, folder / "questions/questions.jsonl")
        write_lines(documents, folder / "documents/tabular.jsonl")
        write_lines(suite, folder / "suite.jsonl")
        shutil.copyfile(HERE / "drift.yaml", folder / "nichetune.yaml")
        counts |= {f"questions {edition}": len(questions), f"documents {edition}": len(documents)}
    return counts


def _make_notes(editions: Editions, seed: int) -> list[dict]:
    """Intake notes on conditions of the oldest edition, all of which the newest one has unchanged."""
    rng = Random(f"{seed}:drift notes")
    conditions = find_conditions(editions[OLD])
    assert set(conditions) <= set(find_conditions(editions[NEW]))
    plans = rng.sample(plan_notes(conditions, rng), NOTES)
    return [{"id": f"int-{n:04d}"} | make_record(plan) for n, plan in enumerate(plans, start=1)]


if __name__ == "__main__":
    run_builder(build, "Build the two projects of the drift experiment.", HERE / "corpus" / "drift")
