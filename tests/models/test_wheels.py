"""Wheels and packaged models: fetched by the user's own pip, checked, converted once, never pickled."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from nichetune.core.errors import SystemFailure, UserError
from nichetune.core.wheels import cache_dir, fetch_wheel, unpack_member
from nichetune.models.packaged import PACKAGED, list_models, model_digest, resolve_model

SIX = ("six", "1.16.0", "8abb2f1d86890a2dfb989f9a77cfcfd3e47c2a354b01111771326f8aa26e0254")


@pytest.fixture(scope="module")
def wheel_cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cache that holds one small wheel, downloaded by the real pip."""
    cache = tmp_path_factory.mktemp("cache")
    fetch_wheel(*SIX, cache)
    return cache


def test_fetched_wheel_is_the_one_that_was_asked_for(wheel_cache: Path):
    wheel = fetch_wheel(*SIX, wheel_cache)
    assert wheel.parent == wheel_cache / "wheels" / SIX[2]
    assert "six.py" in zipfile.ZipFile(wheel).namelist()


def test_cached_wheel_needs_no_registry(wheel_cache: Path, no_registry):
    assert fetch_wheel(*SIX, wheel_cache).is_file()


def test_registry_that_is_down_is_a_failure_told_in_one_line(tmp_path: Path, no_registry):
    with pytest.raises(SystemFailure, match=r"cannot download six 1\.16\.0.*then run again") as caught:
        fetch_wheel(*SIX, tmp_path)
    assert caught.value.exit_status == 3 and "\n" not in str(caught.value)
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_wheel_with_another_digest_is_refused_and_not_kept(tmp_path: Path):
    with pytest.raises(SystemFailure, match="expected 000000000000"):
        fetch_wheel("six", "1.16.0", "0" * 64, tmp_path)
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_changed_wheel_in_the_cache_is_not_used(wheel_cache: Path, tmp_path: Path, no_registry):
    copy = shutil.copytree(wheel_cache, tmp_path / "cache")
    fetch_wheel(*SIX, copy).write_bytes(b"not a wheel")
    with pytest.raises(SystemFailure, match="cannot download"):
        fetch_wheel(*SIX, copy)


def test_two_that_fetch_at_once_both_get_the_wheel(tmp_path: Path):
    with ThreadPoolExecutor(2) as pool:
        one, two = pool.map(lambda _: fetch_wheel(*SIX, tmp_path), range(2))
    assert one == two and [path.name for path in (tmp_path / "wheels").iterdir()] == [SIX[2]]


def test_unpack_takes_one_file_or_a_folder_and_nothing_else(wheel_cache: Path, tmp_path: Path):
    wheel = fetch_wheel(*SIX, wheel_cache)
    unpack_member(wheel, "six.py", tmp_path / "here.py")
    unpack_member(wheel, "six-1.16.0.dist-info/", tmp_path / "info")
    assert "def with_metaclass" in (tmp_path / "here.py").read_text()
    assert (tmp_path / "info" / "METADATA").is_file() and not (tmp_path / "info" / "six.py").exists()
    with pytest.raises(SystemFailure, match="holds no six"):
        unpack_member(wheel, "six", tmp_path / "no")


def test_unpack_refuses_a_path_that_leads_out(tmp_path: Path):
    with zipfile.ZipFile(tmp_path / "bad.whl", "w") as archive:
        archive.writestr("model/../../escaped", "x")
    with pytest.raises(SystemFailure, match="leads out"):
        unpack_member(tmp_path / "bad.whl", "model/", tmp_path / "deep" / "model")
    assert not (tmp_path / "escaped").exists()


def test_cache_folder_is_the_environments_choice(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.setenv("NICHETUNE_CACHE", str(tmp_path))
    assert cache_dir() == tmp_path
    assert not any(model.cached for model in list_models())


@pytest.fixture(scope="module")
def base() -> Iterator[Path]:
    """The embedded base model, converted once into the user's cache."""
    yield resolve_model("smollm2-135m")


def test_packaged_model_is_converted_once(base: Path):
    changed = (base / "model.safetensors").stat().st_mtime_ns
    assert resolve_model("smollm2-135m") == base
    assert (base / "model.safetensors").stat().st_mtime_ns == changed
    assert PACKAGED["smollm2-135m"].cached


def test_converted_weights_are_plain_float32(base: Path):
    from safetensors import safe_open

    with safe_open(base / "model.safetensors", "pt") as weights:
        kinds = {weights.get_slice(name).get_dtype() for name in weights.keys()}  # noqa: SIM118
    config = json.loads((base / "config.json").read_text())
    assert kinds == {"F32"}
    assert config["dtype"] == "float32" and "quantization_config" not in config


def test_converted_tokenizer_has_the_template_and_doubles_no_start_token(base: Path):
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(base)
    chat = [{"role": "user", "content": "Hello"}]
    text = tokenizer.apply_chat_template(chat, tokenize=False, add_generation_prompt=True)
    ids = tokenizer.apply_chat_template(chat, add_generation_prompt=True)["input_ids"]
    assert text.endswith("<|im_start|>assistant\n")
    assert tokenizer(text)["input_ids"] == ids and ids[:2].count(tokenizer.bos_token_id) == 1
    assert tokenizer.decode(ids) == text
    assert tokenizer.eos_token == "<|im_end|>"


def test_converted_model_ends_its_turn(base: Path):
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(base)
    model = AutoModelForCausalLM.from_pretrained(base)
    chat = [{"role": "user", "content": "What is the capital of France? Answer in one sentence."}]
    inputs = tokenizer.apply_chat_template(chat, add_generation_prompt=True, return_tensors="pt", return_dict=True)
    with torch.inference_mode():
        out = model.generate(**inputs, max_new_tokens=48, do_sample=False)[0, inputs["input_ids"].shape[1] :]
    assert "Paris" in tokenizer.decode(out)
    assert len(out) < 48 and out[-1] == model.generation_config.eos_token_id


def test_folder_with_pickled_weights_is_refused(tmp_path: Path):
    (tmp_path / "config.json").write_text("{}")
    (tmp_path / "pytorch_model.bin").write_bytes(b"pickle")
    with pytest.raises(UserError, match=r"pytorch_model\.bin.*safetensors only"):
        resolve_model(str(tmp_path))


def test_folder_without_config_is_no_model(tmp_path: Path):
    with pytest.raises(UserError, match=r"no config\.json"):
        resolve_model(str(tmp_path))


@pytest.mark.parametrize("name", ["nobody/no-such-model", "smollm3-135m", "./nowhere/at/all"])
def test_model_that_is_not_there_is_the_callers_mistake(name: str):
    code = "import sys; from nichetune.models.packaged import resolve_model; resolve_model(sys.argv[1])"
    hub = {"HF_ENDPOINT": "http://127.0.0.1:9", "PATH": "", "HOME": "/nonexistent"}
    done = subprocess.run([sys.executable, "-c", code, name], env=hub, capture_output=True, text=True, check=False)
    last = done.stderr.splitlines()[-1]
    assert last.startswith(f"nichetune.core.errors.UserError: no model '{name}': not a packaged name (smollm2-135m")


def test_digest_follows_weights_and_template_and_is_remembered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("NICHETUNE_CACHE", str(tmp_path / "cache"))
    folder = tmp_path / "model"
    folder.mkdir()
    for name in ("config.json", "model.safetensors", "chat_template.jinja"):
        (folder / name).write_text("one")
    first = model_digest(folder)
    assert model_digest(folder) == first
    assert len(list((tmp_path / "cache" / "digests").iterdir())) == 1
    digests = {first}
    for name in ("model.safetensors", "chat_template.jinja"):
        (folder / name).write_text("two")
        digests.add(model_digest(folder))
    (folder / "README.md").write_text("words")
    digests.add(model_digest(folder))
    assert len(digests) == 3
