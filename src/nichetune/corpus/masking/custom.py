"""The user's own recognisers: a pattern or a list of words, with words that must stand near, and a check.

recognisers:
  - entity: BED_NUMBER
    patterns: ['\\bB-\\d{3}\\b']
    context: [bed, ward]        # optional: one of these within 40 characters before
    validator: luhn             # optional: luhn, iban, or a module of python-stdnum such as gb.nhs
  - entity: PROJECT
    deny: [Nightingale, Blue Heron]   # these words always, whatever stands near
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from nichetune.corpus.masking.checksums import prove
from nichetune.corpus.masking.findings import CERTAIN, Finding

_CONTEXT_REACH = 40


class CustomRecogniser(BaseModel):
    """One recogniser of the user's."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    entity: str = Field(description="The type, in capitals; a placeholder is named after it.")
    patterns: tuple[str, ...] = Field((), description="Regular expressions; a group `value`, if any, is the span.")
    context: tuple[str, ...] = Field((), description="One of these words must stand up to 40 characters before.")
    validator: str = Field("", description="luhn, iban, or a module of python-stdnum (gb.nhs).")
    deny: tuple[str, ...] = Field((), description="Words and phrases that are always masked.")
    score: float = Field(CERTAIN, ge=0, le=1, description="How sure a finding is.")

    @field_validator("entity")
    @classmethod
    def _is_a_type(cls, entity: str) -> str:
        if not re.fullmatch(r"[A-Z][A-Z_]*", entity):
            raise ValueError("a type is written in capitals and underscores: BED_NUMBER")
        return entity

    @field_validator("patterns")
    @classmethod
    def _can_compile(cls, patterns: tuple[str, ...]) -> tuple[str, ...]:
        for pattern in patterns:
            try:
                re.compile(pattern)
            except re.error as error:
                raise ValueError(f"not a regular expression ({error})") from None
        return patterns

    @field_validator("validator")
    @classmethod
    def _is_known(cls, name: str) -> str:
        try:
            if name:
                prove(name, "0")
        except KeyError:
            raise ValueError("no such check: luhn, iban, or a module of python-stdnum") from None
        except (ValueError, IndexError):
            pass
        return name

    @model_validator(mode="after")
    def _finds_something(self) -> CustomRecogniser:
        if not self.patterns and not self.deny:
            raise ValueError("needs `patterns` or `deny`")
        if not all(word.strip() for word in (*self.patterns, *self.context, *self.deny)):
            raise ValueError("a pattern or word is empty")
        return self


def find_custom(text: str, recognisers: Sequence[CustomRecogniser]) -> Iterator[Finding]:
    """What the user's recognisers find."""
    for one in recognisers:
        for word in one.deny:
            for match in re.finditer(rf"(?<!\w){re.escape(word)}(?!\w)", text, re.IGNORECASE):
                yield Finding(*match.span(), one.entity, 1.0)
        for pattern in one.patterns:
            for match in re.finditer(pattern, text):
                start, end = match.span("value") if "value" in match.re.groupindex else match.span()
                if (
                    end > start
                    and _is_near(text, match.start(), one.context)
                    and _holds(one.validator, text[start:end])
                ):
                    yield Finding(start, end, one.entity, one.score)


def _is_near(text: str, start: int, context: Sequence[str]) -> bool:
    before = text[max(0, start - _CONTEXT_REACH) : start]
    return not context or any(re.search(rf"\b{re.escape(word)}\b", before, re.IGNORECASE) for word in context)


def _holds(validator: str, value: Any) -> bool:
    try:
        return not validator or prove(validator, value)
    except (ValueError, IndexError):
        return False
