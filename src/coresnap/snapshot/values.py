"""Variables as text: declarations as in the source, values as in a debugger."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable, Iterator
from itertools import groupby

from coresnap.model import Variable, VariableKind
from coresnap.snapshot.escape import printable, quoted

__all__ = [
    "declaration",
    "inline_value",
    "inner_values",
    "is_numbered",
    "is_pointer",
    "runs",
    "variable_lines",
]

_INDENT = "    "
_CUT = "…"
_SCALAR_TEXT_MAX = 200
_INLINE_DEPTH = 3

# Python allows 1000 calls on the stack; analysis nests far less, a forger may not.
_DEPTH_MAX = 64

# Larger integers are usually addresses or bit patterns, so they are shown twice.
_HEX_ALSO_FROM = 1 << 31

_ARRAY = r"(.*[^\s\]])\s*((?:\[\d*\])+)"
_QUALIFIERS = r"\b(const|volatile|restrict|_Atomic)\b"
_CHARACTERS = frozenset(
    {
        *("char", "signed char", "unsigned char", "char8_t", "char16_t", "char32_t"),
        *("wchar_t", "int8_t", "uint8_t", "i8", "u8"),
    }
)


def declaration(variable: Variable) -> str:
    """Return type and name as C writes them: ``char *name``, ``int name[4]``."""
    if variable.kind is VariableKind.BASE:
        return f"<{printable(variable.type)}>"
    return _declared(variable.name, variable.type)


@functools.lru_cache(maxsize=8192)
def _declared(name: str, kind: str) -> str:
    name, kind = printable(name), printable(kind)
    if not kind:
        return name
    if "(*)" in kind:
        return kind.replace("(*)", f"(*{name})", 1)
    array = re.fullmatch(_ARRAY, kind) if kind.endswith("]") else None
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
    *,
    raw: bool = False,
) -> Iterator[str]:
    """Yield the lines that show ``variable``, nested values indented below it.

    A compound goes on one line if it fits ``width`` and hides nothing. How a container
    is made is shown, below what it holds, only if ``raw``.
    """
    head = indent + (declaration(variable) if label is None else label)
    flat = f"{head} = {inline_value(variable, raw=raw)}"
    fits = len(flat) <= width and _is_flat(variable, raw=raw)
    content = inner_values(variable, raw)
    if fits or depth <= 0 or not content:
        yield flat
        return
    yield f"{head} = {_lead(variable, raw)}".rstrip()
    if _is_list(content):
        yield from _filled(content, width, indent + _INDENT)
    else:
        yield from _content_lines(content, width, indent + _INDENT, depth - 1, raw)
    if _holder(variable, raw).truncated:
        yield f"{indent}{_INDENT}{_CUT}"


def _lead(variable: Variable, raw: bool) -> str:
    """What stands before the nested values: ``0x5592a0 →``, ``std::map of 2 =``."""
    words = [_scalar(variable)]
    if _shown(variable, raw):
        words.append("=" if words[0] else "")
        words.append(printable(variable.dynamic_type or ""))
    elif variable.target is not None:
        words.append("→" if words[0] else "")
        if _shown(variable.target, raw):
            words.append(_lead(variable.target, raw))
    return " ".join(word for word in words if word)


def _holder(variable: Variable, raw: bool) -> Variable:
    """What the shown content belongs to: the variable, or what it points to."""
    if variable.target is None or _shown(variable, raw):
        return variable
    return variable.target


def _is_list(content: tuple[Variable, ...]) -> bool:
    """Whether these are so many plain numbers that a line each would be a waste."""
    return is_numbered(content) and all(
        value.value is not None and value.target is None and not _shown(value, False)
        for value in content
    )


def _filled(content: tuple[Variable, ...], width: int, indent: str) -> Iterator[str]:
    line = indent
    for value, count in runs(content, named=False):
        word = _times(_scalar(value), count) + ","
        if len(line) + len(word) + 1 > width and line != indent:
            yield line
            line = indent
        line += word if line == indent else f" {word}"
    yield line.rstrip(",")


def inline_value(
    variable: Variable, depth: int = _INLINE_DEPTH, *, raw: bool = False
) -> str:
    """Return the value on one line; what lies deeper than ``depth`` is ``{…}``."""
    scalar = _scalar(variable)
    if variable.target is not None and variable.missing is None:
        target = variable.target
        if depth <= 0 or target.missing is not None:
            return scalar
        return f"{scalar} → {inline_value(target, depth - 1)}" if scalar else ""
    shown = _shown(variable, raw)
    if not shown:
        return scalar or "{}"
    between = " = " if scalar else ""
    if depth <= 0:
        return scalar or _typed(variable) + "{…}"
    named = not is_numbered(shown)
    parts = [
        _times(_member(first, depth - 1, named, raw), count)
        for first, count in runs(shown, named)
    ]
    if variable.truncated:
        parts.append(_CUT)
    return scalar + between + _typed(variable) + "{" + ", ".join(parts) + "}"


def _typed(variable: Variable) -> str:
    return f"{printable(variable.dynamic_type)} " if variable.dynamic_type else ""


def _member(member: Variable, depth: int, named: bool, raw: bool) -> str:
    value = inline_value(member, depth, raw=raw)
    if member.kind is VariableKind.BASE:
        return f"<{printable(member.type)}> = {value}"
    if member.kind is VariableKind.ELEMENT and not named:
        return value
    return f"{printable(member.name)} = {value}" if member.name else value


def _times(text: str, count: int) -> str:
    return text if count == 1 else f"{text} × {count}"


def _shown(variable: Variable, raw: bool) -> tuple[Variable, ...]:
    """What a value is made of, for people: a container's elements, not its pointers."""
    if raw:
        return variable.items + variable.members
    if variable.described and _says_all(variable.text or ""):
        return ()
    if variable.items or variable.text is not None or variable.value is not None:
        return variable.items
    return variable.members


def _says_all(text: str) -> bool:
    """Whether a text ends with what the value holds: ``Some(3)``."""
    return text.endswith((")", "}")) and _CUT not in text


def is_numbered(values: tuple[Variable, ...]) -> bool:
    """Whether the names say nothing that the order does not say."""
    return all(
        value.kind is VariableKind.ELEMENT and value.name == f"[{position}]"
        for position, value in enumerate(values)
    )


def inner_values(variable: Variable, raw: bool) -> tuple[Variable, ...]:
    """Return what is shown below the variable: its members, or its pointee's."""
    target = variable.target
    shown = _shown(variable, raw)
    if shown or target is None or target.missing is not None:
        return shown
    return _shown(target, raw) or (target,)


def _content_lines(
    content: tuple[Variable, ...], width: int, indent: str, depth: int, raw: bool
) -> Iterator[str]:
    named = not is_numbered(content)
    for member, count in runs(content, named):
        label = None
        if member.kind is VariableKind.ELEMENT:
            label = _times(printable(member.name), count)
        elif member.kind is VariableKind.TARGET:
            label = "*"
        yield from variable_lines(member, width, indent, label, depth, raw=raw)


def runs(members: Iterable[Variable], named: bool) -> Iterator[tuple[Variable, int]]:
    """Yield each member, with equal neighbouring elements as one."""

    def sameness(member: Variable) -> object:
        if named or member.kind is not VariableKind.ELEMENT:
            return id(member)
        return (member.value, member.text, member.missing, member.members, member.items)

    for _, run in groupby(members, key=sameness):
        same = list(run)
        yield same[0], len(same)


def _is_flat(
    variable: Variable, depth: int = _INLINE_DEPTH, compounds: int = 1, *, raw: bool
) -> bool:
    """Tell whether one line shows everything, with one pair of braces at most."""
    shown = _shown(variable, raw)
    if shown:
        return min(depth, compounds) > 0 and all(
            _is_flat(member, depth - 1, compounds - 1, raw=raw) for member in shown
        )
    if variable.target is None or variable.target.missing is not None:
        return True
    return depth > 0 and _is_flat(variable.target, depth - 1, compounds, raw=raw)


def _scalar(variable: Variable) -> str:
    """Return the value itself; "" for a compound."""
    if variable.missing is not None:
        return f"<{printable(variable.missing)}>"
    text, value = variable.text, variable.value
    mark = _CUT if variable.truncated and text is not None else ""
    if variable.described and text is not None:
        mark = "" if variable.items else mark
        description = printable(text) + mark
        return description if value is None else f"{_number(variable)} ({description})"
    if value is None:
        return "" if text is None else quoted(_short(text)) + mark
    if text is None:
        return _number(variable)
    if is_pointer(variable):
        shown = quoted(_short(text)) if _points_to_text(variable) else _named(text)
        return f"{_number(variable)} {shown}{mark}"
    if _bare(variable.type) in _CHARACTERS:
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
        if is_pointer(variable):
            return f"{value:#x}"
        return f"{value} ({value:#x})" if value >= _HEX_ALSO_FROM else str(value)
    return printable(str(value))


@functools.lru_cache(maxsize=8192)
def _bare(kind: str) -> str:
    return " ".join(re.sub(_QUALIFIERS, "", kind).split())


def is_pointer(variable: Variable) -> bool:
    """Whether the value, if there is one, is an address."""
    if variable.target is not None or variable.described:
        return True
    kind = _bare(variable.type)
    return kind.endswith(("*", "&")) or "(*" in kind


def _points_to_text(variable: Variable) -> bool:
    return _bare(variable.type).rstrip("*& ") in _CHARACTERS
