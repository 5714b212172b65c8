"""A headless Chromium, driven over its own debugging pipe: no driver, no port, no package beside the browser.

    with Browser(folder) as browser:
        page = browser.open(file, width=390)
        page.ask("document.documentElement.scrollWidth")

The protocol is Chrome DevTools' (https://chromedevtools.github.io/devtools-protocol/): JSON messages, each ended by a
zero byte, on the browser's file descriptors 3 and 4.
"""

from __future__ import annotations

import base64
import fcntl
import json
import os
import select
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

CHROMIUM = next(
    (path for name in ("chromium", "chromium-browser", "google-chrome") if (path := shutil.which(name))), ""
)
MISSING = "no Chromium on this machine: apt-get install chromium"
_FLAGS = [
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update",
    "--disable-sync", "--no-first-run", "--disable-dev-shm-usage", "--hide-scrollbars", "--remote-debugging-pipe",
]  # fmt: skip
_PATIENCE_S = 60.0  # a busy machine starts a browser in some seconds
_LAUNCH = (
    "import os, sys; os.dup2(int(sys.argv[1]), 3); os.dup2(int(sys.argv[2]), 4); os.execv(sys.argv[3], sys.argv[3:])"
)


class Browser:
    """One browser process; its pages are opened one after another."""

    def __init__(self, folder: Path) -> None:
        ours_in, theirs_out = os.pipe()
        theirs_in, ours_out = os.pipe()
        high = [fcntl.fcntl(end, fcntl.F_DUPFD, 50) for end in (theirs_in, theirs_out)]  # not over 3 and 4
        command = [sys.executable, "-c", _LAUNCH, *map(str, high), CHROMIUM, *_FLAGS, f"--user-data-dir={folder}"]
        self._process = subprocess.Popen(command, pass_fds=high, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        for end in (theirs_in, theirs_out, *high):
            os.close(end)
        self._in, self._out = ours_in, ours_out
        self._rest, self._sent = b"", 0
        self.events: list[dict[str, Any]] = []

    def __enter__(self) -> Browser:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        self._process.wait(timeout=_PATIENCE_S)
        os.close(self._in)
        os.close(self._out)

    def call(self, method: str, session: str = "", **parameters: Any) -> dict[str, Any]:
        """Asks the browser for something and waits for its answer."""
        self._sent += 1
        own = {"id": self._sent, "method": method, "params": parameters} | ({"sessionId": session} if session else {})
        os.write(self._out, json.dumps(own).encode() + b"\0")
        answer = self._await(lambda told: told.get("id") == own["id"])
        assert "error" not in answer, (method, answer["error"])
        return dict(answer["result"])

    def wait_for(self, event: str, session: str) -> None:
        """Waits until a page tells of an event."""
        known = next((e for e in self.events if e.get("method") == event and e.get("sessionId") == session), None)
        if known is None:
            self._await(lambda told: told.get("method") == event and told.get("sessionId") == session)

    def _await(self, wanted: Any) -> dict[str, Any]:
        until = time.monotonic() + _PATIENCE_S
        while True:
            while b"\0" in self._rest:
                first, _, self._rest = self._rest.partition(b"\0")
                told = json.loads(first)
                if "method" in told:
                    self.events.append(told)
                if wanted(told):
                    return dict(told)
            ready = select.select([self._in], [], [], until - time.monotonic()) if time.monotonic() < until else ([],)
            read = os.read(self._in, 1 << 16) if ready[0] else b""
            assert read, f"the browser fell silent (exit status {self._process.poll()})"
            self._rest += read

    def open(self, file: Path, width: int = 1280, height: int = 900, dark: bool = False, media: str = "") -> OpenPage:
        """Opens a file in a window of this width, CSS pixels."""
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for part in ("Page", "Runtime", "Network", "Log"):
            self.call(f"{part}.enable", session)
        phone = width < 600
        self.call("Emulation.setDeviceMetricsOverride", session, width=width, height=height, deviceScaleFactor=1,
                  mobile=phone)  # fmt: skip
        scheme = [{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}]
        self.call("Emulation.setEmulatedMedia", session, media=media, features=scheme)
        self.events.clear()
        self.call("Page.navigate", session, url=file.resolve().as_uri())
        self.wait_for("Page.loadEventFired", session)
        return OpenPage(self, session)


class OpenPage:
    """One open page."""

    def __init__(self, browser: Browser, session: str) -> None:
        self.browser, self.session = browser, session

    def ask(self, expression: str) -> Any:
        """The value of a JavaScript expression in the page."""
        told = self.browser.call(
            "Runtime.evaluate", self.session, expression=expression, returnByValue=True, awaitPromise=True
        )
        assert "exceptionDetails" not in told, told["exceptionDetails"]
        return told["result"].get("value")

    def press(self, key: str, code: int) -> None:
        """Presses and lets go of a key."""
        for kind in ("keyDown", "keyUp"):
            self.browser.call("Input.dispatchKeyEvent", self.session, type=kind, key=key, code=key,
                              windowsVirtualKeyCode=code)  # fmt: skip

    def requests(self) -> list[str]:
        """Addresses that the page asked for, itself among them."""
        return [
            e["params"]["request"]["url"] for e in self.browser.events if e["method"] == "Network.requestWillBeSent"
        ]

    def complaints(self) -> list[str]:
        """What stands in the console: errors, refused scripts, warnings."""
        logged = [e["params"]["entry"]["text"] for e in self.browser.events if e["method"] == "Log.entryAdded"]
        thrown = [str(e["params"]) for e in self.browser.events if e["method"] == "Runtime.exceptionThrown"]
        return logged + thrown

    def draw(self, file: Path) -> None:
        """The whole page as a PNG file."""
        told = self.browser.call("Page.captureScreenshot", self.session, captureBeyondViewport=True, clip=self._whole())
        file.write_bytes(base64.b64decode(told["data"]))

    def _whole(self) -> dict[str, float]:
        size = self.browser.call("Page.getLayoutMetrics", self.session)["cssContentSize"]
        return {"x": 0, "y": 0, "width": size["width"], "height": size["height"], "scale": 1}

    def print(self, file: Path) -> None:
        """The page on paper (A4), as a PDF file."""
        told = self.browser.call("Page.printToPDF", self.session, paperWidth=8.27, paperHeight=11.69)
        file.write_bytes(base64.b64decode(told["data"]))
