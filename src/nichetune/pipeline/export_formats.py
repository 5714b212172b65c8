"""The four forms in which a candidate leaves: merged safetensors, one GGUF file, for vLLM, for Ollama.

    merged   config.json model.safetensors tokenizer.json chat_template.jinja      gguf     model.gguf
    vllm     adapter/ [base/] serve.sh, or model/ serve.sh without an adapter      ollama   model.gguf Modelfile

Each with `prompts.json`: what every task is told before the user's turn. What is written can answer for itself.
"""

from __future__ import annotations

import shlex
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from nichetune.core.errors import UserError
from nichetune.core.files import hash_folder, hash_value, read_json, write_json, write_text
from nichetune.core.records import Candidate, Example, Prediction
from nichetune.core.settings import BaseSettings
from nichetune.evaluate.replay import answer_with_gguf
from nichetune.evaluate.runner import CandidateRunner, Done
from nichetune.generate.prompts import build_prompt
from nichetune.models.adapters import WEIGHTS
from nichetune.models.gguf_file import QUANTISATIONS, check_family, write_gguf
from nichetune.models.gguf_vocab import begins_with_bos
from nichetune.models.go_template import render_go, translate_template
from nichetune.models.loading import LoadedModel
from nichetune.models.merge import merge_weights, save_weights
from nichetune.models.packaged import PACKAGED, resolve_model
from nichetune.models.templates import end_of_turn_ids

Answer = Callable[[Sequence[Example], Done], list[Prediction]]
QUANTISED: dict[str, tuple[str, ...]] = {  # the default first
    "merged": ("f16", "bf16", "f32"),
    "gguf": ("q8_0", *(kind for kind in QUANTISATIONS if kind != "q8_0")),
    "ollama": ("q8_0", *(kind for kind in QUANTISATIONS if kind != "q8_0")),
    "vllm": ("f16", "bf16", "f32"),
}
_GGUF = "model.gguf"
_VLLM_RANKS = (8, 16, 32, 64, 128, 256, 320, 512)  # the ranks that vLLM makes room for
_CONTEXT_TOKENS = 8192  # at most, in a replay and in a Modelfile: caches grow with it


@dataclass(frozen=True)
class Source:
    """What is exported.

    Attributes:
        adapter: folder of the adapter or of full weights; None for an untuned rung.
        index: folder of the index that it retrieves from; None without retrieval.
        name: for those who serve it.
        origin: where it came from, for the record.
    """

    candidate: Candidate
    adapter: Path | None
    index: Path | None
    name: str
    device: str
    batch_size: int
    origin: dict[str, str]

    @property
    def runner(self) -> CandidateRunner:
        """The candidate as it was evaluated."""
        return CandidateRunner(self.candidate, self.adapter, self.index, self.device, self.batch_size)

    @property
    def has_adapter(self) -> bool:
        """Whether it is a base with an adapter, and not weights of its own."""
        return self.adapter is not None and (self.adapter / WEIGHTS).is_file()

    def merge(self) -> LoadedModel:
        """Its weights as one model."""
        c = self.candidate
        base = BaseSettings(model=c.base_model, revision=c.base_revision)
        return merge_weights(base, c.quantisation, c.dtype, self.adapter)


@dataclass(frozen=True)
class Written:
    """An export that stands in its folder.

    Attributes:
        answer: asks the very files.
        engine: what answers.
        kind: number format of the weights, empty where they are the base's own.
        notes: what whoever takes it should know.
    """

    answer: Answer
    engine: str
    kind: str
    notes: list[str] = field(default_factory=list)


def write_format(source: Source, to: str, quantise: str, out: Path) -> Written:
    """Writes one form of a candidate into `out`.

    Args:
        to: a key of `QUANTISED`.
        quantise: one of its values.

    Raises:
        UserError: this candidate cannot take that form.
    """
    written = _WRITERS[to](source, out, quantise)
    write_json(out / "prompts.json", _list_prompts(source.candidate))
    return written


def _list_prompts(candidate: Candidate) -> dict[str, Any]:
    """Turns before the user's, by task: a tuned model was taught with these very words."""
    found = {}
    for name, task in candidate.tasks.items():
        turns = build_prompt(name, task, "", candidate.prompt_style, candidate.shots.get(name, []))[:-1]
        found[name] = {"messages": [m.model_dump() for m in turns], "max_new_tokens": task.max_new_tokens}
    return found


def _write_merged(source: Source, out: Path, quantise: str) -> Written:
    save_weights(source.merge(), out, quantise)
    return Written(_ask_transformers(source, weights=out), "transformers", quantise)


def _write_gguf(source: Source, out: Path, quantise: str) -> Written:
    merged = source.merge()
    write_gguf(merged, out / _GGUF, quantise, source.name)
    return Written(_ask_llamacpp(source, out, _context(merged)), "llama.cpp", quantise)


def _write_ollama(source: Source, out: Path, quantise: str) -> Written:
    merged = source.merge()
    check_family(merged.model.config)
    tokenizer = merged.tokenizer
    template = translate_template(tokenizer, tokenizer.bos_token if begins_with_bos(tokenizer) else "")
    write_gguf(merged, out / _GGUF, quantise, source.name)
    write_text(out / "Modelfile", _compose_modelfile(source.candidate, tokenizer, template, _context(merged)))
    notes = ["Ollama itself was not run: llama.cpp answered, with the prompts that the Modelfile's template makes"]
    if "strftime_now" in tokenizer.chat_template:
        notes.append("the model's template writes the day's date: in the Modelfile it stays the day of this export")
    ask = _ask_llamacpp(source, out, _context(merged), lambda chat: render_go(template, chat))
    return Written(ask, "llama.cpp", quantise, notes)


def _context(merged: LoadedModel) -> int:
    return min(int(merged.model.config.max_position_embeddings), _CONTEXT_TOKENS)


def _compose_modelfile(candidate: Candidate, tokenizer: Any, template: str, context: int) -> str:
    stops = [tokenizer.decode([number]) for number in sorted(end_of_turn_ids(tokenizer))]
    lines = [f"FROM ./{_GGUF}", f"TEMPLATE {_quote(template)}"]
    lines += ["PARAMETER temperature 0", f"PARAMETER num_ctx {context}"]
    lines += [f'PARAMETER stop "{stop}"' for stop in stops]
    prompts = _list_prompts(candidate)
    if len(prompts) == 1:
        (prompt,) = prompts.values()
        lines.append(f"SYSTEM {_quote(prompt['messages'][0]['content'])}")
    else:
        lines.append("# Several tasks, each with a system message of its own: see prompts.json.")
    return "\n".join(lines) + "\n"


def _quote(text: str) -> str:
    if '"""' in text or text.endswith('"'):
        raise UserError("Ollama: a Modelfile cannot hold this text's quotation marks: use --to gguf")
    return f'"""{text}"""'


def _write_vllm(source: Source, out: Path, quantise: str) -> Written:
    notes = ["vLLM itself was not run: it needs a GPU; transformers with PEFT answered from the same files"]
    if source.adapter is None or not source.has_adapter:
        folder = out / "model"
        folder.mkdir()
        save_weights(source.merge(), folder, quantise)
        _write_script(out, ["./model", "--served-model-name", source.name])
        return Written(_ask_transformers(source, weights=folder), "transformers", quantise, notes)
    base = _keep_base(source, out)
    rank = _copy_adapter(source.adapter, out / "adapter", "../base" if base == ["./base"] else base[0])
    options = ["--enable-lora", "--max-lora-rank", str(rank), "--lora-modules", f"{source.name}=./adapter"]
    options += ["--chat-template", "./adapter/chat_template.jinja"]
    options += ["--dtype", "bfloat16" if source.candidate.dtype == "bfloat16" else "auto"]
    if source.candidate.quantisation == "nf4":
        options += ["--quantization", "bitsandbytes"]
        notes.append("trained beside NF4 values: serve it beside the same (--quantization bitsandbytes, in serve.sh)")
    _write_script(out, [*base, *options])
    return Written(_ask_transformers(source, adapter=out / "adapter"), "transformers", "", notes)


def _keep_base(source: Source, out: Path) -> list[str]:
    """How vLLM finds the base: by its id on the hub, else in a copy beside the adapter."""
    model, revision = source.candidate.base_model, source.candidate.base_revision
    if model not in PACKAGED and not Path(model).is_dir():
        return [model, *(["--revision", revision] if revision else [])]
    shutil.copytree(resolve_model(model, revision), out / "base")
    return ["./base"]


def _copy_adapter(adapter: Path, target: Path, base: str) -> int:
    """Copies an adapter, naming its base without this machine's paths; returns the rank that vLLM makes room for.

    Raises:
        UserError: vLLM cannot load an adapter of this kind.
    """
    config = read_json(adapter / "adapter_config.json")
    rank = max([config["r"], *(config.get("rank_pattern") or {}).values()])
    if config.get("use_dora") or config.get("modules_to_save") or config.get("bias", "none") != "none":
        raise UserError("vLLM loads no adapter with DoRA, biases or whole layers: use --to merged")
    if rank > _VLLM_RANKS[-1]:
        raise UserError(f"vLLM loads no adapter of rank {rank}: use --to merged")
    shutil.copytree(adapter, target)
    write_json(target / "adapter_config.json", config | {"base_model_name_or_path": base})
    for path in target.iterdir():
        path.chmod(0o644)  # a registry's files are read-only, and weights may be their writer's alone
    return min(size for size in _VLLM_RANKS if size >= rank)


def _write_script(out: Path, arguments: list[str]) -> None:
    script = out / "serve.sh"
    command = shlex.join(["vllm", "serve", *arguments])
    write_text(script, f'#!/bin/sh\n# OpenAI\'s API on port 8000; needs a GPU and vLLM.\ncd "$(dirname "$0")" || exit\n'
                       f'exec {command} "$@"\n')  # fmt: skip
    script.chmod(0o755)


def _ask_transformers(source: Source, weights: Path | None = None, adapter: Path | None = None) -> Answer:
    """The own engine, on exported weights as they are or on an exported adapter beside the base."""
    if weights:
        own: dict[str, Any] = {"base_model": str(weights), "base_revision": "", "quantisation": "none", "adapter": ""}
        own |= {"dtype": "float32", "adapter_digest": ""}
    else:
        own = {"adapter_digest": hash_value(hash_folder(adapter or Path()))}
    candidate = source.candidate.model_copy(update=own)
    runner = CandidateRunner(candidate, adapter, source.index, source.device, source.batch_size)
    return runner.answer


def _ask_llamacpp(
    source: Source, out: Path, context: int, render: Callable[[list[dict[str, str]]], str] | None = None
) -> Answer:
    def ask(items: Sequence[Example], done: Done) -> list[Prediction]:
        from nichetune.generate.llamacpp import LlamaCppEngine

        engine = LlamaCppEngine(out / _GGUF, context, render)
        return answer_with_gguf(source.runner, engine, items, done)

    return ask


_WRITERS: dict[str, Callable[[Source, Path, str], Written]] = {
    "merged": _write_merged, "gguf": _write_gguf, "vllm": _write_vllm, "ollama": _write_ollama,
}  # fmt: skip
