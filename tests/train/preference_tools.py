"""A free task whose SFT policy rambles, and pairs that prefer the short answer to the rambling one."""

from __future__ import annotations

from pathlib import Path

from nichetune.core.files import write_json, write_jsonl
from nichetune.core.records import Example, Expected, Message, Source
from nichetune.core.settings import Settings

SIDES = ("left", "right", "both", "neither")


def make_settings(**more: object) -> Settings:
    """A project whose rungs hold preference optimisation."""
    plain = {
        "project": "ward",
        "sources": [{"path": "a.jsonl", "task": "side"}, {"path": "b.jsonl", "task": "side", "as": "preferences"}],
        "tasks": {"side": {"kind": "free", "short_prompt": "Say the side."}},
        "rungs": ["base", "qlora", "qlora+dpo", "qlora+orpo", "qlora+kto"],
        "base": {"dtype": "float32"},
        "train": {"rank": 4, "alpha": 8, "retrieval": False},
    }
    return Settings.model_validate(plain | more)


def ramble(side: str) -> str:
    """How the SFT policy answers."""
    return f"It seems to be the {side} side, I would think."


def make_pair(n: int, group: str = "") -> Example:
    """A preference for the bare side."""
    side = SIDES[n % 4]
    turns = [Message(role="user", content=f"Note {n}: pain {side}, {n} days."), Message(role="assistant", content=side)]
    return Example(
        id=f"pair-{n:02}", group=group or f"g{n}", task="side", messages=turns, expected=Expected(answer=side),
        source=Source(file="b.jsonl", line=n), rejected=ramble(side),
    )  # fmt: skip


def write_pairs(folder: Path, train: int, held: int) -> Path:
    """The folder of cleaned pairs, as its stage leaves it."""
    write_jsonl(folder / "train.jsonl", [make_pair(n) for n in range(train)])
    write_jsonl(folder / "heldout.jsonl", [make_pair(n) for n in range(train, train + held)])
    return folder


def write_masked(folder: Path) -> Path:
    """What says that the corpus was masked."""
    write_json(folder / "manifest.json", {"facts": {"masked": True}})
    return folder
