"""Which metrics a verdict may rest on: those that every rung has on the same items, and of which more is better.

benchmark.primary: task.metric | all.success
"""

from __future__ import annotations

import difflib

from nichetune.core.errors import UserError
from nichetune.core.settings import Settings, TaskSettings
from nichetune.evaluate.judge import JUDGED
from nichetune.evaluate.metrics import ALL_TASKS, SUCCESS

_OF_KIND = {
    "form": ["exact_form", "fields"],
    "exact": ["exact"],
    "choice": ["exact"],
    "workflow": ["exact_steps", "prefix", "edit"],
    "grounded": ["answer", "citation_recall"],
    "free": ["similarity", "rouge_l"],
}


def deciding_metrics(task: TaskSettings, judged: bool = False) -> list[str]:
    """Metrics that an item holds or lacks whatever is answered, so that rungs are paired on the same items.

    Args:
        judged: whether a judge is asked.
    """
    abstaining = ["abstain_recall"] if task.abstain else []
    judge = [JUDGED] if judged and task.kind == "free" else []
    return [*_OF_KIND[task.kind], *task.fields, *judge, *abstaining, "parsed"]


def check_primary(settings: Settings) -> None:
    """Refuses a primary metric that could decide nothing, before anything is sealed by it.

    Raises:
        UserError: it names the nearest one.
    """
    known = [
        f"{name}.{metric}"
        for name, task in settings.tasks.items()
        for metric in deciding_metrics(task, bool(settings.judge.url))
    ]
    known += [f"{ALL_TASKS}.{SUCCESS}"] if len(settings.tasks) > 1 else []
    wanted = settings.primary_metric
    if wanted not in known:
        near = difflib.get_close_matches(wanted, known, n=1, cutoff=0.85)
        mend = f"did you mean `{near[0]}`?" if near else f"take one of: {', '.join(known)}"
        raise UserError(f"benchmark.primary: a verdict cannot rest on {wanted!r}; {mend}")
