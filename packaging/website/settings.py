"""The page of all settings, made of their declarations."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from coresnap.config import SETTINGS
from coresnap.config.server_settings import SERVER_SETTINGS
from coresnap.config.setting import Setting
from coresnap.config.settings import APPLICATION_SETTINGS
from coresnap.config.store_settings import STORE_SETTINGS

__all__ = ["FILES", "settings_page"]

FILES: dict[str, tuple[str, str, tuple[Setting, ...]]] = {
    "coresnap.conf": (
        "What a machine does with its crashes",
        "../configuration.md",
        SETTINGS,
    ),
    "coroner.cf": (
        "Where the store is, for whoever sends or asks",
        "../configuration.md#section-universe-of-coronercf",
        STORE_SETTINGS,
    ),
    "coronerd.conf": ("What a store does", "../http.md", SERVER_SETTINGS),
}
"""A file's name to what it says, the page about it, and its settings."""


def settings_page() -> str:
    """Return a page with every setting of every file."""
    lines = ["# All settings", ""]
    lines.append(
        "Every setting of every file with its kind, its default as it would stand in "
        "the file, and what it means. `N` stands for any number."
    )
    for name, (purpose, page, settings) in FILES.items():
        lines += ["", f"## {name}", "", f"{purpose}; [more]({page})."]
        lines += _sections(name, settings)
    lines += ["", "## For single applications", ""]
    lines.append(
        "A section `[application PATTERN]` of coresnap.conf may say these for "
        "programs whose name or path fits the pattern: "
        + ", ".join(f"`{setting.name}`" for setting in APPLICATION_SETTINGS)
        + "."
    )
    return "\n".join(lines) + "\n"


def _sections(file: str, settings: Iterable[Setting]) -> Iterator[str]:
    of_section: dict[str, list[Setting]] = {}
    for setting in settings:
        of_section.setdefault(setting.section, []).append(setting)
    for section, found in of_section.items():
        yield ""
        yield f"### [{section}] of {file}"
        yield ""
        yield "| setting | kind | default | meaning |"
        yield "|---|---|---|---|"
        for setting in found:
            yield _row(setting)


def _row(setting: Setting) -> str:
    kind = setting.kind.replace("|", " or ")
    default = f"`{setting.default}`" if setting.default else ""
    meaning = " ".join(setting.meaning.replace("|", "\\|").split())
    return f"| `{setting.name}` | {kind} | {default} | {meaning} |"
