"""Engines that hold faults and answer the ten queries: ours, and two peers.

Peers keep attributes as one JSON document for each fault, indexed by time and
fingerprint, as most services of this kind do.
"""

from __future__ import annotations

import contextlib
import importlib
import os
import re
import sqlite3
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

import attrs
import msgspec
from store_queries import Question

from coresnap.store.attributes.attribute import Attribute, Kind
from coresnap.store.attributes.catalogue import CATALOGUE
from coresnap.store.fault import Fault
from coresnap.store.index.clickhouse.connection import Parameter, parameter_text
from coresnap.store.index.clickhouse.index import ClickHouseIndex
from coresnap.store.index.contract import Index, IndexedGroup, Segment
from coresnap.store.index.duckdb.index import DuckDBIndex
from coresnap.store.index.duckdb.settings import DuckDBSettings

__all__ = ["ENGINES", "Engine", "OfIndex"]


class Engine(Protocol):
    """Something that is loaded, and asked."""

    def load(self, faults: Sequence[Fault]) -> None:
        """Add faults durably."""

    def finish(self, fingerprints: Iterable[str]) -> None:
        """Add groups, half of them open, and get ready for queries."""

    def ask(self, question: Question) -> int:
        """Answer; return how many faults passed the filter."""

    def size(self) -> int:
        """Bytes on the disk."""


@attrs.define
class OfIndex:
    """One of our indexes."""

    index: Index
    known: dict[str, Attribute] = attrs.field(factory=lambda: dict(CATALOGUE))
    number: int = 0

    def load(self, faults: Sequence[Fault]) -> None:
        """Write a segment."""
        for fault in faults:
            for name in fault.attributes.keys() - self.known.keys():
                self.known[name] = Attribute(name, Kind.TEXT)
        self.number += 1
        self.index.write(Segment(1, self.number, tuple(faults)))

    def finish(self, fingerprints: Iterable[str]) -> None:
        """Mirror the groups."""
        groups = [
            IndexedGroup(name, name, {"state": _state(name), "title": name[:20]})
            for name in sorted(fingerprints)
        ]
        self.index.put_groups(1, groups, 1)
        self.index.maintain(1)

    def ask(self, question: Question) -> int:
        """Answer as the server does."""
        return self.index.query(1, question.query, self.known).faults

    def size(self) -> int:
        """Bytes on the disk."""
        return self.index.disk_size(1)


@contextlib.contextmanager
def duckdb(directory: Path) -> Iterator[Engine]:
    index = DuckDBIndex(directory, DuckDBSettings(query_seconds=600))
    yield OfIndex(index)
    index.close()


@attrs.define
class _ChdbConnection:
    """ClickHouse's engine without a server."""

    session: Any

    def run(
        self,
        statement: str,
        values: Mapping[str, Parameter] | None = None,
        seconds: float | None = None,
    ) -> list[tuple[Any, ...]]:
        texts = {name: parameter_text(value) for name, value in (values or {}).items()}
        answer = self.session.query(statement, "JSONCompact", params=texts).bytes()
        if not answer:
            return []
        rows: list[tuple[Any, ...]] = msgspec.json.decode(answer, type=_Rows).data
        return rows

    def insert(
        self, table: str, rows: Iterable[Mapping[str, object]], token: str | None = None
    ) -> None:
        settings = f" SETTINGS insert_deduplication_token='{token}'" if token else ""
        body = b"\n".join(msgspec.json.encode(row) for row in rows).decode()
        self.session.query(f"INSERT INTO {table}{settings} FORMAT JSONEachRow\n{body}")

    def close(self) -> None:
        self.session.close()


class _Rows(msgspec.Struct):
    data: list[tuple[Any, ...]]


@contextlib.contextmanager
def chdb(directory: Path) -> Iterator[Engine]:
    import chdb.session

    session: Any = chdb.session.Session(str(directory))  # type: ignore[no-untyped-call]
    session.query("CREATE DATABASE b")
    session.query("USE b")
    session.query("SET output_format_json_quote_64bit_integers = 0")
    index = ClickHouseIndex(_ChdbConnection(session), query_seconds=600)
    yield OfIndex(index)
    index.close()


@attrs.define
class _Sqlite:
    path: Path
    connection: sqlite3.Connection

    def load(self, faults: Sequence[Fault]) -> None:
        rows = [
            (f.sequence, f.time, f.fingerprint, _document(f.attributes)) for f in faults
        ]
        with self.connection:
            self.connection.executemany("INSERT INTO fault VALUES (?,?,?,?)", rows)

    def finish(self, fingerprints: Iterable[str]) -> None:
        with self.connection:
            rows = [(name, name, _state(name)) for name in fingerprints]
            self.connection.executemany("INSERT INTO grp VALUES (?,?,?)", rows)
        self.connection.execute("ANALYZE")

    def ask(self, question: Question) -> int:
        rows = self.connection.execute(question.sqlite).fetchall()
        return sum(row[0] for row in rows)

    def size(self) -> int:
        return sum(p.stat().st_size for p in self.path.parent.glob("*"))


_PEER_TABLES = (
    "CREATE TABLE fault (sequence INTEGER PRIMARY KEY, time BIGINT,"
    " fingerprint TEXT, a {json})",
    "CREATE INDEX by_time ON fault (time)",
    "CREATE INDEX by_fingerprint ON fault (fingerprint)",
    "CREATE TABLE grp (fingerprint TEXT PRIMARY KEY, grp TEXT, state TEXT)",
)


@contextlib.contextmanager
def sqlite(directory: Path) -> Iterator[Engine]:
    directory.mkdir()
    connection = sqlite3.connect(directory / "faults.sqlite")
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA cache_size = -1000000")
    found: dict[tuple[str, str], bool] = {}

    def regexp(pattern: str, text: str | None) -> bool:
        if text is None:
            return False
        if (pattern, text) not in found:
            found[pattern, text] = re.search(pattern, text) is not None
        return found[pattern, text]

    connection.create_function("regexp", 2, regexp, deterministic=True)
    for statement in _PEER_TABLES:
        connection.execute(statement.format(json="TEXT"))
    yield _Sqlite(directory / "faults.sqlite", connection)
    connection.close()


@attrs.define
class _Postgresql:
    connection: Any

    def load(self, faults: Sequence[Fault]) -> None:
        with (
            self.connection.cursor() as cursor,
            cursor.copy("COPY fault FROM STDIN") as copy,
        ):
            for f in faults:
                document = _document(f.attributes)
                copy.write_row((f.sequence, f.time, f.fingerprint, document))
        self.connection.commit()

    def finish(self, fingerprints: Iterable[str]) -> None:
        with self.connection.cursor() as cursor:
            with cursor.copy("COPY grp FROM STDIN") as copy:
                for name in fingerprints:
                    copy.write_row((name, name, _state(name)))
            cursor.execute("CREATE INDEX by_a ON fault USING gin (a jsonb_path_ops)")
            cursor.execute("ANALYZE")
        self.connection.commit()

    def ask(self, question: Question) -> int:
        with self.connection.cursor() as cursor:
            cursor.execute(question.postgresql)
            return int(sum(row[0] for row in cursor.fetchall()))

    def size(self) -> int:
        with self.connection.cursor() as cursor:
            cursor.execute("SELECT pg_total_relation_size('fault')")
            return int(cursor.fetchone()[0])


@contextlib.contextmanager
def postgresql(directory: Path) -> Iterator[Engine]:
    import psycopg

    sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
    running_postgresql = importlib.import_module(
        "store.postgresql_server"
    ).running_postgresql
    with running_postgresql() as server:
        server.create("bench")
        where = f"host={server.directory} user=coroner dbname=bench"
        with psycopg.connect(where) as connection:
            for statement in _PEER_TABLES:
                connection.execute(statement.format(json="JSONB"))
            connection.execute("SET work_mem = '256MB'")
            connection.commit()
            yield _Postgresql(connection)


def _document(attributes: Mapping[str, object]) -> str:
    return msgspec.json.encode(attributes).decode()


def _state(fingerprint: str) -> str:
    return "open" if int(fingerprint[0], 16) < 8 else "resolved"


ENGINES: dict[str, Callable[[Path], contextlib.AbstractContextManager[Engine]]] = {
    "DuckDB": duckdb,
    "ClickHouse (chdb)": chdb,
    "SQLite JSON": sqlite,
    "PostgreSQL JSONB": postgresql,
}


@contextlib.contextmanager
def opened(name: str, directory: Path | None) -> Iterator[Engine]:
    """Yield an engine, empty, in a directory of its own."""
    with (
        tempfile.TemporaryDirectory(prefix="store", dir=directory) as place,
        ENGINES[name](Path(place) / "engine") as engine,
    ):
        yield engine


def resident() -> int:
    """Bytes of memory that this process has at most had."""
    with open(f"/proc/{os.getpid()}/status") as status:
        line = next(line for line in status if line.startswith("VmHWM"))
    return int(line.split()[1]) * 1024
