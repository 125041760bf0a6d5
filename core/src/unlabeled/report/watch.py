"""The page of a run while it trains, served to this machine alone."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from functools import partial
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from unlabeled.errors import UnlabeledError, UsageError
from unlabeled.report.page import page
from unlabeled.report.run_data import RunData

LOOPBACK = "127.0.0.1"


def watch(run: Path | str, *, port: int = 0, started: Callable[[str], None]) -> None:
    """Serve the page until Ctrl-C. Nothing is written.

    port: 0 takes a free one; started: is told the URL. Raises RunError if this is no run,
    UsageError if the port is taken.
    """
    RunData.read(run)
    try:
        server = ThreadingHTTPServer((LOOPBACK, port), partial(Handler, Path(run)))
    except (OSError, OverflowError) as error:
        raise UsageError(
            f"--port {port}: cannot be used: {error}. Leave it out for any."
        ) from error
    with server:
        server.daemon_threads = True
        started(f"http://{LOOPBACK}:{server.server_address[1]}/")
        server.serve_forever()


def version_of(run: Path) -> str:
    """Changes whenever the page would: by size and time of what it is made of."""
    files = [run / "manifest.json", run / "metrics.jsonl", *sorted((run / "evaluation").glob("*"))]
    seen = [(file.name, *_state(file)) for file in files]
    return hashlib.sha256(repr(seen).encode()).hexdigest()[:16]


def _state(file: Path) -> tuple[int, int]:
    try:
        found = file.stat()
    except OSError:
        return 0, 0
    return found.st_size, found.st_mtime_ns


class Handler(BaseHTTPRequestHandler):
    """Answers `/` and `/version`, to this machine's own names only."""

    def __init__(self, run: Path, *arguments: object) -> None:
        self.run = run
        super().__init__(*arguments)  # type: ignore[arg-type]

    def do_GET(self) -> None:
        port = self.connection.getsockname()[1]
        # Another name for this address would let a page from elsewhere read it (DNS rebinding).
        if self.headers.get("Host") not in (f"{LOOPBACK}:{port}", f"localhost:{port}"):
            self._answer(HTTPStatus.FORBIDDEN, "served to this machine only", "text/plain")
        elif self.path == "/version":
            self._answer(HTTPStatus.OK, version_of(self.run), "text/plain")
        elif self.path == "/":
            self._page()
        else:
            self._answer(HTTPStatus.NOT_FOUND, "not here", "text/plain")

    def _page(self) -> None:
        version = version_of(self.run)
        try:
            text = page(RunData.read(self.run), live=version)
        except UnlabeledError as error:
            self._answer(HTTPStatus.SERVICE_UNAVAILABLE, str(error), "text/plain")
        else:
            self._answer(HTTPStatus.OK, text, "text/html")

    def _answer(self, status: HTTPStatus, text: str, kind: str) -> None:
        content = text.encode()
        self.send_response(status)
        self.send_header("Content-Type", f"{kind}; charset=utf-8")
        self.send_header("Content-Length", str(len(content)))
        self.send_header("Cache-Control", "no-store")
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *arguments: object) -> None:
        """Nothing: a poll every three seconds is no news."""
