"""Runs the gateway as one process on one address.

Reads a registry -> serves it until it is interrupted; prints where:

    Serving production (qlora+rag 9f2c1b0a7d3e) on http://127.0.0.1:8080/v1
"""

from __future__ import annotations

import contextlib
import errno
import ipaddress
import socket
from collections.abc import Callable

import uvicorn

from nichetune.core.errors import UserError
from nichetune.core.progress import say
from nichetune.core.settings import Settings
from nichetune.core.stages import short
from nichetune.registry.registry import PRODUCTION, Registry
from nichetune.registry.version import VersionInfo
from nichetune.serve.app import create_app

_BACKLOG = 128
_FINISH_S = 10  # how long an answer that is under way may take after the first Ctrl-C


def run_server(
    registry: Registry, settings: Settings, host: str, port: int, show: Callable[[str], object] = print
) -> None:
    """Serves until interrupted.

    Args:
        port: 0 picks a free one.
        show: gets the address, once connections are taken.

    Raises:
        UserError: nothing is registered yet, or the address is in use or not this machine's.
    """
    served = _pick_shown(registry)
    listener = open_listener(host, port)
    server = make_server(registry, settings)
    with listener, contextlib.suppress(KeyboardInterrupt):
        _warn_if_open(host)
        show(f"Serving {served} on {listener_url(listener)}/v1")
        server.run(sockets=[listener])


def make_server(registry: Registry, settings: Settings) -> uvicorn.Server:
    """The server, not yet running; it logs neither requests nor texts (`answering` notes each answer's counts)."""
    config = uvicorn.Config(
        create_app(registry, settings), log_level="warning", access_log=False, timeout_graceful_shutdown=_FINISH_S
    )
    return uvicorn.Server(config)


def open_listener(host: str, port: int) -> socket.socket:
    """A socket that takes connections already: whoever reads the printed address may connect at once.

    Raises:
        UserError: the address is in use, needs more rights, or is not this machine's.
    """
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        return socket.create_server((host, port), family=family, backlog=_BACKLOG)
    except OSError as error:
        raise UserError(_explain_address(error, host, port)) from None


def listener_url(listener: socket.socket) -> str:
    """Where a client finds it."""
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _explain_address(error: OSError, host: str, port: int) -> str:
    if error.errno == errno.EADDRINUSE:
        return f"port {port} on {host} is in use: stop what uses it, or give another --port (0: any free one)"
    if error.errno == errno.EACCES:
        return f"port {port} needs more rights: give a --port above 1023"
    return f"cannot listen on {host}: not an address of this machine, see --host"


def _pick_shown(registry: Registry) -> str:
    """The alias and version to tell about: production, or else the newest version."""
    versions: list[VersionInfo] = registry.list()
    if not versions:
        raise UserError("nothing is registered yet: `nichetune run` first")
    production = next((version for version in versions if PRODUCTION in version.aliases), None)
    shown = production or versions[0]
    return f"{PRODUCTION if production else 'version'} ({shown.rung} {short(shown.digest)})"


def _warn_if_open(host: str) -> None:
    with contextlib.suppress(ValueError):
        if ipaddress.ip_address(host).is_loopback:
            return
    if host != "localhost":
        say(f"warning: anyone who reaches {host} can ask and is answered: there is no authentication yet")
