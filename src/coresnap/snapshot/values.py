"""Variables as text: declarations as in the source, values as in a debugger."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import groupby

from coresnap.model import Variable, VariableKind
from coresnap.snapshot.escape import printable, quoted

__all__ = ["declaration", "inline_value", "variable_lines"]

_INDENT = "    "
_CUT = "…"
_SCALAR_TEXT_MAX = 200
_INLINE_DEPTH = 3

# Python allows 1000 calls on the stack; analysis nests far less, a forger may not.
_DEPTH_MAX = 64

# Larger integers are usually addresses or bit patterns, so they are shown twice.
_HEX_ALSO_FROM = 1 << 31

_ARRAY = re.compile(r"(.*[^\s\]])\s*((?:\[\d*\])+)")
_QUALIFIERS = re.compile(r"\b(const|volatile|restrict|_Atomic)\b")
_CHARACTER = re.compile(
    r"(signed |unsigned )?char|char(8|16|32)_t|wchar_t|u?int8_t|u8|i8"
)


def declaration(variable: Variable) -> str:
    """Return type and name as C writes them: ``char *name``, ``int name[4]``."""
    name, kind = printable(variable.name), printable(variable.type)
    if variable.kind is VariableKind.BASE:
        return f"<{kind}>"
    if not kind:
        return name
    if "(*)" in kind:
        return kind.replace("(*)", f"(*{name})", 1)
    array = _ARRAY.fullmatch(kind)
    if array:
        return _joined(array[1], name) + array[2]
    return _joined(kind, name)


def _joined(kind: str, name: str) -> str:
    return f"{kind}{name}" if kind.endswith(("*", "&")) else f"{kind} {name}"


def variable_lines(
    variable: Variable,
    width: int,
    indent: str = "",
    label: str | None = None,
    depth: int = _DEPTH_MAX,
) -> Iterator[str]:
    """Yield the lines that show ``variable``, nested values indented below it.

    A compound goes on one line if it fits ``width`` and hides nothing.
    """
    head = indent + (declaration(variable) if label is None else label)
    flat = f"{head} = {inline_value(variable)}"
    fits = len(flat) <= width and _is_flat(variable)
    if fits or depth <= 0 or not _content(variable):
        yield flat
        return
    scalar = _scalar(variable)
    yield f"{head} = {scalar} →" if scalar else f"{head} ="
    yield from _content_lines(variable, width, indent + _INDENT, depth - 1)


def inline_value(variable: Variable, depth: int = _INLINE_DEPTH) -> str:
    """Return the value on one line; what lies deeper than ``depth`` is ``{…}``."""
    scalar = _scalar(variable)
    if variable.target is not None and variable.missing is None:
        target = variable.target
        if depth <= 0 or target.missing is not None:
            return scalar
        return f"{scalar} → {inline_value(target, depth - 1)}" if scalar else ""
    if not variable.members:
        return scalar or "{}"
    if depth <= 0:
        return "{…}"
    parts = [
        _times(_member(first, depth - 1), count)
        for first, count in _runs(variable.members)
    ]
    if variable.truncated:
        parts.append(_CUT)
    return "{" + ", ".join(parts) + "}"


def _member(member: Variable, depth: int) -> str:
    value = inline_value(member, depth)
    if member.kind is VariableKind.ELEMENT:
        return value
    if member.kind is VariableKind.BASE:
        return f"<{printable(member.type)}> = {value}"
    return f"{printable(member.name)} = {value}" if member.name else value


def _times(text: str, count: int) -> str:
    return text if count == 1 else f"{text} × {count}"


def _content(variable: Variable) -> tuple[Variable, ...]:
    """What is shown below the variable: its members, or those of its pointee."""
    if variable.members:
        return variable.members
    if variable.target is None or variable.target.missing is not None:
        return ()
    return variable.target.members or (variable.target,)


def _content_lines(
    variable: Variable, width: int, indent: str, depth: int
) -> Iterator[str]:
    shown = variable
    if not variable.members and variable.target and variable.target.members:
        shown = variable.target
    for member, count in _runs(_content(variable)):
        label = None
        if member.kind is VariableKind.ELEMENT:
            label = _times(printable(member.name), count)
        elif member.kind is VariableKind.TARGET:
            label = "*"
        yield from variable_lines(member, width, indent, label, depth)
    if shown.truncated:
        yield f"{indent}{_CUT}"


def _runs(members: Iterable[Variable]) -> Iterator[tuple[Variable, int]]:
    """Yield each member, with equal neighbouring array elements as one."""

    def sameness(member: Variable) -> object:
        if member.kind is not VariableKind.ELEMENT:
            return id(member)
        return (member.value, member.text, member.missing, member.members)

    for _, run in groupby(members, key=sameness):
        same = list(run)
        yield same[0], len(same)


def _is_flat(
    variable: Variable, depth: int = _INLINE_DEPTH, compounds: int = 1
) -> bool:
    """Tell whether one line shows everything, with one pair of braces at most."""
    if variable.members:
        return min(depth, compounds) > 0 and all(
            _is_flat(member, depth - 1, compounds - 1) for member in variable.members
        )
    if variable.target is None or variable.target.missing is not None:
        return True
    return depth > 0 and _is_flat(variable.target, depth - 1, compounds)


def _scalar(variable: Variable) -> str:
    """Return the value itself; "" for a compound."""
    if variable.missing is not None:
        return f"<{printable(variable.missing)}>"
    text, value = variable.text, variable.value
    mark = _CUT if variable.truncated and text is not None else ""
    if value is None:
        return "" if text is None else quoted(_short(text)) + mark
    if text is None:
        return _number(variable)
    if _is_pointer(variable):
        shown = quoted(_short(text)) if _points_to_text(variable) else _named(text)
        return f"{_number(variable)} {shown}{mark}"
    if _CHARACTER.fullmatch(_bare(variable.type)):
        return f"{value} '{printable(text)}'"
    if isinstance(value, str) or str(value) == text:
        return printable(text)
    return f"{printable(text)} ({value})"


def _short(text: str) -> str:
    return text if len(text) <= _SCALAR_TEXT_MAX else text[:_SCALAR_TEXT_MAX] + _CUT


def _named(text: str) -> str:
    return printable(text) if text.startswith("<") else f"<{printable(text)}>"


def _number(variable: Variable) -> str:
    value = variable.value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        if _is_pointer(variable):
            return f"{value:#x}"
        return f"{value} ({value:#x})" if value >= _HEX_ALSO_FROM else str(value)
    return printable(str(value))


def _bare(kind: str) -> str:
    return " ".join(_QUALIFIERS.sub("", kind).split())


def _is_pointer(variable: Variable) -> bool:
    kind = _bare(variable.type)
    return kind.endswith(("*", "&")) or "(*" in kind or variable.target is not None


def _points_to_text(variable: Variable) -> bool:
    return bool(_CHARACTER.fullmatch(_bare(variable.type).rstrip("*& ")))
