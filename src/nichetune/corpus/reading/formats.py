"""Which format a file has, by its name.

"notes/2026.jsonl.gz"  ->  compression "gzip", format "jsonl"
"mail.tar.gz"          ->  an archive
"""

from __future__ import annotations

from typing import Literal

from nichetune.core.errors import UserError

Format = Literal[
    "jsonl", "json", "csv", "parquet", "excel", "markdown", "front-matter", "text", "html", "pdf", "docx", "eml", "mbox"
]  # fmt: skip
Compression = Literal["gzip", "zstd", "bz2", "xz"]
Archive = Literal["zip", "tar"]

FORMATS: dict[str, Format] = {
    ".jsonl": "jsonl", ".ndjson": "jsonl", ".json": "json",
    ".csv": "csv", ".tsv": "csv", ".tab": "csv", ".psv": "csv",
    ".parquet": "parquet", ".pq": "parquet",
    ".xlsx": "excel", ".xlsm": "excel", ".xlsb": "excel", ".xls": "excel", ".ods": "excel",
    ".md": "markdown", ".markdown": "markdown", ".txt": "text", ".text": "text",
    ".html": "html", ".htm": "html", ".xhtml": "html",
    ".pdf": "pdf", ".docx": "docx", ".docm": "docx", ".eml": "eml", ".mbox": "mbox", ".mbx": "mbox",
}  # fmt: skip
COMPRESSIONS: dict[str, Compression] = {
    ".gz": "gzip", ".gzip": "gzip", ".zst": "zstd", ".zstd": "zstd", ".bz2": "bz2", ".xz": "xz",
}  # fmt: skip
ARCHIVES: dict[str, Archive] = {".zip": "zip", ".tar": "tar"}
_SHORT_TARS: dict[str, Compression] = {".tgz": "gzip", ".tzst": "zstd", ".tbz2": "bz2", ".tbz": "bz2", ".txz": "xz"}
TITLES: dict[str, str] = {
    "jsonl": "JSON Lines", "json": "JSON", "csv": "CSV", "parquet": "Parquet", "excel": "Excel",
    "markdown": "Markdown", "front-matter": "text with front matter", "text": "plain text", "html": "HTML",
    "pdf": "PDF", "docx": "Word", "eml": "e-mail", "mbox": "mailbox",
    "messages": "chat messages", "sharegpt": "ShareGPT", "alpaca": "Alpaca",
    "prompt-completion": "prompt–completion", "preference": "preference pairs", "none": "unreadable",
}  # fmt: skip
# What people keep beside the formats that are read, and what to do about it.
_OTHERS = {
    ".doc": "save it as .docx", ".rtf": "save it as .docx", ".odt": "save it as .docx", ".pages": "save it as .docx",
    ".msg": "save it as .eml", ".pst": "export it as .mbox", ".pptx": "save it as .pdf", ".ppt": "save it as .pdf",
    ".7z": "pack it as .zip", ".rar": "pack it as .zip",
}  # fmt: skip


def suffix_of(name: str) -> str:
    """The last suffix of a path or URL, lower-case, with its dot; empty without one."""
    last = name.rsplit("/", 1)[-1]
    stem, dot, suffix = last.rpartition(".")
    return f".{suffix.lower()}" if dot and stem else ""


def split_compression(name: str) -> tuple[str, Compression | None]:
    """The name without the suffix that says how it is compressed, and that compression."""
    suffix = suffix_of(name)
    if suffix in _SHORT_TARS:
        return name[: -len(suffix)] + ".tar", _SHORT_TARS[suffix]
    return (name[: -len(suffix)], COMPRESSIONS[suffix]) if suffix in COMPRESSIONS else (name, None)


def find_archive(name: str) -> Archive | None:
    """The kind of archive that a name tells of, whatever compresses it."""
    return ARCHIVES.get(suffix_of(split_compression(name)[0]))


def is_readable(name: str) -> bool:
    """Whether a name tells of a format that is read, perhaps compressed, or of an archive."""
    return find_archive(name) is not None or suffix_of(split_compression(name)[0]) in FORMATS


def explain_unknown(name: str) -> str:
    """Why a file is passed over, with what to do about it where that is known."""
    suffix = suffix_of(split_compression(name)[0])
    return f"no reader for {suffix or 'a name without suffix'}" + (f": {_OTHERS[suffix]}" if suffix in _OTHERS else "")


def detect_format(name: str, wanted: str = "auto") -> Format:
    """The format by setting, else by the file's name.

    Raises:
        UserError: the name says nothing.
    """
    if wanted != "auto":
        return wanted  # type: ignore[return-value]
    suffix = suffix_of(split_compression(name)[0])
    if suffix in FORMATS:
        return FORMATS[suffix]
    advice = _OTHERS.get(suffix, f"set sources[].format, or rename it to one of {', '.join(FORMATS)}")
    raise UserError(f"{name}: its format cannot be told from its name: {advice}")
