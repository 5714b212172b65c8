"""One answer against what was expected: every metric of its task's kind, each in 0..1.

Reads an item of the sealed benchmark and a candidate's prediction on it -> the `scores` of an `ItemScore`:

    {"exact_form": 0.0, "finding": 1.0, "side": 0.0, "fields": 0.5, "terminology": 1.0, "parsed": 1.0}

A metric that does not apply to an item is left out, so that a ratio is the mean over the items that hold it:
`abstain_precision` stands only where the candidate abstained, `abstain_recall` only where it should have, and
`over_refusal` only where it should not. `docs/metrics.md` defines each one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from nichetune.core.records import Answer, Example, Expected, Prediction
from nichetune.core.settings import TaskSettings
from nichetune.core.tasks import is_abstention, normalise
from nichetune.evaluate.matching import (
    edit_similarity,
    fold_space,
    prefix_share,
    rouge_l,
    share_in,
    token_f1,
)
from nichetune.evaluate.ranking import ndcg, recall_at, reciprocal_rank
from nichetune.evaluate.support import Encode, judge_support
from nichetune.evaluate.terms import Vocabulary, score_terms

Scores = dict[str, float]
Documents = Mapping[str, str]


def score_item(
    task: TaskSettings, item: Example, prediction: Prediction, documents: Documents | None = None,
    vocabulary: Vocabulary | None = None, encode: Encode | None = None,
) -> Scores:  # fmt: skip
    """All metrics of one prediction that apply to it.

    Args:
        documents: text by document id, for the check of quotes and support; None leaves these metrics out.
        vocabulary: the domain's, for the metrics of its terms; None leaves them out.
        encode: a sentence encoder, by which a citation may support an answer in other words.
    """
    answer, expected = prediction.answer, item.expected
    scores = {"parsed": float(answer.parsed)}
    if task.kind == "form":
        scores |= _score_form(task, answer, expected)
    elif task.kind == "grounded":
        scores |= _score_grounded(answer, expected, documents, encode) | _score_retrieval(prediction, expected)
    else:
        scores |= _SCORERS[task.kind](answer, expected)
    scores |= _score_vocabulary(task, answer) | _score_abstention(task, answer, expected)
    return scores | (dict(score_terms(vocabulary, task, item, prediction)) if vocabulary else {})


def metric_names(task: TaskSettings) -> list[str]:
    """Every metric that an item of this task may hold, in the order in which they are shown."""
    named = {
        "form": ["exact_form", *task.fields, "fields"],
        "exact": ["exact"],
        "choice": ["exact"],
        "workflow": ["exact_steps", "prefix", "edit"],
        "grounded": [
            "answer", "citation_precision", "citation_recall", "support_precision", "support_recall", "quote_verbatim",
            "evidence_recall", "evidence_recall_1", "evidence_mrr", "evidence_ndcg",
        ],
        "free": ["similarity", "rouge_l"],
    }[task.kind]  # fmt: skip
    closed = bool(task.values) or any(field.values for field in task.fields.values())
    abstain = ["abstain_precision", "abstain_recall", "over_refusal"] if task.abstain else []
    keys = ["key_precision", "key_recall"] if task.kind == "form" else []
    terms = [*(["terminology"] if closed else []), "term_precision", "term_recall", *keys, "invented_codes"]
    return [*named, *terms, *abstain, "parsed"]


def _score_form(task: TaskSettings, answer: Answer, expected: Expected) -> Scores:
    """Exact form, each field by its name, and their mean; a form that cannot be read has every field missing."""
    right = {name: float(_field_matches(task, name, answer, expected)) for name in task.fields}
    return {"exact_form": float(all(right.values())), **right, "fields": sum(right.values()) / len(right)}


def _field_matches(task: TaskSettings, name: str, answer: Answer, expected: Expected) -> bool:
    written = (answer.fields or {}).get(name)
    if written is None and answer.parsed and task.fields[name].may_be_empty:
        written = ""  # a key left out of a readable form is that field left empty
    wanted = (expected.fields or {}).get(name, "")
    return written is not None and normalise(written) == normalise(wanted)


def _score_text(answer: Answer, expected: Expected) -> Scores:
    return {"exact": _match_text(answer, expected)}


def _score_free(answer: Answer, expected: Expected) -> Scores:
    if expected.abstain or answer.abstain:
        return dict.fromkeys(("similarity", "rouge_l"), float(expected.abstain and answer.abstain))
    written, wanted = answer.answer or "", expected.answer or ""
    if not answer.parsed:
        return {"similarity": 0.0, "rouge_l": 0.0}
    return {"similarity": token_f1(written, wanted), "rouge_l": rouge_l(written, wanted)}


def _score_workflow(answer: Answer, expected: Expected) -> Scores:
    if expected.abstain or answer.abstain or not answer.parsed:
        right = float(expected.abstain and answer.abstain)
        return {"exact_steps": right, "prefix": right, "edit": right}
    written = [normalise(step) for step in answer.steps or []]
    wanted = [normalise(step) for step in expected.steps or []]
    return {
        "exact_steps": float(written == wanted),
        "prefix": prefix_share(written, wanted),
        "edit": edit_similarity(written, wanted),
    }


def _score_grounded(answer: Answer, expected: Expected, documents: Documents | None, encode: Encode | None) -> Scores:
    """Answer match, citations and quote.

    Citation precision is the share of cited ids that carry the answer: an id that no document has is a wrong one.
    Recall is the share of the evidence that was cited. There the sealed item says which documents support its answer;
    `support_precision` and `support_recall` judge by entailment, as ALCE does (support.py).
    """
    scores = {"answer": _match_text(answer, expected)}
    cited = set(answer.citations)
    if cited:
        scores["citation_precision"] = share_in(cited, set(expected.evidence))
    if expected.evidence and not expected.abstain:
        scores["citation_recall"] = share_in(set(expected.evidence), cited)
    if documents is not None and answer.parsed and not answer.abstain:
        scores["quote_verbatim"] = float(_is_verbatim(answer, documents))
        support = judge_support(answer.answer or "", answer.citations, documents, encode)
        scores["support_recall"] = support.recall
        scores |= {} if support.precision is None else {"support_precision": support.precision}
    return scores


def _score_retrieval(prediction: Prediction, expected: Expected) -> Scores:
    """What of the evidence was put before the model, and how far up, at the candidate's own k; at 1, too."""
    if not prediction.index_version or not expected.evidence:  # a rung that looks nothing up has no index
        return {}
    found, evidence = prediction.retrieved, set(expected.evidence)
    return {
        "evidence_recall": recall_at(found, evidence, len(found)),
        "evidence_recall_1": recall_at(found, evidence, 1),
        "evidence_mrr": reciprocal_rank(found, evidence),
        "evidence_ndcg": ndcg(found, evidence, len(found)),
    }


def _is_verbatim(answer: Answer, documents: Documents) -> bool:
    """Whether a document that the answer cites holds the quoted words as they are, line breaks aside."""
    quote = fold_space(answer.answer or "")
    return bool(quote) and any(quote in fold_space(documents.get(ref, "")) for ref in answer.citations)


def _match_text(answer: Answer, expected: Expected) -> float:
    if expected.abstain or answer.abstain:
        return float(expected.abstain and answer.abstain)
    return float(answer.parsed and normalise(answer.answer or "") == normalise(expected.answer or ""))


def _score_vocabulary(task: TaskSettings, answer: Answer) -> Scores:
    """`terminology`: of the values written where only some are allowed, the share that is allowed."""
    if task.kind == "choice":
        written = [] if answer.abstain or not answer.answer else [(answer.answer, task.values or [])]
    else:
        fields = answer.fields or {}
        allowed = {name: field.values for name, field in task.fields.items() if field.values}
        written = [(fields[name], values) for name, values in allowed.items() if fields.get(name)]
    if not written:
        return {}
    known = [normalise(value) in {normalise(v) for v in values} for value, values in written]
    return {"terminology": sum(known) / len(known)}


def _score_abstention(task: TaskSettings, answer: Answer, expected: Expected) -> Scores:
    if task.abstain is None:
        return {}
    due = expected.abstain or is_abstention(task, expected.fields or {})
    did = answer.abstain
    scores = {"abstain_recall" if due else "over_refusal": float(did)}
    return scores | ({"abstain_precision": float(due)} if did else {})


_SCORERS: dict[str, Callable[[Answer, Expected], Scores]] = {
    "exact": _score_text,
    "choice": _score_text,
    "workflow": _score_workflow,
    "free": _score_free,
}
