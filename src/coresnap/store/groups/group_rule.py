"""A merge as a rule: the stacks of a group's fingerprints, made equal."""

from __future__ import annotations

from sqlalchemy import Connection, select

from coresnap.store.api.group_rules import GroupRule
from coresnap.store.groups.common_rule import NoRuleError, common_rule
from coresnap.store.groups.finding import find_group
from coresnap.store.project import Project
from coresnap.store.state.tables.groups import FINGERPRINTS

__all__ = ["group_rule"]

_FINGERPRINTS = 100


def group_rule(connection: Connection, project: Project, text: str) -> GroupRule:
    """Return the rule, or why there is none; raise what ``find_group`` does."""
    group = find_group(connection, project, text)
    columns = FINGERPRINTS.c
    rows = connection.execute(
        select(columns.fingerprint, columns.application, columns.callstack)
        .where(columns.project == project.id, columns.group == group)
        .order_by(columns.count.desc(), columns.fingerprint)
        .limit(_FINGERPRINTS)
    ).all()
    fingerprints = tuple(row.fingerprint for row in rows)
    if len({row.application for row in rows}) > 1:
        reason = "faults of several applications never have one fingerprint"
        return GroupRule(group, fingerprints, "", reason, ())
    try:
        found = common_rule([tuple(row.callstack) for row in rows])
    except NoRuleError as error:
        return GroupRule(group, fingerprints, "", str(error), ())
    return GroupRule(group, fingerprints, found.text, "", found.frames)
