"""Which groups a bulk change is about."""

from __future__ import annotations

from collections.abc import Mapping

from coresnap.errors import UsageError
from coresnap.store.attributes.attribute import Attribute
from coresnap.store.groups.finding import find_groups
from coresnap.store.groups.indexing import sync_groups
from coresnap.store.project import Project
from coresnap.store.query.query import Filter, Query
from coresnap.store.store import Store

__all__ = ["MOST_GROUPS", "chosen_groups", "groups_of_faults"]

MOST_GROUPS = 10_000
_PAGE = 1000


def chosen_groups(
    store: Store,
    project: Project,
    texts: tuple[str, ...],
    filter: Filter | None,
    known: Mapping[str, Attribute],
) -> list[str]:
    """Return the groups that are named, or else those of the faults that pass.

    Raises UsageError without both and for too many, and what ``find_group`` raises.
    """
    if texts:
        with store.state.read() as connection:
            return find_groups(connection, project, texts)
    if filter is None:
        raise UsageError(
            "no groups were named",
            remedy="Give ids of groups, or a filter for their faults.",
        )
    return groups_of_faults(store, project, filter, known)


def groups_of_faults(
    store: Store, project: Project, filter: Filter, known: Mapping[str, Attribute]
) -> list[str]:
    """Return the ids of the groups that have faults which pass a filter."""
    sync_groups(store, project)
    found: list[str] = []
    until = None
    while True:
        query = Query(
            filter=filter,
            group=("group",),
            limit=_PAGE,
            offset=len(found),
            until=until,
        )
        result = store.index.query(project.id, query, known)
        if result.total > MOST_GROUPS:
            raise UsageError(
                f"these are {result.total} groups, more than {MOST_GROUPS}",
                remedy="Narrow the filter.",
            )
        found += [str(group.key[0]) for group in result.groups]
        if not result.groups or len(found) >= result.total:
            return found
        until = result.until
