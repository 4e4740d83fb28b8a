"""Prepared statements do what SQLAlchemy does with them, in both databases."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    Integer,
    MetaData,
    Table,
    Text,
    bindparam,
    func,
    insert,
    select,
    update,
)

from coresnap.errors import ConflictError, StorageError
from coresnap.store.state.dialect import JSON, Hexadecimal
from coresnap.store.state.prepared import Prepared
from coresnap.store.state.state import State

THINGS = Table(
    "prepared_thing",
    MetaData(),
    Column("number", Integer, primary_key=True),
    Column("digits", Hexadecimal),
    Column("content", JSON),
    Column("text", Text),
    Column("size", BigInteger),
)
ROWS: list[dict[str, object]] = [
    {
        "number": 1,
        "digits": "00ff",
        "content": ["a", {"b": 2}],
        "text": "é\n",
        "size": 9,
    },
    {"number": 2, "digits": None, "content": [], "text": None, "size": 1 << 62},
]


@pytest.fixture
def things(state: State) -> Iterator[State]:
    with state.write() as connection:
        THINGS.create(connection)
    yield state
    with state.write() as connection:
        THINGS.drop(connection)


def test_what_is_written_is_what_sqlalchemy_reads_and_the_other_way_round(
    things: State,
) -> None:
    add, find = Prepared(insert(THINGS)), Prepared(select(THINGS))

    with things.write() as connection:
        assert not add.run(connection, ROWS[0])
        connection.execute(insert(THINGS), ROWS[1])

    with things.read() as connection:
        plainly = connection.execute(select(THINGS)).mappings().all()
        prepared = find.run(connection, {})
    assert [dict(row) for row in plainly] == ROWS
    assert [tuple(row) for row in prepared] == [tuple(row.values()) for row in ROWS]
    assert prepared[0].digits == "00ff"


def test_a_statement_brings_values_of_its_own_and_takes_others(things: State) -> None:
    count = Prepared(
        update(THINGS)
        .where(THINGS.c.number == bindparam("of_number"))
        .values(size=THINGS.c.size + 3, text=bindparam("new_text"))
        .returning(THINGS.c.size, func.length(THINGS.c.text).label("length"))
    )
    with things.write() as connection:
        connection.execute(insert(THINGS), ROWS)

    with things.write() as connection:
        (first,) = count.run(connection, {"of_number": 1, "new_text": "four"})
        (again,) = count.run(connection, {"of_number": 1, "new_text": "sixsix"})
        none = count.run(connection, {"of_number": 3, "new_text": ""})

    assert (first.size, first.length) == (12, 4)
    assert (again.size, again.length) == (15, 6)
    assert not none


def test_it_belongs_to_the_transaction(things: State) -> None:
    add = Prepared(insert(THINGS))

    def fail(connection: Connection) -> None:
        add.run(connection, ROWS[0])
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        things.transact(fail)

    with things.read() as connection:
        assert not connection.execute(select(THINGS)).all()


def test_what_the_driver_raises_has_the_meaning_that_it_has_otherwise(
    things: State,
) -> None:
    add = Prepared(insert(THINGS))
    with things.write() as connection:
        add.run(connection, ROWS[0])

    with pytest.raises(ConflictError), things.write() as connection:
        add.run(connection, ROWS[0])
    elsewhere = Table("nowhere", MetaData(), Column("secret", Text))
    with (
        pytest.raises(StorageError, match="nowhere") as failed,
        things.write() as connection,
    ):
        Prepared(insert(elsewhere)).run(connection, {"secret": "hunter2"})
    assert "hunter2" not in str(failed.value)


def test_a_share_of_a_transaction_that_fails_leaves_the_others(things: State) -> None:
    add = Prepared(insert(THINGS))
    things.share(lambda connection: add.run(connection, ROWS[0]))

    with pytest.raises(ConflictError):
        things.share(lambda connection: add.run(connection, ROWS[0]))
    things.share(lambda connection: add.run(connection, ROWS[1]))

    with things.read() as connection:
        assert len(connection.execute(select(THINGS)).all()) == 2
