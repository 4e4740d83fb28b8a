"""The index in ClickHouse: what the store asks of it."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

import msgspec

from coresnap.errors import DamagedIndexError
from coresnap.store.attributes.attribute import Attribute
from coresnap.store.index.clickhouse.connection import Connection
from coresnap.store.index.clickhouse.promotion import note_asked, promote_asked
from coresnap.store.index.clickhouse.reading import read_promoted, read_state
from coresnap.store.index.clickhouse.relation import ClickHouseRelation
from coresnap.store.index.clickhouse.tables import (
    APPLIED,
    GROUPS_REVISION,
    HIDDEN_BEFORE,
    VERSION,
    create_tables,
    drop_tables,
    fact,
    fault_table,
    group_table,
    set_fact,
    table,
)
from coresnap.store.index.clickhouse.writing import delete_objects, write_segment
from coresnap.store.index.contract import IndexedGroup, Segment
from coresnap.store.index.layout import (
    GROUP_COLUMNS,
    INDEX_VERSION,
    bucket_of,
    group_row,
)
from coresnap.store.query.answering import answer
from coresnap.store.query.query import Query
from coresnap.store.query.result import Result

__all__ = ["ClickHouseIndex"]

_QUERY_SECONDS = 30.0


class ClickHouseIndex:
    """The attributes of all faults in tables of a database, some for each project.

    It holds nothing that counts: any number of processes may have one each.
    """

    def __init__(
        self, connection: Connection, query_seconds: float = _QUERY_SECONDS
    ) -> None:
        """Take a connection, and close it in the end."""
        self._connection = connection
        self._seconds = query_seconds
        self._prepared: set[int] = set()
        self._asked: dict[int, Counter[str]] = {}
        self._lock = threading.Lock()

    def write(self, segment: Segment) -> None:
        """Add a segment; one that was written before changes nothing."""
        self._prepare(segment.project)
        write_segment(self._connection, segment)

    def written(self, project: int) -> int:
        """Return the number of the last segment that is in the index; 0 for none."""
        self._prepare(project)
        return fact(self._connection, project, APPLIED)

    def query(
        self, project: int, query: Query, known: Mapping[str, Attribute]
    ) -> Result:
        """Answer ``query``; ``known`` has every attribute of the project."""
        begin = time.monotonic()
        self._prepare(project)
        relation = ClickHouseRelation(
            self._connection,
            project,
            read_state(self._connection, project),
            read_promoted(self._connection, project),
            self._seconds,
        )
        result = answer(query, known, relation)
        with self._lock:
            asked = self._asked.setdefault(project, Counter())
            asked.update(relation.asked.keys())
        return msgspec.structs.replace(result, seconds=time.monotonic() - begin)

    def put_groups(
        self, project: int, groups: Iterable[IndexedGroup], revision: int
    ) -> None:
        """Take over what changed in the workflow, up to ``revision``."""
        self._prepare(project)
        names = ("fingerprint", "group", *GROUP_COLUMNS)
        rows = [
            {**dict(zip(names, group_row(group), strict=True)), "revision": revision}
            for group in groups
        ]
        if rows:
            self._connection.insert(group_table(project), rows)
        set_fact(self._connection, project, GROUPS_REVISION, revision)

    def groups_revision(self, project: int) -> int:
        """Return the last revision that was put; 0 for none."""
        self._prepare(project)
        return fact(self._connection, project, GROUPS_REVISION)

    def remove(self, project: int, objects: Sequence[str]) -> None:
        """Forget single faults."""
        self._prepare(project)
        delete_objects(self._connection, project, objects)

    def drop_before(self, project: int, received: int) -> None:
        """Forget all faults received before ``received``, and give the disk back."""
        self._prepare(project)
        set_fact(self._connection, project, HIDDEN_BEFORE, received)
        hidden = fact(self._connection, project, HIDDEN_BEFORE)
        layout = read_state(self._connection, project)
        for bucket in layout.buckets:
            if bucket < bucket_of(hidden):
                self._connection.run(
                    f"ALTER TABLE {fault_table(project)} DROP PARTITION {bucket:d}"
                )

    def maintain(self, project: int) -> None:
        """Move attributes that were asked for often into columns."""
        self._prepare(project)
        with self._lock:
            asked = self._asked.pop(project, Counter())
        note_asked(self._connection, project, asked)
        promote_asked(self._connection, project)

    def clear(self, project: int) -> None:
        """Forget everything of a project."""
        with self._lock:
            self._prepared.discard(project)
        drop_tables(self._connection, project)

    def disk_size(self, project: int) -> int:
        """Return the bytes that a project's tables take."""
        names = [table(part, project) for part in ("fault", "fault_group")]
        rows = self._connection.run(
            "SELECT sum(bytes_on_disk) FROM system.parts WHERE active"
            " AND database = currentDatabase() AND has({names:Array(String)}, table)",
            {"names": tuple(names)},
        )
        return int(rows[0][0])

    def close(self) -> None:
        """Let go of the connection."""
        self._connection.close()

    def _prepare(self, project: int) -> None:
        """Make a project's tables when it is first used here.

        Raises DamagedIndexError if they are those of another version.
        """
        with self._lock:
            if project in self._prepared:
                return
            create_tables(self._connection, project)
            version = fact(self._connection, project, VERSION)
            if version != INDEX_VERSION:
                raise DamagedIndexError(
                    f"the index of project {project} has version {version},"
                    f" this program reads {INDEX_VERSION}"
                )
            self._prepared.add(project)
