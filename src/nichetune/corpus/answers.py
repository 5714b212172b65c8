"""When two examples answer the same.

Example -> a key of its answer

    answer_key(example)  -> '{"finding":"pinguecula","side":"right"}'
"""

from __future__ import annotations

from nichetune.core.files import canonical_json
from nichetune.core.records import Example
from nichetune.corpus.normal import normalise_text


def answer_key(example: Example) -> str:
    """The answer as text; evidence is how it is known, and does not make it another answer."""
    expected = example.expected
    if expected.fields is not None:
        return canonical_json({name: normalise_text(value) for name, value in expected.fields.items()})
    if expected.abstain:
        return "abstain"
    return canonical_json([normalise_text(text) for text in (*(expected.steps or []), expected.answer or "")])
