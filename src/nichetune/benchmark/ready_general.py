"""The ready-made suite `general`: can a rung still do what its base could? 60 small items, always the same.

a fixed seed -> five tasks of 12 items: sums, copying, spelling, sorting, keeping to a format

    {"id": "general-sort-03", "task": "general_sort", "expected": {"answer": "apple, kiwi, plum"},
     "messages": [{"role": "user", "content": "kiwi, plum, apple"}]}

Written for this project, so nobody's licence binds it, and made anew from a generator: no corpus can hold its texts.
Each task tells its instruction to tuned and untuned rungs alike: what a tuned one was never taught is asked in words.
"""

from __future__ import annotations

import random
from collections.abc import Callable

from nichetune.core.records import Example, Expected, Message, Source
from nichetune.core.settings import TaskSettings

ITEMS_A_TASK = 12
_SEED = 20_26
_WORDS = (
    "apple", "bridge", "candle", "desert", "engine", "forest", "garden", "hammer",
    "island", "jacket", "kettle", "ladder", "magnet", "needle", "orange", "pencil",
    "quartz", "ribbon", "saddle", "tunnel", "umbrella", "violin", "window", "yellow",
    "zipper", "anchor", "basket", "copper", "dragon", "eagle", "feather", "glacier",
)  # fmt: skip
_MONTHS = ("January", "February", "March", "April", "May", "June", "July", "August", "September", "October",
           "November", "December")  # fmt: skip
Made = tuple[str, str]  # the question and its only right answer


def make_general() -> tuple[dict[str, TaskSettings], list[Example]]:
    """The tasks by name, and their items."""
    tasks, items = {}, []
    for kind, (instruction, make) in _KINDS.items():
        name = f"general_{kind}"
        tasks[name] = TaskSettings(kind="exact", prompt=instruction, short_prompt=instruction, max_new_tokens=32)
        draw = random.Random(f"{_SEED} {kind}")
        made: dict[str, str] = {}
        while len(made) < ITEMS_A_TASK:
            made |= [make(draw)]
        items += [_make_item(name, n, question, answer) for n, (question, answer) in enumerate(made.items(), start=1)]
    return tasks, items


def _make_item(task: str, number: int, question: str, answer: str) -> Example:
    name = f"{task.replace('_', '-')}-{number:02}"
    return Example(
        id=name, group=name, task=task, messages=[Message(role="user", content=question)],
        expected=Expected(answer=answer), source=Source(file="general (ready-made)"),
    )  # fmt: skip


def _sum(draw: random.Random) -> Made:
    a, b = draw.randint(2, 60), draw.randint(2, 39)
    return (f"{a} + {b}", str(a + b)) if draw.random() < 0.5 else (f"{a + b} - {b}", str(a))


def _copy(draw: random.Random) -> Made:
    text = " ".join(draw.sample(_WORDS, 4))
    return text, text


def _spell(draw: random.Random) -> Made:
    """In place of upper and lower case, to which the comparison of answers is blind."""
    word = draw.choice(_WORDS)
    return word, "-".join(word)


def _sort(draw: random.Random) -> Made:
    words = draw.sample(_WORDS, 3)
    return ", ".join(words), ", ".join(sorted(words))


def _date(draw: random.Random) -> Made:
    day, month, year = draw.randint(1, 28), draw.randint(1, 12), draw.randint(1990, 2030)
    return f"{day} {_MONTHS[month - 1]} {year}", f"{year}-{month:02}-{day:02}"


_KINDS: dict[str, tuple[str, Callable[[random.Random], Made]]] = {
    "sum": ("Work out the result. Write the number and nothing else.", _sum),
    "copy": ("Repeat the text word for word and write nothing else.", _copy),
    "spell": ("Write the word with a hyphen between its letters and nothing else, such as c-a-t for cat.", _spell),
    "sort": ("Sort the words by the alphabet. Write them with commas and nothing else.", _sort),
    "format": ("Write the date as YYYY-MM-DD and nothing else, such as 1987-06-05.", _date),
}
