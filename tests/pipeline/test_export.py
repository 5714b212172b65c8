"""`nichetune export`: four forms of one candidate, each replayed; whole or absent; one line for a mistake."""

from __future__ import annotations

import itertools
import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from tests.tiny_models import save_adapter, save_tiny

from nichetune.benchmark.seal import HEADER, ITEMS, seal_benchmark
from nichetune.cli.app import run
from nichetune.core.files import read_json, write_json, write_jsonl, write_record
from nichetune.core.records import Candidate, Example, Expected, Message, Source
from nichetune.core.settings_file import load_settings
from nichetune.corpus.split import BOILERPLATE
from nichetune.evaluate.candidates import describe_candidate
from nichetune.models.loading import load_base
from nichetune.registry.register import open_registry

SETTINGS = """\
project: Eye_Desk
rungs: [classical, base, qlora]
base: {{model: {base}, dtype: float32}}
sources: [{{path: data.csv, task: side}}]
tasks: {{side: {{kind: choice, values: [left, right], short_prompt: Say the side., max_new_tokens: 6}}}}
"""
SIDES = ["left", "right"]


@pytest.fixture(scope="module")
def project(tmp_path_factory, tokenizer) -> Path:
    """A project with a tiny base, a sealed benchmark of four items, and an evaluated QLoRA rung."""
    folder = tmp_path_factory.mktemp("project")
    base = save_tiny(folder / "tiny", tokenizer)
    (folder / "nichetune.yaml").write_text(SETTINGS.format(base=base))
    settings = load_settings(folder)
    run_dir = folder / "runs" / settings.project
    train = run_dir / "train/qlora"
    save_adapter(train / "adapter", load_base(settings.base).model, tokenizer)
    write_json(train / "manifest.json", {"facts": {"dtype": "float32"}})
    for rung, trained in (("qlora", train), ("base", None), ("classical", None)):
        candidate = describe_candidate(settings, rung, trained, None)
        write_record(run_dir / f"evaluate/{rung}/candidate.json", candidate)
    items = [make_item(n) for n in range(4)]
    sealed = seal_benchmark(settings, items, [])
    write_jsonl(run_dir / "benchmark" / ITEMS, items)
    write_json(run_dir / "benchmark" / BOILERPLATE, [])
    write_json(
        run_dir / "benchmark" / HEADER, sealed.model_dump(mode="json", exclude={"items", "boilerplate", "suite_items"})
    )
    return folder


def make_item(n: int) -> Example:
    return Example(
        id=f"i{n}", group=f"g{n}", task="side",
        messages=[Message(role="user", content=f"Pain {SIDES[n % 2]}, {n} days")],
        expected=Expected(answer=SIDES[n % 2]), source=Source(file="data.csv", line=n),
    )  # fmt: skip


def export(project: Path, out: Path, *more: str) -> int:
    return run(["export", "--project", str(project), "--out", str(out), *more])


def fails(capsys, project: Path, out: Path, *more: str) -> str:
    capsys.readouterr()
    assert export(project, out, *more) == 2
    lines = [line for line in capsys.readouterr().err.splitlines() if line.startswith("error: ")]
    assert len(lines) == 1
    return lines[0]


@pytest.mark.parametrize(
    ("to", "quantise", "files"),
    [
        ("merged", "f32", {"model.safetensors", "config.json", "tokenizer.json", "chat_template.jinja"}),
        ("gguf", "f32", {"model.gguf"}),
        ("vllm", "", {"serve.sh", "adapter/adapter_model.safetensors", "adapter/tokenizer.json", "base/config.json"}),
        ("ollama", "f32", {"model.gguf", "Modelfile"}),
    ],
)
def test_each_form_answers_as_the_original(project, tmp_path, capsys, to, quantise, files):
    if to in ("gguf", "ollama"):
        pytest.importorskip("xllamacpp")
    chosen = ["--quantise", quantise] if quantise else []
    assert export(project, tmp_path / "out", "--to", to, "--rung", "qlora", "--json", *chosen) == 0
    record = json.loads(capsys.readouterr().out)
    assert record == json.loads((tmp_path / "out/export.json").read_text())
    assert files | {"prompts.json"} <= record["files"].keys()
    for name, file in record["files"].items():
        assert (tmp_path / "out" / name).stat().st_size == file["bytes"]
    assert record["replay"]["same_text"]["value"] == 1.0
    assert record["replay"]["same_answer"]["n"] == 4
    assert record["replay"]["metrics"]["side.exact"]["before"] == record["replay"]["metrics"]["side.exact"]["after"]
    assert list(tmp_path.iterdir()) == [tmp_path / "out"]


def test_the_vllm_script_serves_the_adapter_beside_the_values_that_it_was_trained_on(project, tmp_path):
    assert export(project, tmp_path / "out", "--to", "vllm", "--rung", "qlora", "--items", "0") == 0
    shell = tmp_path / "bin/vllm"
    shell.parent.mkdir()
    shell.write_text('#!/bin/sh\nprintf "%s\\n" "$PWD" "$@"\n')
    shell.chmod(0o755)
    done = subprocess.run(
        [str(tmp_path / "out/serve.sh"), "--port", "8001"], capture_output=True, text=True, check=True,
        env={"PATH": f"{shell.parent}:/usr/bin:/bin"},
    )  # fmt: skip
    where, *arguments = done.stdout.splitlines()
    assert Path(where) == tmp_path / "out"
    assert arguments[:2] == ["serve", "./base"]
    assert arguments[-2:] == ["--port", "8001"]
    told = dict(itertools.pairwise(arguments))
    assert told["--quantization"] == "bitsandbytes"
    assert told["--lora-modules"] == "eye-desk-qlora=./adapter"
    assert told["--max-lora-rank"] == "8"
    config = json.loads((tmp_path / "out/adapter/adapter_config.json").read_text())
    assert config["r"] == 4
    assert config["base_model_name_or_path"] == "../base"


def test_a_registered_version_leaves_by_its_alias(project, tmp_path):
    run_dir = tmp_path / "run"
    shutil.copytree(project / "runs/Eye_Desk", run_dir)
    write_json(run_dir / "verdict.json", {})
    candidate = Candidate.model_validate(read_json(run_dir / "evaluate/qlora/candidate.json"))
    registry = open_registry(load_settings(project), run_dir, project)
    info = registry.register(
        candidate, run_dir / candidate.adapter, run_dir / "evaluate/qlora", run_dir / "verdict.json", None
    )
    registry.set_alias("production", info.digest)
    where = ("--run-dir", str(run_dir), "--to", "vllm", "--items", "0")
    assert export(project, tmp_path / "out", *where) == 0
    assert read_json(tmp_path / "out/export.json")["origin"] == {"rung": "qlora", "version": info.digest}
    weights = "adapter/adapter_model.safetensors"
    assert (tmp_path / "out" / weights).read_bytes() == (info.folder / weights).read_bytes()


def test_an_untuned_rung_leaves_as_weights(project, tmp_path):
    assert export(project, tmp_path / "out", "--to", "vllm", "--rung", "base", "--items", "2", "--quantise", "f32") == 0
    assert "vllm serve ./model" in (tmp_path / "out/serve.sh").read_text()
    replay = json.loads((tmp_path / "out/export.json").read_text())["replay"]
    assert replay["same_text"]["value"] == 1.0
    assert replay["items"] == 2


def test_the_modelfile_stops_where_the_model_stops_and_holds_its_prompt(project, tmp_path):
    assert export(project, tmp_path / "out", "--to", "ollama", "--rung", "qlora", "--items", "0") == 0
    lines = (tmp_path / "out/Modelfile").read_text()
    assert lines.startswith("FROM ./model.gguf\n")
    assert 'PARAMETER stop "<|im_end|>"\n' in lines
    assert 'SYSTEM """Say the side."""\n' in lines


def test_an_earlier_export_is_replaced_by_force_alone_and_other_folders_never(project, tmp_path, capsys):
    out, plain = tmp_path / "out", ("--to", "merged", "--rung", "base", "--items", "0")
    assert export(project, out, *plain) == 0
    assert "--force" in fails(capsys, project, out, *plain)
    (out / "left").touch()
    assert export(project, out, *plain, "--force") == 0
    assert not (out / "left").exists()
    other = tmp_path / "other"
    other.mkdir()
    (other / "thesis.txt").touch()
    assert "no earlier export" in fails(capsys, project, other, *plain, "--force")
    assert (other / "thesis.txt").exists()


def test_a_failed_export_leaves_nothing(project, tmp_path, capsys, tokenizer):
    odd = save_tiny(
        tmp_path / "odd", tokenizer, rope_parameters={"rope_type": "yarn", "rope_theta": 1e4, "factor": 2.0}
    )
    settings = load_settings(project)
    settings.base.model = str(odd)
    run_dir = tmp_path / "run"
    write_record(run_dir / "evaluate/base/candidate.json", describe_candidate(settings, "base", None, None))
    out = tmp_path / "sub/out"
    line = fails(capsys, project, out, "--run-dir", str(run_dir), "--to", "gguf", "--rung", "base", "--items", "0")
    assert "yarn" in line
    assert not list(out.parent.iterdir())


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--to", "onnx", "--rung", "qlora"], "choose one of merged"),
        (["--to", "gguf", "--rung", "qlora", "--quantise", "q4_k_m"], "llama-quantize"),
        (["--to", "merged", "--rung", "qlora", "--quantise", "q8_0"], "f16, bf16, f32"),
        (["--to", "vllm", "--rung", "qlora", "--quantise", "f16"], "leave it out"),
        (["--to", "gguf", "--rung", "classical"], "no language model"),
        (["--to", "gguf", "--rung", "lora"], "nichetune evaluate lora"),
        (["--to", "gguf", "--rung", "qlora", "--version", "production"], "not both"),
        (["--to", "gguf"], "no version is registered"),
    ],
)
def test_a_wrong_choice_is_one_line(project, tmp_path, capsys, options, words):
    assert words in fails(capsys, project, tmp_path / "out", *options)
    assert not list(tmp_path.iterdir())


def test_a_changed_adapter_is_refused(project, tmp_path, capsys):
    run_dir = tmp_path / "run"
    shutil.copytree(project / "runs/Eye_Desk", run_dir)
    config = run_dir / "train/qlora/adapter/adapter_config.json"
    config.write_text(config.read_text().replace('"lora_alpha": 8', '"lora_alpha": 9'))
    line = fails(capsys, project, tmp_path / "out", "--run-dir", str(run_dir), "--to", "merged", "--rung", "qlora")
    assert "has changed" in line


def test_without_a_benchmark_or_llama_cpp_nothing_is_replayed(project, tmp_path, capsys, monkeypatch):
    run_dir = tmp_path / "run"
    shutil.copytree(project / "runs/Eye_Desk", run_dir)
    shutil.rmtree(run_dir / "benchmark")
    where = ["--run-dir", str(run_dir), "--rung", "qlora"]
    assert "--items 0" in fails(capsys, project, tmp_path / "out", *where, "--to", "merged")
    monkeypatch.setitem(sys.modules, "xllamacpp", None)  # what Python itself makes of a missing package
    assert "nichetune[export]" in fails(capsys, project, tmp_path / "out", "--rung", "qlora", "--to", "gguf")
    assert export(project, tmp_path / "out", *where, "--to", "gguf", "--items", "0") == 0
    assert "not replayed" in capsys.readouterr().out
