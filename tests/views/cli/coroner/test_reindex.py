"""``coroner reindex``, on a store that no server has."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from coresnap.store.accepting.indexer import Indexer
from coresnap.store.accepting.queue import add_fault
from coresnap.store.access.projects import ensure_project
from coresnap.store.attributes.catalogue import CATALOGUE
from coresnap.store.fault import Fault
from coresnap.store.index.segments import segment_key
from coresnap.store.opening import StoreSettings, open_store
from coresnap.store.project import Project
from coresnap.store.query.query import Query
from coresnap.views.cli.coroner.program import CORONER
from coresnap.views.cli.main import main


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """Of a store with three faults in two segments."""
    store = open_store(StoreSettings(tmp_path / "store"))
    with store.state.write() as connection:
        project = ensure_project(connection, "cf", "blackhole")
    for numbers in ((1, 2), (3,)):
        with store.state.write() as connection:
            for n in numbers:
                fault = Fault(f"{n:032x}", n, 10, 20, "f" * 64, {"hostname": f"h{n}"})
                add_fault(connection, project.id, fault)
        Indexer(store).run_once()
    store.close()
    return project


def hosts(directory: Path, project: Project) -> list[str]:
    store = open_store(StoreSettings(directory))
    try:
        query = Query(select=("hostname",))
        rows = store.index.query(project.id, query, CATALOGUE).rows
        return sorted(str(row.values[0]) for row in rows)
    finally:
        store.close()


def reindex(directory: Path, *words: str) -> int:
    return main(["reindex", "--data", str(directory), *words], CORONER)


def test_an_index_that_is_gone_is_made_again(
    tmp_path: Path, project: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.rmtree(tmp_path / "store" / "index")
    assert reindex(tmp_path / "store", "--project", "blackhole") == 0
    assert capsys.readouterr().out == "cf/blackhole: 3 faults from 2 segments\n"
    assert hosts(tmp_path / "store", project) == ["h1", "h2", "h3"]


def test_what_was_lost_is_told(
    tmp_path: Path, project: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "store" / "objects" / segment_key(project.id, 1)).unlink()
    reindex(tmp_path / "store", "--json")
    assert json.loads(capsys.readouterr().out) == {
        "cf/blackhole": {
            "segments": 2,
            "faults": 1,
            "recovered": 0,
            "lost": 0,  # the state knows of no fault: these were only queued
            "damaged": [1],
        }
    }
    assert hosts(tmp_path / "store", project) == ["h3"]


def test_a_store_that_is_open_is_left_alone(
    tmp_path: Path, project: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    store = open_store(StoreSettings(tmp_path / "store"))
    try:
        from multiprocessing import get_context

        # A lock of POSIX is a process's: another one has to try.
        with get_context("spawn").Pool(1) as pool:
            assert pool.apply(reindex, (tmp_path / "store",)) == 74
    finally:
        store.close()
    assert hosts(tmp_path / "store", project) == ["h1", "h2", "h3"]


@pytest.mark.parametrize("words", [["--project", "other"], []])
def test_what_is_not_there_is_named(
    tmp_path: Path,
    project: Project,
    words: list[str],
    capsys: pytest.CaptureFixture[str],
) -> None:
    directory = tmp_path / ("store" if words else "nowhere")
    assert reindex(directory, *words) == 66
    assert ("other" if words else "nowhere") in capsys.readouterr().err
    assert not (tmp_path / "nowhere").exists()
