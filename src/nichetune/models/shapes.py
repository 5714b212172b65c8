"""A decoder's sizes, read from its config or known by name: all that a forecast of memory and time needs.

llama-3.1-8b | config.json | a model's folder -> Shape(layers=32, width=4096, …)
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nichetune.core.errors import UserError
from nichetune.core.files import read_json

# name: layers, width, inner width, heads, key-value heads, head width, vocabulary, whether the head is the embedding
_KNOWN: dict[str, tuple[int, int, int, int, int, int, int, bool]] = {
    "smollm2-135m": (30, 576, 1536, 9, 3, 64, 49152, True),
    "smollm2-360m": (32, 960, 2560, 15, 5, 64, 49152, True),
    "smollm2-1.7b": (24, 2048, 8192, 32, 32, 64, 49152, True),
    "qwen2.5-0.5b": (24, 896, 4864, 14, 2, 64, 151936, True),
    "qwen2.5-1.5b": (28, 1536, 8960, 12, 2, 128, 151936, True),
    "qwen2.5-7b": (28, 3584, 18944, 28, 4, 128, 152064, False),
    "qwen3-0.6b": (28, 1024, 3072, 16, 8, 128, 151936, True),
    "qwen3-1.7b": (28, 2048, 6144, 16, 8, 128, 151936, True),
    "qwen3-4b": (36, 2560, 9728, 32, 8, 128, 151936, True),
    "qwen3-8b": (36, 4096, 12288, 32, 8, 128, 151936, False),
    "llama-3.2-1b": (16, 2048, 8192, 32, 8, 64, 128256, True),
    "llama-3.2-3b": (28, 3072, 8192, 24, 8, 128, 128256, True),
    "llama-3.1-8b": (32, 4096, 14336, 32, 8, 128, 128256, False),
    "llama-3.1-70b": (80, 8192, 28672, 64, 8, 128, 128256, False),
    "llama-7b": (32, 4096, 11008, 32, 32, 128, 32000, False),
    "llama-13b": (40, 5120, 13824, 40, 40, 128, 32000, False),
    "llama-65b": (80, 8192, 22016, 64, 64, 128, 32000, False),
}


@dataclass(frozen=True)
class Shape:
    """A decoder's sizes, as its config has them."""

    layers: int
    width: int
    inner: int
    heads: int
    kv_heads: int
    head_width: int
    vocabulary: int
    tied: bool

    @property
    def query_width(self) -> int:
        """All query heads side by side."""
        return self.heads * self.head_width

    @property
    def kv_width(self) -> int:
        """All key (or value) heads side by side."""
        return self.kv_heads * self.head_width

    @property
    def linear_parameters(self) -> int:
        """Weights of all linear layers but the head."""
        attention = self.width * (2 * self.query_width + 2 * self.kv_width)
        return self.layers * (attention + 3 * self.width * self.inner)

    @property
    def embedding_parameters(self) -> int:
        """Weights of the embedding, and of the head where it is another matrix."""
        return self.vocabulary * self.width * (1 if self.tied else 2)

    @property
    def parameters(self) -> int:
        """All weights, norms left out."""
        return self.linear_parameters + self.embedding_parameters

    def adapter_parameters(self, rank: int) -> int:
        """LoRA's weights on all linear layers: rank times input and output width of each."""
        q, kv = self.query_width, self.kv_width
        widths = 2 * (self.width + q) + 2 * (self.width + kv) + 3 * (self.width + self.inner)
        return self.layers * rank * widths


def list_shapes() -> list[str]:
    """Names of the shapes that are known without a file."""
    return list(_KNOWN)


def read_shape(path: Path) -> Shape:
    """Sizes from a `config.json`, or from the one in a model's folder.

    Raises:
        KeyError: the config is not a decoder's.
    """
    config: dict[str, Any] = read_json(path / "config.json" if path.is_dir() else path)
    config = config.get("text_config") or config
    heads = config["num_attention_heads"]
    return Shape(
        layers=config["num_hidden_layers"], width=config["hidden_size"], inner=config["intermediate_size"],
        heads=heads, kv_heads=config.get("num_key_value_heads") or heads,
        head_width=config.get("head_dim") or config["hidden_size"] // heads, vocabulary=config["vocab_size"],
        tied=bool(config.get("tie_word_embeddings", False)),
    )  # fmt: skip


def find_shape(name: str) -> Shape:
    """The sizes of a known name, a config.json, a model's folder, or a Hugging Face id that this machine has cached.

    Raises:
        UserError: none of these, or a config that is not a decoder's.
    """
    if (known := _KNOWN.get(name.lower())) is not None:
        return Shape(*known)
    path = _find_config(name)
    try:
        return read_shape(path)
    except (KeyError, TypeError, ValueError) as error:
        raise UserError(
            f"{path}: not a decoder's config ({error}): give one with hidden_size, num_hidden_layers, …"
        ) from error


def _find_config(name: str) -> Path:
    path = Path(name).expanduser()
    if path.is_dir() and (path / "config.json").is_file():
        return path / "config.json"
    if path.is_file():
        return path
    if name.count("/") == 1 and not path.exists():
        from huggingface_hub import try_to_load_from_cache

        if isinstance(found := try_to_load_from_cache(name, "config.json"), str):
            return Path(found)
    raise UserError(
        f"no shape {name!r}: neither a folder with a config.json, nor such a file, nor a model in the Hugging Face "
        f"cache, nor one of {', '.join(_KNOWN)}"
    )
