"""Transactions: whole or not at all, side by side, again where others interfere."""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import sqlalchemy
from sqlalchemy import Connection, func, insert, select, update

from coresnap.errors import ConfigError, ConflictError, StorageError
from coresnap.store.state.schema import Migration, prepare_schema
from coresnap.store.state.state import State
from coresnap.store.state.tables.faults import LAST_SEQUENCE
from coresnap.store.state.tables.projects import UNIVERSES
from store.postgresql_server import PostgresqlServer


def add(name: str) -> Callable[[Connection], None]:
    return lambda connection: (
        connection.execute(insert(UNIVERSES), {"name": name, "created": 0}),
        None,
    )[1]


def names(state: State) -> set[str]:
    with state.read() as connection:
        return set(connection.execute(select(UNIVERSES.c.name)).scalars())


def test_what_failed_in_a_transaction_was_never_done(state: State) -> None:
    def fail(connection: Connection) -> None:
        add("one")(connection)
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        state.transact(fail)

    assert names(state) == set()


def test_a_row_that_is_there_is_a_conflict(state: State) -> None:
    state.transact(add("one"))

    with pytest.raises(ConflictError):
        state.transact(add("one"))
    with pytest.raises(ConflictError), state.write() as connection:
        add("one")(connection)


def test_a_statement_that_fails_is_a_storage_error_without_its_parameters(
    state: State,
) -> None:
    statement = sqlalchemy.text("SELECT * FROM nowhere WHERE secret = :secret")

    with pytest.raises(StorageError) as caught, state.read() as connection:
        connection.execute(statement, {"secret": "hunter2"})

    assert "nowhere" in str(caught.value)
    assert "hunter2" not in str(caught.value)


def test_a_reader_sees_one_state_and_never_waits_for_a_writer(state: State) -> None:
    count = select(func.count()).select_from(UNIVERSES)
    with state.read() as reader:
        before = reader.execute(count).scalar_one()
        with ThreadPoolExecutor(1) as thread:
            thread.submit(state.transact, add("one")).result(20)
        assert reader.execute(count).scalar_one() == before == 0
        with state.write() as writer:
            add("two")(writer)
            assert names(state) == {"one"}

    assert names(state) == {"one", "two"}


@pytest.mark.postgresql
def test_a_reader_cannot_write(database_url: str) -> None:
    state = State(database_url)
    state.prepare()

    with pytest.raises(StorageError, match="read-only"), state.read() as connection:
        add("one")(connection)

    state.close()


def test_writers_wait_for_each_other_and_lose_nothing(state: State) -> None:
    def count_up(_: int) -> None:
        state.transact(
            lambda c: c.execute(
                update(LAST_SEQUENCE).values(value=LAST_SEQUENCE.c.value + 1)
            )
        )

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(count_up, range(200)))

    with state.read() as connection:
        assert connection.execute(select(LAST_SEQUENCE.c.value)).scalar() == 200


def test_works_that_share_a_transaction_fail_alone(state: State) -> None:
    state.transact(add("taken"))

    def share(number: int) -> str:
        name = "taken" if number % 5 == 0 else f"name{number}"
        try:
            state.share(add(name))
        except ConflictError:
            return "conflict"
        return name

    with ThreadPoolExecutor(16) as threads:
        done = list(threads.map(share, range(100)))

    assert done.count("conflict") == 20
    assert names(state) == {"taken", *(name for name in done if name != "conflict")}


def test_works_that_come_during_a_commit_are_committed_together(state: State) -> None:
    commits: list[int] = []
    sqlalchemy.event.listen(state.engine, "commit", lambda c: commits.append(1))
    is_first, go_on = threading.Event(), threading.Event()

    def slow(connection: Connection) -> None:
        is_first.set()
        assert go_on.wait(20)

    with ThreadPoolExecutor(21) as threads:
        first = threads.submit(state.share, slow)
        assert is_first.wait(20)
        others = [threads.submit(state.share, add(f"n{n}")) for n in range(20)]
        while len(state._sharing._waiting) < 20:
            time.sleep(0.01)
        go_on.set()
        for future in [first, *others]:
            future.result(20)

    assert len(commits) == 2
    assert len(names(state)) == 20


def test_one_at_a_time_does_a_projects_work(state: State) -> None:
    with state.alone(7) as first, state.alone(7) as second, state.alone(8) as other:
        assert (first, second, other) == (True, False, True)
    with state.alone(7) as again:
        assert again


def test_preparing_twice_changes_nothing(state: State) -> None:
    state.transact(add("one"))

    state.prepare()

    assert names(state) == {"one"}


def test_a_migration_is_applied_once_and_a_newer_schema_refused(state: State) -> None:
    applied = []
    migrations = [Migration(2, lambda connection: applied.append(2))]

    for _ in range(2):
        with state.write() as connection:
            prepare_schema(connection, migrations)

    assert applied == [2]
    with pytest.raises(StorageError, match="newer coresnap"):
        state.prepare()


@pytest.mark.parametrize(
    "url", ["mysql://host/db", "nonsense", "sqlite://", "sqlite:///:memory:"]
)
def test_a_url_that_cannot_hold_a_state_is_refused_without_being_quoted(
    url: str,
) -> None:
    with pytest.raises(ConfigError) as caught:
        State(url)

    assert url not in str(caught.value)


def test_a_file_that_is_no_database_is_a_storage_error(tmp_path: Path) -> None:
    path = tmp_path / "state.sqlite"
    path.write_bytes(b"nothing that SQLite knows" * 100)
    state = State(f"sqlite:///{path}")

    with pytest.raises(StorageError):
        state.prepare()

    state.close()


def test_what_sqlite_committed_is_on_the_disk(tmp_path: Path) -> None:
    state = State(f"sqlite:///{tmp_path}/state.sqlite")
    with state.read() as connection:
        pragmas = {
            name: connection.exec_driver_sql(f"PRAGMA {name}").scalar()
            for name in ("journal_mode", "synchronous", "foreign_keys")
        }
    state.close()

    assert pragmas == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1}
    assert sqlite3.threadsafety > 0


@pytest.mark.postgresql
def test_a_password_that_is_wrong_is_not_waited_for(
    postgresql: PostgresqlServer,
) -> None:
    state = State(f"postgresql://nobody@/nothing?host={postgresql.directory}")
    begun = time.monotonic()

    with pytest.raises(StorageError, match='"nobody" does not exist'):
        state.prepare()

    assert time.monotonic() - begun < 15  # half of the patience
    state.close()


@pytest.mark.postgresql
def test_a_server_that_is_not_there_is_given_up_with_an_error(tmp_path: Path) -> None:
    state = State(f"postgresql://coroner@/state?host={tmp_path}", patience=0.3)

    with pytest.raises(StorageError):
        state.prepare()

    state.close()
