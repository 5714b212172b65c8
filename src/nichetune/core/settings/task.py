"""What is to be answered: the tasks, their fields, what abstaining looks like."""

from __future__ import annotations

import re
from typing import Literal

from pydantic import Field, model_validator

from nichetune.core.settings.section import Section

TaskKind = Literal["form", "exact", "choice", "workflow", "grounded", "free"]
# Metrics of a form besides its fields', which are named by themselves.
RESERVED_FIELDS = frozenset(
    (
        "exact_form", "fields", "terminology", "abstain_precision", "abstain_recall", "over_refusal", "parsed",
        "success", "term_precision", "term_recall", "key_precision", "key_recall", "invented_codes", "fields_micro",
        "fields_macro", "abstain_f1", "missed_abstention", "reliability", "aurc", "ece", "brier", "ece_calibrated",
        "brier_calibrated", "reliability_calibrated",
    )
)  # fmt: skip

PRIMARY_METRICS: dict[str, str] = {
    "form": "exact_form",
    "exact": "exact",
    "choice": "exact",
    "workflow": "exact_steps",
    "grounded": "answer",
    "free": "similarity",
}


def _check_pattern(pattern: str) -> None:
    try:
        matches_nothing = bool(re.compile(pattern).fullmatch("")) if pattern else False
    except re.error as error:
        raise ValueError(f"`codes` is no regular expression ({error}): write one such as [A-Z][0-9]{{2}}") from None
    if matches_nothing:
        raise ValueError("`codes` also fits an empty text: write one that asks for at least one character")


class FieldSettings(Section):
    """One field of a form."""

    values: list[str] | None = Field(None, description="Allowed values; leave out for open text.")
    may_be_empty: bool = Field(False, description="The right answer may be to leave the field empty.")


class AbstainSettings(Section):
    """What abstaining looks like: a sentence, or for a form one field's value."""

    answer: str = Field("", description="The sentence that says there is no answer.")
    field: str = Field("", description="Form only: the field that says so.")
    value: str = Field("", description="Form only: that field's value.")


class TaskSettings(Section):
    """One kind of question that the model is to answer."""

    kind: TaskKind = Field(description="form, exact, choice, workflow, grounded or free.")
    prompt: str = Field("", description="The instruction for untuned rungs; allowed values are added by themselves.")
    wordings: list[str] = Field(
        default_factory=list,
        exclude_if=lambda wordings: not wordings,  # what a task without them is sealed under stays as it was
        description="Other wordings of `prompt`; `fewshot` and `rag` take what the development set likes best.",
    )
    short_prompt: str = Field("", description="The instruction for tuned rungs: what it saves is part of their gain.")
    fields: dict[str, FieldSettings] = Field(default_factory=dict, description="Form only, in writing order.")
    values: list[str] | None = Field(None, description="Choice only: the allowed answers.")
    abstain: AbstainSettings | None = Field(None, description="What abstaining looks like, if it is ever right.")
    rubric: str = Field(
        "",
        exclude_if=lambda rubric: not rubric,  # as for `wordings`
        description="Free only: what a good answer has, in your words; a judge is told it beside the reference.",
    )
    codes: str = Field(
        "",
        description="What a code looks like in this task's answers, as a regular expression ([A-Z][0-9]{2}); those "
        "that no source holds are counted as invented. Empty: like the ids of the documents.",
    )
    retrieve: bool | None = Field(
        None, description="Whether retrieval rungs look documents up; default: grounded only."
    )
    max_new_tokens: int = Field(96, ge=1, description="Longest answer, in tokens; longer ones are cut and counted.")

    @property
    def uses_retrieval(self) -> bool:
        """Whether retrieval rungs retrieve for this task."""
        return self.kind == "grounded" if self.retrieve is None else self.retrieve

    @model_validator(mode="after")
    def _check_kind(self) -> TaskSettings:
        _check_pattern(self.codes)
        if self.kind == "form" and not self.fields:
            raise ValueError("a form needs `fields`: name each one, with `values` or empty for open text")
        if taken := sorted(RESERVED_FIELDS & set(self.fields)):
            raise ValueError(f"a field cannot be named {taken[0]!r}, a metric has that name: choose another")
        if self.kind != "form" and self.fields:
            raise ValueError(f"`fields` belongs to a form, this task is of kind {self.kind}")
        if self.kind != "free" and self.rubric:
            raise ValueError(f"`rubric` belongs to free text, this task is of kind {self.kind}")
        if self.kind == "choice" and not self.values:
            raise ValueError("a choice needs `values`: the allowed answers")
        if self.kind == "grounded" and not (self.abstain and self.abstain.answer):
            self.abstain = AbstainSettings(answer="The documents hold no answer.")
        if self.abstain and self.abstain.field:
            self._check_abstain_field(self.abstain)
        return self

    def _check_abstain_field(self, rule: AbstainSettings) -> None:
        if rule.field not in self.fields:
            raise ValueError(f"`abstain.field` names {rule.field!r}, which is no field of this form")
        allowed = self.fields[rule.field].values
        if allowed is not None and rule.value not in allowed:
            raise ValueError(f"`abstain.value` {rule.value!r} is no allowed value of {rule.field!r}")
