"""Numbers of 64 bits that stand for texts: the same for the same texts, on every machine.

text -> number

    digest("explain", "now pinguecula") -> 10291838128374512345

Among a hundred million texts two different ones share a digest with a chance of 3 in 10,000; one of them would then be
taken for a copy.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

import numpy as np


def digest(*parts: str) -> int:
    """64 bits that are the same for the same texts."""
    joined = "\x1f".join(parts).encode("utf-8", "surrogatepass")
    return int.from_bytes(hashlib.blake2b(joined, digest_size=8).digest(), "little")


def digest_all(texts: Iterable[str]) -> np.ndarray:
    """A digest of each text. [texts]"""
    return np.fromiter((digest(text) for text in texts), dtype=np.uint64)


def digest_groups(names: Iterable[str | None]) -> np.ndarray:
    """A digest of each group; 0 for a text without one."""
    return np.fromiter((digest(name) if name else 0 for name in names), dtype=np.uint64)


def mix(numbers: np.ndarray) -> np.ndarray:
    """Numbers of 64 bits, each bit of which depends on all bits of the number that came. In place.

    The finaliser of SplitMix64 (Steele, Lea, Flood: Fast Splittable Pseudorandom Number Generators, 2014).
    """
    numbers ^= numbers >> np.uint64(30)
    numbers *= np.uint64(0xBF58476D1CE4E5B9)
    numbers ^= numbers >> np.uint64(27)
    numbers *= np.uint64(0x94D049BB133111EB)
    numbers ^= numbers >> np.uint64(31)
    return numbers


def join_digests(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """One digest for two that belong together, of each row. [rows], [rows]"""
    joined: np.ndarray = mix(one.copy()) + other * np.uint64(0x9E3779B97F4A7C15)
    return joined
