"""Servers for tests: one that misbehaves as it is told to, and Debian's debuginfod."""

from __future__ import annotations

import contextlib
import http.server
import os
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import attrs
import pytest

__all__ = ["Answer", "FakeServer", "debian_server", "sends", "serving"]

Answer = Callable[[http.server.BaseHTTPRequestHandler], None]


@attrs.define
class FakeServer:
    """Answers by path; what it does not know is not found."""

    url: str
    answers: dict[str, Answer] = attrs.field(factory=dict)
    asked: list[str] = attrs.field(factory=list)
    """Paths, in the order they were asked for."""
    ending: threading.Event = attrs.field(factory=threading.Event)
    """Set when the test is over: what waits must end."""

    def serve(self, build_id: str, kind: str, answer: Answer | bytes) -> None:
        """Answer a build-id with bytes, or as ``answer`` does it."""
        self.answers[f"/buildid/{build_id}/{kind}"] = (
            sends(answer) if isinstance(answer, bytes) else answer
        )


def sends(data: bytes, **headers: str) -> Answer:
    """An answer that is as it should be."""

    def answer(request: http.server.BaseHTTPRequestHandler) -> None:
        request.send_response(200)
        for name, value in {"Content-Length": str(len(data)), **headers}.items():
            request.send_header(name.replace("_", "-"), value)
        request.end_headers()
        request.wfile.write(data)

    return answer


@contextlib.contextmanager
def serving() -> Iterator[FakeServer]:
    """Serve on a free port of the loopback interface."""
    fake = FakeServer("")

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            fake.asked.append(self.path)
            answer = fake.answers.get(self.path)
            # The client may have had enough before we have.
            with contextlib.suppress(ConnectionError):
                if answer is None:
                    self.send_error(404)
                else:
                    answer(self)

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    server.block_on_close = False
    fake.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield fake
    finally:
        fake.ending.set()
        server.shutdown()
        thread.join()
        server.server_close()


@contextlib.contextmanager
def debian_server(directory: Path) -> Iterator[str]:
    """Run debuginfod(8) over the files of ``directory``; skip where there is none."""
    if shutil.which("debuginfod") is None:
        pytest.skip("not installed: debuginfod")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    log = directory.with_name(f"{directory.name}.log")
    words = ["debuginfod", "-F", "-p", str(port), "-d", ":memory:", "-v"]
    with log.open("wb") as stream:
        process = subprocess.Popen(
            [*words, str(directory)],
            stdout=stream,
            stderr=stream,
            env={**os.environ, "DEBUGINFOD_URLS": ""},
        )
    try:
        _wait_until_scanned(log)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait()


def _wait_until_scanned(log: Path) -> None:
    for _ in range(600):
        if b"fts traversed" in log.read_bytes():
            return
        time.sleep(0.05)
    raise AssertionError(log.read_text(errors="replace"))
