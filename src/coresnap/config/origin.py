"""Which value holds for every setting, and where it comes from."""

from __future__ import annotations

from collections.abc import Iterator

import attrs

from coresnap.config.ini import Statement
from coresnap.config.interpret import AGES, Reading
from coresnap.config.setting import Setting
from coresnap.config.settings import APPLICATION, APPLICATION_SETTINGS, SETTINGS, find

__all__ = ["Effective", "effective_settings"]


@attrs.frozen
class Effective:
    """A value that holds."""

    section: str
    name: str
    """As in the file."""
    value: str
    """As it stands, or would stand, in the file."""
    line: int | None
    """Where it stands; None if it is the default."""
    application: str = ""
    """Pattern of the section that says so, if it is an application's."""
    by: str = ""
    """The other setting that says so, if it is not this one."""


def effective_settings(
    reading: Reading, executable: str | None = None
) -> Iterator[Effective]:
    """Yield what holds, in the order of the documentation.

    With the path of an ``executable``, what holds for it.
    """
    general = [s for s in reading.statements if s.section.name != APPLICATION]
    own = _own_statements(reading, executable)
    for setting in SETTINGS:
        if setting.is_numbered:
            yield from _numbered(setting, general)
        elif (found := _look_up(setting, own)) is not None:
            yield found
        else:
            yield _look_up(setting, general) or _default(setting)
    if executable is not None:
        project = APPLICATION_SETTINGS[-1]
        yield _look_up(project, own) or _default(project)


def _own_statements(reading: Reading, executable: str | None) -> list[Statement]:
    rules = reading.config.rules_for(executable) if executable is not None else None
    if rules is None:
        return []
    return [s for s in reading.statements if s.section.line == rules.line]


def _look_up(setting: Setting, statements: list[Statement]) -> Effective | None:
    by_key = {
        statement.key: statement
        for statement in statements
        if statement.section.name in (setting.section, APPLICATION)
    }
    if setting.name in by_key:
        return _effective(setting, by_key[setting.name])
    general_age = by_key.get("purge.age")
    if setting.name in AGES and general_age is not None and general_age.value:
        return attrs.evolve(_effective(setting, general_age), by="purge.age")
    return None


def _effective(setting: Setting, statement: Statement) -> Effective:
    return Effective(
        setting.section,
        setting.name,
        statement.value,
        statement.line,
        application=statement.section.argument,
    )


def _default(setting: Setting) -> Effective:
    return Effective(setting.section, setting.name, setting.default, None)


def _numbered(setting: Setting, statements: list[Statement]) -> Iterator[Effective]:
    given = [s for s in statements if find([setting], s.key) is not None]
    for statement in sorted(given, key=lambda s: int(s.key.rpartition(".")[2])):
        yield attrs.evolve(_effective(setting, statement), name=statement.key)
