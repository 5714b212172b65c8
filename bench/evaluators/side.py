"""What both harnesses' sides share: their command line, read in an environment without nichetune."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any


def run_side(answer_items: Callable[[argparse.Namespace], dict[str, Any]]) -> None:
    """Reads FOLDER MODEL --batch N [--stop], answers, and prints one JSON object."""
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("model", type=Path)
    parser.add_argument("--batch", type=int, required=True)
    parser.add_argument("--stop", action="store_true")
    print(json.dumps(answer_items(parser.parse_args())))
