"""Channels as they are set. Their secrets go in, and never out of the API again."""

from __future__ import annotations

from collections.abc import Mapping

import attrs
from sqlalchemy import Connection, delete, func, select

from coresnap.errors import MissingError, UsageError
from coresnap.store.access.projects import checked_name
from coresnap.store.api.telling import ChannelStatus, NewChannel
from coresnap.store.project import Project
from coresnap.store.state.dialect import upsert
from coresnap.store.state.tables.telling import (
    CHANNEL_MEMORY,
    CHANNELS,
    DELIVERIES,
    RULES,
    TOLD,
)
from coresnap.store.telling.ways import Ways

__all__ = [
    "Configured",
    "channel_statuses",
    "configured",
    "find_channel",
    "remove_channel",
    "scrubbed",
    "set_channel",
]

_MOST = 100
"""Channels of a project."""
_MASK = "(secret)"
_SHORT = 4


@attrs.frozen
class Configured:
    """A channel of a project, before it is opened."""

    name: str
    kind: str
    settings: Mapping[str, str] = attrs.field(repr=False)
    secrets: tuple[str, ...] = attrs.field(default=(), repr=False)
    """The values that nobody may see."""


def find_channel(
    connection: Connection, project: Project, name: str, ways: Ways
) -> Configured:
    """Return a channel. Raises MissingError."""
    columns = CHANNELS.c
    row = connection.execute(
        select(columns.kind, columns.settings).where(
            columns.project == project.id, columns.name == name
        )
    ).one_or_none()
    if row is None:
        raise MissingError(
            f"{project} has no integration {name[:80]!r}",
            remedy="`coroner integrations list` shows them.",
        )
    return configured(name, row.kind, row.settings, ways)


def configured(
    name: str, kind: str, settings: Mapping[str, str], ways: Ways
) -> Configured:
    """Return a channel by what stands in its row."""
    hidden = ways.secrets_of(kind)
    values = tuple(value for key, value in settings.items() if key in hidden and value)
    return Configured(name, kind, settings, values)


def set_channel(
    connection: Connection,
    project: Project,
    name: str,
    wanted: NewChannel,
    ways: Ways,
) -> None:
    """Put a channel in the place of the one that was; it is tried at once.

    Raises ConfigError for settings that make no sense, UsageError for a name.
    """
    checked_name(name, "channel")
    before = connection.execute(
        select(CHANNELS.c.kind, CHANNELS.c.settings).where(
            CHANNELS.c.project == project.id, CHANNELS.c.name == name
        )
    ).one_or_none()
    settings = dict(wanted.settings)
    if before is not None and before.kind == wanted.kind:
        for secret in ways.secrets_of(wanted.kind):
            if secret not in settings and secret in before.settings:
                settings[secret] = before.settings[secret]
    if before is None:
        _check_number(connection, project)
    ways.open(wanted.kind, settings).close()
    row = {
        "project": project.id,
        "name": name,
        "kind": wanted.kind,
        "settings": settings,
        "paused": 0,
        "failures": 0,
        "error": "",
    }
    fresh = {"holder": "", "lease": 0, "asked": 0, "asking": 0}
    changes = {key: row[key] for key in row if key not in ("project", "name")}
    upsert(connection, CHANNELS, row | fresh, ("project", "name"), changes)
    if before is not None and before.kind != wanted.kind:
        _forget(connection, project, name)


def _check_number(connection: Connection, project: Project) -> None:
    count = select(func.count()).where(CHANNELS.c.project == project.id)
    if connection.execute(count).scalar_one() >= _MOST:
        raise UsageError(
            f"{project} has {_MOST} integrations already",
            remedy="Remove one that nobody reads.",
        )


def remove_channel(connection: Connection, project: Project, name: str) -> None:
    """Remove a channel, its rules, what waits for it and its log.

    Raises MissingError.
    """
    removed = connection.execute(
        delete(CHANNELS).where(
            CHANNELS.c.project == project.id, CHANNELS.c.name == name
        )
    )
    if not removed.rowcount:
        raise MissingError(
            f"{project} has no integration {name[:80]!r}",
            remedy="`coroner integrations list` shows them.",
        )
    _forget(connection, project, name)
    rules = select(RULES.c.name).where(
        RULES.c.project == project.id, RULES.c.channel == name
    )
    connection.execute(
        delete(TOLD).where(TOLD.c.project == project.id, TOLD.c.rule.in_(rules))
    )
    connection.execute(
        delete(RULES).where(RULES.c.project == project.id, RULES.c.channel == name)
    )
    connection.execute(
        delete(DELIVERIES).where(
            DELIVERIES.c.project == project.id, DELIVERIES.c.channel == name
        )
    )


def _forget(connection: Connection, project: Project, name: str) -> None:
    memory = CHANNEL_MEMORY.c
    connection.execute(
        delete(CHANNEL_MEMORY).where(
            memory.project == project.id, memory.channel == name
        )
    )


def channel_statuses(
    connection: Connection, project: Project, ways: Ways
) -> tuple[ChannelStatus, ...]:
    """Return the channels of a project by name, without their secrets."""
    waiting = {
        channel: count
        for channel, count in connection.execute(
            select(DELIVERIES.c.channel, func.count())
            .where(DELIVERIES.c.project == project.id, DELIVERIES.c.state == "waiting")
            .group_by(DELIVERIES.c.channel)
        )
    }
    rows = connection.execute(
        select(CHANNELS)
        .where(CHANNELS.c.project == project.id)
        .order_by(CHANNELS.c.name)
    )
    found = []
    for row in rows:
        hidden = ways.secrets_of(row.kind)
        if row.kind not in ways.kinds:
            hidden = frozenset(row.settings)  # what may be a secret is one
        found.append(
            ChannelStatus(
                name=row.name,
                kind=row.kind,
                settings={k: v for k, v in row.settings.items() if k not in hidden},
                secrets=tuple(sorted(k for k in row.settings if k in hidden)),
                waiting=waiting.get(row.name, 0),
                failures=row.failures,
                error=row.error,
                paused_until=row.paused // 1000,
            )
        )
    return tuple(found)


def scrubbed(text: str, channel: Configured, most: int = 1000) -> str:
    """Return a text of a channel without its secrets, short enough for a log."""
    for secret in channel.secrets:
        if len(secret) >= _SHORT:
            text = text.replace(secret, _MASK)
    return text[:most]
