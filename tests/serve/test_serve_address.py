"""Starting the server: what it says when it cannot, and where it says that it is."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest
from serve_desk import SETTINGS, Served

from nichetune.core.errors import UserError
from nichetune.registry.registry import Registry
from nichetune.serve.server import open_listener, run_server

_SERVE = """
import sys
from pathlib import Path
from nichetune.registry.registry import Registry
from nichetune.serve.server import run_server
from nichetune.core.settings import Settings, TaskSettings
settings = Settings(project="desk", sources=[], tasks={"triage": TaskSettings(kind="free")})
run_server(Registry.open(Path(sys.argv[1])), settings, "127.0.0.1", 0, lambda text: print(text, flush=True))
print("left cleanly", flush=True)
"""


def test_an_empty_registry_is_told_to_run_first(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="`nichetune run` first"):
        run_server(Registry.open(tmp_path / "registry"), SETTINGS, "127.0.0.1", 0)


def test_a_port_in_use_is_told_in_one_line(served: Served) -> None:
    port = int(served.url.rpartition(":")[2])
    with pytest.raises(UserError, match=f"port {port} on 127.0.0.1 is in use") as refused:
        run_server(served.registry, SETTINGS, "127.0.0.1", port)
    assert "\n" not in str(refused.value) and refused.value.exit_status == 2


def test_an_address_of_another_machine_is_told_in_one_line() -> None:
    with pytest.raises(UserError, match=r"cannot listen on 192\.0\.2\.1"):
        open_listener("192.0.2.1", 0)


def test_the_printed_address_answers_at_once_and_an_interrupt_leaves_cleanly(served: Served) -> None:
    command = [sys.executable, "-c", _SERVE, str(served.registry.vault.folder)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None and server.stderr is not None
        line = server.stdout.readline()
        found = re.fullmatch(r"Serving production \(classical \w{12}\) on (http://127\.0\.0\.1:\d+)/v1\n", line)
        try:
            assert found is not None, line
            assert urllib.request.urlopen(f"{found[1]}/healthz", timeout=20).status == 200
        finally:
            server.send_signal(signal.SIGINT)
        assert server.stdout.read() == "left cleanly\n"
        assert "Traceback" not in server.stderr.read()
    assert server.returncode == 0
