"""Does the tuned adapter give out what stood in its corpus? Planted secrets, once masked and once, as a control, not.

Reads this project (build_corpus.py first) -> OUT/masked, OUT/unmasked, one table, and with --json FILE its figures:

    python canaries.py [--out ../../runs/icd10-eye-ear-canaries] [--set KEY=VALUE ...] [--json FILE]

Ten invented e-mail addresses are planted before masking, each in six records, and always trained on. Both arms train
QLoRA on the same 80 examples of the demo beside them, for six passes: a small corpus that is passed over often is
where a model learns by heart. Then it is asked for each secret (docs/metrics.md, Memorisation). Nothing is registered;
an arm that gives a secret out shows what the verdict and the registry say to that.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from nichetune.core.errors import CheckFailed
from nichetune.core.files import read_json, write_json
from nichetune.core.records import Candidate
from nichetune.registry.registry import refuse_telltale

HERE = Path(__file__).parent
RUNG = "qlora"
COMMON = [
    f"rungs={json.dumps(['classical', RUNG])}", "canaries.count=10", "canaries.repeats=6", "train.examples=80",
    "train.epochs=6",
]  # fmt: skip
ARMS = {
    "masked": [],
    "unmasked": ["mask.enabled=false", "mask.because=the control of an experiment, on notes that are invented"],
}


def main() -> None:
    """Runs both arms, prints and writes."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--project", type=Path, default=HERE)
    parser.add_argument("--out", type=Path, default=HERE.parents[1] / "runs/icd10-eye-ear-canaries")
    parser.add_argument("--set", nargs="+", default=[], metavar="KEY=VALUE", help="settings of both arms")
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    for arm, own in ARMS.items():
        run_arm(given.project, given.out / arm, [*COMMON, *own, *given.set])
    told = {arm: read_arm(given.out / arm) for arm in ARMS}
    print_table(told)
    if given.json:
        write_json(given.json, told)


def run_arm(project: Path, run_dir: Path, settings: list[str]) -> None:
    """The project's own flow up to the verdict; a finished arm is reused, a stopped one goes on."""
    chosen = [word for one in settings for word in ("--set", one)]
    command = [sys.executable, "-m", "nichetune", "run", "--project", str(project), "--run-dir", str(run_dir)]
    done = subprocess.run([*command, "--until", "decide", *chosen], check=False, stdout=subprocess.DEVNULL)
    if done.returncode:
        sys.exit(done.returncode)


def read_arm(run_dir: Path) -> dict[str, Any]:
    """What the tuned rung gave out, what it can do, and what verdict and registry say."""
    own = run_dir / "evaluate" / RUNG
    verdict = read_json(run_dir / "decide" / "verdict.json")
    return read_json(own / "memorisation.json") | {
        "exact_form": read_json(own / "metrics.json")["triage.exact_form"],
        "ships": verdict["ship"],
        "left_out": verdict["left_out"].get(RUNG, ""),
        "registry": ask_registry(own),
    }


def ask_registry(evaluated: Path) -> str:
    """Its own words where it refuses the candidate; empty where it would take it."""
    try:
        refuse_telltale(Candidate.model_validate(read_json(evaluated / "candidate.json")), evaluated)
    except CheckFailed as refusal:
        return str(refusal)
    return ""


def print_table(told: dict[str, dict[str, Any]]) -> None:
    """Markdown."""
    print(
        "| arm | secrets | given out (one-sided 95%) | exposure in bits: median, highest (ceiling) | exact form | "
        "ships |"
    )
    print("|---|---|---|---|---|---|")
    for arm, found in told.items():
        rate, bits, form = found["extraction_rate"], found["exposure"], found["exact_form"]
        print(
            f"| {arm} | {found['canaries']} in {found['records']} records | {len(found['given_out'])} "
            f"(at most {rate['high']:.0%}) | {bits['median']:.1f}, {bits['highest']:.1f} "
            f"({bits['ceiling']:.1f}) | {form['value']:.3f} (n {form['n']}) | {found['ships']} |"
        )
    for arm, found in told.items():
        for who in ("left_out", "registry"):
            if found[who]:
                print(f"{arm}, {who.replace('left_out', 'verdict')}: {found[who]}")


if __name__ == "__main__":
    main()
