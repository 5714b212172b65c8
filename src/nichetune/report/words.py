"""Numbers and names as people read them: percent, points, p values, and what each metric means.

write_interval(Estimate(value=0.652, low=0.58, high=0.717, n=207)) -> "58.0 to 71.7"
"""

from __future__ import annotations

from dataclasses import dataclass

from nichetune.core.records import Estimate
from nichetune.core.settings import TaskSettings
from nichetune.decide.reasons import percent, points

NO_VALUE = "–"
MOST_CHARACTERS = 4_000  # of one text: with all items at their longest a page stays under 5 MB


@dataclass(frozen=True)
class MetricName:
    """A metric's name for people, what it measures, and whether a small value is the good one."""

    label: str
    meaning: str


_METRICS = {
    "exact_form": MetricName("Exact form", "every field of the form is right"),
    "fields": MetricName("Fields, mean", "share of the form's fields that are right"),
    "exact": MetricName("Exact answer", "the answer equals the expected one"),
    "exact_steps": MetricName("Exact steps", "all steps, in order"),
    "prefix": MetricName("Prefix", "share of the steps that are right before the first wrong one"),
    "edit": MetricName("Edit similarity", "how few steps must change"),
    "answer": MetricName("Answer", "the quoted words equal the expected ones"),
    "citation_precision": MetricName("Citation precision", "share of cited documents that carry the answer"),
    "evidence_recall": MetricName("Evidence found", "share of the evidence among the passages that were looked up"),
    "citation_recall": MetricName("Citation recall", "share of the evidence that is cited"),
    "quote_verbatim": MetricName("Verbatim quote", "the quoted words stand in the cited document"),
    "support_precision": MetricName("Supporting citations", "share of cited documents that hold what the answer says"),
    "support_recall": MetricName("Supported answers", "a cited document holds what the answer says"),
    "evidence_recall_1": MetricName("Evidence first", "share of the evidence that is the first passage looked up"),
    "evidence_mrr": MetricName("Evidence, MRR", "1 over the place of the first passage that is evidence"),
    "evidence_ndcg": MetricName("Evidence, nDCG", "how far up the evidence stands among the passages"),
    "rouge_l": MetricName("ROUGE-L", "overlap of words in their order with the reference text"),
    "term_precision": MetricName("Term precision", "of the domain's terms written, the share that is expected"),
    "term_recall": MetricName("Term recall", "of the domain's terms expected, the share that is written"),
    "key_precision": MetricName("Known field names", "share of written field names that the form has"),
    "key_recall": MetricName("Field names written", "share of the form's field names that are written"),
    "invented_codes": MetricName("Invented codes", "answers with a code that no source holds; lower is better"),
    "similarity": MetricName("Similarity", "overlap of words with the reference text"),
    "terminology": MetricName("Terminology", "share of written values that the task's vocabulary allows"),
    "abstain_precision": MetricName("Abstention precision", "of the times it abstained, how often that was right"),
    "abstain_recall": MetricName("Abstention recall", "of the times it should abstain, how often it did"),
    "over_refusal": MetricName("Over-refusal", "abstained although there was an answer; lower is better"),
    "abstain_f1": MetricName("Abstention, F1", "precision and recall of abstaining in one figure"),
    "missed_abstention": MetricName("Missed abstention", "answered where it should abstain; lower is better"),
    "reliability": MetricName("Effective reliability", "right earns 1, abstaining 0, wrong costs a set price"),
    "fields_micro": MetricName("Fields, F1", "F1 of filled fields, all fields pooled"),
    "fields_macro": MetricName("Fields, mean F1", "each field's F1, rare fields counting as much as common ones"),
    "macro_f1": MetricName("Mean F1", "each value's F1, rare values counting as much as common ones"),
    "judged": MetricName("Judged as good", "a judge does not prefer the reference, in both orders"),
    "success": MetricName("Success", "each task's own main metric"),
    "parsed": MetricName("Readable", "the output could be read as an answer"),
}


def name_metric(metric: str, task: TaskSettings | None = None) -> MetricName:
    """The name of a metric of this task; a form's field is named by itself."""
    if task is not None and metric in task.fields:
        return MetricName(f"Field “{metric}”", "this field of the form is right")
    return _METRICS.get(metric, MetricName(metric.replace("_", " ").capitalize(), ""))


def write_value(figure: Estimate | None) -> str:
    """A figure in percent, or a dash."""
    return NO_VALUE if figure is None or figure.value is None else percent(figure.value)


def write_interval(figure: Estimate | None) -> str:
    """An interval in percentage points; empty where too little data allows none."""
    if figure is None or figure.low is None or figure.high is None:
        return ""
    return f"{points(figure.low)} to {points(figure.high)}"


def write_gain(difference: float) -> str:
    """A difference in percentage points, always with its sign."""
    text = points(difference)
    return text if text.startswith("-") or text == "0.0" else f"+{text}"


def write_round_usd(amount: float) -> str:
    """A round number of dollars on an axis, without its last zeros."""
    return "$" + (f"{amount:,.10f}".rstrip("0").rstrip("."))


def write_p(p: float) -> str:
    """A p value: three digits, and never a bare zero."""
    return "< 0.001" if p < 0.001 else f"{p:.3f}"


def cut_text(text: str, most: int = MOST_CHARACTERS) -> str:
    """A text as far as a page shows it; what is left out is counted."""
    return text if len(text) <= most else f"{text[:most]}… ({len(text) - most:,} more characters)"
