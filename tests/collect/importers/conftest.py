"""A spool of the test's own, and an importer into it."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import attrs
import pytest

from coresnap.collect.assets import read_assets
from coresnap.collect.importers.importer import Importer, Result
from coresnap.collect.importers.intake import Taken
from coresnap.collect.spool import Part, Spool, create_spool
from coresnap.config import load_config


@attrs.frozen
class Bench:
    """What a test imports with, and looks at afterwards."""

    importer: Importer
    directory: Path
    """Where sources may stand."""

    @property
    def spool(self) -> Spool:
        return self.importer.spool

    def write(self, name: str, data: bytes) -> Path:
        path = self.directory / name
        path.write_bytes(data)
        return path

    def take(self, path: Path, format: str = "auto") -> Result:
        (result,) = attrs.evolve(self.importer, format=format).take(path)
        return result

    def imported(self, path: Path, format: str = "auto") -> Taken:
        result = self.take(path, format)
        if result.problem is not None:
            raise result.problem
        assert result.taken is not None
        return result.taken

    def core(self, archive_id: str) -> bytes:
        return self.spool.path(Part.CORE, archive_id).read_bytes()

    def members(self, archive_id: str) -> dict[str, bytes]:
        fd = self.spool.open(Part.ASSETS, archive_id)
        try:
            return read_assets(fd).members
        finally:
            os.close(fd)

    def told(self, archive_id: str, member: str = "crash.json") -> dict[str, Any]:
        told: dict[str, Any] = json.loads(self.members(archive_id)[member])
        return told

    def with_settings(self, text: str) -> Bench:
        """The same spool under other settings of ``[archive]``."""
        config = settings(self.spool.directory.parent, text)
        return Bench(attrs.evolve(self.importer, config=config), self.directory)


def settings(root: Path, text: str = "") -> Any:  # noqa: ANN401
    file = root / "coresnap.conf"
    quota = "" if "dump.quota" in text else "dump.quota = 0%\n"
    file.write_text(f"[archive]\nroot = {root}\n{quota}{text}")
    return load_config(file)


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    root = tmp_path / "root"
    create_spool(root / "archive")
    (tmp_path / "sources").mkdir()
    with Spool(root / "archive") as spool:
        yield Bench(Importer(spool, settings(root)), tmp_path / "sources")
