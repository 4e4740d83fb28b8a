"""Groups that began with a value of an attribute: the new faults of a version."""

from __future__ import annotations

from collections.abc import Mapping

from coresnap.store.api.group_comparisons import IntroducedGroup, IntroducedGroups
from coresnap.store.attributes.attribute import Attribute
from coresnap.store.groups.indexing import sync_groups
from coresnap.store.project import Project
from coresnap.store.query.query import (
    AllOf,
    Condition,
    Fold,
    FoldName,
    Having,
    Operator,
    Query,
)
from coresnap.store.store import Store

__all__ = ["introduced"]


def introduced(
    store: Store,
    project: Project,
    attribute: str,
    value: str,
    limit: int,
    known: Mapping[str, Attribute],
) -> IntroducedGroups:
    """Return the groups whose first accepted fault had ``value``.

    Raises QueryError for an attribute that is none, or a value that it cannot have.
    """
    sync_groups(store, project)
    # First whether it can be compared at all, and only then everything.
    condition = Condition(attribute, Operator.EQUAL, value)
    having_any = Query(filter=AllOf((condition,)), limit=1)
    if not store.index.query(project.id, having_any, known).faults:
        return IntroducedGroups(())
    query = Query(
        group=("group",),
        folds=(
            Fold(FoldName.HEAD, attribute),
            Fold(FoldName.UNIQUE, attribute),
            Fold(FoldName.COUNT, attribute),
            Fold(FoldName.HEAD, "group.title"),
            Fold(FoldName.MINIMUM, "timestamp"),
        ),
        having=(Having(Operator.EQUAL, value, fold=0),),
        limit=limit,
    )
    result = store.index.query(project.id, query, known)
    return IntroducedGroups(
        tuple(
            IntroducedGroup(
                group=str(one.key[0]),
                title=str(one.folds[3] or ""),
                count=one.count,
                first_seen=_integer(one.folds[4]),
                is_unique=one.folds[1] == 1 and one.folds[2] == one.count,
            )
            for one in result.groups
        )
    )


def _integer(value: object) -> int:
    return int(value) if isinstance(value, int | float) else 0
