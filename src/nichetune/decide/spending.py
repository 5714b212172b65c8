"""An alpha-spending plan: what each of several looks may spend, so that all of them together err no more than one.

Reads which look of how many -> the level of its interval and test:

    level_of_look(1, 5) -> 0.0148      level_of_look(5, 5) -> 0.0068      all five together -> 0.05

The spending function is Lan and DeMets's Pocock-like one (1983, "Discrete sequential boundaries for clinical trials",
Biometrika 70): alpha * ln(1 + (e - 1) t) is spent after a share t of the looks. It is nearly even, so that a fall in
the third of 30 nights can be seen in that night (level 0.0026); the O'Brien-Fleming-like one would have spent less
than 0.000000001 by then.

A look gets its own share and no more. Lan and DeMets's boundaries go further and win back what looks have in common,
but under the assumption that each night's evidence holds the nights before (independent increments). Nightly runs
also score a newly tuned candidate on the same items, and then it does not hold; the sum of what was spent bounds the
error whatever the looks share (Bonferroni). The price, at five looks: the last is at 0.0068 instead of 0.0170.
"""

from __future__ import annotations

import math

from nichetune.core.errors import UserError

MOST_LOOKS = 400  # a year of nights: the level then is 0.00008 at the last, and an interval takes 250,000 resamples
_TAIL_DRAWS = 10  # resamples that an interval's end needs beyond it


def spent_alpha(looks_done: int, looks: int, alpha: float = 0.05) -> float:
    """What is spent after so many of the planned looks."""
    return alpha * math.log(1 + (math.e - 1) * looks_done / looks)


def level_of_look(look: int, looks: int, alpha: float = 0.05) -> float:
    """The level of one look, counted from 1.

    Raises:
        UserError: no such look.
    """
    if not 1 <= looks <= MOST_LOOKS:
        raise UserError(f"{looks} looks cannot be planned: give --looks from 1 to {MOST_LOOKS}")
    if not 1 <= look <= looks:
        raise UserError(f"look {look} of {looks} is none: count looks from 1, and plan as many as there will be")
    return spent_alpha(look, looks, alpha) - spent_alpha(look - 1, looks, alpha)


def resamples_at(level: float, least: int = 10_000) -> int:
    """How many resamples an interval at this level takes, for its ends to be more than a few draws' luck."""
    return max(least, math.ceil(2 * _TAIL_DRAWS / level))
