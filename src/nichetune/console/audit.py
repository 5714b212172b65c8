"""Shows masked texts in the terminal, one by one, and asks whether something personal is left.

out.jsonl (or mask/ of a run) -> a sample, shown -> {"judged": 200, "leaks": 0, "sentence": "0 of 200: below 1.5% …"}
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.text import Text

from nichetune.core.errors import UserError
from nichetune.core.files import iter_jsonl
from nichetune.corpus.masking.audit import Shown, draw_sample, judge_sample
from nichetune.corpus.masking.findings import PLACEHOLDER

_ANSWERS = "ynsq"


def audit_file(target: Path, size: int) -> dict[str, Any]:
    """Audits a masked file of JSON Lines."""
    return _audit(lambda: _read_file(target), size)


def audit_stage(folder: Path, size: int) -> dict[str, Any]:
    """Audits what a run's mask stage wrote."""
    return _audit(lambda: _read_stage(folder), size)


def _read_file(target: Path) -> Iterator[Shown]:
    for n, record in enumerate(iter_jsonl(target), start=1):
        yield Shown(f"{target.name}:{n}", str(record["text"]), len(record.get("entities", [])))


def _read_stage(folder: Path) -> Iterator[Shown]:
    for record in iter_jsonl(folder / "examples.jsonl"):
        text = "\n".join(message["content"] for message in record["messages"])
        yield Shown(record["id"], text, len(PLACEHOLDER.findall(text)))
    for record in iter_jsonl(folder / "documents.jsonl"):
        yield Shown(record["id"], record["text"], len(PLACEHOLDER.findall(record["text"])))


def _audit(read: Callable[[], Iterator[Shown]], size: int) -> dict[str, Any]:
    counted = [Shown(str(n), "", one.findings) for n, one in enumerate(read())]
    if not counted:
        raise UserError("audit: there is no masked text to look at")
    drawn = [int(one.place) for one in draw_sample(counted, size)]
    console, sample = Console(file=sys.stderr), _read_drawn(read(), drawn)

    def ask(one: Shown, number: int) -> str:
        console.rule(f"{number}/{len(sample)}  {one.place}")
        console.print(_paint(one.text))
        while True:
            console.print(Text("Is anything personal left? [y]es, [n]o, [s]kip, [q]uit: ", "bold"), end="")
            answer = sys.stdin.readline()
            if not answer:
                return "q"
            if answer.strip().lower()[:1] in tuple(_ANSWERS):
                return answer.strip().lower()[:1]

    return judge_sample(sample, len(counted), ask).to_dict()


def _read_drawn(texts: Iterator[Shown], drawn: list[int]) -> list[Shown]:
    """The texts of some places, in their order: no others are ever in memory together."""
    wanted = set(drawn)
    held = {n: one for n, one in enumerate(texts) if n in wanted}
    return [held[n] for n in drawn]


def _paint(text: str) -> Text:
    painted = Text(text)
    for match in re.finditer(PLACEHOLDER, text):
        painted.stylize("reverse", *match.span())
    return painted
