"""The queue of deliveries, which is their log as well."""

from __future__ import annotations

import secrets
from typing import Any

import attrs
import msgspec
from sqlalchemy import Connection, Row, Select, delete, func, insert, select, update

from coresnap.errors import MissingError, UsageError
from coresnap.model.notice import Event
from coresnap.store.api.telling import Delivery, DeliveryLog
from coresnap.store.project import Project
from coresnap.store.state.tables.telling import DELIVERIES

__all__ = [
    "Waiting",
    "Words",
    "add",
    "finish",
    "log_of",
    "next_waiting",
    "postpone",
    "remove_old",
    "retry",
]

_COLUMNS = DELIVERIES.c
_STATES = ("waiting", "delivered", "failed", "dropped")


class Words(msgspec.Struct, frozen=True, omit_defaults=True):
    """What of a notice cannot be looked up when it is delivered."""

    who: str = ""
    why: str = ""
    other: str = ""
    time: int = 0
    since: int = 0


@attrs.frozen
class Waiting:
    """A delivery that is to be done."""

    id: int
    notice: str
    rule: str
    event: Event
    group: str
    words: Words
    tries: int
    created: int


def add(
    connection: Connection,
    project: Project,
    channel: str,
    rule: str,
    event: Event,
    group: str,
    words: Words,
) -> None:
    """Let something be told."""
    connection.execute(
        insert(DELIVERIES),
        {
            "project": project.id,
            "notice": secrets.token_hex(16),
            "channel": channel,
            "rule": rule,
            "event": event,
            "group": group,
            "words": msgspec.to_builtins(words),
            "state": "waiting",
            "tries": 0,
            "created": words.time,
            "due": 0,
            "finished": 0,
            "line": "",
            "error": "",
        },
    )


def next_waiting(
    connection: Connection, project: int, channel: str, now: int
) -> Waiting | None:
    """Return what is to be delivered first; what a group waits for is kept in order.

    ``now`` is in milliseconds.
    """
    waiting = (
        select(func.min(_COLUMNS.id))
        .where(
            _COLUMNS.project == project,
            _COLUMNS.channel == channel,
            _COLUMNS.state == "waiting",
        )
        .group_by(_COLUMNS.group)
    )
    row = connection.execute(
        select(DELIVERIES)
        .where(_COLUMNS.id.in_(waiting), _COLUMNS.due <= now)
        .order_by(_COLUMNS.id)
        .limit(1)
    ).one_or_none()
    if row is None:
        return None
    return Waiting(
        id=row.id,
        notice=row.notice,
        rule=row.rule,
        event=Event(row.event),
        group=row.group,
        words=msgspec.convert(row.words, Words),
        tries=row.tries,
        created=row.created,
    )


def finish(
    connection: Connection, delivery: int, state: str, line: str, now: int
) -> None:
    """Say what became of a delivery: ``delivered``, ``failed`` or ``dropped``."""
    words = {"error": line} if state == "failed" else {"line": line, "error": ""}
    connection.execute(
        update(DELIVERIES)
        .where(_COLUMNS.id == delivery)
        .values(state=state, finished=now, tries=_COLUMNS.tries + 1, **words)
    )


def postpone(connection: Connection, delivery: int, due: int, error: str) -> None:
    """Let it be tried again; ``due`` is in milliseconds."""
    connection.execute(
        update(DELIVERIES)
        .where(_COLUMNS.id == delivery)
        .values(due=due, tries=_COLUMNS.tries + 1, error=error)
    )


def retry(connection: Connection, project: Project, text: str) -> Delivery:
    """Let a delivery that failed or waits be tried at once.

    Raises MissingError if there is none, UsageError if it is done.
    """
    number = int(text) if text.isdecimal() and len(text) < 19 else 0
    where = (_COLUMNS.project == project.id, _COLUMNS.id == number)
    row = connection.execute(select(DELIVERIES).where(*where)).one_or_none()
    if row is None:
        raise MissingError(
            f"{project} has no delivery {text[:40]!r}",
            remedy="`coroner integrations log` shows their numbers.",
        )
    if row.state not in ("waiting", "failed"):
        raise UsageError(f"delivery {number} was {row.state}: it is not told twice")
    now = {"state": "waiting", "due": 0, "finished": 0}
    connection.execute(update(DELIVERIES).where(*where).values(**now))
    row = connection.execute(select(DELIVERIES).where(*where)).one()
    return _shown(row)


def log_of(
    connection: Connection,
    project: Project,
    *,
    channel: str | None = None,
    group: str | None = None,
    state: str | None = None,
    before: int | None = None,
    limit: int = 100,
) -> DeliveryLog:
    """Return deliveries, the latest first. Raises UsageError."""
    if state is not None and state not in _STATES:
        raise UsageError(f"state is one of {', '.join(_STATES)}")
    if not 1 <= limit <= 1000:
        raise UsageError("limit is 1 to 1000")
    wanted: Select[Any] = select(DELIVERIES).where(_COLUMNS.project == project.id)
    given = {"channel": channel, "group": group, "state": state}
    for name, value in given.items():
        if value is not None:
            wanted = wanted.where(_COLUMNS[name] == value)
    if before is not None:
        wanted = wanted.where(_COLUMNS.id < before)
    rows = connection.execute(wanted.order_by(_COLUMNS.id.desc()).limit(limit + 1))
    found = [_shown(row) for row in rows]
    more = found[limit - 1].id if len(found) > limit else None
    return DeliveryLog(tuple(found[:limit]), more)


def remove_old(connection: Connection, before: int) -> int:
    """Forget what was finished before a time; return how many it were."""
    done = connection.execute(
        delete(DELIVERIES).where(
            _COLUMNS.state != "waiting", _COLUMNS.finished < before
        )
    )
    return done.rowcount


def _shown(row: Row[Any]) -> Delivery:
    return Delivery(
        id=row.id,
        notice=row.notice,
        channel=row.channel,
        rule=row.rule,
        event=Event(row.event),
        group=row.group,
        state=row.state,
        tries=row.tries,
        created=row.created,
        due=row.due // 1000,
        finished=row.finished,
        line=row.line,
        error=row.error,
    )
