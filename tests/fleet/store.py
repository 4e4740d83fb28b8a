"""The one real ``coroner serve`` of a run, and what is asked of it."""

from __future__ import annotations

import contextlib
import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import attrs
import httpx2
import msgspec

from coresnap.store.api.endpoint import Capability
from coresnap.store.api.groups import GroupDetails
from coresnap.store.api.projects import Limits
from coresnap.store.api.service import Status
from coresnap.store.api.tokens import CreatedToken, NewToken
from fleet.clock import Clock
from fleet.memory import memory_below
from fleet.network import Place, python_environment
from store.server.process import ServerProcess

__all__ = ["PORT", "TLS_PORT", "Store", "StoredFault", "make_certificate"]

PORT = 6097
TLS_PORT = 6098
_ROWS = 10_000


@attrs.frozen
class StoredFault:
    """One fault, as the store's state has it."""

    object: str
    sequence: int
    """In the order of acceptance."""
    fingerprint: str
    time: int
    """Of the crash, seconds UTC."""
    received: int


@attrs.define
class _Process(ServerProcess):
    """A server in a namespace. ``ip netns exec`` becomes the server."""

    place: str = ""

    def words(self, listen: str) -> list[str]:
        return ["ip", "netns", "exec", self.place, *super().words(listen)]


@attrs.define
class Store:
    """The server at a place, with everything below ``data``."""

    place: Place
    data: Path
    options: tuple[str, ...] = ()
    projects: tuple[str, ...] = ("blackhole",)
    _process: _Process = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        more = [word for name in self.projects[1:] for word in ("--project", name)]
        self._process = _Process(
            self.data, (*self.options, *more), place=self.place.name
        )

    def start(self) -> None:
        """Start it, and return when it listens."""
        self._process.start(f"{self.place.address}:{PORT}")

    def kill(self) -> None:
        """kill -9."""
        self._process.end(signal.SIGKILL)

    def end(self) -> None:
        """End it as a service manager does."""
        process = self._process.process
        if process is not None and process.poll() is None:
            self._process.end()

    def memory(self) -> int:
        """Return the bytes that its processes have, each page once; 0 if it is down."""
        process = self._process.process
        return 0 if process is None else memory_below(process.pid)

    @property
    def address(self) -> str:
        return f"http://{self.place.address}:{PORT}"

    @property
    def tls_address(self) -> str:
        return f"https://{self.place.address}:{TLS_PORT}"

    # --- what an operator does ------------------------------------------------------

    def status(self) -> Status | None:
        """What ``coroner status`` shows; None if it does not answer."""
        try:
            answer = self._ask("GET", "/api/v1/status", silence=1.0)
        except httpx2.TransportError:
            return None
        return msgspec.json.decode(answer.content, type=Status)

    def shown_status(self) -> str:
        """What the command ``coroner status`` prints."""
        program = "from coresnap.views.cli.process import run_coroner as run; run()"
        done = subprocess.run(
            [
                sys.executable,
                "-c",
                program,
                "-c",
                str(self.data / "coroner.cf"),
                "status",
            ],
            capture_output=True,
            text=True,
            env=python_environment(),
        )
        return done.stdout + done.stderr

    def create_token(self, name: str, project: str | None = None) -> CreatedToken:
        """Make a token that may post."""
        wanted = NewToken(name, (Capability.POST,), project)
        answer = self._ask("POST", "/api/v1/universes/cf/tokens", wanted)
        return msgspec.json.decode(answer.content, type=CreatedToken)

    def revoke(self, token: CreatedToken) -> None:
        """Let a token be good for nothing any more."""
        self._ask("DELETE", f"/api/v1/universes/cf/tokens/{token.description.id}")

    def limit(self, project: str, faults: int | None) -> None:
        """Let a project take so many faults today."""
        self._ask("PUT", f"/api/v1/projects/cf/{project}/limits", Limits(faults))

    def group(self, fingerprint: str, project: str = "blackhole") -> GroupDetails:
        """Return a group."""
        path = f"/api/v1/projects/cf/{project}/groups/{fingerprint}"
        return msgspec.json.decode(self._ask("GET", path).content, type=GroupDetails)

    def put(self, path: str, body: msgspec.Struct) -> None:
        """Change something below the project ``blackhole``."""
        self._ask("PUT", f"/api/v1/projects/cf/blackhole/{path}", body)

    def post(self, path: str) -> bytes:
        """Do something below the project ``blackhole``."""
        return self._ask("POST", f"/api/v1/projects/cf/blackhole/{path}").content

    def query(self, body: msgspec.Struct | dict[str, object]) -> list[list[object]]:
        """Ask the index of the project ``blackhole``; return the rows' values."""
        path = "/api/v1/projects/cf/blackhole/query"
        answer = self._ask("POST", path, body).json()
        return [row["values"] for row in answer["rows"]]

    def has_body(self, object_id: str, project: str) -> bool:
        """Say whether the snapshot can be had."""
        path = f"/api/v1/projects/cf/{project}/faults/{object_id}"
        return bool(self._ask("GET", path).content)

    def _ask(
        self,
        method: str,
        path: str,
        body: object = None,
        silence: float = 30.0,
    ) -> httpx2.Response:
        """Ask as the administrator; whoever asks too often waits."""
        while True:
            answer = self._try(method, path, body, silence)
            if answer.status_code != 429:
                answer.raise_for_status()
                return answer
            time.sleep(float(answer.headers["retry-after"]))

    def _try(
        self, method: str, path: str, body: object, silence: float
    ) -> httpx2.Response:
        with httpx2.Client(
            base_url=self.address,
            headers={"authorization": f"Bearer {self._process.token}"},
            timeout=silence,
        ) as client:
            content = None if body is None else msgspec.json.encode(body)
            headers = {"content-type": "application/json"}
            return client.request(method, path, content=content, headers=headers)

    def indexed(self) -> int:
        """Return how many faults of all projects its index has."""
        return sum(self._indexed(project) for project in self.projects)

    def _indexed(self, project: str) -> int:
        path = f"/api/v1/projects/cf/{project}/query"
        body = {"select": ["object"], "limit": _ROWS}
        rows = self._ask("POST", path, body).json()["rows"]
        return len({row["values"][0] for row in rows})

    # --- what it has on its disk ----------------------------------------------------

    def faults(self) -> list[StoredFault]:
        """Return all faults of all projects, in the order in which they came."""
        with self._state() as state:
            rows = state.execute(
                "SELECT object, sequence, fingerprint, time, received FROM fault"
                " ORDER BY sequence"
            )
            return [StoredFault(r[0].hex(), r[1], r[2].hex(), *r[3:]) for r in rows]

    def counted(self) -> int:
        """Return how many faults all fingerprints together have counted."""
        with self._state() as state:
            counts = state.execute("SELECT coalesce(sum(count), 0) FROM fingerprint")
            return int(counts.fetchone()[0])

    @contextlib.contextmanager
    def _state(self) -> Iterator[sqlite3.Connection]:
        path = self.data / "state.sqlite"
        with contextlib.closing(
            sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)
        ) as state:
            yield state


def make_certificate(directory: Path, address: str, days_old: int) -> tuple[Path, Path]:
    """Make a certificate for an address as of some days ago; return it, and its key."""
    certificate, key = directory / "certificate.pem", directory / "key.pem"
    clock = Clock.make(directory, -days_old * 24 * 3600)
    words = ["openssl", "req", "-x509", "-newkey", "ec", "-nodes", "-days", "365"]
    words += ["-pkeyopt", "ec_paramgen_curve:prime256v1", "-subj", "/CN=store"]
    words += ["-addext", f"subjectAltName=IP:{address}"]
    words += ["-keyout", str(key), "-out", str(certificate)]
    subprocess.run(
        words, check=True, capture_output=True, env={**os.environ, **clock.environment}
    )
    return certificate, key
