"""``SETTINGS``: the whole surface of coresnap.conf. The documentation is checked
against it."""

from __future__ import annotations

from collections.abc import Iterable

from coresnap.config.archive_settings import ARCHIVE_SETTINGS
from coresnap.config.daemon_settings import ANALYSIS_SETTINGS, DAEMON_SETTINGS
from coresnap.config.sending_settings import SENDING_SETTINGS
from coresnap.config.setting import Setting
from coresnap.config.symbol_settings import SYMBOL_SETTINGS

__all__ = ["APPLICATION", "APPLICATION_SETTINGS", "SECTIONS", "SETTINGS", "find"]

SETTINGS = (
    *ARCHIVE_SETTINGS,
    *DAEMON_SETTINGS,
    *ANALYSIS_SETTINGS,
    *SYMBOL_SETTINGS,
    *SENDING_SETTINGS,
)

APPLICATION = "application"
"""Sections of this name have a pattern behind it."""

APPLICATION_SETTINGS = (
    *(setting for setting in SETTINGS if setting.per_application),
    Setting(
        APPLICATION,
        "project",
        "project",
        "",
        "The project of these crashes, whatever the routes say.",
        per_application=True,
    ),
)
"""What a section ``[application PATTERN]`` may say."""

SECTIONS = tuple(dict.fromkeys(setting.section for setting in SETTINGS))


def find(settings: Iterable[Setting], key: str) -> Setting | None:
    """Return the setting that ``key`` names in a file."""
    return next((s for s in settings if s.is_named(key)), None)
