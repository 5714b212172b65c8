"""`decide --final`: opens the blind holdout, once, for the rung that ships and its runner-up.

split/blind.jsonl, decide/verdict.json, evaluate/<rung>/ -> final/final.json, final/<rung>/

The opening is noted in the benchmark's log before an item is read. A second one is refused, whatever became of the
first; only an opening that was killed goes on, with the same verdict and the same rungs.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from nichetune.benchmark.contamination import check_training
from nichetune.benchmark.ledger import Entry, append_entry
from nichetune.benchmark.lock import Lock
from nichetune.benchmark.seal import Benchmark, verify_benchmark
from nichetune.core.errors import CheckFailed, UserError
from nichetune.core.files import (
    hash_file,
    hash_text,
    hash_value,
    iter_jsonl,
    iter_records,
    read_json,
    read_records,
    write_json,
)
from nichetune.core.records import Example
from nichetune.core.settings import Settings
from nichetune.core.stages import Report, Stage, finished_stage, run_stage
from nichetune.corpus.split import BLIND
from nichetune.evaluate.candidates import rung_method, sft_method
from nichetune.evaluate.metrics import ALL_TASKS
from nichetune.pipeline.flow import Project
from nichetune.pipeline.run import lock_run, run_project

STAGE, RESULT = "final", "final.json"


def decide_finally(project: Project) -> dict[str, Any]:
    """Runs the flow up to the verdict, then opens the blind holdout.

    Raises:
        UserError: there is no blind holdout, or it was opened before.
        CheckFailed: the blind holdout was changed after it was sealed.
    """
    if not project.settings.split.blind:
        raise UserError(
            "no blind holdout to open: set split.blind (a share such as 0.1), then `nichetune benchmark supersede`"
        )
    run_project(project, until="decide")
    with lock_run(project.run_dir):
        benchmark = verify_benchmark(project.path("benchmark"))
        file = project.path("split") / BLIND
        if hash_file(file) != benchmark.blind.get("digest"):
            raise CheckFailed(f"{file}: the blind holdout was changed after it was sealed: restore the file")
        verdict = read_json(project.path("decide") / "verdict.json")
        _refuse_unasked(str(verdict["primary"]), file)
        rungs = _choose_rungs(verdict)
        facts = {"blind": benchmark.blind["digest"], "rungs": rungs, "verdict": _identify(project, rungs, verdict)}
        _note_opening(project, benchmark, facts | {"lines": _digest_lines(file)})
        stage = Stage(STAGE, ("decide", "evaluate", "generate", "models"), _inputs(project, rungs), {"rungs": rungs},
                      ("torch", "transformers", "peft", "scipy"), project.settings.seed)  # fmt: skip
        run_stage(stage, project.path(STAGE), lambda out: _work(project, benchmark, verdict, rungs, out))
    found: dict[str, Any] = read_json(project.path(STAGE) / RESULT)
    return found


def _refuse_unasked(primary: str, file: Path) -> None:
    """Before it is opened, which happens once: of the items only the names of their tasks are read."""
    task = primary.partition(".")[0]
    held = {str(line["task"]) for line in iter_jsonl(file)}
    if task != ALL_TASKS and task not in held:
        raise UserError(f"the blind holdout holds no item of task {task}, by whose metric {primary} the verdict was "
                        "decided: it stays shut; seal a larger split.blind")  # fmt: skip


def _choose_rungs(verdict: dict[str, Any]) -> list[str]:
    from nichetune.decide.final import choose_runner_up

    against = choose_runner_up(verdict)
    return [str(verdict["ship"]), *([against] if against else [])]


def _identify(project: Project, rungs: list[str], verdict: dict[str, Any]) -> str:
    """What an opening is for: these candidates under this seal. Sentences and prices of a verdict may change."""
    candidates = [read_json(project.path(f"evaluate/{rung}") / "candidate.json") for rung in rungs]
    return hash_value([verdict["benchmark_digest"], candidates])


def _inputs(project: Project, rungs: list[str]) -> dict[str, Path]:
    names = [f"split/{BLIND}", "benchmark", "mask/documents.jsonl", *(f"evaluate/{rung}" for rung in rungs)]
    return {name: project.path(name) for name in names}


def _note_opening(project: Project, benchmark: Benchmark, facts: dict[str, Any]) -> None:
    """Notes the opening, or refuses a second one."""
    lock = Lock(project.run_dir)

    def is_going_on(entries: Any) -> bool:
        before = [one for one in entries if one.kind == "open" and set(one.facts["lines"]) & set(facts["lines"])]
        for one in before:
            if one.facts != facts or finished_stage(project.path(STAGE)) is not None:
                raise UserError(_refuse(one, project))
        return bool(before)

    append_entry(lock.log, "open", benchmark.digest, benchmark.items_digest, "", facts, is_going_on)


def _digest_lines(file: Path) -> list[str]:
    """A digest of each item's bytes: a holdout drawn a little larger would hold the same items again."""
    return [hash_text(line.decode())[:16] for line in file.read_bytes().splitlines()]


def _refuse(first: Entry, project: Project) -> str:
    stands = project.path(STAGE) / RESULT
    where = f"; what it gave stands in {stands}" if stands.is_file() else ""
    rungs = " and ".join(first.facts["rungs"])
    return (
        f"the blind holdout, or part of it, was opened by {first.who} at {first.at} for {rungs}{where}: it "
        "opens once; for another, seal a new benchmark with another split.salt"
    )


def _work(project: Project, benchmark: Benchmark, verdict: dict[str, Any], rungs: list[str], out: Path) -> Report:
    from nichetune.decide.final import judge_final
    from nichetune.decide.ladder import Rule
    from nichetune.evaluate.blind import answer_blind

    settings: Settings = project.settings
    every = read_records(project.path("split") / BLIND, Example)
    taught = {hit.item for hit in check_training(_read_taught(project, rungs), benchmark.model_copy(
        update={"items": every}))}  # fmt: skip
    items = [item for item in every if item.id not in taught]
    if not items:
        raise UserError("every blind item was given away by what these rungs learned: nothing is left to judge by")
    labels = project.folder / settings.judge.labels
    scores = {
        rung: answer_blind(settings, project.run_dir, project.path(f"evaluate/{rung}"), items, labels, out / rung)
        for rung in rungs
    }
    rule = Rule(benchmark.margin, benchmark.alpha, benchmark.bootstrap, benchmark.seed)
    told = judge_final(verdict, scores, rule) | {"left_out": sorted(taught)}
    write_json(out / RESULT, told)
    facts = {"benchmark_digest": benchmark.digest, "ship": told["ship"], "decision": told.get("decision")}
    dropped = {"given away by training": len(taught)} if taught else {}
    return Report({"in": len(every), "items": len(items), "rungs": len(rungs)}, dropped, facts)


def _read_taught(project: Project, rungs: list[str]) -> Iterator[Example]:
    """What the rungs learned from; preference pairs go a way of their own, and the split never sees them."""
    yield from iter_records(project.path("split") / "train.jsonl", Example)
    if any(rung_method(rung) != sft_method(rung_method(rung)) for rung in rungs):
        yield from iter_records(project.path("preferences") / "train.jsonl", Example)
