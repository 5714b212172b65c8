"""Aliases: promotion is refused on a regression, rollback works and is seen at once, every move is logged."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime, timedelta

import pytest

from nichetune.core.errors import CheckFailed, UserError
from nichetune.registry.registry import Registry


def test_promote_refuses_a_regression_and_names_the_metric(registry, register):
    good, worse = register(b"one"), register(b"two!", regressions=[{"metric": "triage.side"}])
    registry.promote(good.digest)
    with pytest.raises(CheckFailed, match=r"triage\.side"):
        registry.promote(worse.digest)
    assert registry.resolve("production").digest == good.digest
    assert len(registry.log()) == 1


def test_forced_promotion_needs_a_reason_and_is_logged_as_forced(registry, register):
    worse = register(b"two!", regressions=["triage.side"])
    with pytest.raises(UserError, match="needs a reason"):
        registry.promote(worse.digest, force=True, reason="  ")
    registry.promote(worse.digest, force=True, reason="side is not used any more", who="mira")
    (move,) = registry.log()
    assert (move.kind, move.who, move.why) == ("force", "mira", "side is not used any more")


def test_rollback_returns_to_what_was_and_twice_goes_further_back(registry, register):
    a, b, c = (register(weights).digest for weights in (b"a", b"bb", b"ccc"))
    for digest in (a, b, c):
        registry.promote(digest)
    assert registry.rollback().digest == b
    assert registry.rollback().digest == a
    with pytest.raises(UserError, match="nothing to roll back to"):
        registry.rollback()
    registry.promote(c)
    assert registry.rollback().digest == a


def test_rollback_of_an_unknown_alias_lists_what_exists(registry, register):
    info = register(b"one")
    registry.set_alias("production", info.digest)
    with pytest.raises(UserError, match="no alias 'prod': there are production"):
        registry.rollback("prod")


def test_rollback_in_one_session_is_seen_by_another_at_once(registry, register):
    other = Registry.open(registry.vault.folder)
    a, b = register(b"a").digest, register(b"bb").digest
    registry.promote(a)
    registry.promote(b)
    assert other.resolve("production").digest == b
    registry.rollback()
    assert other.resolve("production").digest == a


def test_log_tells_when_who_from_where_to_where_and_why(registry, register):
    a, b = register(b"a").digest, register(b"bb").digest
    registry.promote(a, reason="first")
    registry.promote(b, reason="better", who="mira")
    newest, oldest = registry.log("production")
    assert (oldest.from_version, oldest.to_version, oldest.why) == (None, a, "first")
    assert (newest.from_version, newest.to_version, newest.who, newest.why) == (a, b, "mira", "better")
    assert oldest.who
    assert newest.at.tzinfo == UTC and datetime.now(UTC) - newest.at < timedelta(minutes=1)


def test_alias_that_is_already_there_has_not_moved(registry, register):
    info = register(b"one")
    registry.promote(info.digest)
    registry.promote(info.digest)
    assert len(registry.log()) == 1


@pytest.mark.parametrize("alias", ["", "Production", "9f2c", "a b", "x" * 65])
def test_alias_that_could_be_mistaken_for_something_else_is_refused(registry, register, alias):
    with pytest.raises(UserError, match="alias"):
        registry.set_alias(alias, register(b"one").digest)


PROMOTE = """
import sys
from pathlib import Path
from nichetune.registry.registry import Registry
registry = Registry.open(Path(sys.argv[1]))
print("ready", flush=True)
sys.stdin.readline()
for turn in range(30):
    registry.promote(sys.argv[2 + turn % 2], who=sys.argv[4])
"""


def test_two_processes_that_promote_at_once_leave_an_unbroken_chain(registry, register):
    a, b = register(b"a").digest, register(b"bb").digest
    command = [sys.executable, "-c", PROMOTE, str(registry.vault.folder)]
    workers = [
        subprocess.Popen([*command, *order, name], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for name, order in (("one", (a, b)), ("two", (b, a)))
    ]
    for worker in workers:
        assert worker.stdout and worker.stdout.readline() == "ready\n"
    for worker in workers:
        assert worker.stdin
        worker.stdin.write("go\n")
        worker.stdin.flush()
    for worker in workers:
        worker.communicate()
    assert [worker.returncode for worker in workers] == [0, 0]
    moves = registry.log()[::-1]
    assert {move.who for move in moves} == {"one", "two"}
    assert [move.from_version for move in moves] == [None, *(move.to_version for move in moves[:-1])]
    assert registry.resolve("production").digest == moves[-1].to_version


def test_a_blocked_version_is_promoted_only_by_force_with_a_reason(registry, register):
    info = register(b"one", blocked=["1 critical failure of qlora in suite policy: p4"])
    with pytest.raises(CheckFailed, match="p4") as caught:
        registry.promote(info.digest)
    assert caught.value.exit_status == 1 and "production" not in registry.aliases()
    registry.promote(info.digest, force=True, reason="a person answers")
    assert registry.log()[0].kind == "force"
