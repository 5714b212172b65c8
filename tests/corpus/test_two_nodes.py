"""A Ray cluster of two nodes, reached by its address: both do parts, and the files are those of this machine's cores.

The nodes are two raylets on this machine, a core each, which share its disk as nodes share a run's folder. Masking on
Ray has its test beside its parts: its workers load a language model each, which takes longest.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import psutil
import pytest
from corpus_tools import make_settings
from test_engines import make_corpus

from nichetune.core.files import hash_folder, write_json, write_jsonl
from nichetune.corpus import dataplane, dedupe

ROOT = Path(__file__).parents[2]
NODES = 2
PART = 100
SCRIPT = """
import sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
import test_two_nodes
if __name__ == "__main__":
    test_two_nodes.work_on_cluster(Path(sys.argv[2]))
"""


class Noting:
    """A job that leaves behind which node's process did each part."""

    def __init__(self, job, folder):
        self.job, self.folder = job, folder

    def __call__(self, first, places):
        table = self.job(first, places)
        raylets = [one.pid for one in psutil.Process().parents() if one.name() == "raylet"]
        write_json(self.folder / f"{first}.json", {"raylets": raylets})
        return table


def run_stage(folder, out, **data):
    """Dedupes the corpus in parts: all other stages hand out theirs in the same way."""
    dedupe.run(make_settings(data=data), {"format": folder / "format"}, folder / out)


def work_on_cluster(folder):
    """Starts two nodes, runs the stage on them through their address, and tells what Ray knew of the nodes."""
    os.environ |= {"RAY_AUTH_MODE": "disabled", "RAY_USAGE_STATS_ENABLED": "0"}
    import ray
    from ray.cluster_utils import Cluster

    each = {"num_cpus": 1, "object_store_memory": 100 << 20}
    cluster = Cluster(initialize_head=True, head_node_args=each | {"include_dashboard": False})
    cluster.add_node(**each)
    cluster.wait_for_nodes()
    dataplane.PART, write = PART, dataplane._write_beside

    def write_noting(label, job, parts, missing, size):
        notes = folder / "notes" / label.replace(" ", "-")
        notes.mkdir(parents=True, exist_ok=True)
        write(label, Noting(job, notes), parts, missing, size)

    dataplane._write_beside = write_noting
    run_stage(folder, "cluster", engine="ray", address=cluster.address)
    nodes = [{"alive": node["Alive"], "cores": node["Resources"].get("CPU")} for node in ray.nodes()]
    write_json(folder / "nodes.json", {"nodes": nodes, "on_ray": dataplane.is_on_ray()})
    ray.shutdown()
    cluster.shutdown()


@pytest.mark.slow
def test_two_nodes_share_the_parts_and_give_the_same_files(tmp_path, monkeypatch):
    pytest.importorskip("ray")
    write_jsonl(tmp_path / "format/examples.jsonl", make_corpus(600))
    monkeypatch.setattr(dataplane, "PART", PART)
    run_stage(tmp_path, "native")
    command = [sys.executable, "-c", SCRIPT, str(Path(__file__).parent), str(tmp_path)]
    environment = os.environ | {"PYTHONPATH": f"{ROOT / 'src'}:{Path(__file__).parent}"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=500)
    assert done.returncode == 0, done.stderr[-3000:]
    told = json.loads((tmp_path / "nodes.json").read_text())
    assert told == {"nodes": [{"alive": True, "cores": 1.0}] * NODES, "on_ray": True}
    assert hash_folder(tmp_path / "cluster") == hash_folder(tmp_path / "native")
    for label in ("reading", "signing", "comparing"):
        assert list((tmp_path / "notes" / label).glob("*.json")), f"no part of {label} was done"
    done_by = [read_node(note) for note in (tmp_path / "notes").glob("*/*.json")]
    assert len(set(done_by)) == NODES and len(done_by) > 6, done_by


def read_node(note):
    [raylet] = json.loads(note.read_text())["raylets"]
    return raylet
