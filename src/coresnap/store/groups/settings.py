"""How a project's versions are read and compared."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
from sqlalchemy import Connection, select

from coresnap.store.api.group_settings import GroupSettings
from coresnap.store.fault import Value
from coresnap.store.project import Project
from coresnap.store.state.dialect import upsert
from coresnap.store.state.tables.groups import GROUP_SETTINGS

__all__ = ["find_settings", "read_settings", "set_settings", "version_of"]


def find_settings(connection: Connection, project: Project) -> GroupSettings:
    """Return the settings of a project; the defaults if nobody set any."""
    found = connection.execute(
        select(GROUP_SETTINGS.c.settings).where(GROUP_SETTINGS.c.project == project.id)
    ).scalar()
    return read_settings(found)


def read_settings(stored: Any) -> GroupSettings:  # noqa: ANN401 - JSON
    """Return what the state keeps as JSON; the defaults for None."""
    if stored is None:
        return GroupSettings()
    return msgspec.convert(stored, GroupSettings)


def set_settings(
    connection: Connection, project: Project, settings: GroupSettings
) -> None:
    """Put settings in the place of those that were."""
    row = {"project": project.id, "settings": msgspec.to_builtins(settings)}
    upsert(connection, GROUP_SETTINGS, row, ("project",))


def version_of(settings: GroupSettings, attributes: Mapping[str, Value]) -> str:
    """Return what a fault's version is; empty if it has none."""
    for name in settings.version_attributes:
        value = attributes.get(name)
        if value is not None and str(value).strip():
            return str(value).strip()[:128]
    return ""
