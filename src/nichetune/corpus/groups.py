"""Joins groups: texts that are nearly the same must stand on the same side of the split.

group names + links between them -> one name for each joined group

    links (a, b), (b, c)  ->  {"a": "a", "b": "a", "c": "a"}
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from nichetune.core.errors import UserError

# Whatever the share, so few examples never decide a split by themselves.
_SMALL_GROUP = 8
_SHOWN_LINKS = 6


@dataclass(frozen=True, slots=True)
class Link:
    """Two groups that must stay together, and the ids of the texts that say so."""

    a: str
    b: str
    ids: tuple[str, str]


def join_groups(names: Iterable[str], links: Sequence[Link]) -> dict[str, str]:
    """The name of the joined group for every group: the first of its members by name."""
    parent = {name: name for name in names}

    def find_root(name: str) -> str:
        while parent[name] != name:
            parent[name] = parent[parent[name]]
            name = parent[name]
        return name

    for link in links:
        low, high = sorted((find_root(link.a), find_root(link.b)))
        parent[high] = low
    return {name: find_root(name) for name in parent}


def refuse_giant_groups(
    totals: Mapping[str, int],
    sizes: Mapping[tuple[str, str], int],
    joined: dict[str, str],
    links: Sequence[Link],
    max_share: float,
) -> None:
    """Stops where one joined group would decide a task's split alone.

    Args:
        totals: examples that stay, by task.
        sizes: those of joined groups, by task and the group's new name.

    Raises:
        UserError: names the ids of texts that link the group.
    """
    members: dict[str, set[str]] = defaultdict(set)
    for name, root in joined.items():
        members[root].add(name)
    for (task, root), size in sorted(sizes.items(), key=lambda item: (-item[1], item[0])):
        if len(members[root]) > 1 and size > max(max_share * totals[task], _SMALL_GROUP):
            pairs = [" ~ ".join(link.ids) for link in links if link.a != link.b and joined[link.a] == root]
            shown = ", ".join(pairs[:_SHOWN_LINKS]) + (", …" if len(pairs) > _SHOWN_LINKS else "")
            raise UserError(
                f"near-duplicates join {len(members[root])} groups into one with {size} of the {totals[task]} "
                f"examples of task {task} (dedupe.max_group_share is {max_share:.0%}); linked by: {shown}: "
                f"remove boilerplate from these texts, or raise dedupe.threshold"
            )
