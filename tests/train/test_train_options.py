"""What a user may choose about adapters, optimisers and trackers, and what is said when it cannot be had."""

from __future__ import annotations

import contextlib
import json
import math
import socket
import sqlite3
import threading

import pytest
import torch
from pydantic import ValidationError
from train_tools import SECRET

from nichetune.core.errors import UserError
from nichetune.core.files import read_json
from nichetune.core.settings import BaseSettings, TrainSettings
from nichetune.models.adapters import attach_adapter, load_with_adapter
from nichetune.models.loading import load_base
from nichetune.models.packaged import resolve_model
from nichetune.train import optimisers, trackers
from nichetune.train.failures import explain_memory, is_out_of_memory, what_would_fit
from nichetune.train.fit import Fit


def tiny(job):
    return load_base(BaseSettings(model=job.base, dtype="float32"))


def adapted(model) -> set[str]:
    return {name.split(".lora_A")[0].rpartition(".")[2] for name, _ in model.named_parameters() if "lora_A" in name}


def test_chosen_layers_alone_are_adapted(job, tmp_path):
    assert adapted(attach_adapter(tiny(job), TrainSettings(targets=["q_proj", "mlp.up_proj"]), 7)) == {
        "q_proj", "up_proj"
    }  # fmt: skip
    assert len(adapted(attach_adapter(tiny(job), TrainSettings(), 7))) == 7
    job.run(tmp_path / "out", targets=["v_proj", "q_proj"])
    assert read_json(tmp_path / "out/adapter/adapter_config.json")["target_modules"] == ["q_proj", "v_proj"]


def test_an_unknown_layer_is_told_with_those_that_there_are(job):
    with pytest.raises(UserError, match="no linear layer 'c_attn'; known: q_proj, k_proj, v_proj, o_proj, gate_proj"):
        attach_adapter(tiny(job), TrainSettings(targets=["q_proj", "c_attn"]), 7)
    with pytest.raises(ValidationError, match="an empty list adapts nothing"):
        TrainSettings(targets=[])


def test_rslora_scales_by_the_root_of_the_rank(job):
    for rslora, scale in ((False, 32 / 16), (True, 32 / math.sqrt(16))):
        model = attach_adapter(tiny(job), TrainSettings(rslora=rslora), 7)
        scales = {s for m in model.modules() if hasattr(m, "lora_A") for s in m.scaling.values()}
        assert scales == {scale}


@pytest.mark.parametrize(("method", "dtype"), [("lora", "bfloat16"), ("qlora", "float32")])
def test_dora_trains_norms_and_answers_as_it_was_trained(job, tmp_path, method, dtype):
    job.base_settings = {"dtype": dtype}
    job.run(tmp_path / "out", method, dora=True, rslora=True)
    from safetensors import safe_open

    with safe_open(tmp_path / "out/adapter/adapter_model.safetensors", "pt") as weights:
        assert any("magnitude" in name for name in weights.keys())  # noqa: SIM118
    base = BaseSettings(model=job.base, dtype=dtype)
    loaded = load_with_adapter(base, "nf4" if method == "qlora" else "none", tmp_path / "out/adapter")
    plain = load_base(base, "nf4" if method == "qlora" else "none")
    ids = torch.tensor([[5, 6, 7, 8]])
    with torch.no_grad():
        assert not torch.allclose(loaded.model(input_ids=ids).logits, plain.model(input_ids=ids).logits, atol=1e-3)


@pytest.mark.parametrize("name", ["adamw", "adafactor", "sgd", "adamw_8bit"])
def test_each_optimiser_that_runs_here_trains_another_way(job, tmp_path, name):
    if not optimisers.runs_here(name, "cpu"):
        with pytest.raises(UserError, match=f"train.optimiser: {name} does not run on this cpu: take one of adamw"):
            job.run(tmp_path / "out", optimiser=name)
        return
    rate = 1.0 if name == "sgd" else 5e-3
    weights = job.run(tmp_path / "out", optimiser=name, learning_rate=rate)["adapter/adapter_model.safetensors"]
    usual = job.run(tmp_path / "usual")["adapter/adapter_model.safetensors"]
    assert (weights == usual) == (name == "adamw")


def test_an_optimiser_that_does_not_run_here_is_told(monkeypatch):
    def refuse(name, weights):
        if name == "paged_adamw_8bit":
            raise RuntimeError("no such kernel")
        return own(name, weights)

    own = optimisers._build
    monkeypatch.setattr(optimisers, "_build", refuse)
    with pytest.raises(UserError, match="paged_adamw_8bit does not run on this cpu: take one of adamw, "):
        optimisers.choose_optimiser("paged_adamw_8bit", "cpu")


@pytest.mark.parametrize(
    ("lacking", "words"),
    [("wandb", "wandb is not installed"), ("mlflow", "wandb cannot be used here, it lacks mlflow")],
)
def test_a_tracker_that_is_not_there_or_not_whole_is_told_with_its_extra(job, tmp_path, monkeypatch, lacking, words):
    own = trackers.importlib.import_module

    def refuse(name, *rest):
        if name == "wandb":
            raise ModuleNotFoundError(name=lacking)
        return own(name, *rest)

    monkeypatch.setattr(trackers.importlib, "import_module", refuse)
    with pytest.raises(UserError, match=rf"{words}: `pip install 'nichetune\[wandb\]'`"):
        job.run(tmp_path / "out", trackers=["wandb"])
    assert not (tmp_path / "out/checkpoints").exists()


def test_trackers_get_the_loss_and_no_text_and_the_digests_stay(job, tmp_path):
    pytest.importorskip("tensorboard")
    pytest.importorskip("mlflow")
    tracked = job.run(tmp_path / "out", trackers=["tensorboard", "mlflow"])
    assert tracked == job.run(tmp_path / "plain")
    files = [p for p in (job.folder / "tracking").rglob("*") if p.is_file()]
    assert any("tfevents" in p.name for p in files)
    with sqlite3.connect(job.folder / "tracking/mlflow/mlflow.db") as database:
        steps = database.execute("select count(*) from metrics where key = 'loss'").fetchone()[0]
    assert steps == 6
    assert not any(SECRET.encode() in p.read_bytes() for p in files)


def test_no_training_tells_anybody_of_itself(job, tmp_path, monkeypatch):
    from trl.trainer import base_trainer

    told = []
    monkeypatch.setattr(base_trainer, "send_telemetry", lambda *given, **named: told.append(given))
    monkeypatch.delenv("CI", raising=False)  # where upstream keeps still by itself
    job.run(tmp_path / "out")
    assert told == []


@pytest.fixture
def counted(monkeypatch):
    """Connections that anything here asks for, through the proxy that this process and those it starts are given."""
    asked = []
    with socket.create_server(("127.0.0.1", 0)) as server:

        def listen() -> None:
            with contextlib.suppress(OSError):  # closed at the end
                while True:
                    connection, _ = server.accept()
                    asked.append(connection.recv(200))
                    connection.close()

        threading.Thread(target=listen, daemon=True).start()
        for name in ("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{server.getsockname()[1]}")
        for name in ("no_proxy", "NO_PROXY", "WANDB_MODE", "WANDB_API_KEY", "WANDB_DIR", "TRACKIO_DIR"):
            monkeypatch.delenv(name, raising=False)
        yield asked
        server.shutdown(socket.SHUT_RDWR)


def test_weights_and_biases_stays_offline_asks_for_no_key_and_holds_no_text(job, tmp_path, counted, capfd):
    wandb = pytest.importorskip("wandb")
    for method in ("lora", "full"):
        job.run(tmp_path / method, method, trackers=["wandb"])
        assert wandb.run is None  # ended, or the next training's loss would stand in it
    lines = [line for line in capfd.readouterr().err.splitlines() if "wandb" in line]
    assert len(lines) == 2 and f"the log lies in {job.folder / 'tracking/wandb'}; `wandb sync` sends it" in lines[0]
    logs = list((job.folder / "tracking/wandb").rglob("run-*.wandb"))
    assert len(logs) == 2 and all(b"train/loss" in log.read_bytes() for log in logs)
    assert not any(SECRET.encode() in p.read_bytes() for p in (job.folder / "tracking").rglob("*") if p.is_file())
    assert counted == []


def test_trackio_logs_into_the_run_by_itself_and_prints_nothing_among_results(job, tmp_path, counted, capfd):
    pytest.importorskip("trackio")
    for folder in (job.folder, tmp_path / "another"):  # a second run in one process has a place of its own
        job.folder = folder
        job.run(folder / "out", trackers=["trackio"])
        told = capfd.readouterr()
        assert told.out == "" and f"trackio: the log lies in {folder / 'tracking/trackio'}" in told.err
        with sqlite3.connect(folder / "tracking/trackio/tiny.db") as database:
            logged = [json.loads(row[0]) for row in database.execute("select metrics from metrics")]
        assert sum("train/loss" in row for row in logged) == 6
        assert not any(SECRET.encode() in p.read_bytes() for p in (folder / "tracking").rglob("*") if p.is_file())
    assert counted == []


def test_a_log_that_is_to_be_sent_without_a_key_is_a_mistake_told(monkeypatch, tmp_path):
    monkeypatch.setattr(trackers.importlib, "import_module", lambda name: None)
    monkeypatch.setenv("NETRC", str(tmp_path / "none"))
    monkeypatch.delenv("WANDB_API_KEY", raising=False)
    given = (["wandb"], tmp_path, "desk", "lora")
    trackers.check_trackers(*given)
    monkeypatch.setenv("WANDB_MODE", "online")
    with pytest.raises(UserError, match=f"has no key: set WANDB_API_KEY, or .* find the log in {tmp_path}/wandb"):
        trackers.check_trackers(*given)
    (tmp_path / "none").write_text("machine api.wandb.ai login user password 0123\n")
    trackers.check_trackers(*given)


def test_memory_that_runs_out_is_told_with_what_would_fit():
    folder, gib = resolve_model("smollm2-135m"), 2**30

    def advise(method: str, fit: Fit, free: float, batch: int = 4) -> str:
        return what_would_fit(TrainSettings(batch_size=batch), method, folder, fit, "cpu", 512, int(free * gib))

    kept = advise("lora", Fit(False, False, "float32"), 16)
    assert "were free: train.checkpointing: on needs about" in kept
    assert "train.batch_size: 1 with train.accumulation: 4 needs" in kept and "the rung qlora" in kept
    tight = advise("lora", Fit(False, False, "float32"), 0.7)
    assert "train.checkpointing: on and train.batch_size: 1 with train.accumulation: 4 and the rung qlora" in tight
    assert advise("qlora", Fit(True, True, "float32"), 16, batch=1).endswith("take a smaller base.model")


def test_an_allocators_error_becomes_one_line_and_others_pass():
    for error in (MemoryError(), torch.OutOfMemoryError("CUDA out of memory."), OSError(12, "Cannot allocate memory")):
        with pytest.raises(Exception, match="out of memory: buy more") as told, explain_memory(lambda: "buy more"):
            raise error
        assert told.value.exit_status == 3
    with pytest.raises(RuntimeError, match="shapes"), explain_memory(lambda: "buy more"):
        raise RuntimeError("shapes differ")
    try:
        torch.empty(1 << 55, dtype=torch.uint8)
    except RuntimeError as error:
        assert is_out_of_memory(error)  # torch's own words for it, on this CPU
    else:
        pytest.fail("torch gave 32 PiB")


def test_how_a_training_is_watched_and_kept_is_no_part_of_its_key(job, tmp_path):
    from nichetune.pipeline.flow import Project, _without_watching

    def used(**train):
        return _without_watching(Project(job.settings(**train), tmp_path, tmp_path).subset("base", "train"))

    assert used() == used(trackers=["tensorboard"], checkpoint_every_s=5) != used(rank=8)
