"""A hosted model as a rung: paid once, asked within limits, tried again, stopped in one line; against real servers."""

from __future__ import annotations

import time
from collections.abc import Iterator
from email.utils import formatdate
from pathlib import Path
from typing import Any

import pytest
from tests.chat_host import ChatHost, last_turn, serve

from nichetune.core.errors import SettingsError, SystemFailure, UserError
from nichetune.core.files import read_json, read_records, write_json, write_jsonl
from nichetune.core.records import Example, Expected, Message, Prediction, Source
from nichetune.core.settings import Settings
from nichetune.core.settings_file import load_settings
from nichetune.evaluate import run as evaluation
from nichetune.evaluate.candidates import describe_candidate
from nichetune.evaluate.resources import count_remote
from nichetune.evaluate.runner import CandidateRunner
from nichetune.generate.cache import PredictionCache
from nichetune.pipeline.checks import find_problems

KEY = "sk-very-secret"
TASKS = {"side": {"kind": "form", "prompt": "Say the side.", "fields": {"side": {"values": ["left", "right"]}}}}


def say_side(body: dict[str, Any]) -> str:
    return '{"side": "left"} and so on' if "left" in last_turn(body) else '{"side": "right"}'


@pytest.fixture
def host() -> Iterator[ChatHost]:
    with serve(ChatHost(say_side, pause_s=0.02)) as running:
        yield running


def make_settings(url: str, **more: Any) -> Settings:
    remote = {"url": url, "model": "big", "allow": True, "retries": 2, "key_env": "BIG_KEY"} | more
    sources = [{"path": "a.csv", "task": "side"}]
    return Settings.model_validate(
        {"project": "p", "rungs": ["remote:big"], "sources": sources, "tasks": TASKS, "remote": {"big": remote}}
    )


def make_items(count: int) -> list[Example]:
    return [
        Example(id=f"i{n}", group=f"g{n}", task="side", source=Source(file="a.csv", line=n),
                messages=[Message(role="user", content=f"Pain {('left', 'right')[n % 2]}, day {n}.")],
                expected=Expected(fields={"side": ("left", "right")[n % 2]}))
        for n in range(count)
    ]  # fmt: skip


def make_runner(settings: Settings, cache: Path | None = None) -> CandidateRunner:
    candidate = describe_candidate(settings, "remote:big", None, None)
    return CandidateRunner(candidate, None, None, cache=PredictionCache(cache) if cache else None)


@pytest.fixture(autouse=True)
def key(monkeypatch):
    monkeypatch.setenv("BIG_KEY", KEY)
    monkeypatch.setattr("nichetune.generate.remote._FIRST_WAIT_S", 0.02)


def test_429s_and_errors_are_tried_again(host):
    host.plan = [429, 500, 503, 429]
    predictions = make_runner(make_settings(host.url, retries=4)).answer(make_items(6))
    assert [p.answer.fields for p in predictions] == [{"side": ("left", "right")[n % 2]} for n in range(6)]
    assert predictions[0].text == '{"side": "left"} and so on'  # as it came
    assert (predictions[0].prompt_tokens, predictions[0].new_tokens) == (100, 10)
    assert host.keys == {f"Bearer {KEY}"}
    assert host.asked[0]["temperature"] == 0
    assert host.asked[0]["messages"][0]["role"] == "system"


def test_a_host_that_wants_to_be_left_alone_is(host):
    host.plan, host.headers = [429], {"retry-after": "0.4"}
    make_runner(make_settings(host.url, concurrency=1)).answer(make_items(2))
    assert host.times[1] - host.times[0] >= 0.4


def test_the_end_of_a_wait_may_be_told_as_a_date(host):
    host.plan, host.headers = [429], {"retry-after": formatdate(time.time() + 2, usegmt=True)}
    make_runner(make_settings(host.url, concurrency=1)).answer(make_items(1))
    assert host.times[1] - host.times[0] >= 0.9  # dates have whole seconds
    host.plan, host.headers = [429], {"retry-after": "soon"}
    make_runner(make_settings(host.url, concurrency=1)).answer(make_items(1))


@pytest.mark.parametrize("key", ["sk-secret\nsecond line", "sk-sécret"])
def test_a_key_that_no_header_can_hold_is_told_without_it(host, monkeypatch, key):
    monkeypatch.setenv("BIG_KEY", key)
    with pytest.raises(UserError, match="holds signs that no key has") as error:
        make_runner(make_settings(host.url)).answer(make_items(1))
    assert "sk-" not in str(error.value) and not host.times


def test_no_more_at_once_and_no_more_a_minute_than_allowed(host):
    make_runner(make_settings(host.url, concurrency=3)).answer(make_items(12))
    assert host.most_working <= 3
    host.times.clear()
    make_runner(make_settings(host.url, requests_per_minute=1200)).answer(make_items(6))  # one in 50 ms
    assert host.times[-1] - host.times[0] >= 0.05 * 5 * 0.9


def test_answers_that_came_are_kept_and_not_asked_again(host, tmp_path):
    settings = make_settings(host.url, concurrency=2, retries=1)
    host.down_after = 5
    with pytest.raises(
        SystemFailure, match=r"remote\.big: .*HTTP 503 in 2 tries: what was answered so far is kept"
    ) as e:
        make_runner(settings, tmp_path / "c.db").answer(make_items(12))
    assert e.value.exit_status == 3
    assert "\n" not in str(e.value) and "Pain" not in str(e.value) and KEY not in str(e.value)
    kept, host.down_after = len(host.asked), 10**9
    assert len(make_runner(settings, tmp_path / "c.db").answer(make_items(12))) == 12
    assert len(host.asked) == 12
    assert kept == 5
    make_runner(settings, tmp_path / "c.db").answer(make_items(12))
    assert len(host.asked) == 12


def test_a_host_that_is_down_is_one_line(host, tmp_path):
    nobody = make_settings("http://127.0.0.1:9/v1", retries=1)
    with pytest.raises(SystemFailure, match="ConnectError in 2 tries"):
        make_runner(nobody).answer(make_items(3))


@pytest.mark.parametrize(
    ("status", "words"), [(401, "the key in BIG_KEY was refused"), (404, "check `url` and `model`"), (400, "odd_thing")]
)
def test_what_asking_again_cannot_mend_is_told_at_once(host, status, words):
    host.plan = [status] * 50
    with pytest.raises(UserError, match=words) as error:
        make_runner(make_settings(host.url, concurrency=1)).answer(make_items(3))
    assert len(host.times) == 1
    assert "Pain" not in str(error.value) and KEY not in str(error.value)


def test_a_parameter_that_the_host_does_not_know_is_named_otherwise(host):
    host.unknown = "max_tokens"
    make_runner(make_settings(host.url)).answer(make_items(3))
    assert all("max_tokens" not in body and body["max_completion_tokens"] == 96 for body in host.asked)


def test_without_its_key_nothing_is_asked(host, monkeypatch):
    monkeypatch.delenv("BIG_KEY")
    with pytest.raises(UserError, match=r"remote\.big\.key_env: the environment has no BIG_KEY"):
        make_runner(make_settings(host.url)).answer(make_items(1))
    assert not host.times


def test_another_address_model_seed_or_prompt_is_another_question(host):
    keys = {
        make_runner(make_settings(url, **more)).identify().key([1])
        for url, more in [(host.url, {}), (host.url, {"model": "b"}), (host.url, {"seed": 3}), ("http://x/v1", {})]
    }
    assert len(keys) == 4
    assert (
        make_runner(make_settings(host.url, concurrency=9)).identify()
        == make_runner(make_settings(host.url)).identify()
    )


def test_the_price_is_counted_from_the_tokens():
    remote = make_settings("http://x/v1", usd_per_1m_input=2.0, usd_per_1m_output=8.0).remote["big"]
    answers = [Prediction(item="1", text="", answer={}, prompt_tokens=400_000, new_tokens=50_000)] * 2
    resources = count_remote(answers, remote)
    assert resources.paid_usd == pytest.approx(0.8 * 2 + 0.4 * 2)
    assert (resources.items, resources.serve_flops, resources.storage_bytes) == (2, 0, 0)


def test_a_hosted_rung_is_evaluated_on_the_sealed_benchmark(host, tmp_path):
    from nichetune.benchmark.seal import HEADER, ITEMS, seal_benchmark
    from nichetune.corpus.split import BOILERPLATE

    settings = make_settings(host.url, usd_per_1m_input=1.0)
    items, folder = make_items(20), tmp_path / "benchmark"
    write_jsonl(folder / ITEMS, items)
    write_json(folder / BOILERPLATE, [])
    sealed = seal_benchmark(settings, items, [])
    write_json(folder / HEADER, sealed.model_dump(mode="json", exclude={"items", "boilerplate", "suite_items"}))
    write_jsonl(tmp_path / "mask/documents.jsonl", [])
    write_jsonl(tmp_path / "train.jsonl", [])
    inputs = {"benchmark": folder, "split": tmp_path, "mask": tmp_path / "mask", "cache": tmp_path / "c.db"}
    evaluation.run(settings, inputs, tmp_path / "out", "remote:big")
    assert read_json(tmp_path / "out/metrics.json")["side.exact_form"]["value"] == 1.0
    assert read_json(tmp_path / "out/resources.json")["paid_usd"] == pytest.approx(20 * 100 / 1e6)
    assert len(read_records(tmp_path / "out/predictions.jsonl", Prediction)) == 20
    written = b"".join(p.read_bytes() for p in tmp_path.rglob("*") if p.is_file())
    assert KEY.encode() not in written


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("{url: 'http://h/v1', model: m}", "say `allow: true`"),
        ("{url: 'ftp://h', model: m, allow: true}", "http://"),
        ("{url: 'https://me:word@h/v1', model: m, allow: true}", "key_env"),
        ("{url: 'https://h/v1?key=word', model: m, allow: true}", "key_env"),
        ("{url: 'http://h:port/v1', model: m, allow: true}", "names no host"),
        ("{url: 'http://h/v1', model: m, allow: true, retry: 3}", "retries"),
    ],
)
def test_wrong_settings_are_one_line_with_their_place(tmp_path, line, words):
    text = "project: p\nsources: [{path: a.csv, task: t}]\ntasks: {t: {kind: exact}}\nrungs: ['remote:big']\n"
    (tmp_path / "nichetune.yaml").write_text(f"{text}remote:\n  big: {line}\n")
    with pytest.raises(SettingsError, match=words) as error:
        load_settings(tmp_path)
    assert "nichetune.yaml:6: remote.big" in error.value.problems[0]
    assert "word" not in error.value.problems[0]


def test_check_misses_the_key_before_anything_runs(tmp_path, monkeypatch):
    monkeypatch.delenv("BIG_KEY")
    text = "project: p\nsources: [{path: a.csv, task: t}]\ntasks: {t: {kind: exact}}\nrungs: ['remote:big']\n"
    remote = "remote: {big: {url: 'http://h/v1', model: m, allow: true, key_env: BIG_KEY}}\n"
    (tmp_path / "nichetune.yaml").write_text(text + remote)
    (tmp_path / "a.csv").write_text("text,answer\na,b\n")
    assert find_problems(tmp_path, None) == ["remote.big.key_env: the environment has no BIG_KEY: export the key there"]


def test_a_hosted_rung_that_is_not_described_is_refused(tmp_path):
    text = "project: p\nsources: [{path: a.csv, task: t}]\ntasks: {t: {kind: exact}}\nrungs: ['remote:big']\n"
    (tmp_path / "nichetune.yaml").write_text(text)
    with pytest.raises(SettingsError, match="unknown hosted model 'remote:big'"):
        load_settings(tmp_path)
