"""An index that is lost, damaged or behind is made again."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

import pytest

from coresnap.errors import DamagedIndexError
from coresnap.store.accepting.indexer import Indexer
from coresnap.store.accepting.queue import add_fault, add_removal
from coresnap.store.accepting.rows import FaultRow, write_fault
from coresnap.store.fault import Fault
from coresnap.store.index.contract import Index
from coresnap.store.index.rebuild import Progress, Rebuilt, catch_up, mend, rebuild
from coresnap.store.index.segments import segment_key
from coresnap.store.objects.contract import Objects
from coresnap.store.objects.opening import open_objects
from coresnap.store.project import Project
from coresnap.store.state.state import State
from coresnap.store.state.tables.faults import Body
from coresnap.store.store import Store

from .faults import counted, fault, selected


@pytest.fixture
def state(tmp_path: Path) -> State:
    state = State(f"sqlite:///{tmp_path}/state.sqlite")
    state.prepare()
    return state


@pytest.fixture
def objects(tmp_path: Path) -> Objects:
    return open_objects(str(tmp_path / "objects"))


@pytest.fixture
def store(state: State, objects: Objects, index: Index) -> Store:
    return Store(state, objects, index)


@pytest.fixture
def filled(store: Store, project: Project) -> Store:
    """Four segments: one fault replaced, one removed."""
    put(store, project, fault(1, hostname="old"), fault(2, hostname="two"))
    put(store, project, fault(3, hostname="three"), fault(4, hostname="four"))
    put(store, project, fault(1, hostname="new", received=fault(1).received + 60))
    with store.state.write() as connection:
        add_removal(connection, project.id, [fault(2).object])
    Indexer(store).run_once()
    return store


EXPECTED = [("new",), ("three",), ("four",)]


def put(store: Store, project: Project, *faults: Fault) -> None:
    with store.state.write() as connection:
        for one in faults:
            row = FaultRow(
                project=project.id,
                object=one.object,
                sequence=one.sequence,
                fingerprint=one.fingerprint,
                digest="d" * 64,
                upload="e" * 32,
                size=1,
                body=Body.KEPT,
                time=one.time,
                received=one.received,
            )
            is_new = one.attributes["hostname"] != "new"
            write_fault(connection, project, row, is_new=is_new)
            add_fault(connection, project.id, one)
    Indexer(store).run_once()


def nothing_kept(row: FaultRow) -> Fault | None:
    return None


def kept(row: FaultRow) -> Fault | None:
    names = {1: "new", 3: "three", 4: "four"}
    if row.sequence not in names:
        return None
    return Fault(
        row.object,
        row.sequence,
        row.time,
        row.received,
        row.fingerprint,
        {"hostname": names[row.sequence]},
    )


def test_a_rebuilt_index_answers_as_before(filled: Store, project: Project) -> None:
    reports: list[Progress] = []
    before = selected(filled.index, "hostname", project=project.id)
    result = rebuild(filled, project.id, nothing_kept, reports.append)
    assert before == selected(filled.index, "hostname", project=project.id) == EXPECTED
    assert result == Rebuilt(segments=4, faults=5)
    assert reports[-1] == Progress(segment=4, last=4, faults=5)
    assert filled.index.written(project.id) == 4
    put(filled, project, fault(9, hostname="nine"))
    assert counted(filled.index, project.id) == 4


def test_an_index_that_is_behind_is_completed(filled: Store, project: Project) -> None:
    assert mend(filled, project.id, nothing_kept) is None
    filled.index.clear(project.id)
    assert mend(filled, project.id, nothing_kept) == Rebuilt(segments=4, faults=5)
    assert selected(filled.index, "hostname", project=project.id) == EXPECTED


def lose(store: Store, key: str) -> None:
    store.objects.remove(key)


def damage(store: Store, key: str) -> None:
    with store.objects.open(key) as file:
        data = bytearray(file.read())
    data[70] ^= 1
    store.objects.replace(key, io.BytesIO(data), len(data))


@pytest.mark.parametrize("harm", [lose, damage])
def test_faults_of_a_lost_segment_come_from_their_snapshots(
    filled: Store, project: Project, harm: Callable[[Store, str], None]
) -> None:
    harm(filled, segment_key(project.id, 2))
    result = rebuild(filled, project.id, kept)
    assert result.damaged == (2,)
    assert selected(filled.index, "hostname", project=project.id)[1:] == EXPECTED[1:]
    assert filled.index.written(project.id) == 4


def test_what_is_nowhere_is_counted_as_lost(filled: Store, project: Project) -> None:
    lose(filled, segment_key(project.id, 2))
    result = rebuild(filled, project.id, nothing_kept)
    assert result.lost >= 2
    assert ("three",) not in selected(filled.index, "hostname", project=project.id)


def test_snapshots_alone_are_enough(filled: Store, project: Project) -> None:
    result = rebuild(filled, project.id, kept, from_snapshots=True)
    found = selected(filled.index, "hostname", project=project.id)
    assert found == EXPECTED
    assert len(result.damaged) == 4


def test_a_segment_that_the_indexer_has_begun_is_left_to_it(
    filled: Store, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Stopped(BaseException):
        pass

    def stop(*_: object) -> None:
        raise Stopped

    with monkeypatch.context() as patch:
        patch.setattr(type(filled.index), "write", stop)
        with pytest.raises(Stopped):
            put(filled, project, fault(7, hostname="seven"))
    filled.index.clear(project.id)
    catch_up(filled, project.id, nothing_kept)
    assert filled.index.written(project.id) == 4
    Indexer(filled).run_once()
    assert counted(filled.index, project.id) == 4


def test_a_damaged_file_is_found_and_made_again(
    state: State, objects: Objects, tmp_path: Path, project: Project
) -> None:
    from coresnap.store.index.opening import open_index

    store = Store(state, objects, open_index("", tmp_path / "own"))
    put(store, project, *(fault(n, hostname="h") for n in range(1, 2000)))
    store.index.close()
    path = tmp_path / "own" / str(project.id) / "faults.duckdb"
    data = bytearray(path.read_bytes())
    data[12288:] = bytes(len(data) - 12288)
    path.write_bytes(data)
    with pytest.raises(DamagedIndexError, match="cannot be read") as raised:
        counted(store.index, project.id)
    assert "coroner reindex" in raised.value.remedy
    assert mend(store, project.id, nothing_kept) == Rebuilt(segments=1, faults=1999)
    assert counted(store.index, project.id) == 1999
    store.index.close()
