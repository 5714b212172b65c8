"""Does the rule of the verdict keep its word? Synthetic worlds whose truth is known, judged by the shipped code.

    python bench/verdicts.py [--worlds 4000] [--resamples 1999] [--seed 7] [--json FILE]

Nine kinds of worlds (six generators, nights that look again, rungs that are trained again) have benchmarks of 10 to 100
groups of 1 to 40 items (single items: up to 500), base rates 0.02 to 0.98, with rungs that suit different groups. In
each:

- *equal rungs* are told apart (`compare` says better or worse) in at most 5% of the worlds, upper bound at most 6.5%;
  and of three equal rungs in a ladder with no margin one is climbed to in no more;
- *true gains* of the size that `nichetune benchmark power` names for these items, groups and their design effect are
  found in at least 80%; likewise the gains over the margin of 2 points at which it says that the ladder climbs. Where
  it says that no gain can be found nothing is asked; the share of designs with a claim stands beside.
- *nights*: 3, 5 or 10 looks, planned by `--look K --looks N`; half on a benchmark that grows, half on a candidate tuned
  anew on the same items. Any look that tells equal rungs apart counts.
- *retrained*: three methods, each trained from 3 to 5 seeds, whose luck spreads alike or very unlike; in every third
  world the cheapest is not trained. The gain is the one that items and seeds together show.

Exit 1 if a bound fails. Beside it, on the same worlds: an unpaired two-sample test, a plain paired t-test that knows no
groups, and nights that look at 5% each time. Every rate has its exact 95% interval (Clopper and Pearson 1934). One
thread; 1,999 resamples an interval (the product takes 10,000), at nights more where the level asks for them.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
from scipy.stats import binomtest
from worlds.designs import draw_design
from worlds.generators import CLUSTERED, GENERATORS
from worlds.retrained import draw_retraining, try_retrained
from worlds.trials import Effort, Tally, try_design, try_nights

MOST_FALSE, MOST_FALSE_UPPER, LEAST_POWER = 0.05, 0.065, 0.80
NIGHTS = "nights"
RETRAINED = {"retrained, alike": True, "retrained, unlike": False}
_NULLS_A_DESIGN = 40
_LOOKS = (3, 5, 10)
_HEADINGS = {
    "false_better": "equal told apart", "false_climb": "equal climbed to", "power": "named gain found",
    "power_to_climb": "named climb made", "claims": "designs with a claim",
}  # fmt: skip


def main() -> None:
    """Tries every generator, prints the tables, and says whether all bounds hold."""
    options = parse_options()
    started = time.process_time()
    tallies = {
        name: try_generator(name, options, n)
        for n, name in enumerate((*GENERATORS, NIGHTS, *RETRAINED))
        if not options.only or name.startswith(options.only)
    }
    result = sum_up(tallies) | {"cpu_s": round(time.process_time() - started, 1), "seed": options.seed,
                                "resamples": options.resamples}  # fmt: skip
    print_tables(tallies)
    failures = find_failures(tallies)
    print(f"\n{result['worlds']:,} worlds in {result['cpu_s']:.0f} s of one thread")
    if options.json:
        options.json.write_text(json.dumps(result | {"failures": failures}, indent=2) + "\n")
    for failure in failures:
        print(f"FAILED: {failure}")
    sys.exit(1 if failures else 0)


def parse_options() -> argparse.Namespace:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--worlds", type=int, default=4_000, help="worlds of equal rungs for each generator")
    parser.add_argument("--resamples", type=int, default=1_999)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--only", default="", help="worlds whose name begins so")
    parser.add_argument("--json", type=Path)
    return parser.parse_args()


def try_generator(name: str, options: argparse.Namespace, number: int) -> Tally:
    """All designs of one generator; nights take turns in how many they are and in what is new."""
    total = Tally()
    share = 2 if name == NIGHTS else 1  # every world of nights is judged several times
    designs = max(2, options.worlds // share // _NULLS_A_DESIGN)
    each = max(1, options.worlds // share // designs)
    effort = Effort(null=each, gains=max(1, each // 2), ladders=max(1, each // 4), resamples=options.resamples)
    for n in range(designs):
        seed = int(np.random.SeedSequence([options.seed, number, n]).generate_state(1)[0])
        design = draw_design(np.random.default_rng(seed), single=name == "single")
        if name == NIGHTS:
            base = ("latent", "copies")[n // 2 % 2]
            total.add(try_nights(base, design, _LOOKS[n % len(_LOOKS)], n % 2 == 0, effort, seed))
        elif name in RETRAINED:
            how = draw_retraining(np.random.default_rng(seed + 1), RETRAINED[name], n)
            total.add(try_retrained(design, how, effort, seed))
        else:
            total.add(try_design(name, design, effort, seed))
    return total


def describe_rate(hits: int, tries: int) -> dict[str, Any]:
    """A rate with its exact interval."""
    if not tries:
        return {"value": None, "low": None, "high": None, "n": 0}
    interval = binomtest(hits, tries).proportion_ci(0.95, "exact")
    return {"value": hits / tries, "low": float(interval.low), "high": float(interval.high), "n": tries}


def sum_up(tallies: dict[str, Tally]) -> dict[str, Any]:
    """Rates over all, over clustered worlds, and by generator."""

    def pool(names: list[str], what: str) -> dict[str, Any]:
        counts = [tallies[name].counts[what] for name in names if name in tallies]
        return describe_rate(sum(c[0] for c in counts), sum(c[1] for c in counts))

    judged = [*GENERATORS]
    kinds = ("false_better", "false_climb", "power", "power_to_climb")
    return {
        "worlds": sum(tallies[name].counts[kind][1] for name in tallies for kind in kinds),
        "false_better_rate": pool(judged, "false_better"),
        "false_better_rate_clustered": pool([*CLUSTERED], "false_better"),
        "false_better_rate_peeking": pool([NIGHTS], "false_better"),
        "false_better_rate_seeds": pool([*RETRAINED], "false_better"),
        "power_at_margin": pool(judged, "power"),
        "power_to_climb": pool(judged, "power_to_climb"),
        "power_at_margin_seeds": pool([*RETRAINED], "power"),
        "generators": {
            name: {what: describe_rate(*counts) for what, counts in tally.counts.items()}
            for name, tally in tallies.items()
        },
    }


def find_failures(tallies: dict[str, Tally]) -> list[str]:
    """Every bound that does not hold."""
    failures = []
    for name, tally in tallies.items():
        for what in ("false_better", "false_climb"):
            rate = describe_rate(*tally.counts[what])
            if rate["n"] and (rate["value"] > MOST_FALSE or rate["high"] > MOST_FALSE_UPPER):
                failures.append(f"{name}: {_HEADINGS[what]} {write_rate(rate)}, at most 5.0% (upper bound 6.5%)")
        for what in ("power", "power_to_climb"):
            rate = describe_rate(*tally.counts[what])
            if rate["n"] and rate["value"] < LEAST_POWER:
                failures.append(f"{name}: {_HEADINGS[what]} {write_rate(rate)}, at least 80%")
    return failures


def print_tables(tallies: dict[str, Tally]) -> None:
    """The rule by generator, then what simpler tests would have said."""
    print("| worlds | " + " | ".join(_HEADINGS.values()) + " |\n|---|" + "---:|" * len(_HEADINGS))
    for name, tally in tallies.items():
        print(f"| {name} | " + " | ".join(write_rate(describe_rate(*tally.counts[what])) for what in _HEADINGS) + " |")
    others = ("unpaired", "plain t", "unplanned", "one seed")
    print("\n| worlds | test | equal told apart | named gain found |\n|---|---|---:|---:|")
    for name, tally in tallies.items():
        for other in others:
            if f"false_better/{other}" in tally.counts:
                rates = [write_rate(describe_rate(*tally.counts[f"{w}/{other}"])) for w in ("false_better", "power")]
                print(f"| {name} | {other} | {' | '.join(rates)} |")


def write_rate(rate: dict[str, Any]) -> str:
    """A rate in percent with interval and n; a dash where nothing was counted."""
    if not rate["n"]:
        return "-"
    return f"{100 * rate['value']:.1f}% ({100 * rate['low']:.1f}-{100 * rate['high']:.1f}), n = {rate['n']:,}"


if __name__ == "__main__":
    main()
