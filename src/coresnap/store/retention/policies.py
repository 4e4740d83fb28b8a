"""Which policy holds for a project: the nearest one, as a whole."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
from sqlalchemy import Connection, delete, select

from coresnap.errors import UsageError
from coresnap.store.access.projects import find_universe, list_projects
from coresnap.store.api.retention import (
    Action,
    Level,
    ProjectRetention,
    RetentionList,
    RetentionPolicy,
    RetentionRule,
)
from coresnap.store.project import Project
from coresnap.store.state.dialect import upsert
from coresnap.store.state.tables.retention import PROJECT_POLICIES, UNIVERSE_POLICIES

__all__ = [
    "check_policy",
    "clear_project_policy",
    "clear_universe_policy",
    "find_policy",
    "list_policies",
    "set_project_policy",
    "set_universe_policy",
]


def check_policy(policy: RetentionPolicy) -> None:
    """Raise UsageError for rules that make no sense."""
    for rule in policy.rules:
        _check(rule)


def _check(rule: RetentionRule) -> None:
    by_count = rule.first is not None or rule.last is not None
    conditions = [rule.age is not None, rule.size is not None, by_count]
    if sum(conditions) != 1:
        raise UsageError(
            f"a rule to {rule.action} needs exactly one condition",
            remedy="Give an age, or a size, or how many first and last bodies to keep.",
        )
    if rule.age is None and rule.action is not Action.DROP_BODY:
        raise UsageError(
            f"{rule.action} goes by age alone",
            remedy="Give an age; sizes and counts are for drop-body.",
        )
    if by_count and not (rule.first or rule.last):
        raise UsageError(
            "a rule that keeps no body of any fingerprint is none by count",
            remedy="Keep at least one first or last body, or drop bodies by age.",
        )
    if rule.last_body and rule.action is not Action.DROP_BODY:
        raise UsageError(f"{rule.action} knows no last body: that is for drop-body")


def find_policy(
    connection: Connection, project: Project, instance: RetentionPolicy | None = None
) -> tuple[Level, RetentionPolicy]:
    """Return what holds for ``project``, and where it stands."""
    universe = find_universe(connection, project.universe)
    own = _project_policy(connection, project)
    if own is not None:
        return Level.PROJECT, own
    of_universe = _universe_policy(connection, universe)
    if of_universe is not None:
        return Level.UNIVERSE, of_universe
    if instance is not None:
        return Level.INSTANCE, instance
    return Level.NONE, RetentionPolicy()


def set_project_policy(
    connection: Connection, project: Project, policy: RetentionPolicy
) -> None:
    """Let ``policy`` hold for one project; raise UsageError if it makes no sense."""
    check_policy(policy)
    row = {"project": project.id, "policy": msgspec.to_builtins(policy)}
    upsert(connection, PROJECT_POLICIES, row, ("project",))


def clear_project_policy(connection: Connection, project: Project) -> None:
    """Let the next level's policy hold for a project."""
    connection.execute(
        delete(PROJECT_POLICIES).where(PROJECT_POLICIES.c.project == project.id)
    )


def set_universe_policy(
    connection: Connection, universe: str, policy: RetentionPolicy
) -> None:
    """Let ``policy`` hold for projects without one; raise UsageError as above."""
    check_policy(policy)
    row = {
        "universe": find_universe(connection, universe),
        "policy": msgspec.to_builtins(policy),
    }
    upsert(connection, UNIVERSE_POLICIES, row, ("universe",))


def clear_universe_policy(connection: Connection, universe: str) -> None:
    """Let the instance's policy hold for projects without one."""
    id = find_universe(connection, universe)
    connection.execute(
        delete(UNIVERSE_POLICIES).where(UNIVERSE_POLICIES.c.universe == id)
    )


def list_policies(
    connection: Connection,
    universe: str,
    instance: RetentionPolicy | None,
    projects: Sequence[int] | None = None,
) -> RetentionList:
    """Return all policies of a universe; ``projects`` are the ids that may be seen."""
    found = []
    for project in list_projects(connection, universe):
        if projects is None or project.id in projects:
            level, policy = find_policy(connection, project, instance)
            found.append(ProjectRetention(project.name, level, policy))
    id = find_universe(connection, universe)
    return RetentionList(instance, _universe_policy(connection, id), tuple(found))


def _project_policy(connection: Connection, project: Project) -> RetentionPolicy | None:
    columns = PROJECT_POLICIES.c
    return _policy(
        connection.execute(
            select(columns.policy).where(columns.project == project.id)
        ).scalar()
    )


def _universe_policy(connection: Connection, universe: int) -> RetentionPolicy | None:
    columns = UNIVERSE_POLICIES.c
    return _policy(
        connection.execute(
            select(columns.policy).where(columns.universe == universe)
        ).scalar()
    )


def _policy(stored: object) -> RetentionPolicy | None:
    return None if stored is None else msgspec.convert(stored, RetentionPolicy)
