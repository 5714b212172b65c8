"""A model's weights, read tensor by tensor: nothing stands in memory twice, and no file is mapped into it.

model folder (safetensors, in one piece or with an index) -> {"model.layers.0.mlp.up_proj.weight": a slice}

A mapped file stays resident as a whole while one tensor of it is in use: with weights rounded or packed on the way,
the untouched copy would stand beside them for as long as the training runs.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from nichetune.core.files import read_json

_SINGLE, _INDEX = "model.safetensors", "model.safetensors.index.json"


@contextmanager
def open_weights(folder: Path) -> Iterator[dict[str, Any]]:
    """All tensors of a model by name, each read when it is sliced, and only while the block runs.

    Raises:
        FileNotFoundError: the folder holds no weights under the usual names.
    """
    from safetensors import safe_open

    with ExitStack() as stack:
        files = [stack.enter_context(safe_open(path, "pt", backend="pread")) for path in list_weight_files(folder)]
        yield {key: file.get_slice(key) for file in files for key in file.keys()}  # noqa: SIM118 - not a mapping


def list_weight_files(folder: Path) -> list[Path]:
    """The files that hold a model's weights: one, or those that its index names."""
    if (folder / _SINGLE).is_file() or not (folder / _INDEX).is_file():
        return [folder / _SINGLE]
    return [folder / name for name in sorted(set(read_json(folder / _INDEX)["weight_map"].values()))]


def read_model(folder: Path, dtype: Any, quantisation: Any) -> tuple[Any, list[str]]:
    """A causal language model with the weights of a folder, on the CPU, and the weights that the folder lacks.

    Raises:
        OSError: no weights, or none that can be read.
        ValueError: the config is not a causal language model's.
    """
    from safetensors import SafetensorError
    from transformers import MODEL_FOR_CAUSAL_LM_MAPPING, AutoConfig, GenerationConfig

    config = AutoConfig.from_pretrained(str(folder), trust_remote_code=False)
    if type(config) not in MODEL_FOR_CAUSAL_LM_MAPPING:
        raise ValueError(f"{type(config).__name__} is not a causal language model's")
    kind: Any = MODEL_FOR_CAUSAL_LM_MAPPING[type(config)]
    own = (folder / "generation_config.json").is_file()
    try:
        with open_weights(folder) as weights:
            model, about = kind.from_pretrained(
                None, config=config if isinstance(config, kind.config_class) else config.get_text_config(),
                state_dict=weights, dtype=dtype, quantization_config=quantisation, output_loading_info=True,
                generation_config=GenerationConfig.from_pretrained(str(folder)) if own else None,
            )  # fmt: skip
    except SafetensorError as error:
        raise OSError(f"{folder}: broken weights") from error
    model.name_or_path = model.config._name_or_path = str(folder)
    return model, sorted(about["missing_keys"])
