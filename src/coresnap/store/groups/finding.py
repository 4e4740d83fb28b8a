"""Groups by what people paste: an id, a fingerprint, or the beginning of one."""

from __future__ import annotations

import re
from collections.abc import Iterable

from sqlalchemy import Connection, select

from coresnap.errors import MissingError, UsageError
from coresnap.snapshot.escape import quoted
from coresnap.store.project import Project
from coresnap.store.state.tables.groups import FINGERPRINTS, GROUPS

__all__ = ["find_group", "find_groups", "members_of"]

_LEAST = 4
_SHOWN = 5


def find_group(connection: Connection, project: Project, text: str) -> str:
    """Return the id of the group that ``text`` is, or begins, a fingerprint of.

    A group that was merged is found as the one it is part of now. Raises MissingError
    if there is none in this project, UsageError if there are several.
    """
    least, greatest = _range(text)
    columns = FINGERPRINTS.c
    found = (
        connection.execute(
            select(columns.group)
            .where(
                columns.project == project.id,
                columns.fingerprint.between(least, greatest),
            )
            .distinct()
            .limit(_SHOWN + 1)
        )
        .scalars()
        .all()
    )
    if not found:
        raise MissingError(
            f"there is no group {quoted(text[:64])} in {project}",
            remedy="`coroner list` shows the groups that there are.",
        )
    if len(found) > 1:
        shown = ", ".join(group[:16] for group in sorted(found)[:_SHOWN])
        raise UsageError(
            f"{quoted(text)} is the beginning of several groups: {shown}",
            remedy="Give more of the id's digits.",
        )
    group: str = found[0]
    return group


def find_groups(
    connection: Connection, project: Project, texts: Iterable[str]
) -> list[str]:
    """Return the ids of several groups, each once, in their order."""
    return list(dict.fromkeys(find_group(connection, project, t) for t in texts))


def members_of(connection: Connection, project: Project, group: str) -> dict[str, str]:
    """Return what was merged into a group, directly or not, and into what."""
    columns = GROUPS.c
    rows = connection.execute(
        select(columns.id, columns.into).where(
            columns.project == project.id, columns.into.is_not(None)
        )
    ).all()
    children: dict[str, list[str]] = {}
    for member, into in rows:
        children.setdefault(into, []).append(member)
    found: dict[str, str] = {}
    waiting = [group]
    while waiting:
        parent = waiting.pop()
        for member in children.get(parent, ()):
            found[member] = parent
            waiting.append(member)
    return found


def _range(text: str) -> tuple[str, str]:
    digits = text.strip().lower()
    if not re.fullmatch(r"[0-9a-f]{4,64}", digits):
        raise UsageError(
            f"{quoted(text[:64])} is no group's id",
            remedy=f"An id is 64 hex digits; {_LEAST} of them can be enough.",
        )
    return digits.ljust(64, "0"), digits.ljust(64, "f")
