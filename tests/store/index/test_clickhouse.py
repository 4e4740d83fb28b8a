"""ClickHouse: no transactions, several writers, and a network between."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping
from typing import Any

import attrs
import pytest

from coresnap.errors import ConfigError, QueryError, StorageError
from coresnap.store.index.clickhouse.connection import Parameter
from coresnap.store.index.clickhouse.http import HTTPConnection
from coresnap.store.index.clickhouse.index import ClickHouseIndex
from coresnap.store.index.contract import Segment
from coresnap.store.index.opening import open_index

from .faults import OCTOBER, SEPTEMBER, counted, fault, selected

pytestmark = pytest.mark.clickhouse


def http_url(url: str) -> str:
    return url.replace("clickhouse://", "http://")


@attrs.define
class FailingConnection:
    """A connection that is cut: before its n-th change, or just after it."""

    inner: HTTPConnection
    changes: int
    is_after: bool

    def run(
        self,
        statement: str,
        values: Mapping[str, Parameter] | None = None,
        seconds: float | None = None,
    ) -> list[tuple[Any, ...]]:
        if statement.startswith("SELECT"):
            return self.inner.run(statement, values, seconds)
        rows: list[tuple[Any, ...]] = self._cut(
            lambda: self.inner.run(statement, values, seconds)
        )
        return rows

    def insert(
        self, table: str, rows: Iterable[Mapping[str, object]], token: str | None = None
    ) -> None:
        self._cut(lambda: self.inner.insert(table, rows, token))

    def close(self) -> None:
        self.inner.close()

    def _cut(self, change: Any) -> Any:  # noqa: ANN401 - what the change returns
        self.changes -= 1
        if self.changes == 0 and not self.is_after:
            raise StorageError("cut")
        result = change()
        if self.changes == 0:
            raise StorageError("cut")
        return result


@pytest.mark.parametrize("is_after", [False, True])
@pytest.mark.parametrize("changes", [1, 2, 3, 4, 5])
def test_a_segment_that_was_cut_anywhere_is_written_again(
    clickhouse_url: str, changes: int, is_after: bool
) -> None:
    index = open_index(clickhouse_url, None)  # type: ignore[arg-type] # not used
    old = [fault(n, received=SEPTEMBER, hostname="old") for n in range(1, 6)]
    index.write(Segment(1, 1, tuple(old)))
    segment = Segment(
        1,
        2,
        (
            fault(2, received=OCTOBER, hostname="new", vm_rss_size="stray"),
            fault(6, received=OCTOBER, hostname="six"),
        ),
        removed=(old[3].object,),
    )
    cut = FailingConnection(HTTPConnection(http_url(clickhouse_url)), 99, is_after)
    other = ClickHouseIndex(cut)
    assert other.written(1) == 1
    cut.changes = changes
    with pytest.raises(StorageError, match="cut"):
        other.write(segment)
    index.write(segment)
    assert selected(index, "hostname") == [
        ("old",),
        ("new",),
        ("old",),
        ("old",),
        ("six",),
    ]
    assert index.written(1) == 2
    other.close()
    index.close()


def test_processes_that_write_the_same_segment_write_it_once(
    clickhouse_url: str,
) -> None:
    indexes = [ClickHouseIndex(HTTPConnection(http_url(clickhouse_url))) for _ in "ab"]
    failures: list[BaseException] = []

    def write(index: ClickHouseIndex) -> None:
        try:
            for number in range(1, 6):
                faults = tuple(fault(10 * number + n) for n in range(10))
                index.write(Segment(1, number, faults))
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=write, args=(index,)) for index in indexes]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures
    assert counted(indexes[0]) == 50
    for index in indexes:
        index.close()


def test_a_wrong_password_and_no_server_are_told_apart(clickhouse_url: str) -> None:
    url = http_url(clickhouse_url)
    wrong = HTTPConnection(url.replace("geheim", "falsch"))
    with pytest.raises(StorageError, match=r"answered 403.*Authentication failed"):
        wrong.run("SELECT 1")
    nobody = HTTPConnection("http://127.0.0.1:9/default")
    with pytest.raises(StorageError, match="does not answer"):
        nobody.run("SELECT 1")
    wrong.close()
    nobody.close()


def test_a_statement_that_takes_too_long_is_given_up(clickhouse_url: str) -> None:
    connection = HTTPConnection(http_url(clickhouse_url))
    with pytest.raises(QueryError, match="more time or memory"):
        connection.run(
            "SELECT sum(sipHash64(number)) FROM numbers(100000000000)",
            seconds=1,
        )
    connection.close()


@pytest.mark.parametrize(
    "text", ["a'b", "\\", "\\'", "\t\n\r\0", "\\N", "[1]", "é", ""]
)
def test_parameters_arrive_as_they_are(clickhouse_url: str, text: str) -> None:
    connection = HTTPConnection(http_url(clickhouse_url))
    assert connection.run("SELECT {p:String}", {"p": text}) == [(text,)]
    found = connection.run(
        "SELECT has({p:Array(String)}, {q:String})", {"p": ("x", text), "q": text}
    )
    assert found == [(1,)]
    connection.close()


@pytest.mark.parametrize("url", ["mysql://host/x", "clickhouse:///x"])
def test_a_url_of_no_engine_is_refused(url: str) -> None:
    with pytest.raises(ConfigError):
        open_index(url, None)  # type: ignore[arg-type] # not used
