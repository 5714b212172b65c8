"""Versions: named by their files, never changed, found by alias and prefix, checked byte by byte."""

from __future__ import annotations

import errno
import shutil
import stat
from pathlib import Path

import pytest

from nichetune.core.errors import SystemFailure, UserError
from nichetune.core.files import hash_folder, hash_value
from nichetune.core.stages import input_digest
from nichetune.registry.registry import Registry


def test_same_candidate_gives_the_same_version_and_other_weights_another(registry, register):
    first, again, other = register(b"one"), register(b"one"), register(b"two!")
    assert first.digest == again.digest != other.digest
    assert [info.digest for info in registry.list()] == [other.digest, first.digest]


def test_version_is_named_by_the_digest_of_its_files(register):
    info = register(b"one")
    files = hash_folder(info.folder, frozenset({"sealed.json", "evidence"}))
    assert sorted(files) == ["adapter/adapter_model.safetensors", "candidate.json"]  # and no clocks
    assert info.folder.name == info.digest == hash_value(files)


def test_new_evidence_for_the_same_candidate_keeps_the_version_and_shows_the_newest(register):
    first = register(b"one", reasons=["cheapest"])
    again = register(b"one", reasons=["still the cheapest"])
    assert first.digest == again.digest
    assert again.verdict["reasons"] == ["still the cheapest"]
    assert first.verdict["reasons"] == ["cheapest"]


def test_untuned_rung_is_registered_without_adapter(register):
    info = register(b"", rung="base")
    assert info.adapter is None and info.candidate.rung == "base"


def test_adapter_path_inside_a_version_is_its_own(register):
    info = register(b"one")
    assert info.adapter == info.folder / "adapter"
    assert (info.adapter / "adapter_model.safetensors").read_bytes() == b"one"


def test_files_of_a_version_are_read_only(register):
    files = [path for path in register(b"one").folder.rglob("*") if path.is_file()]
    assert files and all(not path.stat().st_mode & (stat.S_IWUSR | stat.S_IWGRP | stat.S_IWOTH) for path in files)


def test_alias_full_digest_and_prefix_name_the_same_version(registry, register):
    info = register(b"one")
    registry.set_alias("candidate", info.digest)
    found = [registry.resolve(ref).digest for ref in ("candidate", info.digest, info.digest[:8])]
    assert found == [info.digest] * 3


@pytest.mark.parametrize("ref", ["prodution", "", "zz", "abcd", "' OR 1=1"])
def test_unknown_name_lists_what_exists(registry, register, ref):
    info = register(b"one")
    registry.set_alias("production", info.digest)
    with pytest.raises(UserError, match=f"production, {info.digest[:12]}"):
        registry.resolve(ref)


def test_ambiguous_prefix_is_refused(registry, register):
    by_start: dict[str, str] = {}
    for n in range(2000):  # P(no pair among 2000 versions shares 4 hex digits) = exp(-2000^2 / (2*65536)) < 1e-13
        digest = hash_value(n)
        if digest[:4] in by_start:
            pair = (by_start[digest[:4]], digest)
            break
        by_start[digest[:4]] = digest
    _add_rows(registry, pair)
    with pytest.raises(UserError, match="begins 2 versions"):
        registry.resolve(pair[0][:4])


def _add_rows(registry: Registry, digests: tuple[str, ...]) -> None:
    from nichetune.registry.moves import now
    from nichetune.registry.schema import VersionRow

    with registry.database.writing() as session:
        for digest in digests:
            session.add(VersionRow(digest=digest, rung="base", base_model="", index_version="", note="", created=now()))


def test_verify_is_silent_on_what_did_not_change(registry, register):
    register(b"one"), register(b"two!")
    assert registry.verify() == []


def test_verify_names_the_file_of_a_changed_byte(registry, register):
    info = register(b"one")
    weights = info.folder / "adapter" / "adapter_model.safetensors"
    weights.chmod(0o644)
    weights.write_bytes(b"onf")
    assert registry.verify() == [f"{info.digest}: adapter/adapter_model.safetensors was changed"]


def test_verify_finds_changed_evidence_added_files_and_lost_folders(registry, register):
    info, lost = register(b"one"), register(b"two!")
    (info.folder / "extra.bin").write_bytes(b"x")
    assert info.evidence
    (info.evidence / "evaluate" / "metrics.json").chmod(0o644)
    (info.evidence / "evaluate" / "metrics.json").write_text("{}")
    shutil.rmtree(lost.folder)
    problems = "\n".join(registry.verify())
    assert f"{info.digest}: extra.bin was added" in problems
    assert f"{info.evidence.name}: evaluate/metrics.json was changed" in problems
    assert f"{lost.digest}: sealed.json or the whole folder is missing" in problems


def test_verify_finds_a_list_rewritten_to_fit_changed_files(registry, register):
    info = register(b"one")
    weights, seal = info.folder / "adapter" / "adapter_model.safetensors", info.folder / "sealed.json"
    before = hash_folder(info.folder)["adapter/adapter_model.safetensors"]
    for path in (weights, seal):
        path.chmod(0o644)
    weights.write_bytes(b"onf")
    after = hash_folder(info.folder)["adapter/adapter_model.safetensors"]
    seal.write_text(seal.read_text().replace(before, after))
    assert registry.verify() == [f"{info.digest}: sealed.json was changed"]


def test_full_disk_leaves_no_half_version(registry, register, monkeypatch):
    def fail(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device", "adapter_model.safetensors")

    with monkeypatch.context() as patch:
        patch.setattr(shutil, "copytree", fail)
        with pytest.raises(SystemFailure, match="the disk is full"):
            register(b"one")
    assert registry.list() == []
    assert [path.name for path in registry.vault.folder.iterdir() if path.is_dir()] == []
    assert register(b"one").folder.is_dir()


def test_missing_adapter_is_a_mistake_told_in_one_line(registry, register, tmp_path: Path):
    info = register(b"one")
    with pytest.raises(UserError, match="no adapter at"):
        registry.register(info.candidate, tmp_path / "nowhere", tmp_path, tmp_path / "verdict.json", None)


def test_adapter_that_changed_since_its_evaluation_is_refused(registry, register, tmp_path: Path):
    info = register(b"one")
    claimed = info.candidate.model_copy(update={"adapter_digest": "0" * 64})
    with pytest.raises(UserError, match="has changed since qlora was evaluated"):
        registry.register(claimed, info.adapter, tmp_path, tmp_path / "verdict.json", None)


def test_production_is_compared_by_its_evaluation_whatever_its_verdict_said(registry, register):
    first, again = register(b"one", reasons=["a"]), register(b"one", reasons=["b"])
    assert first.evaluation and again.evaluation and first.evaluation != again.evaluation
    assert input_digest(first.evaluation) == input_digest(again.evaluation)
    assert [score.scores for score in again.scores] == [{"side": 0.3}]


def test_diff_tells_what_changed_in_record_and_figures(registry, register):
    base, tuned = register(b"", rung="base"), register(b"one")
    difference = registry.diff(base.digest, tuned.digest)
    assert difference.candidate == {"rung": ("base", "qlora"), "adapter": ("", "adapter")}
    before, after = difference.metrics["triage.side"]
    assert (before.value, after.value) == (0.0, 0.3)
    assert difference.same_benchmark


def test_show_holds_figures_with_n_and_the_moves(registry, register):
    info = register(b"one")
    registry.set_alias("production", info.digest, who="mira", why="first")
    shown = registry.show("production")
    assert shown["metrics"]["triage.side"]["n"] == 20
    assert [(move["who"], move["why"]) for move in shown["moves"]] == [("mira", "first")]
