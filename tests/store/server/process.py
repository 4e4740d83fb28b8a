"""A server in a process of its own, that can be killed."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import attrs
import httpx2

__all__ = ["ServerProcess"]

_PROGRAM = """
import argparse, sys
from coresnap.views.cli.coroner import serve
parser = argparse.ArgumentParser()
serve.add_arguments(parser)
sys.exit(serve.run(parser.parse_args(sys.argv[1:])))
"""


@attrs.define
class ServerProcess:
    """``coroner serve`` on a directory, started as often as it is wanted."""

    data: Path
    options: tuple[str, ...] = ()
    scheme: str = "http"
    process: subprocess.Popen[bytes] | None = None

    def start(self, listen: str = "127.0.0.1:0") -> str:
        """Start it and return its address."""
        with self.log.open("ab") as log:
            words = self.words(listen)
            self.process = subprocess.Popen(words, stderr=log, stdout=log)
        return self.wait_for(rb"(https?://[0-9.:]+[0-9])\"[^\n]*$")

    def words(self, listen: str) -> list[str]:
        """The command line."""
        words = [sys.executable, "-c", _PROGRAM, "--data", str(self.data), "--json"]
        words += ["--universe", "cf", "--project", "blackhole"]
        return [*words, "--listen", f"{self.scheme}://{listen}", *self.options]

    @property
    def log(self) -> Path:
        self.data.mkdir(exist_ok=True)
        return self.data / "log"

    def wait_for(self, pattern: bytes) -> str:
        """Return the first group of what stands in the log since the last start."""
        assert self.process is not None
        deadline = time.monotonic() + 120
        while time.monotonic() < deadline:
            found = re.search(pattern, self.log.read_bytes().strip())
            if found is not None:
                return found[1].decode() if found.groups() else found[0].decode()
            assert self.process.poll() is None, self.log.read_text()
            time.sleep(0.02)
        raise TimeoutError(self.log.read_text())

    def end(self, number: int = signal.SIGTERM) -> int:
        """Send a signal and return the exit code."""
        assert self.process is not None
        self.process.send_signal(number)
        code = self.process.wait(60)
        self.log.rename(self.data / f"log.{time.monotonic_ns()}")
        return code

    @property
    def token(self) -> str:
        """The first administrator's."""
        text = (self.data / "coroner.cf").read_text()
        found = re.search("[0-9a-f]{64}", text)
        assert found is not None
        return found[0]

    def client(self, url: str) -> httpx2.Client:
        """A client with that token, below the project."""
        return httpx2.Client(
            base_url=f"{url}/api/v1/projects/cf/blackhole/",
            headers={"authorization": f"Bearer {self.token}"},
            timeout=30,
        )
