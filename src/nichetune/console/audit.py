"""Shows masked texts in the terminal, one by one, and asks whether something personal is left.

out.jsonl (or mask/ of a run) -> a sample, shown -> {"judged": 200, "leaks": 0, "sentence": "0 of 200: below 1.5% …"}
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
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
    texts = [
        Shown(f"{target.name}:{n}", str(record["text"]), len(record.get("entities", [])))
        for n, record in enumerate(iter_jsonl(target), start=1)
    ]
    return _audit(texts, size)


def audit_stage(folder: Path, size: int) -> dict[str, Any]:
    """Audits what a run's mask stage wrote."""
    return _audit(list(_read_stage(folder)), size)


def _read_stage(folder: Path) -> Iterator[Shown]:
    for record in iter_jsonl(folder / "examples.jsonl"):
        text = "\n".join(message["content"] for message in record["messages"])
        yield Shown(record["id"], text, len(PLACEHOLDER.findall(text)))
    for record in iter_jsonl(folder / "documents.jsonl"):
        yield Shown(record["id"], record["text"], len(PLACEHOLDER.findall(record["text"])))


def _audit(texts: list[Shown], size: int) -> dict[str, Any]:
    if not texts:
        raise UserError("audit: there is no masked text to look at")
    console, sample = Console(file=sys.stderr), draw_sample(texts, size)

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

    return judge_sample(sample, len(texts), ask).to_dict()


def _paint(text: str) -> Text:
    painted = Text(text)
    for match in re.finditer(PLACEHOLDER, text):
        painted.stylize("reverse", *match.span())
    return painted
