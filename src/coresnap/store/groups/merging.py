"""Groups that become one, and are several again: nothing is forgotten meanwhile.

A merged group keeps its row, with state, comments and history, and says what it is
part of; its fingerprints point to the whole. So the later faults of those come to the
whole, and what is unmerged is as it was, with the counts it has by then.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

from sqlalchemy import ColumnElement, Connection, update

from coresnap.errors import UsageError
from coresnap.store.accepting.rows import next_sequence
from coresnap.store.groups.counting import recount
from coresnap.store.groups.finding import find_group, find_groups, members_of
from coresnap.store.groups.history import Author, remember
from coresnap.store.project import Project
from coresnap.store.state.tables.groups import FINGERPRINTS, GROUPS

__all__ = ["absorb", "merge", "unmerge"]


def merge(
    connection: Connection,
    project: Project,
    target: str,
    sources: Sequence[str],
    author: Author,
) -> str:
    """Make ``sources`` a part of ``target``, and return its whole id.

    The target's state counts from then on. Raises MissingError or UsageError for ids
    that are none, and if nothing is left to merge.
    """
    revision = next_sequence(connection)  # whoever notes or changes groups waits
    whole = find_group(connection, project, target)
    parts = [g for g in find_groups(connection, project, sources) if g != whole]
    if not parts:
        raise UsageError(
            f"these are one group already: {whole[:16]}",
            remedy="`coroner group` shows what was merged into it.",
        )
    for part in parts:
        absorb(connection, project, part, whole, revision)
        remember(connection, project, part, author, "merge", "", f"into {whole}")
        remember(connection, project, whole, author, "merge", "", f"with {part}")
    recount(connection, project, whole, revision)
    return whole


def absorb(
    connection: Connection, project: Project, part: str, whole: str, revision: int
) -> None:
    """Let a group's fingerprints be another one's; counts are not made again."""
    _repoint(connection, project, FINGERPRINTS.c.group == part, whole)
    _set_into(connection, project, part, whole, revision)


def unmerge(
    connection: Connection,
    project: Project,
    group: str,
    members: Iterable[str],
    author: Author,
) -> str:
    """Let ``members`` of a group be groups again, all of them without any.

    What was merged into a member goes with it. Returns the whole id of the group they
    leave. Raises UsageError for what is no member.
    """
    revision = next_sequence(connection)
    whole = find_group(connection, project, group)
    tree = members_of(connection, project, whole)
    chosen = [_member(tree, whole, text) for text in members]
    leaving = dict.fromkeys(chosen or [m for m, into in tree.items() if into == whole])
    if not leaving:
        raise UsageError(
            f"nothing was merged into group {whole[:16]}",
            remedy="Only what was merged can be unmerged.",
        )
    for member in leaving:
        _set_into(connection, project, member, None, revision)
    for member in leaving:
        # As the tree is now: a member that leaves does not take another one along.
        below = {member, *members_of(connection, project, member)}
        _repoint(connection, project, _made_by(below), member)
        recount(connection, project, member, revision)
        remember(connection, project, member, author, "unmerge", f"in {whole}", "")
        remember(connection, project, whole, author, "unmerge", f"with {member}", "")
    recount(connection, project, whole, revision)
    return whole


def _member(tree: Collection[str], whole: str, text: str) -> str:
    found = [member for member in tree if member.startswith(text.strip().lower())]
    if len(found) == 1:
        return found[0]
    if found:
        raise UsageError(
            f"{text} is the beginning of several groups",
            remedy="Give more of the id's digits.",
        )
    raise UsageError(
        f"{text} was not merged into group {whole[:16]}",
        remedy="`coroner group` shows what was.",
    )


def _made_by(groups: Collection[str]) -> ColumnElement[bool]:
    return FINGERPRINTS.c.original.in_(groups)


def _repoint(
    connection: Connection, project: Project, which: ColumnElement[bool], group: str
) -> None:
    connection.execute(
        update(FINGERPRINTS)
        .where(FINGERPRINTS.c.project == project.id, which)
        .values(group=group)
    )


def _set_into(
    connection: Connection,
    project: Project,
    group: str,
    into: str | None,
    revision: int,
) -> None:
    connection.execute(
        update(GROUPS)
        .where(GROUPS.c.project == project.id, GROUPS.c.id == group)
        .values(into=into, revision=revision)
    )
