"""What somebody may have meant who wrote a name that there is not."""

from __future__ import annotations

import difflib
from collections.abc import Sequence

from coresnap.config.setting import Setting
from coresnap.config.settings import APPLICATION, SECTIONS, SETTINGS, find

__all__ = ["misplaced_key", "near_setting", "unknown_section"]


def unknown_section(name: str) -> str:
    """Return the remedy for a section that is none."""
    near = difflib.get_close_matches(name, [*SECTIONS, APPLICATION], n=1)
    if near:
        return f"Did you mean [{near[0]}]?"
    names = ", ".join(f"[{section}]" for section in SECTIONS)
    return f"Sections: {names}, [{APPLICATION} PATTERN]."


def misplaced_key(key: str, known: Sequence[Setting], *, is_application: bool) -> str:
    """Return the remedy for a key that is none of its section's, ``known``."""
    elsewhere = find(SETTINGS, key)
    if elsewhere is not None:
        remedy = f"{key} belongs in section [{elsewhere.section}]"
        return f"{remedy}; it is no application's." if is_application else f"{remedy}."
    if (near := near_setting(key, known)) is not None:
        return f"Did you mean {near.name}?"
    if (near := near_setting(key, SETTINGS)) is not None:
        return f"Did you mean {near.name} in section [{near.section}]?"
    return "Here may stand: " + ", ".join(setting.name for setting in known)


def near_setting(key: str, among: Sequence[Setting]) -> Setting | None:
    """Return the setting whose name looks most like ``key``, if any does."""
    names = [setting.name for setting in among]
    near = difflib.get_close_matches(key.lower(), names, n=1)
    return among[names.index(near[0])] if near else None
