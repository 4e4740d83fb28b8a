"""The embedded index: killed, full, asked while it is written."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from coresnap.errors import DamagedIndexError, QueryError, StorageError
from coresnap.store.fault import Fault
from coresnap.store.index.contract import Segment
from coresnap.store.index.duckdb import promotion, removal
from coresnap.store.index.duckdb.index import DuckDBIndex
from coresnap.store.index.duckdb.settings import DuckDBSettings
from coresnap.store.index.layout import INITIAL_COLUMNS
from coresnap.store.query.query import Condition, Fold, FoldName, Operator, Query
from imported import SOURCE

from .faults import KNOWN, OCTOBER, SEPTEMBER, counted, fault, selected

_PER_SEGMENT = 40
INITIAL = len(INITIAL_COLUMNS)
_WRITER = """
    import sys
    from pathlib import Path
    from coresnap.store.index.contract import Segment
    from coresnap.store.index.duckdb.index import DuckDBIndex
    from store.index.faults import OCTOBER, SEPTEMBER, fault

    index = DuckDBIndex(Path(sys.argv[1]))
    number = index.written(1)
    print(number, flush=True)
    while True:
        number += 1
        first = number * 40
        month = SEPTEMBER if number % 2 else OCTOBER
        text = "h" * 500
        faults = [fault(first + n, received=month, hostname=text) for n in range(39)]
        replaced = fault(first - 20, received=OCTOBER, hostname="again")
        index.write(Segment(1, number, (*faults, replaced)))
        print(number, flush=True)
        if number % 7 == 0:
            index.remove(1, [fault(first).object])
        if number % 11 == 0:
            index.drop_before(1, SEPTEMBER - number)
            for _ in range(110):
                index.query(1, QUERY, KNOWN)
            index.maintain(1)
"""


@pytest.fixture
def index(tmp_path: Path) -> Iterator[DuckDBIndex]:
    index = DuckDBIndex(tmp_path / "index")
    yield index
    index.close()


@pytest.mark.parametrize("seconds", [0.05, 0.13, 0.31, 0.53, 0.97, 1.4])
def test_a_killed_writer_leaves_whole_segments(tmp_path: Path, seconds: float) -> None:
    acknowledged = 0
    for _ in range(2):
        acknowledged = max(acknowledged, _write_until_killed(tmp_path, seconds))
        index = DuckDBIndex(tmp_path)
        written = index.written(1)
        assert written in (acknowledged, acknowledged + 1)
        found = [row for (row,) in selected_all(index)]
        assert len(found) == len(set(found))
        numbers = range(1, written + 1)
        removed = {40 * n for n in numbers if n % 7 == 0}
        expected = {40 * n + m for n in numbers for m in range(39)}
        if written:
            expected.add(20)  # of the first segment, then replaced again and again
        assert expected - set(found) <= removed
        assert set(found) <= expected
        index.close()


def selected_all(index: DuckDBIndex) -> list[tuple[int]]:
    with index._files.lease(1) as file, file.reading() as (connection, layout, _):
        rows: list[tuple[int]] = []
        for bucket in layout.buckets:
            rows += connection.execute(
                f"SELECT sequence FROM fault_{bucket}"
            ).fetchall()
    return rows


def _write_until_killed(directory: Path, seconds: float) -> int:
    """Return the last segment that the writer was told to be written."""
    tests = Path(__file__).parents[2]
    script = textwrap.dedent(_WRITER).replace(
        "index = DuckDBIndex",
        "from coresnap.store.query.query import Query\n"
        "from store.index.faults import KNOWN\n"
        "QUERY = Query(select=('x.text',))\n"
        "index = DuckDBIndex",
        1,
    )
    path = [os.environ.get("PYTHONPATH", ""), str(SOURCE), str(tests)]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path)}
    with subprocess.Popen(
        [sys.executable, "-c", script, str(directory)],
        stdout=subprocess.PIPE,
        env=environment,
        text=True,
    ) as child:
        assert child.stdout is not None
        first = child.stdout.readline()
        assert first.strip().isdigit()
        time.sleep(seconds)
        child.send_signal(signal.SIGKILL)
        return int((first + child.stdout.read()).split()[-1])


def test_readers_see_whole_segments_while_one_writes(index: DuckDBIndex) -> None:
    failures: list[BaseException] = []
    stop = threading.Event()

    def read() -> None:
        try:
            while not stop.is_set():
                assert counted(index) % _PER_SEGMENT == 0
        except BaseException as error:
            failures.append(error)

    readers = [threading.Thread(target=read) for _ in range(3)]
    for reader in readers:
        reader.start()
    try:
        for number in range(1, 25):
            month = SEPTEMBER if number < 12 else OCTOBER
            faults = range(number * 100, number * 100 + _PER_SEGMENT)
            index.write(
                Segment(1, number, tuple(fault(n, received=month) for n in faults))
            )
        index.drop_before(1, OCTOBER)
    finally:
        stop.set()
        for reader in readers:
            reader.join()
    assert not failures
    assert counted(index) == 13 * _PER_SEGMENT


def test_a_query_that_takes_too_long_is_given_up(tmp_path: Path) -> None:
    index = DuckDBIndex(tmp_path, DuckDBSettings(query_seconds=0.001))
    faults = tuple(fault(n, hostname=f"{n}" * 400) for n in range(20_000))
    index.write(Segment(1, 1, faults))
    query = Query(
        filter=Condition("hostname", Operator.REGULAR_EXPRESSION, "(1.*2|3.*4)+5$"),
        group=("hostname",),
        folds=(Fold(FoldName.HISTOGRAM, "object"),),
    )
    with pytest.raises(QueryError, match="longer than it may"):
        index.query(1, query, KNOWN)
    index.close()


def test_dropping_the_oldest_months_gives_the_disk_back(
    index: DuckDBIndex, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(removal, "_LEAST_BLOCKS", 8)
    chance = random.Random(1)
    month = 31 * 86400
    for number in range(1, 7):
        faults = []
        for n in range(8_000):
            text = f"{chance.getrandbits(4000):x}"
            faults.append(
                fault(
                    number * 10_000 + n,
                    received=SEPTEMBER + number * month,
                    hostname=text,
                )
            )
        index.write(Segment(1, number, tuple(faults)))
    with index._files.lease(1) as file, file.outside_transactions() as connection:
        connection.execute("CHECKPOINT").fetchall()
    before = index.disk_size(1)
    index.drop_before(1, SEPTEMBER + 5 * month)
    assert counted(index) == 16_000
    assert index.disk_size(1) < before * 0.55


def test_no_statement_reaches_another_file(index: DuckDBIndex, tmp_path: Path) -> None:
    secret = tmp_path / "secret.csv"
    secret.write_text("a\n1\n")
    index.write(Segment(1, 1, (fault(1),)))
    with index._files.lease(1) as file, file.reading() as (connection, *_):
        for statement in (
            f"SELECT * FROM read_csv('{secret}')",
            f"COPY fact TO '{tmp_path}/out.csv'",
            f"ATTACH '{tmp_path}/other.duckdb'",
            "SET enable_external_access = true",
            "INSTALL httpfs",
        ):
            with pytest.raises(duckdb.Error):
                connection.execute(statement).fetchall()
    assert not (tmp_path / "out.csv").exists()


def test_an_index_of_another_version_is_not_used(tmp_path: Path) -> None:
    index = DuckDBIndex(tmp_path)
    index.write(Segment(1, 1, (fault(1),)))
    index.close()
    with duckdb.connect(str(tmp_path / "1" / "faults.duckdb")) as connection:
        connection.execute(
            "UPDATE fact SET value = 99 WHERE name = 'version'"
        ).fetchall()
    with pytest.raises(DamagedIndexError, match="version 99"):
        index.written(1)
    index.clear(1)
    assert index.written(1) == 0
    index.close()


def test_a_file_that_another_process_has_is_refused(tmp_path: Path) -> None:
    script = (
        "import duckdb, sys; c = duckdb.connect(sys.argv[1]); print(flush=True);"
        "sys.stdin.read()"
    )
    (tmp_path / "1").mkdir()
    with subprocess.Popen(
        [sys.executable, "-c", script, str(tmp_path / "1" / "faults.duckdb")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as child:
        assert child.stdout is not None
        child.stdout.readline()
        index = DuckDBIndex(tmp_path)
        with pytest.raises(StorageError, match="open in another process") as raised:
            index.written(1)
        assert not isinstance(raised.value, DamagedIndexError)
        child.communicate(b"")
    assert index.written(1) == 0
    index.close()


def test_more_projects_than_may_be_open_are_all_there(tmp_path: Path) -> None:
    index = DuckDBIndex(tmp_path, DuckDBSettings(open_projects=2))
    for project in range(1, 6):
        one: Fault = fault(project, hostname=f"h{project}")
        index.write(Segment(project, 1, (one,)))
    for project in range(1, 6):
        assert selected(index, "hostname", project=project) == [(f"h{project}",)]
    assert len(index._files._leases) == 2
    index.close()


def test_what_many_of_the_latest_faults_have_gets_a_column(
    index: DuckDBIndex, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(promotion, "_LATEST", 40)

    def write(number: int, month: int) -> None:
        faults = [fault(40 * number + n, received=month) for n in range(40)]
        for one in faults:
            one.attributes["x.text"] = f"v{one.sequence}"
        faults[0].attributes["x.rare"] = "here"
        index.write(Segment(1, number, tuple(faults)))

    write(1, SEPTEMBER)
    write(2, OCTOBER)
    before = selected(index, "x.text", "x.count")
    index.maintain(1)
    write(3, OCTOBER)

    with index._files.lease(1) as file:
        added = [column.attribute for column in file.layout.columns[INITIAL:]]
        assert added == ["x.text"]
        assert not file.layout.strays
        with file.reading() as (connection, *_):
            left = connection.execute(
                "SELECT rest FROM fault_202509 WHERE cardinality(rest) > 0"
            ).fetchall()
    assert left == [({"x.rare": "here"},)]
    assert selected(index, "x.text", "x.count")[:80] == before
    assert len(selected(index, "x.text")) == 120


def test_a_month_that_has_just_begun_says_nothing_about_what_is_common(
    index: DuckDBIndex, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(promotion, "_LATEST", 40)
    one = fault(1)
    one.attributes["x.text"] = "v"
    index.write(Segment(1, 1, (one,)))
    index.maintain(1)
    with index._files.lease(1) as file:
        assert len(file.layout.columns) == INITIAL
