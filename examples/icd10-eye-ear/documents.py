"""Write every entry of the two chapters as one short retrieval document.

entries of the list -> documents.

    {"id": "H10.82", "title": "Rosacea conjunctivitis", "document_class": "tabular list",
     "text": "H10.82 Rosacea conjunctivitis.\nCode first note at Rosacea conjunctivitis (H10.82): ..."}

Each note line stands in the text verbatim, since questions quote it.
"""

from tabular import NOTE_KINDS, Entry, ancestors

_UNASKED_KINDS = ("Note", "7th character")


def make_documents(entries: dict[str, Entry]) -> list[dict[str, str]]:
    """One document for each entry, in the list's order."""
    parents = {entry.parent for entry in entries.values()}
    documents = []
    for entry in entries.values():
        lines = [*_describe_entry(entry), *_describe_notes(entry)]
        if entry.code not in parents:
            lines.append(_describe_use(entry, entries))
        documents.append(
            {
                "id": entry.code,
                "title": entry.title,
                "document_class": "tabular list",
                "text": "\n".join(lines),
            }
        )
    return documents


def _describe_entry(entry: Entry) -> list[str]:
    lines = [f"{_name_entry(entry)}."]
    if entry.terms:
        lines.append(f"Also called: {'; '.join(entry.terms)}.")
    return lines


def _describe_notes(entry: Entry) -> list[str]:
    lines = []
    for kind in NOTE_KINDS.values():
        texts = [note.text.removesuffix(".") for note in entry.notes if note.kind == kind]
        # Title and code again: a search for them must rank this entry above its bare children.
        heading = kind if kind in _UNASKED_KINDS else f"{kind} note at {entry.title} ({entry.code})"
        if texts:
            lines.append(f"{heading}: {'; '.join(texts)}.")
    return lines


def _describe_use(leaf: Entry, entries: dict[str, Entry]) -> str:
    family = (leaf, *ancestors(entries, leaf.code))
    needs_more = any(note.kind == "7th character" for one in family for note in one.notes)
    is_full = len(leaf.code.replace(".", "")) == 7
    return f"Valid for billing {'with a 7th character' if needs_more and not is_full else 'as it stands'}."


def _name_entry(entry: Entry) -> str:
    """The entry by its code and title: "H10.82 Rosacea conjunctivitis", "Chapter 7 Diseases of ..."."""
    if entry.code.startswith("chapter-"):
        return f"Chapter {entry.code.removeprefix('chapter-')} {entry.title}"
    if "-" in entry.code:
        return f"Section {entry.code} {entry.title}"
    return f"{entry.code} {entry.title}"
