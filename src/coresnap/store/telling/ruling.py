"""Rules: which of a project's events are told to which channel."""

from __future__ import annotations

from typing import Any

import attrs
import msgspec
from sqlalchemy import Connection, Row, delete, func, select, update

from coresnap.errors import MissingError, UsageError
from coresnap.model.notice import Event
from coresnap.store.access.projects import checked_name
from coresnap.store.api.telling import TellingRule, TellingRuleStatus
from coresnap.store.project import Project
from coresnap.store.state.dialect import upsert
from coresnap.store.state.tables.faults import LAST_SEQUENCE
from coresnap.store.state.tables.groups import GROUP_HISTORY
from coresnap.store.state.tables.telling import CHANNELS, RULES, TELLING, TOLD
from coresnap.store.telling.schedule import next_digest

__all__ = ["Rule", "note_error", "remove_rule", "rule_statuses", "rules_of", "set_rule"]

_MOST = 200
_EVENTS = (Event.NEW_GROUP, Event.REGRESSION, Event.STATE, Event.MERGE)


@attrs.frozen
class Rule:
    """A rule with its name."""

    name: str
    wanted: TellingRule
    since: int
    """Revision; groups that are new to it are later."""
    due: int | None
    error: str


def rules_of(connection: Connection, project: Project) -> tuple[Rule, ...]:
    """Return all rules of a project, by name."""
    rows = connection.execute(
        select(RULES).where(RULES.c.project == project.id).order_by(RULES.c.name)
    )
    return tuple(_rule(row) for row in rows)


def _rule(row: Row[Any]) -> Rule:
    wanted = msgspec.convert(row.rule, TellingRule)
    return Rule(row.name, wanted, row.since, row.due, row.error)


def set_rule(
    connection: Connection, project: Project, name: str, wanted: TellingRule, now: int
) -> None:
    """Put a rule in the place of the one that was. What it told stays told.

    Raises UsageError for a rule that would never tell anything, MissingError for a
    channel that is not there.
    """
    checked_name(name, "rule")
    _check(wanted)
    channels = CHANNELS.c
    if not connection.execute(
        select(func.count()).where(
            channels.project == project.id, channels.name == wanted.channel
        )
    ).scalar_one():
        raise MissingError(
            f"{project} has no integration {wanted.channel!r}",
            remedy="Set it first: `coroner integrations set`.",
        )
    rules = rules_of(connection, project)
    if len(rules) >= _MOST and name not in {rule.name for rule in rules}:
        raise UsageError(f"{project} has {_MOST} rules already")
    revision = connection.execute(select(LAST_SEQUENCE.c.value)).scalar_one()
    if not rules:
        _begin(connection, project, revision)
    row = {
        "project": project.id,
        "name": name,
        "channel": wanted.channel,
        "rule": msgspec.to_builtins(wanted),
        "since": revision,
        "due": next_digest(wanted.digest, now) if wanted.digest else None,
        "error": "",
    }
    changes = {key: row[key] for key in ("channel", "rule", "due", "error")}
    upsert(connection, RULES, row, ("project", "name"), changes)


def _check(wanted: TellingRule) -> None:
    unknown = [event for event in wanted.events if event not in _EVENTS]
    if unknown:
        raise UsageError(
            f"a rule cannot ask for {unknown[0].value} as an event",
            remedy=f"Events are {', '.join(_EVENTS)}; count, hosts, rate and digest "
            "are given with their numbers.",
        )
    if not (
        wanted.events or wanted.count or wanted.hosts or wanted.rate or wanted.digest
    ):
        raise UsageError(
            "a rule without events, count, hosts, rate or digest tells nothing",
            remedy="Give one of them, such as event=new-group.",
        )


def _begin(connection: Connection, project: Project, revision: int) -> None:
    """What happened before the first rule is told to nobody."""
    last = select(func.max(GROUP_HISTORY.c.id)).where(
        GROUP_HISTORY.c.project == project.id
    )
    row = {
        "project": project.id,
        "revision": revision,
        "history": connection.execute(last).scalar() or 0,
    }
    upsert(connection, TELLING, row, ("project",))


def remove_rule(connection: Connection, project: Project, name: str) -> None:
    """Remove a rule, and what it remembers to have told. Raises MissingError."""
    removed = connection.execute(
        delete(RULES).where(RULES.c.project == project.id, RULES.c.name == name)
    )
    if not removed.rowcount:
        raise MissingError(
            f"{project} has no rule {name[:80]!r}",
            remedy="`coroner integrations list` shows them.",
        )
    connection.execute(
        delete(TOLD).where(TOLD.c.project == project.id, TOLD.c.rule == name)
    )


def rule_statuses(
    connection: Connection, project: Project
) -> tuple[TellingRuleStatus, ...]:
    """Return all rules of a project, and what they did."""
    told = {
        name: count
        for name, count in connection.execute(
            select(TOLD.c.rule, func.count(TOLD.c.group.distinct()))
            .where(TOLD.c.project == project.id)
            .group_by(TOLD.c.rule)
        )
    }
    return tuple(
        TellingRuleStatus(
            rule.name, rule.wanted, told.get(rule.name, 0), rule.due or 0, rule.error
        )
        for rule in rules_of(connection, project)
    )


def note_error(connection: Connection, project: Project, name: str, error: str) -> None:
    """Remember why a rule cannot be followed; empty: it can."""
    connection.execute(
        update(RULES)
        .where(RULES.c.project == project.id, RULES.c.name == name)
        .values(error=error[:1000])
    )
