"""The terminal: a conversation, a single answer, and the tables of a run."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from rich.console import Console
from serve_desk import LEFT, RIGHT, SETTINGS, Served

from nichetune.console.chat import answer_once, chat
from nichetune.console.tables import choose_metrics, print_stages, print_verdict
from nichetune.core.errors import UserError


def talk(version: Any, *lines: str | type[BaseException], task: str = "") -> str:
    """What stands on the screen after a person has typed the lines."""
    out = io.StringIO()
    typed: Iterator[str | type[BaseException]] = iter([*lines, EOFError])

    def ask(prompt: str) -> str:
        out.write(prompt)
        line = next(typed)
        if isinstance(line, str):
            out.write(f"{line}\n")
            return line
        raise line

    def show(*texts: str, **how: Any) -> None:
        print(*texts, file=out, **how)

    chat(version, SETTINGS, task, ask=ask, show=show)
    return out.getvalue()


def test_a_form_is_shown_as_a_table(served: Served) -> None:
    screen = talk(served.first, RIGHT, "/quit")
    assert "side      right" in screen and "finding   Pterygium" in screen and "{" not in screen


@pytest.mark.parametrize("leave", [EOFError, KeyboardInterrupt, "/quit"])
def test_leaving_is_clean(served: Served, leave: Any) -> None:
    assert talk(served.first, leave).count("triage> ") == 1


def test_a_conversation_asks_for_a_task_switches_and_goes_on_after_a_mistake(served: Served) -> None:
    screen = talk(served.base, "Hello", "/task bake", "/bake", "/task capital", "What is the capital of France?")
    assert "name a task, one of: " in screen and "no such task" in screen
    assert "no such command" in screen and "capital> What is" in screen and "Paris" in screen


def test_an_unknown_task_is_told_before_the_conversation(served: Served) -> None:
    with pytest.raises(UserError, match="there are: triage"):
        talk(served.first, task="bake")


def test_a_single_answer_is_plain_data(served: Served) -> None:
    answer = answer_once(served.first, SETTINGS, "", LEFT)
    assert answer["fields"]["side"] == "left" and answer["task"] == "triage"
    assert answer["version"] == served.first.digest and answer["titles"] == {} and "total_tokens" in answer["usage"]


def test_nothing_to_answer_is_a_mistake(served: Served) -> None:
    with pytest.raises(UserError, match="empty"):
        answer_once(served.first, SETTINGS, "", "  ")


def figure(value: float | None, n: int = 210) -> dict[str, Any]:
    low, high = (None, None) if value is None else (max(0.0, value - 0.06), min(1.0, value + 0.06))
    return {"value": value, "low": low, "high": high, "n": n}


VERDICT: dict[str, Any] = {
    "ship": "qlora", "conclusive": False, "primary": "triage.exact_form", "margin": 0.02, "order": ["base", "qlora"],
    "reasons": ["Ship qlora: 55.2 points better than base [n = 210]."], "regressions": [{"metric": "triage.side"}],
    "rungs": {
        "qlora": {"metrics": {"triage.exact_form": figure(0.652), "instruction.answer": figure(0.5, 60)},
                  "cost": {"total_usd": 3.9, "usd_per_1000": 0.039}},
        "base": {"metrics": {"triage.exact_form": figure(0.1), "triage.side": figure(0.3),
                             "instruction.answer": figure(None, 0)},
                 "cost": {"total_usd": 2.0, "usd_per_1000": 0.02}},
    },
}  # fmt: skip


def printed(write: Callable[[Console], None]) -> str:
    out = io.StringIO()
    write(Console(file=out, width=100))
    return out.getvalue()


def test_a_verdict_shows_rungs_by_cost_with_interval_n_and_the_one_to_ship() -> None:
    text = printed(lambda console: print_verdict(VERDICT, console))
    rows = {line.split()[0]: line for line in text.splitlines() if line.split()[:1] in (["base"], ["qlora"])}
    assert list(rows) == ["base", "qlora"]
    assert "65.2 (59.2-71.2)" in rows["qlora"] and "<- ship" in rows["qlora"] and "$0.039" in rows["qlora"]
    assert "n = 210" in text and "n = 60" in text
    assert "better than base [n = 210]." in text and "Not conclusive" in text and "triage.side" in text


def test_columns_are_what_decides_and_each_other_tasks_own_metric() -> None:
    assert choose_metrics(VERDICT) == ["triage.exact_form", "instruction.answer"]


def test_seconds_of_reused_stages_are_not_counted() -> None:
    text = printed(lambda console: print_stages([("ingest", 1.25, False), ("train/qlora", 400.0, True)], console))
    assert "reused" in text and "400" not in text and text.split()[-2:] == ["total", "1.2"]
