"""A state from a backup learns of what came later from the objects."""

from __future__ import annotations

import shutil
import sqlite3
from pathlib import Path

from sqlalchemy import select

from coresnap.store.accepting.accept import accept
from coresnap.store.accepting.forgetting import drop_bodies, forget
from coresnap.store.accepting.indexer import Indexer
from coresnap.store.accepting.rows import FaultRow, find_fault
from coresnap.store.accepting.sweeper import PARTS, sweep
from coresnap.store.access.projects import ensure_project, find_project
from coresnap.store.attributes.known import known
from coresnap.store.opening import StoreSettings, open_store
from coresnap.store.project import Project
from coresnap.store.query.query import Query
from coresnap.store.state.tables.groups import FINGERPRINTS
from coresnap.store.store import Store
from store.arrivals import Sent, make_sent


def put(store: Store, project: Project, *sent: Sent, replace: bool = False) -> None:
    for one in sent:
        accept(store, project, one.arrival, one.staged, replace=replace)


def rows_of(store: Store, project: Project) -> dict[int, FaultRow | None]:
    with store.state.read() as connection:
        return {
            number: find_fault(connection, project, make_sent(number).arrival.object)
            for number in range(1, 8)
        }


def counts_of(store: Store) -> dict[str, int]:
    columns = select(FINGERPRINTS.c.fingerprint, FINGERPRINTS.c.count)
    with store.state.read() as connection:
        return {name: count for name, count in connection.execute(columns)}


def test_a_state_from_a_backup_takes_over_what_came_later(tmp_path: Path) -> None:
    settings = StoreSettings(tmp_path / "store")
    backup = tmp_path / "state.sqlite"
    store = open_store(settings)
    with store.state.write() as connection:
        project = ensure_project(connection, "cf", "blackhole")
    put(store, project, make_sent(1), make_sent(2, kind=1))
    Indexer(store).run_once()
    # In the queue when the backup is made; one of them is forgotten later.
    put(store, project, make_sent(3), make_sent(7, kind=1))
    with (
        sqlite3.connect(settings.directory / "state.sqlite") as source,
        sqlite3.connect(backup) as target,
    ):
        source.backup(target)
    target.close()
    source.close()
    Indexer(store).run_once()
    put(store, project, make_sent(4, kind=2, color="red"), make_sent(5))
    put(store, project, make_sent(1, body=b"other", kind=2), replace=True)
    Indexer(store).run_once()
    gone = [make_sent(number).arrival.object for number in (2, 7)]
    forget(store, project, gone)
    drop_bodies(store, project, [make_sent(5).arrival.object], "tried")
    Indexer(store).run_once()
    expected = rows_of(store, project)
    expected_counts = counts_of(store)
    store.close()

    shutil.copy(backup, settings.directory / "state.sqlite")
    store = open_store(settings)

    with store.state.read() as connection:
        project = find_project(connection, "cf", "blackhole")
        assert "color" in known(connection, project)
    assert rows_of(store, project) == expected
    assert counts_of(store) == expected_counts
    assert [sweep(store, project, n).removed for n in range(PARTS)] == PARTS * [0]
    # What the backup had in its queue is written once more, and what comes now is new.
    put(store, project, make_sent(6))
    Indexer(store).run_once()
    with store.state.read() as connection:
        attributes = known(connection, project)
    rows = store.index.query(project.id, Query(select=("object",)), attributes).rows
    numbers = (1, 3, 4, 5, 6)
    assert sorted(str(row.values[0]) for row in rows) == sorted(
        make_sent(number).arrival.object for number in numbers
    )
    latest = rows_of(store, project)[6]
    assert latest is not None
    assert latest.sequence > max(row.sequence for row in expected.values() if row)
    store.close()


def test_a_state_that_knows_everything_stays_as_it_is(tmp_path: Path) -> None:
    settings = StoreSettings(tmp_path / "store")
    for _ in range(2):
        store = open_store(settings)
        with store.state.write() as connection:
            project = ensure_project(connection, "cf", "blackhole")
        put(store, project, make_sent(1))
        Indexer(store).run_once()
        rows, counts = rows_of(store, project), counts_of(store)
        store.close()
        assert rows[1] is not None
        assert rows[1].sequence == 1
        assert list(counts.values()) == [1]
