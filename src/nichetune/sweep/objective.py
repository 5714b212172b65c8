"""What a sweep may look for: the development loss, or a metric that the project's tasks have.

sweep.objective: loss | task.metric | all.success
"""

from __future__ import annotations

import difflib

from nichetune.core.errors import UserError
from nichetune.core.settings import Settings
from nichetune.evaluate.metrics import ALL_TASKS, SUCCESS, fewer_is_better
from nichetune.evaluate.scoring import metric_names

LOSS = "loss"


def check_objective(settings: Settings) -> None:
    """Refuses an objective that these tasks do not have.

    Raises:
        UserError: it names the nearest one.
    """
    known = [LOSS, *(f"{name}.{metric}" for name, task in settings.tasks.items() for metric in metric_names(task))]
    known += [f"{ALL_TASKS}.{SUCCESS}"] if len(settings.tasks) > 1 else []
    wanted = settings.sweep.objective
    if wanted not in known:
        near = difflib.get_close_matches(wanted, known, n=1, cutoff=0.4)
        mend = f"did you mean `{near[0]}`?" if near else f"known: {', '.join(known)}"
        raise UserError(f"sweep.objective: {wanted!r} is nothing that this project measures; {mend}")


def is_minimised(objective: str) -> bool:
    """Whether less of it is better."""
    return objective == LOSS or fewer_is_better(objective)
