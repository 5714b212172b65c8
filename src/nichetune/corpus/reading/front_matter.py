"""Reads text files with front matter: a file is one record, its YAML the columns, what follows the text.

    ---
    license_expression: mit OR apache-2.0          {"license_expression": "mit OR apache-2.0",
    is_license_notice: yes                    ->    "is_license_notice": "yes",
    ---                                             "text": "Dual Licensed MIT and Apache 2"}
    Dual Licensed MIT and Apache 2

Values stay as they are written: `1.0` is no number and `no` is no truth, for YAML would change a label's spelling.
"""

from __future__ import annotations

import re
from typing import IO, Any

import yaml

from nichetune.core.settings import SourceSettings
from nichetune.corpus.encodings import decode_text
from nichetune.corpus.reading.raw import RawRecord, Unreadable, digest

_MOST_BYTES = 1 << 24  # held whole
_FRONT = re.compile(r"---[ \t]*\r?\n(.*?)^---[ \t]*\r?$\n?", re.DOTALL | re.MULTILINE)


class _PlainLoader(yaml.BaseLoader):
    """All values as text; no aliases, by which a few lines grow beyond any memory."""

    def compose_node(self, parent: Any, index: Any) -> Any:
        if self.check_event(yaml.AliasEvent):
            raise yaml.YAMLError("an alias")
        return super().compose_node(parent, index)


def read_record(handle: IO[bytes], source: SourceSettings) -> RawRecord:
    """The one record of a file. A mapped column that its front matter lacks is there and empty.

    Raises:
        LookupError: `sources[].encoding` names no codec.
        Unreadable: there is no front matter, it is no YAML mapping, or the file is too large.
    """
    data = handle.read(_MOST_BYTES + 1)
    if len(data) > _MOST_BYTES:
        raise Unreadable("file too large to be one record")
    text = decode_text(data, source.encoding)
    front = _FRONT.match(text)
    if front is None:
        raise Unreadable("no front matter (--- in the first line, and below it)")
    # Each file has keys of its own, so a lacking one is this record's fault, and no reason to stop.
    values: dict[str, Any] = dict.fromkeys(source.map.values()) | _read_yaml(front[1])
    values["text"] = text[front.end() :].strip()
    line = text.count("\n", 0, front.end()) + 1
    return RawRecord(line, digest(data), values)


def _read_yaml(text: str) -> dict[str, Any]:
    try:
        front = yaml.load(text, _PlainLoader)
    except (yaml.YAMLError, RecursionError):
        front = None
    if not isinstance(front, dict):
        raise Unreadable("front matter is no YAML mapping")
    return {str(name): value for name, value in front.items()}
