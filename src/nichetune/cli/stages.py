"""The verbs of the flow: `run`, single stages, masking or deduplicating any file, comparing two runs."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from nichetune.cli.dedupe import dedupe
from nichetune.cli.options import JsonOption, ProjectOption, RunDirOption, SetOption, open_from, show
from nichetune.core.errors import CheckFailed, UserError
from nichetune.core.progress import silence_progress


def add_commands(app: typer.Typer) -> None:
    """Adds these verbs to the command line."""
    app.command("run")(run)
    app.command("ingest")(ingest)
    app.command("mask")(mask)
    app.command("dedupe")(dedupe)
    app.command("train")(train)
    app.command("evaluate")(evaluate)
    app.command("decide")(decide)
    app.command("report")(report)
    app.command("compare")(compare)


def run(
    project: ProjectOption = Path(),
    run_dir: RunDirOption = None,
    until: Annotated[str, typer.Option(help="Stop after this stage.")] = "",
    from_stage: Annotated[str, typer.Option("--from", help="Make this stage and all after it anew.")] = "",
    require_conclusive: Annotated[bool, typer.Option(help="Exit 1 unless the verdict is conclusive.")] = False,
    fail_on_regression: Annotated[bool, typer.Option(help="Exit 1 if a metric fell against production.")] = False,
    overrides: SetOption = None,
    as_json: JsonOption = False,
) -> None:
    """The whole flow, from corpus to verdict, resumed where it stood."""
    from nichetune.pipeline.run import run_project

    opened = open_from(project, run_dir, overrides, as_json)
    result = run_project(opened, until, from_stage)
    verdict = result.verdict
    if as_json:
        stages = [{"stage": n, "seconds": s, "reused": r} for n, s, r in result.stages]
        told = {"version": result.version} | ({"unregistered": result.unregistered} if result.unregistered else {})
        show({"run_dir": result.run_dir, "stages": stages, "verdict": verdict} | told, True, [])
    else:
        from nichetune.console.tables import print_stages, print_verdict

        print_stages(result.stages)
        if verdict:
            print_verdict(verdict)
        if result.version or result.unregistered:
            print(f"report:  {_near(opened.path('report') / 'report.html')}")
            print(f"dataset: {_near(opened.path('report') / 'dataset.html')}")
            print(f"version: {result.version[:12] or f'none: {result.unregistered}'}")
    _check(verdict, require_conclusive, fail_on_regression)


def _check(verdict: dict | None, require_conclusive: bool, fail_on_regression: bool) -> None:
    if verdict and require_conclusive and not verdict["conclusive"]:
        open_steps = [reason for reason in verdict["reasons"] if reason.startswith("Not conclusive")]
        raise CheckFailed(open_steps[0].rstrip(".") if open_steps else "the verdict is not conclusive")
    if verdict and fail_on_regression and verdict["regressions"]:
        names = ", ".join(r["metric"] for r in verdict["regressions"] if "metric" in r)
        raise CheckFailed(f"worse than production on: {names}")


def _near(path: Path) -> str:
    """A path as short as it can be said from here."""
    try:
        return str(path.relative_to(Path.cwd()))
    except ValueError:
        return str(path)


def run_stage_of(name: str, project: Path, run_dir: Path | None, overrides: list[str] | None, as_json: bool) -> None:
    """Runs the flow up to a stage, and says where it stands."""
    from nichetune.pipeline.run import run_project

    opened = open_from(project, run_dir, overrides, as_json)
    result = run_project(opened, until=name)
    last = result.stages[-1][0]
    show({"stage": last, "folder": opened.path(last)}, as_json, [f"{last}: {_near(opened.path(last))}"])


def ingest(
    project: ProjectOption = Path(), run_dir: RunDirOption = None, overrides: SetOption = None,
    as_json: JsonOption = False,
) -> None:  # fmt: skip
    """Read the corpus; what cannot be read is put aside and counted."""
    run_stage_of("ingest", project, run_dir, overrides, as_json)


def mask(
    source: Annotated[Path | None, typer.Argument(help="JSON Lines with `text`; without it, the project.")] = None,
    target: Annotated[Path | None, typer.Argument(help="Where the masked lines go.")] = None,
    policy: Annotated[list[str] | None, typer.Option(help="hipaa-safe-harbor, gdpr-direct, secrets-only or a YAML file;"
                                                     " may be repeated. Default: the first and the last.")] = None,
    consistent: Annotated[bool, typer.Option(help="One hash or surrogate for a value in all lines.")] = False,
    key_file: Annotated[Path | None, typer.Option(help="Key of hashes, surrogates and vault.")] = None,
    vault: Annotated[Path | None, typer.Option(help="Keep the masked values here, encrypted by the key.")] = None,
    restore: Annotated[bool, typer.Option(help="Put the vault's values back into a masked file.")] = False,
    audit: Annotated[int, typer.Option(min=0, help="Show so many masked texts and ask about each.")] = 0,
    processes: Annotated[int, typer.Option(min=0, help="Worker processes for a file; 0 for one per core.")] = 0,
    project: ProjectOption = Path(), run_dir: RunDirOption = None, overrides: SetOption = None,
    as_json: JsonOption = False,
) -> None:  # fmt: skip
    """Remove personal data and secrets, from the project's corpus or from any JSON Lines file."""
    if source is None:
        _mask_project(project, run_dir, [*(overrides or []), *_policy_override(policy)], as_json, audit)
        return
    if target is None:
        raise UserError("mask: give two files, nichetune mask in.jsonl out.jsonl, or none for the project")
    from nichetune.corpus.mask_file import MaskChoices, mask_file, restore_file

    if as_json:
        silence_progress()
    if restore:
        if vault is None:
            raise UserError("mask --restore: give the vault: --vault FILE")
        counts = restore_file(source, target, vault, key_file).counts
        show({"target": target, **counts}, as_json, [f"{target}: {counts['restored']} values put back"])
        return
    if overrides:
        raise UserError("mask: --set is for a project's settings: a file takes options (nichetune mask --help)")
    choices = MaskChoices(consistent=consistent, key_file=key_file, vault=vault, processes=processes)
    done = mask_file(source, target, replace(choices, policy=policy) if policy else choices)
    entities = done.facts["entities"]
    lines = [f"{target}: {done.counts['masked']} values masked in {done.counts['lines']} lines"]
    result = {"target": target, **done.counts, "policy": done.facts["policy"], "entities": entities}
    if audit:
        from nichetune.console.audit import audit_file

        result["audit"] = audit_file(target, audit)
        lines.append(f"audit: {result['audit']['sentence']}")
    show(result, as_json, lines + [f"  {kind}: {n}" for kind, n in entities.items()])


def _policy_override(policy: list[str] | None) -> list[str]:
    return [f"mask.policy=[{', '.join(policy)}]"] if policy else []


def _mask_project(project: Path, run_dir: Path | None, overrides: list[str] | None, as_json: bool, audit: int) -> None:
    run_stage_of("mask", project, run_dir, overrides, as_json and not audit)
    if not audit:
        return
    from nichetune.console.audit import audit_stage
    from nichetune.core.files import read_json, write_json
    from nichetune.core.stages import MANIFEST
    from nichetune.pipeline.flow import AUDIT

    opened = open_from(project, run_dir, overrides, as_json)
    masked = opened.path("mask")
    result = audit_stage(masked, audit)
    digest = read_json(masked / MANIFEST)["digest"]
    write_json(opened.run_dir / AUDIT, {"sampled": result["judged"], "leaks": result["leaks"], "masked": digest})
    show({"audit": result}, as_json, [f"audit: {result['sentence']}; the dataset's page shows it after the next run"])


def train(
    method: Annotated[str, typer.Argument(help="qlora, lora, full, classical, qlora+dpo; default: train.method.")] = "",
    project: ProjectOption = Path(), run_dir: RunDirOption = None, overrides: SetOption = None,
    as_json: JsonOption = False,
) -> None:  # fmt: skip
    """Train one method on the training examples, with all that has to stand before it."""
    _run_part("train", method, project, run_dir, overrides, as_json)


def evaluate(
    rung: Annotated[str, typer.Argument(help="A rung of the ladder; without it, all of them.")] = "",
    answers: Annotated[Path | None, typer.Option("--from", help="Score answers made elsewhere: JSON Lines with id and "
                                                 "output, one for each sealed item.")] = None,
    name: Annotated[str, typer.Option("--as", help="What to call them.")] = "",
    project: ProjectOption = Path(), run_dir: RunDirOption = None, overrides: SetOption = None,
    as_json: JsonOption = False,
) -> None:  # fmt: skip
    """Evaluate one rung, or all, on the sealed benchmark; or answers that were made elsewhere."""
    if answers or name:
        _evaluate_answers(rung, answers, name, project, run_dir, overrides, as_json)
        return
    if not rung:
        run_stage_of("evaluate", project, run_dir, overrides, as_json)
        return
    _run_part("evaluate", rung, project, run_dir, overrides, as_json)


def _evaluate_answers(
    rung: str, answers: Path | None, name: str, project: Path, run_dir: Path | None, overrides: list[str] | None,
    as_json: bool,
) -> None:  # fmt: skip
    from nichetune.core.files import read_json
    from nichetune.pipeline.imported import import_answers

    if rung or answers is None or not name:
        raise UserError("evaluate: answers made elsewhere need --from FILE and --as NAME, and no rung")
    opened = open_from(project, run_dir, overrides, as_json)
    result = import_answers(opened, answers, name)
    metrics = read_json(result.folder / "metrics.json")
    lines = [f"{name}: {result.manifest['counts']['out']} answers scored in {_near(result.folder)}"]
    lines += [f"  {m}: {e['value']:.3f} (n {e['n']})" for m, e in metrics.items() if e["value"] is not None]
    show({"rung": name, "folder": result.folder, "metrics": metrics}, as_json, lines)


def _run_part(
    kind: str, part: str, project: Path, run_dir: Path | None, overrides: list[str] | None, as_json: bool
) -> None:
    """One stage of several of a kind, and what it needs."""
    from nichetune.pipeline.flow import list_stages
    from nichetune.pipeline.run import run_needed

    opened = open_from(project, run_dir, overrides, as_json)
    chosen = f"{kind}/{part or opened.settings.train.method}"
    if chosen not in list_stages(opened):
        known = ", ".join(n.partition("/")[2] for n in list_stages(opened) if n.startswith(f"{kind}/"))
        raise UserError(f"{kind}: {chosen.partition('/')[2]!r} is none of this project's rungs; known: {known}")
    run_needed(opened, chosen)
    show({"stage": chosen, "folder": opened.path(chosen)}, as_json, [f"{chosen}: {_near(opened.path(chosen))}"])


def decide(
    project: ProjectOption = Path(), run_dir: RunDirOption = None,
    require_conclusive: Annotated[bool, typer.Option(help="Exit 1 unless the verdict is conclusive; with --final, "
                                                     "unless the blind holdout bears it out.")] = False,
    final: Annotated[bool, typer.Option("--final", help="Open the blind holdout (split.blind), once, for the rung "
                                        "that ships and its runner-up.")] = False,
    overrides: SetOption = None, as_json: JsonOption = False,
) -> None:  # fmt: skip
    """Decide which rung to ship, from the scores."""
    from nichetune.core.files import read_json
    from nichetune.pipeline.run import run_project

    opened = open_from(project, run_dir, overrides, as_json)
    if final:
        from nichetune.pipeline.final import decide_finally

        told = decide_finally(opened)
        show(told, as_json, [told["sentence"], f"final: {_near(opened.path('final') / 'final.json')}"])
        if require_conclusive and told.get("holds") is not True:
            raise CheckFailed("the blind holdout does not bear the verdict out")
        return
    run_project(opened, until="decide")
    verdict = read_json(opened.path("decide") / "verdict.json")
    if as_json:
        show(verdict, True, [])
    else:
        from nichetune.console.tables import print_verdict

        print_verdict(verdict)
    _check(verdict, require_conclusive, False)


def report(
    project: ProjectOption = Path(), run_dir: RunDirOption = None, overrides: SetOption = None,
    as_json: JsonOption = False,
) -> None:  # fmt: skip
    """Write the report of the run."""
    run_stage_of("report", project, run_dir, overrides, as_json)


def compare(
    a: Annotated[
        Path,
        typer.Argument(
            help="A run's folder (the rung that it ships), an evaluated "
            "rung's, or JSON Lines with id, score and perhaps group."
        ),
    ],
    b: Annotated[Path, typer.Argument(help="The same, to compare with it: the difference is B - A.")],
    metric: Annotated[
        str, typer.Option(help="task.metric, for runs; default: the primary metric, of a suite all.success.")
    ] = "",
    suite: Annotated[str, typer.Option(help="Compare the answers to this sealed suite; for runs.")] = "",
    part: Annotated[str, typer.Option(help="Only this part of the suite: a slice of time, changed or stayed.")] = "",
    margin: Annotated[float, typer.Option(help="Differences inside ± this count as equal.")] = 0.02,
    fail_on_regression: Annotated[bool, typer.Option(help="Exit 1 if B is worse.")] = False,
    look: Annotated[int, typer.Option(help="Which of the planned comparisons this is, from 1.")] = 1,
    looks: Annotated[int, typer.Option(help="How many are planned (nights): their errors together are 5%.")] = 1,
    html: Annotated[Path | None, typer.Option(help="Write the comparison as a page, one file, here.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Compare two runs, or two files of scores, paired by item."""
    from nichetune.decide.compare import compare_scores
    from nichetune.decide.spending import level_of_look

    if suite and html is not None:
        raise UserError("compare: --html tells of the sealed benchmark: leave it out for a suite")
    result = compare_scores(a, b, margin=margin, metric=metric, look=look, looks=looks, suite=suite, part=part)
    planned = f", look {look} of {looks} at level {level_of_look(look, looks):.4f}" if looks > 1 else ""
    line = (
        f"{result['decision']}: B - A = {result['difference']:+.4f} "
        f"({result['low']:+.4f} to {result['high']:+.4f}), p = {result['p']:.4f}, n = {result['n']}{planned}"
    )
    lines = [line]
    if html is not None:
        from nichetune.report.pair_page import write_comparison

        write_comparison(a, b, result, html, metric, alpha=level_of_look(look, looks))
        lines.append(f"page: {_near(html)}")
    show(result, as_json, lines)
    if fail_on_regression and result["decision"] == "worse":
        raise CheckFailed("B is worse than A")
