"""A headless Chromium, driven through a pipe by its own protocol: no package, no port.

Pages are opened from files; what they ask of the network and what they complain of is kept.
"""

from __future__ import annotations

import base64
import contextlib
import itertools
import json
import os
import select
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")
WHY_NOT = f"no browser: none of {', '.join(NAMES)} is installed (Debian: apt-get install chromium)"
SECONDS = 60.0
ON_3_AND_4 = """
import fcntl, os, sys
one, two = (fcntl.fcntl(int(number), fcntl.F_DUPFD, 10) for number in sys.argv[1:3])
os.dup2(one, 3), os.dup2(two, 4)
os.execv(sys.argv[3], sys.argv[3:])
"""
"""The protocol is spoken on these descriptors."""


def found():
    """The path of a browser, or None."""
    return next(filter(None, map(shutil.which, NAMES)), None)


class Browser:
    """One tab. complaints: errors and warnings of the pages; requests: URLs, but `data:`."""

    def __init__(self):
        self._profile = tempfile.TemporaryDirectory(prefix="browser")
        to_read, self._out = os.pipe()
        self._in, to_write = os.pipe()
        flags = ["--headless=new", "--no-sandbox", "--disable-gpu", "--hide-scrollbars"]
        flags += ["--mute-audio", "--no-first-run", f"--user-data-dir={self._profile.name}"]
        flags += ["--remote-debugging-pipe", "about:blank"]
        ends = (str(to_read), str(to_write))
        self._process = subprocess.Popen(
            [sys.executable, "-c", ON_3_AND_4, *ends, found(), *flags],
            pass_fds=(to_read, to_write),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        os.close(to_read)
        os.close(to_write)
        self._rest, self._numbers, self._session = b"", itertools.count(1), None
        self.complaints, self.requests, self._events = [], [], []
        target = self.ask("Target.createTarget", url="about:blank")["targetId"]
        self._session = self.ask("Target.attachToTarget", targetId=target, flatten=True)[
            "sessionId"
        ]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.ask(f"{domain}.enable")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        with contextlib.suppress(OSError, TimeoutError):
            self._session = None
            self.ask("Browser.close")
        self._process.kill()
        self._process.wait()
        os.close(self._in)
        os.close(self._out)
        shutil.rmtree(self._profile.name, ignore_errors=True)

    def ask(self, method, **parameters):
        """The result of one command of the protocol."""
        number = next(self._numbers)
        message = {"id": number, "method": method, "params": parameters}
        if self._session:
            message["sessionId"] = self._session
        os.write(self._out, json.dumps(message).encode() + b"\0")
        while True:
            answer = self._next()
            if answer.get("id") == number:
                if "error" in answer:
                    raise RuntimeError(f"{method}: {answer['error']}")
                return answer["result"]
            self._note(answer)

    def open(self, page, *, width=1280, height=900, dark=False):
        """Load a file or a URL, and forget what was noted before."""
        self.complaints.clear()
        self.requests.clear()
        self.ask(
            "Emulation.setDeviceMetricsOverride",
            width=width, height=height, deviceScaleFactor=1, mobile=False,
        )  # fmt: skip
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.ask("Emulation.setEmulatedMedia", features=[scheme])
        url = page if str(page).startswith("http") else Path(page).resolve().as_uri()
        self._events.clear()
        self.ask("Page.navigate", url=url)
        self._wait("Page.loadEventFired")
        self.asked = [each for each in self.requests if each != url]

    def run(self, script):
        """The value of a JavaScript expression."""
        found = self.ask(
            "Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True
        )
        if "exceptionDetails" in found:
            raise RuntimeError(found["exceptionDetails"])
        return found["result"].get("value")

    def move(self, x, y):
        self.ask("Input.dispatchMouseEvent", type="mouseMoved", x=x, y=y)

    def click(self, x, y):
        for kind in ("mousePressed", "mouseReleased"):
            self.ask("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", clickCount=1)

    def press(self, key, code=None):
        numbers = {"Tab": 9, "Enter": 13, "ArrowLeft": 37, "ArrowUp": 38, "ArrowRight": 39,
                   "ArrowDown": 40}  # fmt: skip
        for kind in ("keyDown", "keyUp"):
            self.ask(
                "Input.dispatchKeyEvent",
                type=kind, key=key, code=code or key, windowsVirtualKeyCode=numbers[key],
            )  # fmt: skip

    def picture(self, file, height, *, quality=70):
        """A WebP of the top of the page."""
        width = self.run("document.documentElement.clientWidth")
        clip = {"x": 0, "y": 0, "width": width, "height": height, "scale": 1}
        found = self.ask(
            "Page.captureScreenshot",
            format="webp" if str(file).endswith("webp") else "png",
            clip=clip,
            captureBeyondViewport=True,
            **({"quality": quality} if str(file).endswith("webp") else {}),
        )
        Path(file).write_bytes(base64.b64decode(found["data"]))

    def _next(self):
        end = time.monotonic() + SECONDS
        while b"\0" not in self._rest:
            ready, _, _ = select.select([self._in], [], [], max(0.0, end - time.monotonic()))
            if not ready:
                raise TimeoutError("the browser does not answer")
            piece = os.read(self._in, 1 << 16)
            if not piece:
                raise OSError("the browser has ended")
            self._rest += piece
        message, _, self._rest = self._rest.partition(b"\0")
        return json.loads(message)

    def _note(self, event):
        method, said = event.get("method"), event.get("params", {})
        self._events.append(method)
        if method == "Network.requestWillBeSent":
            url = said["request"]["url"]
            if not url.startswith("data:"):
                self.requests.append(url)
        elif method == "Runtime.exceptionThrown":
            self.complaints.append(said["exceptionDetails"].get("text", ""))
        elif method == "Log.entryAdded" and said["entry"]["level"] in ("error", "warning"):
            self.complaints.append(said["entry"]["text"])
        elif method == "Runtime.consoleAPICalled" and said["type"] in ("error", "warning"):
            self.complaints.append(str(said["args"]))

    def _wait(self, method):
        while method not in self._events:
            self._note(self._next())
