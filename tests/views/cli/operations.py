"""The operational commands, run in this process on a spool of the test's own."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import attrs
import pytest

from coresnap.backends import crash_record
from coresnap.collect.assets import pack_assets
from coresnap.collect.spool import Part, Spool, create_spool, make_id
from coresnap.config import Config, load_config
from coresnap.crash import Crash
from coresnap.views.cli.main import main

SECOND = 10**9


@attrs.frozen
class Answer:
    """What a command printed, and its exit code."""

    code: int
    output: str
    error: str

    @property
    def json(self) -> Any:  # noqa: ANN401 - whatever the command prints
        return json.loads(self.output)


@attrs.frozen
class Bench:
    """A configuration whose paths are all below one directory."""

    directory: Path
    capsys: pytest.CaptureFixture[str]

    @property
    def source(self) -> Path:
        return self.directory / "coresnap.conf"

    @property
    def config(self) -> Config:
        return load_config(self.source)

    def run(self, *words: str) -> Answer:
        code = main(["--config", str(self.source), *words])
        captured = self.capsys.readouterr()
        return Answer(code, captured.out, captured.err)

    def create(self) -> None:
        """Lay out the spool as ``install`` does."""
        create_spool(self.config.spool)
        self.config.journal.parent.mkdir(exist_ok=True)

    def put(
        self,
        parts: Mapping[Part, bytes],
        *,
        executable: str = "!bin!simple",
        time: int = 1_461_535_521 * SECOND,
        archive_id: str | None = None,
        capture: Mapping[str, object] | None = None,
        **facts: Any,  # noqa: ANN401 - fields of Crash
    ) -> str:
        name = archive_id or make_id()
        crash = Crash(pid=1, signal=11, time=time, executable=executable, **facts)
        members = {"crash.json": crash_record.encode(crash)}
        if capture is not None:
            members["capture.json"] = json.dumps(capture).encode()
        assets = pack_assets(members, 0)
        with Spool(self.config.spool) as spool:
            for part, data in {Part.ASSETS: assets, **parts}.items():
                with spool.create(part) as file:
                    os.write(file.fd, data)
                    spool.commit(part, file, name)
        return name


def make_bench(
    directory: Path, capsys: pytest.CaptureFixture[str], user: str = "root"
) -> Bench:
    bench = Bench(directory, capsys)
    bench.source.write_text(
        f"[archive]\nroot = {directory}/r\nhandler = {directory}/lib/catch\n"
        f"dump.quota = 0%\n[daemon]\nuser = {user}\nsocket = {directory}/s/n\n"
    )
    return bench
