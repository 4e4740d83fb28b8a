"""Which groups faults come to when their fingerprints change.

A fingerprint's *heir* is the new one that most of its faults get: the group goes with
it. Other new fingerprints begin groups of their own. Where several groups' heirs are
one, these become one: the one that was seen first.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import attrs
from sqlalchemy import Connection, func, select

from coresnap.store.api.reprocessing import Move, ReprocessingPlan
from coresnap.store.groups.reprocessing.staging import is_begun
from coresnap.store.project import Project
from coresnap.store.state.tables.groups import FINGERPRINTS, GROUPS, REPROCESSED

__all__ = ["Destination", "destinations", "plan"]

_MOVES = 1000
_BATCH = 500


@attrs.frozen
class Destination:
    """Where faults of one new fingerprint go."""

    new: str
    group: str
    is_new_group: bool
    heir_of: tuple[str, ...]
    """Old fingerprints, whose groups come along."""
    joined: tuple[str, ...] = ()
    """Groups that become part of ``group``: all of their faults go there."""


@attrs.frozen
class _Flow:
    old: str
    new: str
    faults: int
    title: str


def plan(connection: Connection, project: Project) -> ReprocessingPlan:
    """Say what putting into use what is noted would do."""
    flows = _flows(connection, project)
    groups = _groups(connection, project, {flow.old for flow in flows})
    begun = is_begun(connection, project)
    if begun:  # everything is where it will be
        news = _groups(connection, project, {flow.new for flow in flows})
        after = {new: group for new, (group, _) in news.items()}
    else:
        after = {d.new: d.group for d in destinations(connection, project)}
    moves = [
        Move(
            flow.old,
            flow.new,
            flow.faults,
            groups[flow.old][0],
            after.get(flow.new, flow.new),
            flow.title,
        )
        for flow in flows
    ]
    return ReprocessingPlan(
        faults=sum(flow.faults for flow in flows),
        groups_before=len({move.old_group for move in moves}),
        groups_after=len({move.new_group for move in moves}),
        moves=tuple(moves[:_MOVES]),
        is_begun=begun,
    )


def destinations(connection: Connection, project: Project) -> list[Destination]:
    """Return where the faults of each new fingerprint go."""
    flows = _flows(connection, project)
    olds = _groups(connection, project, {flow.old for flow in flows})
    news = _groups(connection, project, {flow.new for flow in flows})
    heirs = _heirs(flows)
    whole = _whole_groups(connection, project, {**olds, **news}, heirs)
    found = []
    for new in sorted({flow.new for flow in flows}):
        fathers = tuple(old for old, heir in heirs.items() if heir == new)
        claims = dict(olds[old] for old in fathers)
        if new in news:
            claims |= dict([news[new]])
        if not claims:
            found.append(Destination(new, new, True, ()))
            continue
        group = min(claims, key=lambda one: (claims[one], one))
        if new in news and whole.get(news[new][0]) != new:
            group = news[new][0]  # that has other fingerprints, too: it stays
        joined = tuple(g for g in claims if g != group and whole.get(g) == new)
        found.append(Destination(new, group, False, fathers, joined))
    return found


def _flows(connection: Connection, project: Project) -> list[_Flow]:
    columns = REPROCESSED.c
    count = func.count()
    rows = connection.execute(
        select(columns.old, columns.new, count, func.min(columns.title))
        .where(columns.project == project.id)
        .group_by(columns.old, columns.new)
        .order_by(count.desc(), columns.old, columns.new)
    )
    return [_Flow(*row) for row in rows]


def _heirs(flows: Sequence[_Flow]) -> dict[str, str]:
    heirs: dict[str, str] = {}
    for flow in flows:  # the largest first
        heirs.setdefault(flow.old, flow.new)
    return heirs


def _groups(
    connection: Connection, project: Project, fingerprints: Iterable[str]
) -> dict[str, tuple[str, int]]:
    """Return each fingerprint's group, and when that was first seen."""
    found: dict[str, tuple[str, int]] = {}
    wanted = sorted(fingerprints)
    for first in range(0, len(wanted), _BATCH):
        rows = connection.execute(
            select(FINGERPRINTS.c.fingerprint, GROUPS.c.id, GROUPS.c.first_seen)
            .join(
                GROUPS,
                (GROUPS.c.project == FINGERPRINTS.c.project)
                & (GROUPS.c.id == FINGERPRINTS.c.group),
            )
            .where(
                FINGERPRINTS.c.project == project.id,
                FINGERPRINTS.c.fingerprint.in_(wanted[first : first + _BATCH]),
            )
        )
        found |= {own: (group, seen) for own, group, seen in rows}
    return found


def _whole_groups(
    connection: Connection,
    project: Project,
    groups: Mapping[str, tuple[str, int]],
    heirs: Mapping[str, str],
) -> dict[str, str]:
    """Return groups all of whose fingerprints have one heir, and which."""
    members: dict[str, set[str]] = {}
    wanted = sorted({group for group, _ in groups.values()})
    for first in range(0, len(wanted), _BATCH):
        rows = connection.execute(
            select(FINGERPRINTS.c.group, FINGERPRINTS.c.fingerprint).where(
                FINGERPRINTS.c.project == project.id,
                FINGERPRINTS.c.group.in_(wanted[first : first + _BATCH]),
                FINGERPRINTS.c.count > 0,
            )
        )
        for group, own in rows:
            members.setdefault(group, set()).add(own)
    found = {}
    for group, own_ones in members.items():
        # A fingerprint that stays is its own heir.
        targets = {heirs.get(own, own) for own in own_ones}
        if len(targets) == 1:
            found[group] = targets.pop()
    return found
