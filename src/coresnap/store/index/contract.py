"""What the store asks of an index, whichever engine holds it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol

import attrs

from coresnap.store.attributes.attribute import Attribute
from coresnap.store.fault import Fault
from coresnap.store.query.query import Query
from coresnap.store.query.result import Result

__all__ = ["Index", "IndexedGroup", "Segment"]


@attrs.frozen
class Segment:
    """Faults that are written together: all of them are in the index, or none."""

    project: int
    number: int
    """Ascending from 1 in each project, without gaps; the first may be forgotten."""
    faults: tuple[Fault, ...]
    """One whose sequence is there already replaces what is there: a fault that is sent
    again with other bytes keeps its sequence."""
    removed: tuple[str, ...] = ()
    """Objects that are forgotten, once the faults are there."""


@attrs.frozen
class IndexedGroup:
    """What queries can use of a group's workflow, for each of its fingerprints."""

    fingerprint: str
    group: str
    attributes: Mapping[str, int | str]
    """By name without ``group.``: ``state``, ``assignee``, ``tags``, ``title``, …"""


class Index(Protocol):
    """The attributes of all faults, and queries over them.

    Methods may be called from several threads. They raise StorageError where the
    engine fails, and QueryError for what cannot be asked.
    """

    def write(self, segment: Segment) -> None:
        """Add a segment, durably; one that was written before changes nothing."""

    def written(self, project: int) -> int:
        """Return the number of the last segment that is in the index; 0 for none."""

    def query(
        self, project: int, query: Query, known: Mapping[str, Attribute]
    ) -> Result:
        """Answer ``query``; ``known`` has every attribute of the project."""

    def put_groups(
        self, project: int, groups: Iterable[IndexedGroup], revision: int
    ) -> None:
        """Take over what changed in the workflow, up to ``revision``."""

    def groups_revision(self, project: int) -> int:
        """Return the last revision that was put; 0 for none."""

    def remove(self, project: int, objects: Sequence[str]) -> None:
        """Forget single faults."""

    def drop_before(self, project: int, received: int) -> None:
        """Forget all faults received before ``received``, and give the disk back."""

    def maintain(self, project: int) -> None:
        """Do what makes later queries cheaper; answers stay the same. May take long."""

    def clear(self, project: int) -> None:
        """Forget everything of a project, so that it can be written again."""

    def disk_size(self, project: int) -> int:
        """Return the bytes that a project's index takes on the disk."""

    def close(self) -> None:
        """Write what is not written, and let go of files and connections."""
