"""Faults that were not read with a build-id's symbols."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

from coresnap.store.attributes.attribute import Attribute
from coresnap.store.project import Project
from coresnap.store.query.query import AnyOf, Condition, Operator, Query
from coresnap.store.store import Store
from coresnap.store.symbols.missing import ATTRIBUTE

__all__ = ["count_waiting", "faults_waiting"]

_PAGE = 1000
_MOST = 100_000
"""Faults that one upload lets be read again: the newest of them."""


def count_waiting(
    store: Store, project: Project, build_id: str, known: Mapping[str, Attribute]
) -> int:
    """Return how many faults miss the symbols of ``build_id``."""
    query = Query(filter=_missing((build_id,)), limit=1)
    return store.index.query(project.id, query, known).faults


def faults_waiting(
    store: Store,
    project: Project,
    build_ids: Collection[str],
    known: Mapping[str, Attribute],
) -> Iterator[tuple[str, frozenset[str]]]:
    """Yield object id and missing build-ids of faults that miss one, newest first.

    All of them are found before the first is yielded: those that were read again no
    longer miss anything, and pages would move.
    """
    found: list[tuple[str, frozenset[str]]] = []
    until = None
    while len(found) < _MOST:
        query = Query(
            filter=_missing(build_ids),
            select=("object", ATTRIBUTE),
            limit=_PAGE,
            offset=len(found),
            until=until,
        )
        result = store.index.query(project.id, query, known)
        until = result.until
        for object_id, missing in (row.values for row in result.rows):
            found.append((str(object_id), frozenset(str(missing).split())))
        if len(result.rows) < _PAGE:
            break
    yield from found


def _missing(build_ids: Collection[str]) -> AnyOf:
    return AnyOf(
        tuple(
            Condition(ATTRIBUTE, Operator.CONTAINS, build_id)
            for build_id in sorted(build_ids)
        )
    )
