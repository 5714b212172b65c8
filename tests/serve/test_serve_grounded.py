"""Answers from documents: what was looked up, what is cited, and never another tenant's."""

from __future__ import annotations

import io
from typing import Any

import pytest
from serve_desk import SETTINGS, SOURCE, Served, register

from nichetune.console.chat import answer_once, chat
from nichetune.core.files import write_jsonl
from nichetune.core.records import Candidate, Document, Shot
from nichetune.core.settings import Settings, TaskSettings
from nichetune.registry.version import VersionInfo
from nichetune.retrieve import index
from nichetune.retrieve.search import open_index

RULE = TaskSettings(kind="grounded", max_new_tokens=32)
SHOTS = [
    Shot(prompt="[D1] Fridge. The fridge is cleaned on Mondays.\n\nWhen is the fridge cleaned?",
         answer='"The fridge is cleaned on Mondays." [D1]'),
    Shot(prompt="[D7] Lift. The lift is serviced in May.\n\nWhen is the lift serviced?",
         answer='"The lift is serviced in May." [D7]'),
]  # fmt: skip
QUESTION = "When does the front desk open?"


@pytest.fixture(scope="module")
def grounded(served: Served, tmp_path_factory: pytest.TempPathFactory) -> VersionInfo:
    """The base model with retrieval over one document of the clinic's and one of a rival's."""
    folder = tmp_path_factory.mktemp("grounded")
    documents = [
        Document(id="D3", title="Opening hours", text="The front desk opens at nine.", tenant="clinic", source=SOURCE),
        Document(id="R9", title="Rival", text="The front desk opens at six, in secret.", tenant="rival", source=SOURCE),
    ]
    write_jsonl(folder / "mask" / "documents.jsonl", documents)
    (folder / "index").mkdir()
    index.run(Settings(project="desk", sources=[], tasks={"ask": RULE}), {"mask": folder / "mask"}, folder / "index")
    candidate = Candidate(
        rung="rag", base_model="smollm2-135m", tasks={"ask": RULE}, shots={"ask": SHOTS}, retrieval=True, k=1,
        index_version=open_index(folder / "index").version,
    )  # fmt: skip
    return register(served.registry, folder / "evidence", candidate, None, folder / "index")


def ask(served: Served, version: VersionInfo, **ours: Any) -> Any:
    messages: Any = [{"role": "user", "content": QUESTION}]
    return served.client.chat.completions.create(model=version.digest, messages=messages, extra_body=ours)


def test_an_answer_tells_what_was_found_and_what_it_cites(served: Served, grounded: VersionInfo) -> None:
    completion = ask(served, grounded, tenant="clinic", task="ask")
    assert completion.nichetune["retrieved"] == completion.nichetune["citations"] == ["D3"]
    assert completion.nichetune["answer"] == "The front desk opens at nine."


def test_a_tenant_is_never_answered_from_anothers_documents(served: Served, grounded: VersionInfo) -> None:
    assert ask(served, grounded, tenant="rival", max_tokens=1).nichetune["retrieved"] == ["R9"]
    for tenant in ("default", "' OR tenant = 'rival"):
        assert ask(served, grounded, tenant=tenant, max_tokens=1).nichetune["retrieved"] == []


def test_a_conversation_shows_the_titles_of_what_is_cited(grounded: VersionInfo) -> None:
    out = io.StringIO()
    lines = iter([QUESTION, "/quit"])

    def show(*texts: str, **how: Any) -> None:
        print(*texts, file=out, **how)

    chat(grounded, SETTINGS, tenant="clinic", ask=lambda _: next(lines), show=show)
    assert '"The front desk opens at nine." [D3]\n  D3  Opening hours\n' in out.getvalue()


def test_a_single_answer_brings_titles_and_the_same_counts_as_the_server(served: Served, grounded: VersionInfo) -> None:
    answer = answer_once(grounded, SETTINGS, "", QUESTION, tenant="clinic")
    assert answer["titles"] == {"D3": "Opening hours"}
    assert answer["usage"]["total_tokens"] == ask(served, grounded, tenant="clinic").usage.total_tokens
