"""An administrator's own rules for fingerprints: nouns, and the files they stand in.

A file is INI, as coresnap.conf: a section ``[ruleset]`` and sections ``[rule NAME]``,
which ``docs/fingerprints.md`` describes.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path

import attrs

from coresnap.config.bounded_regex import compile_bounded
from coresnap.config.ini import Problem, Section, Statement, read_lines
from coresnap.config.kinds import parser_of
from coresnap.config.reading import place_of, read_text
from coresnap.errors import AccessError, ConfigError

__all__ = ["FrameRule", "Ruleset", "load_rulesets"]

_ATTRIBUTE = re.compile(r"[a-z][a-z0-9_.]{0,127}")
_FILES_LIMIT = 256
_RULES_LIMIT = 1024
"""In one file: each is tried on each frame."""
_PREDICATES = ("function", "object", "source")
_SWITCHES = {
    "ignore": "ignore",
    "keep": "keep",
    "skip.object": "skip_object",
    "terminate": "terminate",
}
_REMEDY = "docs/fingerprints.md says what may stand in a file of rules."


@attrs.frozen
class FrameRule:
    """A section ``[rule NAME]``: what has to hold of a frame, and what is done then."""

    name: str
    function: re.Pattern[str] | None = None
    """Searched in the normalised function; None holds for every frame."""
    object: re.Pattern[str] | None = None
    """Searched in the module's path."""
    source: re.Pattern[str] | None = None
    """Searched in the source file's path."""
    rename: str | None = None
    """The function's new name; ``\\1`` is what ``function``'s first group found."""
    ignore: bool = False
    keep: bool = False
    """None of the rules that come with coresnap may drop it."""
    skip_object: bool = False
    """Drop it and those behind it in the same module."""
    terminate: bool = False
    """End the stack behind it."""
    sign: tuple[str, ...] = ()
    """Attributes that become part of the fingerprint."""
    set: tuple[tuple[str, str], ...] = ()
    """Attributes and their new values."""


@attrs.frozen
class Ruleset:
    """A file of rules."""

    name: str
    rules: tuple[FrameRule, ...]
    languages: tuple[str, ...] = ()
    """Of frames, without version: ``C++``; empty for all."""
    systems: tuple[str, ...] = ()
    """``Linux``, ``FreeBSD``; empty for all."""
    enabled: bool = True
    ordered: bool = True
    """Of one frame's rules only the first that fits acts."""
    priority: int = 0
    """The highest goes first."""


def load_rulesets(paths: Iterable[Path]) -> tuple[Ruleset, ...]:
    """Read files, and the files ``*.conf`` of directories; the first to act first.

    What is disabled is left out. Raises MissingError, AccessError, and ConfigError with
    file and line.
    """
    sets = [_read(file) for path in paths for file in _files(path)]
    enabled = [one for one in sets if one.enabled]
    return tuple(sorted(enabled, key=lambda one: (-one.priority, one.name)))


def _files(path: Path) -> list[Path]:
    try:
        if not path.is_dir():
            return [path]
        found = sorted(path.glob("*.conf"))
    except PermissionError as error:
        raise AccessError(f"cannot read {path}: {error.strerror}") from error
    if len(found) > _FILES_LIMIT:
        raise ConfigError(f"{path} has more than {_FILES_LIMIT} files of rules")
    return found


def _read(path: Path) -> Ruleset:
    try:
        return _interpret(read_text(path), path.stem)
    except _BadLine as error:
        place = place_of(error.problem, path)
        raise ConfigError(f"{place}: {error.problem.message}", remedy=_REMEDY) from None


class _BadLine(Exception):
    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.message)
        self.problem = problem


def _interpret(text: str, name: str) -> Ruleset:
    sections = list(_sections(text))
    rules = []
    heading: dict[str, object] = {"name": name}
    for section, statements in sections:
        if section.name == "ruleset" and not section.argument:
            heading |= dict(_heading_of(one) for one in statements)
        elif section.name == "rule" and section.argument:
            rules.append(_rule(section, statements))
        else:
            raise _bad(section.line, "neither [ruleset] nor [rule NAME]")
    if len(rules) > _RULES_LIMIT:
        raise _bad(0, f"more than {_RULES_LIMIT} rules")
    return Ruleset(rules=tuple(rules), **heading)  # type: ignore[arg-type]


def _sections(text: str) -> Iterator[tuple[Section, list[Statement]]]:
    found: dict[Section, list[Statement]] = {}
    for line in read_lines(text):
        if isinstance(line, Problem):
            raise _BadLine(line)
        if isinstance(line, Section):
            found[line] = []
        else:
            if any(line.key == other.key for other in found[line.section]):
                raise _bad(line.line, f"{line.key} stands here twice")
            found[line.section].append(line)
    yield from found.items()


def _heading_of(statement: Statement) -> tuple[str, object]:
    key, value = statement.key, statement.value
    if key == "name" and value:
        return key, value
    if key in ("languages", "systems"):
        return key, tuple(word.strip() for word in value.split(",") if word.strip())
    if key in ("enabled", "ordered"):
        return key, _boolean(statement)
    if key == "priority" and re.fullmatch(r"-?[0-9]{1,6}", value):
        return key, int(value)
    raise _bad(statement.line, f"no ruleset has `{key} = {value}`")


def _rule(section: Section, statements: list[Statement]) -> FrameRule:
    values: dict[str, object] = {"name": section.argument}
    given: list[tuple[str, str]] = []
    for one in statements:
        if one.key in _PREDICATES:
            values[one.key] = _pattern(one)
        elif one.key in _SWITCHES:
            values[_SWITCHES[one.key]] = _boolean(one)
        elif one.key == "rename" and one.value:
            values["rename"] = one.value
        elif one.key == "sign":
            names = one.value.split(",")
            values["sign"] = tuple(_attribute(name.strip(), one) for name in names)
        elif one.key.startswith("set."):
            given.append((_attribute(one.key[4:], one), one.value))
        else:
            raise _bad(one.line, f"no rule has `{one.key} = {one.value}`")
    rule = FrameRule(set=tuple(given), **values)  # type: ignore[arg-type]
    _check(rule, section)
    return rule


def _check(rule: FrameRule, section: Section) -> None:
    if not any(getattr(rule, name) for name in _PREDICATES):
        raise _bad(section.line, "a rule needs a function, an object or a source")
    if rule.rename is not None:
        try:
            groups = rule.function.groups if rule.function is not None else 0
            re.compile("()" * groups).sub(rule.rename, "")
        except (re.error, IndexError) as error:
            message = f"rename is no replacement for its function: {error}"
            raise _bad(section.line, message) from None


def _pattern(statement: Statement) -> re.Pattern[str]:
    try:
        return compile_bounded(statement.value)
    except ValueError as error:
        raise _bad(statement.line, f"{statement.key} {error}") from None


def _boolean(statement: Statement) -> bool:
    try:
        return bool(parser_of("boolean")(statement.value))
    except ValueError as error:
        raise _bad(statement.line, f"{statement.key} {error}") from None


def _attribute(name: str, statement: Statement) -> str:
    if not _ATTRIBUTE.fullmatch(name) or name.startswith("fingerprint."):
        raise _bad(statement.line, f"{name!r} is no attribute that a rule may name")
    return name


def _bad(line: int, message: str) -> _BadLine:
    return _BadLine(Problem(line, message))
