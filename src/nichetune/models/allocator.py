"""How the C library keeps freed memory: for speed it holds on to it, and between blocks in use holes stay behind.

A training step frees and asks for thousands of blocks of different sizes; the holes that this leaves come to half of
what the step keeps. Asked to map every large block by itself, the library gives each back when it is freed: no holes,
for the price of fresh pages at every allocation. Only glibc is known to listen; elsewhere nothing happens.
"""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Iterator
from contextlib import contextmanager

_MMAP_THRESHOLD = -3  # mallopt's name for the size from which a block is mapped by itself
_LARGE_BYTES = 2**18
_USUAL_BYTES = 2**25  # where glibc's own, moving threshold ends up once large blocks have been freed


@contextmanager
def compact_heap(wanted: bool) -> Iterator[None]:
    """While the block runs, large blocks are given back as soon as they are freed."""
    library = _glibc() if wanted else None
    if library is not None:
        library.mallopt(_MMAP_THRESHOLD, _LARGE_BYTES)
    try:
        yield
    finally:
        if library is not None:
            library.mallopt(_MMAP_THRESHOLD, _USUAL_BYTES)


def return_freed_pages() -> None:
    """Gives back whole pages inside the holes, once: after loading, say, when a float copy has been rounded away."""
    if (library := _glibc()) is not None:
        library.malloc_trim(0)


def _glibc() -> ctypes.CDLL | None:
    if not sys.platform.startswith("linux"):
        return None
    library = ctypes.CDLL(None)
    return library if hasattr(library, "mallopt") and hasattr(library, "malloc_trim") else None
