"""What decides a generated text: the key under which it is kept, and never taken for another's.

    Identity(weights="77…", adapter="c1…", …).key([prompt]) -> "9f…"

Two well-known harnesses left the adapter's weights out of theirs, and so scored it with the base's answers.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

from nichetune.core.files import hash_value


@dataclass(frozen=True)
class Identity:
    """All of it but the prompt; a change of any part is another key.

    Attributes:
        weights: digest of the base's files; a remote model's address and name.
        adapter: digest of the adapter's (or the full weights') files.
        tokenizer: digest of the tokenizer's vocabulary and rules.
        template: digest of the chat template.
        quantisation: how the frozen weights are held.
        dtype: format in which they are multiplied.
        index: version of what was looked up; empty where nothing was.
        decoding: `greedy`, or how else tokens are chosen.
        seed: of what draws; greedy decoding draws nothing, and a remote model is told it.
        engine: what generates.
        device: cpu, cuda or auto.
        versions: of the packages that compute.
    """

    weights: str
    adapter: str = ""
    tokenizer: str = ""
    template: str = ""
    quantisation: str = "none"
    dtype: str = "float32"
    index: str = ""
    decoding: str = "greedy"
    seed: int = 0
    engine: str = "transformers"
    device: str = "auto"
    versions: dict[str, str] = field(default_factory=dict)

    def key(self, prompt: Any) -> str:
        """The digest of this and a prompt: ids or messages, with all that is asked of the answer."""
        return hash_value({"who": asdict(self), "what": prompt})


def name_host(url: str, model: str) -> str:
    """What stands for a hosted model's weights, which nobody here can hash."""
    return hash_value([url, model])


def identify_host(weights: str, seed: int = 0) -> Identity:
    """A hosted model's identity.

    Args:
        weights: as `name_host` gives them.
    """
    return Identity(weights=weights, decoding="temperature 0", seed=seed, engine="remote")
