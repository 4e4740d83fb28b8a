"""What a fault takes in the state, in segments and in the index, whatever its body has.

    python benchmarks/store_size.py --counts 10000,100000 --pieces 75,2000
    python benchmarks/store_size.py --counts 100000 --pieces "" --postgresql

Rows of the state are those that accepting writes, groups and attributes among them;
what is free in the file is not counted. ``--pieces`` are numbers of faults in a
segment: 2,000 is a full one, 75 what 300 puts a second make in a quarter of a second.
Of each, the index is DuckDB's after it was written in such segments. ``store_query.py``
has ClickHouse.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib
import itertools
import statistics
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import attrs
import msgspec
from sqlalchemy import Connection, insert, text
from store_faults import faults
from store_http import note_new, row_of

from coresnap.store.access.projects import ensure_project
from coresnap.store.fault import Fault
from coresnap.store.index.contract import Segment
from coresnap.store.index.duckdb.index import DuckDBIndex
from coresnap.store.index.duckdb.settings import DuckDBSettings
from coresnap.store.index.segments import encode_segment
from coresnap.store.state.state import State
from coresnap.store.state.tables.faults import FAULTS, Body

BATCH = 2000
_POSTGRESQL_SIZE = "SELECT sum(pg_total_relation_size(relid)) FROM pg_stat_user_tables"
_SQLITE_SIZE = (
    "SELECT (page_count - freelist_count) * page_size"
    " FROM pragma_page_count, pragma_freelist_count, pragma_page_size"
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--counts", default="10000,100000")
    parser.add_argument("--pieces", default="75,2000")
    parser.add_argument("--postgresql", action="store_true")
    options = parser.parse_args()
    for count in map(int, options.counts.split(",")):
        print(f"\n### {count:,} faults\n\n| | bytes/fault |\n|---|---|")
        with opened_state(postgresql=options.postgresql) as state:
            name = "PostgreSQL" if options.postgresql else "SQLite"
            size, groups = state_size(state, count)
            print(f"| state, {name}, with {groups:,} groups | {size:.0f} |", flush=True)
        waiting = [len(msgspec.msgpack.encode(f)) for f in faults(min(count, 2000))]
        print(f"| while it waits for the index | {statistics.mean(waiting):.0f} |")
        for piece in map(int, filter(None, options.pieces.split(","))):
            segments, index = sizes(count, piece)
            print(f"| segments of {piece:,} | {segments:.0f} |")
            print(f"| index, DuckDB, written so | {index:.0f} |", flush=True)


@contextlib.contextmanager
def opened_state(*, postgresql: bool) -> Iterator[State]:
    with contextlib.ExitStack() as stack:
        if postgresql:
            sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
            module = importlib.import_module("store.postgresql_server")
            url = stack.enter_context(module.running_postgresql()).create("bench")
        else:
            directory = stack.enter_context(tempfile.TemporaryDirectory())
            url = f"sqlite:///{directory}/state.sqlite"
        state = State(url)
        stack.callback(state.close)
        state.prepare()
        yield state


def state_size(state: State, count: int) -> tuple[float, int]:
    """Write the rows of ``count`` faults; return bytes for each, and the groups."""
    with state.write() as connection:
        project = ensure_project(connection, "default", "blackhole")
    known: set[str] = set()
    groups: set[str] = set()
    empty = used(state)
    for batch in pieces(count, BATCH):
        rows = [
            attrs.asdict(
                attrs.evolve(
                    row_of(project, fault),
                    digest=fault.object * 2,  # as long and as random as one
                    upload=fault.object[:16],
                    size=int(fault.attributes["object.size"]),
                    body=Body.KEPT,
                )
            )
            for fault in batch
        ]
        with state.write() as connection:
            connection.execute(insert(FAULTS), rows)
            note_new(connection, project, batch, known)
        groups |= {fault.fingerprint for fault in batch}
    return (used(state) - empty) / count, len(groups)


def used(state: State) -> int:
    """Return the bytes that tables and indexes take."""

    def ask(connection: Connection) -> int:
        statement = _SQLITE_SIZE if state.is_sqlite else _POSTGRESQL_SIZE
        return int(connection.execute(text(statement)).scalar_one())

    return state.look(ask)


def sizes(count: int, piece: int) -> tuple[float, float]:
    """Return bytes for each fault in segments, and in an index that took them."""
    with tempfile.TemporaryDirectory() as directory:
        index = DuckDBIndex(Path(directory), DuckDBSettings())
        written = 0
        for number, batch in enumerate(pieces(count, piece), 1):
            segment = Segment(1, number, tuple(batch))
            written += len(encode_segment(segment))
            index.write(segment)
        index.maintain(1)
        size = index.disk_size(1)
        index.close()
    return written / count, size / count


def pieces(count: int, length: int) -> Iterator[list[Fault]]:
    """Yield the faults in lists of ``length``."""
    arriving = faults(count)
    while piece := list(itertools.islice(arriving, length)):
        yield piece


if __name__ == "__main__":
    main()
