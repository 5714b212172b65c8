"""The benchmark's log only grows: whatever else is done to it breaks its chain, and the line is named."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor

import pytest

from nichetune.benchmark.ledger import append_entry, current_seal, read_ledger
from nichetune.core.errors import CheckFailed


@pytest.fixture
def log(tmp_path):
    """Five entries, the second one a superseding."""
    file = tmp_path / "benchmark.log.jsonl"
    append_entry(file, "seal", "a" * 64, "i" * 64)
    append_entry(file, "supersede", "b" * 64, "i" * 64, "more data")
    for n in range(3):
        append_entry(file, "look", "b" * 64, "i" * 64, facts={"rung": f"r{n}"})
    return file


def test_entries_are_numbered_chained_and_say_who_when_and_why(log):
    entries = read_ledger(log)
    assert [one.n for one in entries] == [1, 2, 3, 4, 5]
    assert [one.before for one in entries[1:]] == [one.digest for one in entries[:-1]]
    assert current_seal(entries) == entries[1]
    assert entries[1].who and entries[1].at.endswith("+00:00") and "more data" in entries[1].say()


def test_no_log_is_no_entries(tmp_path):
    assert read_ledger(tmp_path / "none.jsonl") == [] and current_seal([]) is None


@pytest.mark.parametrize(
    ("change", "line"),
    [
        (lambda lines: [lines[0], lines[1].replace("more data", "less data"), *lines[2:]], 2),
        (lambda lines: [*lines[:2], *lines[3:]], 3),
        (lambda lines: lines[1:], 1),
        (lambda lines: [lines[0], lines[2], lines[1], *lines[3:]], 2),
        (lambda lines: [*lines, lines[-1]], 6),
        (lambda lines: [*lines[:4], "{}"], 5),
    ],
    ids=["changed", "taken out", "first taken out", "swapped", "doubled", "no entry"],
)
def test_whatever_is_done_to_a_line_is_found_and_named(log, change, line):
    log.write_text("\n".join(change(log.read_text().splitlines())) + "\n")
    with pytest.raises(CheckFailed, match=rf"jsonl:{line}: ") as caught:
        read_ledger(log)
    assert caught.value.exit_status == 1
    with pytest.raises(CheckFailed):
        append_entry(log, "look", "b" * 64, "i" * 64)


def test_a_line_that_a_kill_cut_short_claims_nothing_and_is_written_over(log):
    whole = log.read_bytes()
    log.write_bytes(whole + whole.splitlines()[-1][:40])
    assert len(read_ledger(log)) == 5
    append_entry(log, "look", "b" * 64, "i" * 64)
    assert [json.loads(line)["n"] for line in log.read_text().splitlines()] == [1, 2, 3, 4, 5, 6]


def test_many_at_once_lose_no_entry_and_the_same_one_stands_once(log):
    def note(n: int) -> bool:
        return append_entry(
            log, "look", "b" * 64, "i" * 64, facts={"scored": n // 2},
            unless=lambda entries: any(one.facts.get("scored") == n // 2 for one in entries),
        ) is not None  # fmt: skip

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(note, range(24))) == 12
    assert len(read_ledger(log)) == 17
