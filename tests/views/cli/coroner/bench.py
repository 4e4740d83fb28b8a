"""The program ``coroner``, run in this process against a server of the test's own."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import attrs
import pytest

from coresnap.config.store_config import StoreConfig
from coresnap.store.api.endpoint import Capability
from coresnap.store.api.faults import Accepted
from coresnap.store.client.client import open_client
from coresnap.store.client.connection import Patience
from coresnap.store.client.putting import put_snapshot
from coresnap.views.cli.coroner.program import CORONER
from coresnap.views.cli.main import main
from store.server.live import LiveServer
from store.server.snapshots import make_snapshot, make_snapshot_of

__all__ = ["Answer", "Coroner", "group", "make_coroner"]


@attrs.frozen
class Answer:
    """What a command printed, and its exit code."""

    code: int
    output: str
    error: str


@attrs.define
class Coroner:
    """The program, with a configuration for a live server."""

    live: LiveServer
    config: Path
    token: str
    capsys: pytest.CaptureFixture[str]
    count: int = 0

    def put(self, kind: int = 1, **attributes: str | int) -> Accepted:
        """Send the next crash of the ``kind``th bug, past the command line."""
        self.count += 1
        return self._put(make_snapshot(self.count, kind, **attributes))

    def put_stack(self, kind: int, *callstack: str) -> Accepted:
        """The same, with a stack of its own."""
        self.count += 1
        return self._put(make_snapshot_of(callstack, self.count, kind))

    def _put(self, body: bytes) -> Accepted:
        config = StoreConfig("cf", self.live.url, self.live.url)
        patience = Patience(tries=1)
        with open_client(config, "blackhole", self.token, patience=patience) as client:
            return put_snapshot(client, io.BytesIO(body))

    def answer(self, *words: str) -> Answer:
        """Run a command; before and after it nothing waits for the index."""
        self.live.wait_until_indexed()
        self.capsys.readouterr()
        code = main(["-c", str(self.config), *words], CORONER)
        self.live.wait_until_indexed()
        said = self.capsys.readouterr()
        return Answer(code, said.out, said.err)

    def run(self, *words: str, code: int = 0) -> str:
        """Return what a command printed; of one that has to fail its error too."""
        answer = self.answer(*words)
        assert answer.code == code, answer.error
        return answer.output + (answer.error if code else "")

    def json(self, *words: str) -> Any:  # noqa: ANN401
        """Return what a command prints with ``--json``."""
        return json.loads(self.run(*words, "--json"))


def make_coroner(
    live: LiveServer, directory: Path, capsys: pytest.CaptureFixture[str]
) -> Coroner:
    """Write a coroner.cf like the announcement's, whose token allows everything."""
    token = live.token(*Capability, name="admin")
    config = directory / "coroner.cf"
    config.write_text(
        f"[universe]\nname = cf\nwrite = {live.url}\n"
        f"read = {live.url.partition('://')[2]}\nread.ssl.enabled = false\n"
        f"[token]\nblackhole = {token}\n"
    )
    config.chmod(0o600)
    return Coroner(live, config, token, capsys)


def group(kind: int) -> str:
    """The id of the ``kind``th bug's group."""
    return f"{kind:064x}"
