"""A GGUF file, packaged or the user's own, to float32 safetensors with tokenizer and chat template.

    model.Q4_1.gguf -> config.json model.safetensors tokenizer.json chat_template.jinja …

Float32, since a Q4_1 value (scale times step plus minimum, both float16) does not fit bfloat16's 8 bits.
"""

from __future__ import annotations

import contextlib
import io
from pathlib import Path

from nichetune.core.errors import UserError

_MAGIC = b"GGUF"


def find_gguf(place: Path) -> Path | None:
    """The GGUF file that a path names: itself, or the only one in a folder that holds no other model.

    Raises:
        UserError: a folder holds several.
    """
    if place.is_file():
        return place if place.suffix == ".gguf" else None
    if not place.is_dir() or (place / "config.json").is_file():
        return None
    found = sorted(place.glob("*.gguf"))
    if len(found) > 1:
        raise UserError(f"{place}: {len(found)} GGUF files: name one of them in base.model ({found[0].name}, …)")
    return found[0] if found else None


def convert_gguf(source: Path, work: Path) -> None:
    """Writes the model that a GGUF file holds into the folder `work`.

    Raises:
        UserError: the file is no GGUF, or of an architecture or quantisation that transformers does not read.
    """
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer
    from transformers.utils.logging import disable_progress_bar, set_verbosity_error

    set_verbosity_error()
    disable_progress_bar()
    with source.open("rb") as handle:
        if handle.read(4) != _MAGIC:
            raise UserError(f"{source}: no GGUF file: it does not begin with {_MAGIC.decode()}")
    try:
        tokenizer = AutoTokenizer.from_pretrained(source.parent, gguf_file=source.name)
        with contextlib.redirect_stderr(io.StringIO()):  # its progress bar has no switch
            network = AutoModelForCausalLM.from_pretrained(source.parent, gguf_file=source.name, dtype=torch.float32)
    except (ValueError, KeyError, IndexError, NotImplementedError, RuntimeError) as error:
        raise UserError(
            f"{source}: this GGUF is cut short, or of an architecture or quantisation that transformers does not read "
            f"({type(error).__name__}): take the model's safetensors"
        ) from error
    _forget_quantisation(network)
    network.save_pretrained(work)
    tokenizer.save_pretrained(work)
    for path in work.iterdir():
        if path.is_file():
            path.chmod(0o644)  # safetensors are written 0600: another user of a shared cache could not read them


def _forget_quantisation(network: object) -> None:
    """The values are plain floats by now; transformers would still refuse to save or to train a "GGUF" model."""
    config = network.config  # type: ignore[attr-defined]
    if hasattr(config, "quantization_config"):
        del config.quantization_config
    network.hf_quantizer = None  # type: ignore[attr-defined]
    network.is_quantized = False  # type: ignore[attr-defined]
