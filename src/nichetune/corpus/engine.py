"""Chooses where Daft's programs run: on this machine's cores, or on a Ray cluster; connects to Ray for all who use it.

settings.data -> Daft's runner, for this process and until it ends

    start_engine(DataSettings(engine="ray", address="10.0.0.7:6379"))
"""

from __future__ import annotations

import os
import socket
from typing import Any
from urllib.parse import urlsplit

from nichetune.core.errors import SystemFailure, UserError
from nichetune.core.settings import DataSettings
from nichetune.corpus.dataplane import daft, is_on_ray

_ANSWER_WITHIN_S = 10
_STORE_BYTES = 512 << 20  # of a Ray that this run starts: programs pass numbers, never texts


def start_engine(data: DataSettings) -> None:
    """Makes Daft use the engine of the settings.

    Raises:
        UserError: Ray is not installed, or the address is none.
        SystemFailure: the cluster does not answer.
    """
    if data.engine == "native" or is_on_ray():
        return
    connect_ray(data.address, "data.engine is ray", "data.address")
    daft.set_runner_ray(noop_if_initialized=True)


def connect_ray(address: str, wanted: str, key: str) -> bool:
    """Connects this process to a Ray cluster, or starts a Ray on this machine where the address is empty.

    Args:
        wanted: what of the settings asks for Ray, for the errors; key: the setting that holds the address.

    Returns:
        False where this process was connected before.

    Raises:
        UserError: Ray is not installed, or the address is none.
        SystemFailure: the cluster does not answer.
    """
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # as for Daft: nothing is sent home
    try:
        import ray
    except ImportError:
        raise UserError(f"{wanted}, and Ray is not installed: pip install nichetune[ray]") from None
    if address:
        _refuse_silence(address, key, key.partition(".")[0])
    else:
        os.environ.setdefault("RAY_AUTH_MODE", "disabled")  # it serves this machine alone
    options: dict[str, Any] = {"address": address or "local", "log_to_driver": False, "logging_level": "ERROR"}
    if not address:
        options |= {"include_dashboard": False, "object_store_memory": _STORE_BYTES}
    if ray.is_initialized():
        return False
    try:
        ray.init(**options)
    except (ConnectionError, RuntimeError, TimeoutError) as error:
        first = (str(error).strip().splitlines() or [type(error).__name__])[0][:200]
        raise SystemFailure(f"Ray at {address or 'this machine'} does not start or answer: {first}") from error
    return True


def _refuse_silence(address: str, key: str, section: str) -> None:
    """Asks before Ray does, which waits for minutes."""
    parts = urlsplit(address if "://" in address else f"//{address}")
    try:
        host, port = parts.hostname, parts.port
    except ValueError:
        host = port = None
    if not host or not port:
        raise UserError(f"{key}: {address!r} is no address: write host:6379, or ray://host:10001")
    try:
        socket.create_connection((host, port), _ANSWER_WITHIN_S).close()
    except OSError as error:
        raise SystemFailure(
            f"Ray at {address} does not answer ({error.strerror or error}): check {key}, or set {section}.engine to "
            f"{'native' if section == 'data' else 'local'}"
        ) from error
