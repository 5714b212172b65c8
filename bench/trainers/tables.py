"""The bench's figures, and the tables that show them.

runs {"ours/lora": [{"tokens_per_s": 250.1, …}, …]} -> {"ratio.lora": {"value": 2.1, "low": 1.9, "high": 2.3, "n": 3}}
"""

from __future__ import annotations

import math
import statistics
from typing import Any

from trainers.peers import KINDS

Runs = dict[str, list[dict[str, Any]]]
Figure = dict[str, float | int | None]
FULL_PEER = "full peer"  # its runs' name: LoRA by another whole trainer


def middle(runs: Runs, peer: str, key: str) -> float | None:
    """The median of a peer's runs; None without any."""
    return statistics.median(r[key] for r in runs[peer]) if runs.get(peer) else None


def figures(runs: Runs, quality: dict[str, list[Any]]) -> dict[str, Figure]:
    """All that the parts that ran allow to say."""
    found: dict[str, Figure] = {}
    for method in ("lora", "qlora", "full"):
        for who, name in (("ours", "ratio"), ("prefix", "ratio_prefix")):
            if f"{who}/{method}" in runs:
                pairs = zip(runs[f"{who}/{method}"], runs[f"stock/{method}"], strict=True)
                found[f"{name}.{method}"] = spread([a["tokens_per_s"] / b["tokens_per_s"] for a, b in pairs])
        if f"float32/{method}" in runs:
            shares = [r["flops"] / r["product_flops"] for r in runs[f"float32/{method}"]]
            found[f"ceiling_share.{method}"] = spread(shares)
    if FULL_PEER in runs:
        pairs = zip(runs["prefix/lora"], runs[FULL_PEER], strict=True)
        found["ratio_full_peer.lora"] = spread([a["tokens_per_s"] / b["tokens_per_s"] for a, b in pairs])
    if "frugal/qlora" in runs:
        stock = middle(runs, "stock/lora", "peak_bytes") or 1
        found["memory_ratio.qlora_frugal"] = spread([r["peak_bytes"] / stock for r in runs["frugal/qlora"]])
    if quality:
        found["exact_form_at_equal_time"] = gain(quality)
    return found


def spread(values: list[float]) -> Figure:
    """The geometric mean and its 95% interval by the t-distribution of the logarithms; n = 1 has none."""
    from scipy import stats

    logs = [math.log(v) for v in values]
    mean = statistics.fmean(logs)
    if len(logs) < 2:
        return {"value": round(math.exp(mean), 4), "low": None, "high": None, "n": len(logs)}
    half = float(stats.t.ppf(0.975, len(logs) - 1)) * statistics.stdev(logs) / math.sqrt(len(logs))
    ends = {"low": round(math.exp(mean - half), 4), "high": round(math.exp(mean + half), 4)}
    return {"value": round(math.exp(mean), 4), **ends, "n": len(logs)}


def gain(quality: dict[str, list[Any]]) -> Figure:
    """Ours less stock at the last mark: the mean over items, with the 95% interval of the paired bootstrap."""
    import numpy as np

    last = max((k for k in quality["prefix/lora"][0] if k.replace(".", "").isdigit()), key=float)
    ours, stock = (np.mean([r[last] for r in quality[peer]], axis=0) for peer in ("prefix/lora", "stock/lora"))
    difference = ours - stock
    draws = np.random.default_rng(7).integers(0, len(difference), (10_000, len(difference)))
    low, high = np.quantile(difference[draws].mean(axis=1), [0.025, 0.975])
    return {"value": round(float(difference.mean()), 4), "low": round(float(low), 4), "high": round(float(high), 4),
            "n": len(difference)}  # fmt: skip


def print_all(runs: Runs, quality: dict[str, list[Any]]) -> None:
    """Markdown, as the README shows it."""
    found = figures(runs, quality)
    if runs:
        print("\n| method | trainer | tokens/s | ratio to stock | 95% interval | peak memory | last loss | n |")
        print("|---|---|---|---|---|---|---|---|")
        for peer in sorted(runs, key=place):
            print_run(peer, runs, found)
        print_sizes(runs)
    if FULL_PEER in runs:
        print(f"ours to the full peer, {runs[FULL_PEER][0]['peer']}: {say(found['ratio_full_peer.lora'])}")
    for name in ("ceiling_share.lora", "ceiling_share.full", "memory_ratio.qlora_frugal"):
        if name in found:
            print(f"{name}: {say(found[name])}")
    if quality:
        print_quality(quality)
        print(f"\nexact form at equal time, ours less stock: {say(found['exact_form_at_equal_time'])}")


def place(peer: str) -> tuple[int, int]:
    """Methods in the order of cost, within them ours first."""
    who, _, method = peer.partition("/")
    return ("lora", "qlora", "full").index(method or "lora"), [*KINDS, who].index(who)


def print_run(peer: str, runs: Runs, found: dict[str, Figure]) -> None:
    """One line of the speeds."""
    who, _, method = peer.partition("/")
    method = method or "lora"
    name = {"ours": "ratio", "prefix": "ratio_prefix"}.get(who, who)
    figure = found.get(f"{name}.{method}")
    speed, stock = middle(runs, peer, "tokens_per_s"), middle(runs, f"stock/{method}", "tokens_per_s")
    ratio = figure["value"] if figure else speed / stock if speed and stock else None
    interval = f"{figure['low']} to {figure['high']}" if figure and figure["low"] else ""
    peak, loss = middle(runs, peer, "peak_bytes"), middle(runs, peer, "last_loss")
    print(f"| {method} | {KINDS.get(who, who)} | {speed:.0f} | {'' if ratio is None else f'{ratio:.2f}'} | "
          f"{interval} | {peak / 2**30:.2f} GiB | {loss:.3f} | {len(runs[peer])} |")  # type: ignore[operator]  # fmt: skip


def print_sizes(runs: Runs) -> None:
    """How much is trained, and what an adapter weighs against full weights."""
    adapter, full = runs.get("ours/lora"), runs.get("ours/full")
    if adapter and full:
        a, f = adapter[0]["trainable"], full[0]["trainable"]
        print(f"\ntrained: {a:,} of {f:,} parameters ({f / a:.0f} times fewer); "
              f"an adapter file of {4 * a / 2**20:.1f} MiB, full weights of {4 * f / 2**20:.1f} MiB")  # fmt: skip
        shared = runs["prefix/lora"][0]
        print(f"prefix tokens: of {shared['tokens']} tokens {shared['computed_tokens']} were computed")


def print_quality(quality: dict[str, list[Any]]) -> None:
    """Exact form by minutes."""
    marks = [k for k in quality["prefix/lora"][0] if k.replace(".", "").isdigit()]
    print(f"\n| trainer | {' | '.join(f'{m} min' for m in marks)} | steps |")
    print(f"|---|{'---|' * (len(marks) + 1)}")
    for peer, results in quality.items():
        cells = [f"{statistics.fmean(s for r in results for s in r[m]):.3f}" if m in results[0] else "" for m in marks]
        steps = ", ".join(str(r["steps"]) for r in results)
        print(f"| {KINDS[peer.partition('/')[0]]} | {' | '.join(cells)} | {steps} |")


def say(figure: Figure) -> str:
    """A figure as words."""
    interval = f" ({figure['low']} to {figure['high']})" if figure["low"] is not None else ""
    return f"{figure['value']}{interval}, n = {figure['n']}"
