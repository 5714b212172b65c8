"""From a rung's name to the candidate that it stands for.

classical   TF-IDF and logistic regression          base     the model as it came, told keys and values
fewshot     base + shots chosen on the dev set      rag      fewshot + passages from the index
qlora, lora, full   tuned, short prompt             …+rag    the same adapter, with passages
qlora+dpo, …        that adapter moved by preference pairs (dpo, orpo, kto)
remote:NAME         a hosted model, told what `base` is told

A tuned rung that is trained from several seeds has a stage for each: `qlora` is its first, `qlora@seed-2` its second.
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from nichetune.core.files import hash_folder, hash_value, read_json
from nichetune.core.records import Candidate
from nichetune.core.settings import REMOTE, Settings
from nichetune.generate.identity import name_host

UNTUNED = ("base", "fewshot", "rag")
_SEED = "@seed-"


def rung_method(rung: str) -> str:
    """What a rung's weights come from: `classical`, `qlora`, `lora`, `full`, one moved as `qlora+dpo`, or nothing."""
    return "" if rung in UNTUNED or rung.startswith(REMOTE) else rung.removesuffix("+rag")


def sft_method(method: str) -> str:
    """The SFT that a method is or starts from."""
    return method.partition("+")[0]


def list_trainings(rung: str) -> list[str]:
    """The methods that have to be trained for a rung, in order."""
    method = rung_method(rung)
    return list(dict.fromkeys([sft_method(method), method])) if method else []


def rung_retrieves(rung: str) -> bool:
    """Whether the rung looks documents up."""
    return rung == "rag" or (rung.endswith("+rag") and not rung.startswith(REMOTE))


def rung_is_shown_shots(rung: str) -> bool:
    """Whether the rung's prompts may hold solved examples."""
    return rung in ("fewshot", "rag")


def rung_is_seeded(rung: str) -> bool:
    """Whether another seed gives other weights: a tuned language model's; the classical rung has one optimum."""
    return rung_method(rung) not in ("", "classical")


def name_seed(name: str, seed: int) -> str:
    """A rung's or method's stage for one seed, from 1: the first is named as if there were no others."""
    return name if seed == 1 else f"{name}{_SEED}{seed}"


def split_seed(part: str) -> tuple[str, int]:
    """The reverse: rung or method, and its seed from 1."""
    name, _, seed = part.partition(_SEED)
    return name, int(seed) if seed.isdecimal() else 1


def list_seeds(rung: str, seeds: int) -> list[str]:
    """A rung's (or method's) stages, one a seed."""
    return [name_seed(rung, seed) for seed in range(1, seeds + 1 if rung_is_seeded(rung) else 2)]


def trained_folder(rung: str, seed: int = 1) -> str:
    """Where a rung's trained part stands, relative to the run's folder; empty if it has none."""
    method = rung_method(rung)
    if not method:
        return ""
    return "train/classical/model" if method == "classical" else f"train/{name_seed(method, seed)}/adapter"


def describe_candidate(
    settings: Settings, rung: str, train: Path | None, index: Path | None, seed: int = 1
) -> Candidate:
    """The candidate, without shots.

    Args:
        train: the stage folder of the rung's training; None for an untuned rung.
        index: the index's folder; None without retrieval.
        seed: which of its trainings, from 1.
    """
    if rung.startswith(REMOTE):
        return _describe_remote(settings, rung)
    method = rung_method(rung)
    retrieves = rung_retrieves(rung) and index is not None
    quantisation: Literal["none", "nf4"] = "nf4" if sft_method(method) == "qlora" else "none"
    uses_base = method != "classical"
    return Candidate(
        rung=rung,
        base_model=settings.base.model if uses_base else "",
        base_revision=settings.base.revision if uses_base else "",
        base_digest=_base_digest(settings) if uses_base else "",
        quantisation=quantisation,
        dtype=_dtype(settings, train) if uses_base else "float32",
        adapter=trained_folder(rung, seed),
        adapter_digest=hash_value(hash_folder(train / Path(trained_folder(rung)).name)) if train else "",
        prompt_style="short" if method and uses_base else "full",
        retrieval=retrieves,
        index_version=read_json(index / "index.json")["version"] if index and retrieves else "",
        encoder=settings.index.encoder if retrieves else "",
        k=settings.index.k,
        max_passage_words=settings.index.max_passage_words,
        tasks=settings.tasks,
    )


def _describe_remote(settings: Settings, rung: str) -> Candidate:
    """A hosted model; what is behind its name may change, and no digest here would tell."""
    remote = settings.remote[rung.removeprefix(REMOTE)]
    return Candidate(
        rung=rung, base_model=remote.model, base_digest=name_host(remote.url, remote.model), remote=remote,
        k=settings.index.k, max_passage_words=settings.index.max_passage_words, tasks=settings.tasks,
    )  # fmt: skip


def _dtype(settings: Settings, train: Path | None) -> Literal["float32", "bfloat16", "float16"]:
    """A tuned rung keeps the format that its training had, on whatever machine it is evaluated."""
    if train:
        trained: Literal["float32", "bfloat16", "float16"] = read_json(train / "manifest.json")["facts"]["dtype"]
        return trained
    from nichetune.models.compute import pick_dtype
    from nichetune.models.loading import pick_device

    return pick_dtype(settings.base.dtype, pick_device(settings.base.device))


def _base_digest(settings: Settings) -> str:
    from nichetune.models.packaged import model_digest, resolve_model

    return model_digest(resolve_model(settings.base.model, settings.base.revision))
