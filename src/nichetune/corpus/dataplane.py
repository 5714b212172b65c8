"""Daft, imported so that it sends nothing home and draws no bars of its own.

Daft reports each import to an analytics service unless the environment says otherwise before it is imported. A tool
for private corpora makes no such call. Everything here that uses Daft imports it from this file.
"""

from __future__ import annotations

import os

os.environ.setdefault("DO_NOT_TRACK", "1")
os.environ.setdefault("DAFT_ANALYTICS_ENABLED", "0")
os.environ.setdefault("DAFT_PROGRESS_BAR", "0")

import daft
from daft import DataType, Series, col
from daft.functions import minhash

__all__ = ["DataType", "Series", "col", "daft", "minhash"]
