"""One rank of a training: carries out the work order that its launcher wrote.

Reads <out>/ranks/order.json -> what `train/sft` writes (rank 0), report.json (rank 0) or error-<rank>.json:

    {"kind": "SystemFailure", "message": "the loss is not a number: …", "known": true, "time": 1764085522.1}

    python -m nichetune.train.rank runs/x/train/.lora.work/ranks/order.json
"""

from __future__ import annotations

import os
import sys
import threading
import time
import traceback
from dataclasses import asdict
from pathlib import Path
from typing import Any

from nichetune.core.errors import NichetuneError, SystemFailure, explain_os_error
from nichetune.core.files import read_json, write_json
from nichetune.core.progress import silence_progress
from nichetune.core.settings import Settings
from nichetune.train import sft
from nichetune.train.ranks import take_place

FOLDER, ORDER, REPORT = "ranks", "order.json", "report.json"


def main() -> int:
    """Carries out the order named on the command line; the launcher's variables say which rank this is."""
    _end_with(os.getppid())
    try:
        return carry_out(read_json(Path(sys.argv[1])), int(os.environ["RANK"]), int(os.environ["WORLD_SIZE"]))
    except KeyboardInterrupt:
        return 130


def carry_out(order: dict[str, Any], rank: int, ranks: int) -> int:
    """Trains as this rank; what goes wrong is written where the launcher finds it, and gives the exit status."""
    folder = Path(order["out"]) / FOLDER
    take_place(rank, ranks)
    os.chdir(order["here"])  # a base model's folder may be named from there
    silence_progress(rank > 0 or order["quiet"])
    try:
        report = _train(order, rank)
    except Exception as error:  # noqa: BLE001 - one line for a person, whatever it was; its text may hold their data
        known = explain_os_error(error) if isinstance(error, OSError) else error
        named = known if isinstance(known, NichetuneError) else SystemFailure(_locate(error, rank))
        facts = {"kind": type(named).__name__, "message": str(named), "known": named is known, "time": time.time()}
        write_json(folder / f"error-{rank}.json", facts)
        return named.exit_status
    if rank == 0:
        write_json(folder / REPORT, report)
    return 0


def _train(order: dict[str, Any], rank: int) -> dict[str, Any]:
    import torch
    import torch.distributed as dist

    settings = Settings.model_validate(order["settings"])
    inputs = {name: Path(path) for name, path in order["inputs"].items()}
    if order["cuda"]:
        torch.cuda.set_device(int(os.environ["LOCAL_RANK"]))
    else:
        torch.set_num_threads(max(1, torch.get_num_threads() // int(os.environ["LOCAL_WORLD_SIZE"])))
    if not dist.is_initialized():  # Ray's workers are
        dist.init_process_group("cpu:gloo,cuda:nccl" if order["cuda"] else "gloo")
    report = asdict(sft.run(settings, inputs, Path(order["out"]), order["method"]))
    if os.environ.get("TORCHELASTIC_RUN_ID"):  # Ray ends its own
        dist.barrier()  # a rank that is done must not leave while another still asks it something
    return report


def _locate(error: Exception, rank: int) -> str:
    if os.environ.get("NICHETUNE_DEBUG"):
        traceback.print_exc()
    if isinstance(error, MemoryError) or "out of memory" in str(error).lower():
        return "out of memory: a smaller train.batch_size, or train.checkpointing: on, needs less"
    last = traceback.extract_tb(error.__traceback__)[-1]
    where = f"{Path(last.filename).name}:{last.lineno}"
    return f"rank {rank} failed: {type(error).__name__} at {where}: NICHETUNE_DEBUG=1 shows the traceback"


def _end_with(launcher: int) -> None:
    """Ends this rank once its launcher is gone: a killed run leaves none behind that would write beside the next."""

    def watch() -> None:
        while os.getppid() == launcher:
            time.sleep(1)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


if __name__ == "__main__":
    status = main()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)  # not sys.exit: libraries' threads, torn down in any order, now and then abort the process
