"""From the text of coresnap.conf to a ``Config``, and all that is wrong with it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import attrs

from coresnap.config.config import ApplicationRules, Config
from coresnap.config.ini import Level, Problem, Section, Statement, read_lines
from coresnap.config.kinds import parser_of
from coresnap.config.pattern import check_pattern
from coresnap.config.remedies import misplaced_key, unknown_section
from coresnap.config.routes import parse_route
from coresnap.config.scrub_expressions import parse_scrub_expression
from coresnap.config.setting import Setting
from coresnap.config.settings import (
    APPLICATION,
    APPLICATION_SETTINGS,
    SECTIONS,
    SETTINGS,
    find,
)

__all__ = ["RULE_LIMIT", "Reading", "interpret"]

RULE_LIMIT = 64
"""Sections for applications that the handler takes (``native/catch/settings.h``)."""

AGES = ("purge.pending.age", "purge.sending.age", "purge.assets.age")
"""What ``purge.age`` is the default of."""


@attrs.frozen
class Reading:
    """What a text says."""

    config: Config
    """What was wrong has its default here."""
    problems: tuple[Problem, ...]
    """By line."""
    statements: tuple[Statement, ...]
    """What was understood, in the order of the file."""

    @property
    def errors(self) -> tuple[Problem, ...]:
        """The problems that make the text unusable."""
        return tuple(p for p in self.problems if p.level == Level.ERROR)


def interpret(text: str, source: Path | None = None) -> Reading:
    """Read settings from ``text``; ``source`` is only remembered."""
    interpreter = _Interpreter()
    for line in read_lines(text):
        if isinstance(line, Problem):
            interpreter.problems.append(line)
        elif isinstance(line, Section):
            interpreter.begin(line)
        else:
            interpreter.place(line)
    values = interpreter.general_values()
    applications = tuple(interpreter.rules(s) for s in interpreter.applications)
    return Reading(
        Config(**values, applications=applications, source=source),
        tuple(sorted(interpreter.problems, key=lambda problem: problem.line)),
        tuple(statement for statement, _ in interpreter.understood),
    )


@attrs.define
class _Interpreter:
    problems: list[Problem] = attrs.field(factory=list)
    seen: dict[tuple[str, str], int] = attrs.field(factory=dict)
    """Section's name and argument to its line."""
    applications: list[Section] = attrs.field(factory=list)
    placed: dict[tuple[Section, str], int] = attrs.field(factory=dict)
    """Section and key to the line where it stands first."""
    understood: list[tuple[Statement, Setting]] = attrs.field(factory=list)
    """With values that are still text."""

    def say(self, line: int, message: str, remedy: str = "") -> None:
        self.problems.append(Problem(line, message, remedy))

    # --- lines ----------------------------------------------------------------

    def begin(self, section: Section) -> None:
        if not section.name:
            return
        title = _title(section)
        first = self.seen.setdefault((section.name, section.argument), section.line)
        if first != section.line:
            self.say(
                section.line, f"{title} stands here a second time, after line {first}"
            )
        if section.name == APPLICATION:
            self._begin_application(section)
        elif section.name not in SECTIONS or section.argument:
            remedy = unknown_section(section.name)
            self.say(section.line, f"there is no section {title}", remedy)

    def _begin_application(self, section: Section) -> None:
        try:
            check_pattern(section.argument)
        except ValueError as error:
            remedy = "Write for example [application /usr/lib/firefox/*]."
            message = f"[application]: {section.argument!r} {error}"
            self.say(section.line, message, remedy)
            return
        self.applications.append(section)
        if len(self.applications) == RULE_LIMIT + 1:
            message = f"more than {RULE_LIMIT} sections for applications"
            self.say(section.line, message, "Join some by a wider pattern.")

    def place(self, statement: Statement) -> None:
        section, key = statement.section, statement.key
        is_application = section.name == APPLICATION
        if not is_application and (section.name not in SECTIONS or section.argument):
            return  # the section was the problem
        known = (
            APPLICATION_SETTINGS
            if is_application
            else [s for s in SETTINGS if s.section == section.name]
        )
        setting = find(known, key)
        where = f"{_title(section)} {key}:"
        if setting is None:
            remedy = misplaced_key(key, known, is_application=is_application)
            self.say(statement.line, f"{where} there is no such setting", remedy)
            return
        first = self.placed.setdefault((section, _canonical(key)), statement.line)
        if first != statement.line:
            message = f"{where} stands here a second time, after line {first}"
            self.say(statement.line, message)
            return
        self.understood.append((statement, setting))

    # --- values ---------------------------------------------------------------

    def general_values(self) -> dict[str, Any]:
        given = [
            (statement, setting)
            for statement, setting in self.understood
            if statement.section.name != APPLICATION
        ]
        values: dict[str, Any] = {}
        for setting in SETTINGS:
            if setting.is_numbered:
                values[setting.attribute] = ()
            else:
                values[setting.attribute] = parser_of(setting.kind)(setting.default)
        for statement, setting in _defaults_first(given):
            if (value := self._parse(statement, setting)) is _WRONG:
                continue
            if setting.is_numbered:
                values[setting.attribute] += (value,)
            else:
                values.update(_spread(setting, value, statement))
        for attribute in (s.attribute for s in SETTINGS if s.is_numbered):
            by_number = sorted(values[attribute], key=lambda one: one.number)
            values[attribute] = tuple(by_number)
        return values

    def rules(self, section: Section) -> ApplicationRules:
        given = [pair for pair in self.understood if pair[0].section == section]
        values: dict[str, Any] = {}
        for statement, setting in _defaults_first(given):
            if (value := self._parse(statement, setting)) is not _WRONG:
                values.update(_spread(setting, value, statement))
        values.pop("purge_age", None)
        return ApplicationRules(section.argument, section.line, values)

    def _parse(self, statement: Statement, setting: Setting) -> Any:  # noqa: ANN401
        try:
            if setting.is_numbered:
                parse = _NUMBERED[setting.kind]
                return parse(_number(statement.key), statement.value)
            return parser_of(setting.kind)(statement.value)
        except ValueError as error:
            where = f"{_title(statement.section)} {statement.key}:"
            remedy = f"Default: {setting.default or '(empty)'}"
            message = f"{where} {_clip(statement.value)!r} {error}"
            self.say(statement.line, message, remedy)
            return _WRONG


_WRONG = object()
_NUMBERED: dict[str, Callable[[int, str], Any]] = {
    "route": parse_route,
    "expression": parse_scrub_expression,
}


def _spread(setting: Setting, value: object, statement: Statement) -> dict[str, Any]:
    found = {setting.attribute: value}
    if setting.name == "purge.age" and statement.value:
        found.update({name.replace(".", "_"): value for name in AGES})
    return found


def _defaults_first(
    given: Sequence[tuple[Statement, Setting]],
) -> list[tuple[Statement, Setting]]:
    return sorted(given, key=lambda pair: pair[1].name != "purge.age")


def _number(key: str) -> int:
    return int(key.rpartition(".")[2])


def _canonical(key: str) -> str:
    """Return one name for ``format.1`` and ``format.01``."""
    head, dot, tail = key.rpartition(".")
    return f"{head}{dot}{int(tail)}" if tail.isascii() and tail.isdigit() else key


def _title(section: Section) -> str:
    words = [section.name, section.argument] if section.argument else [section.name]
    return f"[{' '.join(words)}]"


def _clip(text: str) -> str:
    return text if len(text) <= 80 else text[:79] + "…"
