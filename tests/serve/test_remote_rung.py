"""The project's own server as a hosted model: what one machine serves, another can put on its ladder."""

from __future__ import annotations

from serve_desk import SETTINGS, Served, make_note

from nichetune.core.settings import RemoteSettings
from nichetune.evaluate.candidates import describe_candidate
from nichetune.evaluate.runner import CandidateRunner


def test_a_served_version_answers_as_a_hosted_rung(served: Served):
    remote = RemoteSettings(url=f"{served.url}/v1", model=f"{served.first.digest}:triage", allow=True, concurrency=2)
    candidate = describe_candidate(SETTINGS.model_copy(update={"remote": {"desk": remote}}), "remote:desk", None, None)
    notes = [make_note(n, "right" if n % 2 else "left") for n in range(6)]
    predictions = CandidateRunner(candidate, None, None).answer(notes)
    assert [p.answer.fields for p in predictions] == [note.expected.fields for note in notes]
    assert [p.item for p in predictions] == [note.id for note in notes]
