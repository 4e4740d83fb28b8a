"""The server's index, when it starts."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from coresnap.store.accepting.indexer import Indexer
from coresnap.store.accepting.queue import add_fault
from coresnap.store.access.projects import ensure_project
from coresnap.store.attributes.catalogue import CATALOGUE
from coresnap.store.fault import Fault
from coresnap.store.opening import StoreSettings, open_store
from coresnap.store.project import Project
from coresnap.store.query.query import Query

from .live import PROJECT, UNIVERSE, LiveServer, running_server


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """Of a store that was indexed by another server."""
    store = open_store(StoreSettings(tmp_path))
    with store.state.write() as connection:
        project = ensure_project(connection, UNIVERSE, PROJECT)
        for n in (1, 2, 3):
            fault = Fault(f"{n:032x}", n, 10, 20, "f" * 64, {"hostname": f"h{n}"})
            add_fault(connection, project.id, fault)
    Indexer(store).run_once()
    store.close()
    return project


def lose(directory: Path) -> None:
    shutil.rmtree(directory)


def damage(directory: Path) -> None:
    for path in directory.glob("*/faults.duckdb"):
        path.write_bytes(b"no index" * 10_000)


@pytest.mark.parametrize("harm", [lose, damage])
def test_a_lost_or_damaged_index_is_made_again(
    tmp_path: Path, project: Project, harm: Callable[[Path], None]
) -> None:
    harm(tmp_path / "index")
    with running_server(tmp_path) as live:
        assert counted(live, project) == 3
        assert any("index completed" in line for line in live.log.lines)


def counted(live: LiveServer, project: Project) -> int:
    deadline = time.monotonic() + 20
    while not any("index completed" in line for line in live.log.lines):
        assert time.monotonic() < deadline, live.log.lines
        time.sleep(0.05)
    return live.server.store.index.query(project.id, Query(), CATALOGUE).faults
