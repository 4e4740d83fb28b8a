"""Until when a group counts as resolved, if nobody says a version or a time."""

from __future__ import annotations

from sqlalchemy import Connection, select

from coresnap.errors import UsageError
from coresnap.store.api.group_changes import Resolution
from coresnap.store.api.group_settings import GroupSettings
from coresnap.store.api.until import CrashUntil, Until, VersionUntil
from coresnap.store.groups.versions import Scheme, greatest
from coresnap.store.project import Project
from coresnap.store.state.tables.groups import FINGERPRINTS

__all__ = ["resolved_until"]


def resolved_until(
    connection: Connection,
    project: Project,
    group: str,
    resolution: Resolution,
    settings: GroupSettings,
    now: int,
) -> tuple[Until, ...]:
    """Return what reopens a group that is resolved now, or in the next version.

    By version where its faults have any: an older one never reopens it, whenever it
    arrives. Where none has, what crashes later does. Raises UsageError for the next
    version of what has no version.
    """
    columns = FINGERPRINTS.c
    own = connection.execute(
        select(columns.latest, columns.application).where(
            columns.project == project.id, columns.group == group
        )
    ).all()
    if resolution is Resolution.NEXT:
        applications = {row.application for row in own}
        latest = connection.execute(
            select(columns.latest)
            .where(columns.project == project.id, columns.application.in_(applications))
            .distinct()
        ).scalars()
    else:
        latest = connection.execute(
            select(columns.latest)
            .where(columns.project == project.id, columns.group == group)
            .distinct()
        ).scalars()
    version = greatest(Scheme(settings.scheme), latest)
    if version:
        return (VersionUntil(version, or_equal=False),)
    if resolution is Resolution.NEXT:
        names = ", ".join(settings.version_attributes)
        raise UsageError(
            f"no fault of group {group[:16]} has a version that compares by "
            f"{settings.scheme}, in {names}: there is no next one",
            remedy="Resolve it without `next`, or give until-version=.",
        )
    return (CrashUntil(now),)
