"""The benchmark under its lock: sealed by the flow or by a person, superseded with a reason, looked at with a count.

<run>/benchmark/            what is in force        <run>/seals/<digest>/    all that ever was
<run>/benchmark.log.jsonl   who, when, why, and every look (benchmark/ledger.py)
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nichetune.benchmark import seal
from nichetune.benchmark.ledger import Entry, append_entry, current_seal
from nichetune.benchmark.lock import Lock, candidate_variant, say_seal
from nichetune.benchmark.seal import Benchmark, load_benchmark, verify_benchmark
from nichetune.core.errors import CheckFailed, UserError
from nichetune.core.files import hash_value, read_json
from nichetune.core.progress import say
from nichetune.core.settings import READY, Settings
from nichetune.core.stages import MANIFEST, TIMING, Report, StageResult, short
from nichetune.corpus.split import BLIND
from nichetune.evaluate.primary import check_primary

if TYPE_CHECKING:
    from nichetune.pipeline.flow import Project

RunStage = Callable[..., StageResult]


def run_sealing(project: Project, run_stage: RunStage, why: str = "", locked: bool = False) -> StageResult:
    """Runs the stage `benchmark` under the lock, and notes what it sealed.

    Args:
        run_stage: the flow's own: name, code, inputs, settings, work, packages, extra inputs.
        why: the reason of whoever supersedes a locked benchmark.
        locked: seal for good.

    Raises:
        UserError: a locked benchmark would become another one, or its primary metric could decide nothing.
    """
    check_primary(project.settings)
    lock = Lock(project.run_dir)

    def work(settings: Settings, inputs: dict[str, Path], out: Path) -> Report:
        report = seal.run(settings, {"split": project.path("split")} | _suite_files(project), out)
        lock.admit(load_benchmark(out), why)
        return report

    blind = [f"split/{BLIND}"] if project.settings.split.blind else []
    used = project.subset("benchmark", "tasks", "split", "economics", "gates", "suites")
    done = run_stage(project, "benchmark", ("benchmark", "evaluate", "decide"), ["split/holdout.jsonl", *blind], used,
                     work, (), _suite_files(project))  # fmt: skip
    benchmark = load_benchmark(project.path("benchmark"))
    if done.reused:
        lock.admit(benchmark, why)
    if entry := lock.note_seal(benchmark, project.path("benchmark"), why, locked):
        for line in say_seal(entry):
            say(line)
    return done


def _suite_files(project: Project) -> dict[str, Path]:
    """Users' own suites, by the name of their input.

    Raises:
        UserError: a file is missing.
    """
    files = {name: project.folder / path for name, path in project.settings.suites.items() if path != READY}
    for name, file in files.items():
        if not file.is_file():
            raise UserError(f"suites.{name}: no such file: {file}: check the path")
    return {f"{seal.SUITE_INPUT}{name}": file for name, file in files.items()}


def note_look(project: Project, stage: str, done: StageResult) -> None:
    """Counts a scoring on the sealed items, once for each time that the stage truly ran.

    A stage that was reused is no new look. One that was scored before a kill and never noted is noted now.
    """
    folder = project.path(stage)
    benchmark = load_benchmark(project.path("benchmark"))
    candidate = read_json(folder / "candidate.json")
    started = read_json(folder / TIMING).get("started", "") if (folder / TIMING).is_file() else ""
    adapter = str(candidate.get("adapter") or "")
    training = (project.run_dir / adapter).parent / MANIFEST if adapter else None
    facts = {
        "stage": stage,
        "rung": str(candidate["rung"]),
        "candidate": hash_value(candidate),
        "variant": candidate_variant(candidate, read_json(training) if training and training.is_file() else {}),
        "scored": hash_value([done.manifest["key"], started]),
    }
    append_entry(Lock(project.run_dir).log, "look", benchmark.digest, benchmark.items_digest, "", facts,
                 lambda entries: any(one.facts.get("scored") == facts["scored"] for one in entries))  # fmt: skip


def count_looks(project: Project) -> dict[str, Any]:
    """How often candidates were scored on the sealed items in force, for the verdict: counts only, and no clock.

    Looks under an earlier seal of the same items count, too: a new rule does not make seen items unseen.

        {"total": 3, "candidates": [{"rung": "qlora", "candidate": "5e…", "times": 2}, …], "choices": {"qlora": 2},
         "earlier_seals": 1}
    """
    benchmark = load_benchmark(project.path("benchmark"))
    entries = Lock(project.run_dir).entries()
    looks = [one for one in entries if one.kind == "look" and one.items == benchmark.items_digest]
    times: dict[tuple[str, str], int] = defaultdict(int)
    variants: dict[str, set[str]] = defaultdict(set)
    for one in looks:
        times[str(one.facts["rung"]), str(one.facts["candidate"])] += 1
        variants[str(one.facts["rung"])].add(str(one.facts["variant"]))
    seals = {one.benchmark for one in entries if one.kind in ("seal", "supersede")} - {benchmark.digest}
    return {
        "total": len(looks),
        "candidates": [{"rung": r, "candidate": c, "times": n} for (r, c), n in sorted(times.items())],
        "choices": {rung: len(held) for rung, held in sorted(variants.items()) if len(held) > 1},
        "earlier_seals": len({one.benchmark for one in looks} & seals),
    }


def verify_lock(project: Project) -> Benchmark:
    """Proves that the benchmark is the sealed one, the log whole, and the settings' rule the sealed rule.

    Raises:
        CheckFailed: anything differs; the item, the rule or the line is named.
    """
    benchmark = verify_benchmark(project.path("benchmark"))
    lock = Lock(project.run_dir)
    entries = lock.entries()
    sealed = current_seal(entries)
    if sealed is None:
        raise CheckFailed(f"{lock.log}: the log is missing or empty, and a benchmark stands sealed: restore the file")
    if sealed.benchmark != benchmark.digest:
        raise CheckFailed(
            f"{project.path('benchmark')}: this is {short(benchmark.digest)}, and the log says that "
            f"{short(sealed.benchmark)} is in force: restore it from seals/{sealed.benchmark}"
        )
    _check_settings(project.settings, benchmark)
    _check_looks(project, entries, benchmark)
    return benchmark


def _check_settings(settings: Settings, benchmark: Benchmark) -> None:
    """The rule that the settings would seal now."""
    now = seal.seal_benchmark(settings, benchmark.items, benchmark.boilerplate, blind=benchmark.blind)
    for name, digest in now.part_digests.items():
        if name not in ("boilerplate", "suites") and benchmark.part_digests[name] != digest:
            raise CheckFailed(
                f"the settings' {name} is not what was sealed ({_say_difference(name, benchmark, now)}): put it back, "
                f"or `nichetune benchmark supersede --why '...'`"
            )
    if set(settings.suites) != set(benchmark.suites):
        raise CheckFailed(f"the settings' suites are not those sealed: {', '.join(sorted(benchmark.suites)) or 'none'}")


def _say_difference(name: str, sealed: Benchmark, now: Benchmark) -> str:
    before, after = sealed.model_dump(mode="json")[name], now.model_dump(mode="json")[name]
    if isinstance(before, dict) and isinstance(after, dict):
        keys = [key for key in sorted({*before, *after}) if before.get(key) != after.get(key)]
        return ", ".join(keys)
    return f"sealed {before}, now {after}" if not isinstance(before, list) else "another list"


def _check_looks(project: Project, entries: list[Entry], benchmark: Benchmark) -> None:
    """Every rung that stands scored on this benchmark was noted: a log cut at its end would lack one."""
    known = {(one.facts.get("stage"), one.facts.get("candidate")) for one in entries if one.kind == "look"}
    root = project.run_dir / "evaluate"
    for file in sorted(root.rglob(MANIFEST)) if root.is_dir() else []:
        stage = file.parent.relative_to(project.run_dir).as_posix()
        facts = read_json(file).get("facts", {})
        if facts.get("benchmark_digest") != benchmark.digest or not (file.parent / "candidate.json").is_file():
            continue
        if (stage, hash_value(read_json(file.parent / "candidate.json"))) not in known:
            raise CheckFailed(f"{Lock(project.run_dir).log}: {stage} was scored, and the log holds no such look: it "
                              "was cut: restore the file from a copy")  # fmt: skip
