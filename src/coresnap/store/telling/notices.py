"""A notice as it is when it is told: with the counts of that moment."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from urllib.parse import quote

import attrs
import msgspec
from sqlalchemy import Connection, Row, or_, select

from coresnap.errors import QueryError
from coresnap.model.notice import Event, Notice, Told
from coresnap.store.api.telling import TellingRule
from coresnap.store.attributes.attribute import Attribute
from coresnap.store.attributes.known import known
from coresnap.store.fault import Value
from coresnap.store.groups.indexing import sync_groups
from coresnap.store.groups.settings import find_settings
from coresnap.store.project import Project
from coresnap.store.query.query import (
    AllOf,
    AnyOf,
    Condition,
    Filter,
    Fold,
    FoldName,
    Operator,
    Query,
)
from coresnap.store.query.result import Buckets, FoldValue, Group
from coresnap.store.state.tables.groups import FINGERPRINTS, GROUPS
from coresnap.store.store import Store
from coresnap.store.telling.deliveries import Waiting

__all__ = ["make_notice"]

_FINGERPRINTS = 50
_FRAMES = 32
_VALUES = 5
_VERSIONS = 10
_VERSION_NAMES = 4
_LINES = 20
_KINDS = ("kernel.panic", "signal")
"""What says best how it ended, the best first."""
_CLASSIFIERS = "classifiers"
_ALWAYS = (
    Fold(FoldName.UNIQUE, "hostname"),
    Fold(FoldName.OBJECT, "timestamp.received"),
)


@attrs.frozen
class _Facts:
    """What the index says of a group's faults."""

    hosts: int = 0
    object: str = ""
    summary: str = ""
    classifiers: tuple[str, ...] = ()
    versions: tuple[str, ...] = ()
    attributes: dict[str, tuple[tuple[str, int], ...]] = attrs.field(factory=dict)


def make_notice(
    store: Store, project: Project, waiting: Waiting, rule: TellingRule | None, url: str
) -> Notice | None:
    """Return what is told; None if the group is not there any more.

    Raises StorageError where the index fails.
    """
    words = waiting.words
    notice = Notice(
        id=waiting.notice,
        event=waiting.event,
        time=words.time,
        universe=project.universe,
        project=project.name,
        rule=waiting.rule,
        who=words.who,
        why=words.why,
        other=words.other,
        since=words.since,
    )
    if waiting.event is Event.DIGEST:
        where = rule.filter if rule else None
        return _replace(
            notice,
            lines=_lines(store, project, words.since, words.time, where, url),
            url=_url(url, project, ""),
        )
    if not waiting.group:
        return notice
    return _of_group(store, project, waiting.group, notice, rule, url)


def _replace(notice: Notice, **changes: Any) -> Notice:  # noqa: ANN401 - its fields
    return msgspec.structs.replace(notice, **changes)


def _of_group(
    store: Store,
    project: Project,
    group: str,
    notice: Notice,
    rule: TellingRule | None,
    url: str,
) -> Notice | None:
    with store.state.read() as connection:
        row = connection.execute(
            select(GROUPS).where(GROUPS.c.project == project.id, GROUPS.c.id == group)
        ).one_or_none()
        prints = _prints(connection, project, group)
        settings = find_settings(connection, project)
    if row is None or not prints:
        return None
    names = rule.attributes if rule else TellingRule(channel="x").attributes
    facts = _facts(
        store,
        project,
        [one.fingerprint for one in prints],
        names,
        settings.version_attributes,
    )
    return _replace(
        notice,
        group=group,
        title=row.title,
        summary=facts.summary,
        state=row.state,
        assignee=row.assignee,
        tags=tuple(row.tags),
        first_seen=row.first_seen,
        last_seen=row.last_seen,
        count=row._mapping["count"],
        hosts=facts.hosts,
        versions=facts.versions,
        callstack=tuple(prints[0].callstack[:_FRAMES]),
        classifiers=facts.classifiers,
        attributes=facts.attributes,
        object=facts.object,
        url=_url(url, project, group),
    )


def _prints(connection: Connection, project: Project, group: str) -> list[Row[Any]]:
    """Return the commonest fingerprints of a group, or of what it was."""
    columns = FINGERPRINTS.c
    rows = connection.execute(
        select(columns.fingerprint, columns.callstack)
        .where(
            columns.project == project.id,
            or_(columns.group == group, columns.original == group),
        )
        .order_by(columns.count.desc(), columns.fingerprint)
        .limit(_FINGERPRINTS)
    )
    return [*rows]


def _facts(
    store: Store,
    project: Project,
    fingerprints: Iterable[str],
    names: Iterable[str],
    version_attributes: Iterable[str],
) -> _Facts:
    with store.state.read() as connection:
        attributes = known(connection, project)
    shown = _shown(attributes, names)
    versions = _shown(attributes, version_attributes)[:_VERSION_NAMES]
    extra = _shown(attributes, (_CLASSIFIERS, *_KINDS))
    folds = (
        *_ALWAYS,
        *(Fold(FoldName.DISTRIBUTION, name, size=_VALUES) for name in shown),
        *(Fold(FoldName.DISTRIBUTION, name, size=_VERSIONS) for name in versions),
        *(Fold(FoldName.TAIL, name) for name in extra),
    )
    are = tuple(Condition("fingerprint", Operator.EQUAL, f) for f in fingerprints)
    result = store.index.query(
        project.id, Query(filter=AnyOf(are), folds=folds, limit=1), attributes
    )
    if not result.groups:
        return _Facts()
    values = result.groups[0].folds
    rest = dict(zip(extra, values[len(folds) - len(extra) :], strict=True))
    at = len(_ALWAYS) + len(shown)
    return _Facts(
        hosts=_number(values[0]),
        object=str(values[1] or "").replace("-", ""),
        summary=next((str(rest[k]) for k in _KINDS if rest.get(k)), ""),
        classifiers=tuple(str(rest.get(_CLASSIFIERS) or "").split()),
        versions=next(
            (
                tuple(name for name, _ in counts)
                for value in values[at : at + len(versions)]
                if (counts := _counts(value))
            ),
            (),
        ),
        attributes={
            name: _counts(value)
            for name, value in zip(shown, values[len(_ALWAYS) : at], strict=True)
            if _counts(value)
        },
    )


def _shown(attributes: Any, names: Iterable[str]) -> list[str]:  # noqa: ANN401
    """Return the names that are known and may leave the store."""
    found = []
    for name in dict.fromkeys(names):
        one: Attribute | None = attributes.get(name)
        if one is not None and not one.is_protected:
            found.append(name)
    return found


def _number(value: FoldValue) -> int:
    return value if isinstance(value, int) else 0


def _counts(value: FoldValue) -> tuple[tuple[str, int], ...]:
    if not isinstance(value, Buckets):
        return ()
    return tuple((str(k), n) for k, n in zip(value.keys, value.counts, strict=True))


def _url(url: str, project: Project, group: str) -> str:
    if not url:
        return ""
    at = f"{url}/{quote(project.universe)}/{quote(project.name)}/groups"
    return f"{at}/{group}" if group else at


def _lines(
    store: Store,
    project: Project,
    since: int,
    end: int,
    wanted: Filter | None,
    url: str,
) -> tuple[Told, ...]:
    """Return the groups of a digest, the commonest first."""
    sync_groups(store, project)
    with store.state.read() as connection:
        attributes = known(connection, project)
    before = since - (end - since)
    filters = [_between(since, end, wanted), _between(before, since, wanted)]
    folds = tuple(
        Fold(name, attribute)
        for name, attribute in (
            (FoldName.UNIQUE, "hostname"),
            (FoldName.TAIL, "group.title"),
            (FoldName.TAIL, "group.state"),
            (FoldName.TAIL, "group.first_seen"),
        )
    )
    try:
        query = Query(filter=filters[0], group=("group",), folds=folds, limit=_LINES)
        groups = store.index.query(project.id, query, attributes).groups
        ids = tuple(
            Condition("group", Operator.EQUAL, str(group.key[0])) for group in groups
        )
        earlier = Query(
            filter=AllOf((filters[1], AnyOf(ids))), group=("group",), limit=_LINES
        )
        counts = {
            group.key[0]: group.count
            for group in store.index.query(project.id, earlier, attributes).groups
        }
    except QueryError:
        return ()  # the rule says so where it is listed
    return tuple(
        _line(group, counts.get(group.key[0], 0), since, project, url)
        for group in groups
    )


def _line(group: Group, before: int, since: int, project: Project, url: str) -> Told:
    key: Value | None = group.key[0]
    hosts, title, state, first = group.folds
    return Told(
        group=str(key),
        title=str(title or ""),
        state=str(state or ""),
        count=group.count,
        before=before,
        hosts=_number(hosts),
        url=_url(url, project, str(key)),
        is_new=isinstance(first, int) and first >= since,
    )


def _between(since: int, end: int, wanted: Filter | None) -> Filter:
    name = "timestamp.received"
    return AllOf(
        (
            Condition(name, Operator.AT_LEAST, since),
            Condition(name, Operator.LESS_THAN, end),
            *((wanted,) if wanted else ()),
        )
    )
