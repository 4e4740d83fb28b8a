"""Counts that grew since a channel was told of them, and digests that are due."""

from __future__ import annotations

from sqlalchemy import Connection, exists, or_, select, update

from coresnap.model.notice import Event
from coresnap.store.project import Project
from coresnap.store.state.tables.groups import GROUPS
from coresnap.store.state.tables.telling import CHANNEL_MEMORY, DELIVERIES, RULES
from coresnap.store.store import Store
from coresnap.store.telling.deliveries import Words, add
from coresnap.store.telling.ruling import rules_of
from coresnap.store.telling.schedule import length_of, next_digest

__all__ = ["queue_digests", "queue_updates"]

_SOON = 60
"""Seconds after which a count that doubled is told again."""
_LATE = 600
"""Seconds after which any count is."""
_MOST = 200


def queue_updates(store: Store, project: Project, now: int) -> int:
    """Queue what has grown; return how many deliveries."""
    with store.state.read() as connection:
        if not _grown(connection, project, now):
            return 0
    return store.state.transact(lambda c: _queue_updates(c, project, now))


def _queue_updates(connection: Connection, project: Project, now: int) -> int:
    rules = {rule.name: rule.wanted for rule in rules_of(connection, project)}
    queued = 0
    for channel, group, name in _grown(connection, project, now):
        rule = rules.get(name)
        is_told = rule is not None and rule.is_enabled and rule.follows
        # Whoever comes second finds the time changed, and asks no more.
        memory = CHANNEL_MEMORY.c
        taken = connection.execute(
            update(CHANNEL_MEMORY)
            .where(
                memory.project == project.id,
                memory.channel == channel,
                memory.group == group,
                memory.time <= now - _SOON,
            )
            .values(time=now)
        )
        if is_told and taken.rowcount:
            words = Words(time=now)
            add(connection, project, channel, name, Event.UPDATE, group, words)
            queued += 1
    return queued


def _grown(
    connection: Connection, project: Project, now: int
) -> list[tuple[str, str, str]]:
    """Return channel, group and rule of what grew and has nothing waiting."""
    memory, groups, waiting = CHANNEL_MEMORY.c, GROUPS.c, DELIVERIES.c
    is_doubled = (memory.time <= now - _SOON) & (groups.count >= 2 * memory.count)
    waits = exists().where(
        waiting.project == memory.project,
        waiting.channel == memory.channel,
        waiting.state == "waiting",
        waiting.event == Event.UPDATE,
    )
    rows = connection.execute(
        select(memory.channel, memory.group, memory.rule)
        .join(GROUPS, (groups.project == memory.project) & (groups.id == memory.group))
        .where(
            memory.project == project.id,
            groups.into.is_(None),
            groups.count > memory.count,
            or_(is_doubled, memory.time <= now - _LATE),
            ~waits,
        )
        .limit(_MOST)
    )
    return [(channel, group, rule) for channel, group, rule in rows]


def queue_digests(store: Store, project: Project, now: int) -> int:
    """Queue digests that are due; return how many.

    A server that was not there when it was due sends the latest one, and no older.
    """
    with store.state.read() as connection:
        rules = rules_of(connection, project)
    due = [r for r in rules if r.due is not None and r.due <= now]
    queued = 0
    for rule in due:
        queued += store.state.transact(
            lambda c, n=rule.name, d=rule.due: _queue_digest(c, project, n, d, now)  # type: ignore[misc]
        )
    return queued


def _queue_digest(
    connection: Connection, project: Project, name: str, due: int, now: int
) -> int:
    rule = next((r for r in rules_of(connection, project) if r.name == name), None)
    if rule is None or rule.wanted.digest is None:
        return 0
    columns = RULES.c
    taken = connection.execute(
        update(RULES)
        .where(columns.project == project.id, columns.name == name, columns.due == due)
        .values(due=next_digest(rule.wanted.digest, now))
    )
    if not taken.rowcount or not rule.wanted.is_enabled:
        return 0
    length = length_of(rule.wanted.digest)
    end = next_digest(rule.wanted.digest, now) - length  # the last one that was due
    words = Words(time=end, since=end - length)
    add(connection, project, rule.wanted.channel, name, Event.DIGEST, "", words)
    return 1
