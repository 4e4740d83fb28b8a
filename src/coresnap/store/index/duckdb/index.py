"""The embedded index: what the store asks of it, in DuckDB."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import msgspec

from coresnap.store.attributes.attribute import Attribute
from coresnap.store.index.contract import IndexedGroup, Segment
from coresnap.store.index.duckdb.catalogue_tables import APPLIED, fact
from coresnap.store.index.duckdb.groups import put_groups
from coresnap.store.index.duckdb.open_files import OpenFiles
from coresnap.store.index.duckdb.promotion import promote_asked
from coresnap.store.index.duckdb.relation import DuckDBRelation
from coresnap.store.index.duckdb.removal import drop_before, give_back, remove_faults
from coresnap.store.index.duckdb.settings import DuckDBSettings
from coresnap.store.index.duckdb.writing import write_segment
from coresnap.store.query.answering import answer
from coresnap.store.query.query import Query
from coresnap.store.query.result import Result

__all__ = ["DuckDBIndex"]


class DuckDBIndex:
    """The attributes of all faults in files below a directory, one for each project.

    This process owns them: DuckDB lets no second one open a file.
    """

    def __init__(self, directory: Path, settings: DuckDBSettings | None = None) -> None:
        """Take a directory of the index's own; nothing is opened yet."""
        self._settings = settings or DuckDBSettings()
        self._files = OpenFiles(directory, self._settings)

    def write(self, segment: Segment) -> None:
        """Add a segment, durably; one that was written before changes nothing."""
        with self._files.lease(segment.project) as file:
            write_segment(file, segment)

    def written(self, project: int) -> int:
        """Return the number of the last segment that is in the index; 0 for none."""
        return self._fact(project, APPLIED)

    def query(
        self, project: int, query: Query, known: Mapping[str, Attribute]
    ) -> Result:
        """Answer ``query``; ``known`` has every attribute of the project."""
        begin = time.monotonic()
        with (
            self._files.lease(project) as file,
            file.reading() as (connection, layout, ranges),
        ):
            relation = DuckDBRelation(
                connection, layout, ranges, self._settings.query_seconds
            )
            result = answer(query, known, relation)
            file.asked.update(relation.asked.keys())
        return msgspec.structs.replace(result, seconds=time.monotonic() - begin)

    def put_groups(
        self, project: int, groups: Iterable[IndexedGroup], revision: int
    ) -> None:
        """Take over what changed in the workflow, up to ``revision``."""
        with self._files.lease(project) as file:
            put_groups(file, groups, revision)

    def groups_revision(self, project: int) -> int:
        """Return the last revision that was put; 0 for none."""
        with self._files.lease(project) as file:
            return file.groups_revision

    def remove(self, project: int, objects: Sequence[str]) -> None:
        """Forget single faults."""
        with self._files.lease(project) as file:
            remove_faults(file, objects)

    def drop_before(self, project: int, received: int) -> None:
        """Forget all faults received before ``received``, and give the disk back."""
        with self._files.lease(project) as file:
            drop_before(file, received)

    def maintain(self, project: int) -> None:
        """Move attributes that were asked for often, give back what is free."""
        with self._files.lease(project) as file:
            promote_asked(file)
            give_back(file)

    def clear(self, project: int) -> None:
        """Forget everything of a project, damaged or not."""
        self._files.remove(project)

    def disk_size(self, project: int) -> int:
        """Return the bytes of a project's file and its log."""
        directory = self._files.project_directory(project)
        return sum(
            part.stat().st_size for part in directory.glob("*") if part.is_file()
        )

    def close(self) -> None:
        """Write what is not written, and let go of the files."""
        self._files.close()

    def _fact(self, project: int, name: str) -> int:
        with (
            self._files.lease(project) as file,
            file.reading() as (connection, *_),
        ):
            return fact(connection, name)
