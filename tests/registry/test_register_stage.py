"""The pipeline's last stage: the first version goes to production, later ones wait as candidates."""

from __future__ import annotations

from pathlib import Path

import pytest

from nichetune.core.errors import UserError
from nichetune.core.files import hash_folder, write_json, write_jsonl
from nichetune.core.records import Document, Source
from nichetune.core.settings import RegistrySettings, Settings, TaskSettings
from nichetune.registry.register import find_production, open_registry, run_register
from nichetune.retrieve import index as retrieve_index
from nichetune.retrieve.search import open_index

SETTINGS = Settings(project="desk", sources=[], tasks={"triage": TaskSettings(kind="exact")})


def test_first_version_goes_to_production_and_the_next_waits_as_candidate(make_run, tmp_path: Path):
    first = run_register(SETTINGS, make_run(tmp_path, weights=b"one"))
    second = run_register(SETTINGS, make_run(tmp_path, weights=b"two!"))
    assert (first.aliases, second.aliases) == (("production",), ("candidate",))
    assert open_registry(SETTINGS, tmp_path).aliases() == {"production": first.digest, "candidate": second.digest}


def test_production_is_found_without_making_a_registry(make_run, tmp_path: Path):
    assert find_production(SETTINGS, tmp_path) is None
    assert not (tmp_path / "registry").exists()
    info = run_register(SETTINGS, make_run(tmp_path))
    assert find_production(SETTINGS, tmp_path) == info


def test_the_same_run_again_moves_nothing(make_run, tmp_path: Path):
    run = make_run(tmp_path)
    digests = {run_register(SETTINGS, run).digest for _ in range(3)}
    registry = open_registry(SETTINGS, run)
    assert len(digests) == len(registry.list()) == len(registry.log()) == 1


def test_registry_folder_of_the_settings_is_relative_to_the_project(make_run, tmp_path: Path):
    shared = SETTINGS.model_copy(update={"registry": RegistrySettings(folder="shared")})
    info = run_register(shared, make_run(tmp_path / "run"), project=tmp_path)
    assert info.folder == tmp_path / "shared" / "versions" / info.digest


def test_run_without_verdict_is_told_to_decide_first(tmp_path: Path):
    with pytest.raises(UserError, match="decides first"):
        run_register(SETTINGS, tmp_path)


@pytest.fixture(scope="module")
def index_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A real index of two documents."""
    run = tmp_path_factory.mktemp("run")
    texts = {"H10.82": "Rosacea conjunctivitis. Code first: rosacea dermatitis.", "H25": "Age-related cataract."}
    documents = [Document(id=name, text=text, source=Source(file="list.xml")) for name, text in texts.items()]
    write_jsonl(run / "mask" / "documents.jsonl", documents)
    (run / "index").mkdir()
    retrieve_index.run(SETTINGS, {"mask": run / "mask"}, run / "index")
    return run / "index"


def test_registered_index_answers_from_its_own_files(make_run, tmp_path: Path, index_folder: Path):
    version = open_index(index_folder).version
    run = make_run(tmp_path / "run", rung="qlora+rag", index_version=version)
    (run / "index").symlink_to(index_folder)
    info = run_register(SETTINGS, run)
    (run / "index").unlink()
    assert info.index and info.index.name == version
    found = open_index(info.index)
    assert found.search("what is coded first with rosacea?", tenant="default", k=1)[0].id == "H10.82"
    assert open_registry(SETTINGS, run).verify() == []  # searching changed no file
    documents = info.index / "documents.jsonl"
    documents.chmod(0o644)
    documents.write_text(documents.read_text().replace("cataract", "catarrh"))
    assert open_registry(SETTINGS, run).verify() == [f"{version}: documents.jsonl was changed"]


def test_two_versions_share_one_index(make_run, tmp_path: Path, index_folder: Path):
    version = open_index(index_folder).version
    (tmp_path / "index").symlink_to(index_folder)
    infos = [run_register(SETTINGS, make_run(tmp_path, "qlora+rag", weights, version)) for weights in (b"one", b"two!")]
    assert infos[0].digest != infos[1].digest and infos[0].index == infos[1].index
    assert len(hash_folder(tmp_path / "registry" / "indexes")) == len(hash_folder(infos[0].index))


def test_index_that_changed_since_evaluation_is_refused(make_run, tmp_path: Path, index_folder: Path):
    run = make_run(tmp_path, "qlora+rag", index_version="0" * 64)
    write_json(run / "index" / "index.json", {"version": "1" * 64, "k": 3, "encoder": "x", "encoder_digest": "y"})
    with pytest.raises(UserError, match="was evaluated with the index 000000000000"):
        run_register(SETTINGS, run)
