"""When two examples ask the same, and when they answer the same.

Example -> a key of its input, a key of its answer

    input_key(example)   -> ("default", "triage", "pinguecula od")
    answer_key(example)  -> '{"finding":"pinguecula","side":"right"}'
"""

from __future__ import annotations

from nichetune.core.files import canonical_json
from nichetune.core.records import Example
from nichetune.corpus.normal import normalise_text


def input_key(example: Example) -> tuple[str, str, str]:
    """What makes two inputs the same. Two tenants may answer one question differently."""
    return example.tenant, example.task, normalise_text(example.prompt)


def answer_key(example: Example) -> str:
    """The answer as text; evidence is how it is known, and does not make it another answer."""
    expected = example.expected
    if expected.fields is not None:
        return canonical_json({name: normalise_text(value) for name, value in expected.fields.items()})
    if expected.abstain:
        return "abstain"
    return canonical_json([normalise_text(text) for text in (*(expected.steps or []), expected.answer or "")])


def answers_alike(one: Example, other: Example) -> bool:
    """Whether one may stand for the other once their inputs are nearly the same."""
    return (one.tenant, one.task, answer_key(one)) == (other.tenant, other.task, answer_key(other))
