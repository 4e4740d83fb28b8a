"""Variables as trees that are opened one level at a time."""

from __future__ import annotations

import functools
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

import msgspec

from coresnap.model import Annotation, Variable, VariableKind
from coresnap.snapshot.escape import printable
from coresnap.snapshot.type_shortening import with_short_types
from coresnap.snapshot.values import (
    declaration,
    inline_value,
    inner_values,
    is_numbered,
    is_pointer,
    runs,
)
from coresnap.views.fault.shortened import shortened

__all__ = ["Value", "find_value", "values_of"]

_STEP_MAX = 60
_TEXT_MAX = 240
_DEPTH_MAX = 64
"""Analysis nests far less; a forger may not."""


class Value(msgspec.Struct, frozen=True, dict=True):
    """A variable, or a value in one, as a line that can be opened."""

    variable: Variable
    """Types in it are shortened."""
    path: str
    """From the variable to here, unique in the frame: ``list->head[3].name``."""
    label: str
    """``char *name``, ``[3]``, ``*``; printable."""
    repeated: int = 1
    """How many equal neighbours this line stands for."""
    depth: int = 0

    @functools.cached_property
    def text(self) -> str:
        """The value on one line, cut where it is long; printable."""
        text = inline_value(self.variable)
        return shortened(text, _TEXT_MAX)

    @property
    def annotations(self) -> tuple[Annotation, ...]:
        """What is remarked on this very value; a pointee's, if it stands here too."""
        target = self.variable.target
        below = () if target is None or self._shows_target else target.annotations
        return self.variable.annotations + below

    @property
    def address(self) -> int | None:
        """Where the value lives in memory."""
        return self.variable.address

    @property
    def pointee(self) -> int | None:
        """The address that a pointer holds."""
        value = self.variable.value
        is_address = isinstance(value, int) and value > 0 and is_pointer(self.variable)
        return int(value) if is_address and value is not None else None

    @functools.cached_property
    def has_children(self) -> bool:
        """Whether there is something to open."""
        return self.depth < _DEPTH_MAX and bool(inner_values(self.variable, False))

    @property
    def _shows_target(self) -> bool:
        """Whether the pointee is a child of its own, not merged with its pointer."""
        return inner_values(self.variable, False) == (self.variable.target,)

    @functools.cached_property
    def children(self) -> tuple[Value, ...]:
        """What it is made of or points to."""
        if not self.has_children:
            return ()
        inner = inner_values(self.variable, False)
        follows = self.variable.target is not None and not self._shows_target
        return tuple(_children(self, inner, "->" if follows else "."))


def values_of(variables: Iterable[Variable]) -> tuple[Value, ...]:
    """Return ``variables`` of one frame as values; of two alike one is ``name~2``."""
    seen: Counter[str] = Counter()
    values = []
    for number, variable in enumerate(variables):
        short = with_short_types(variable)
        step = _step(variable.name, number)
        seen[step] += 1
        path = step if seen[step] == 1 else f"{step}~{seen[step]}"
        values.append(Value(short, path, _label(short)))
    return tuple(values)


def find_value(values: Sequence[Value], path: str) -> tuple[Value, ...]:
    """Return the values from a variable down to ``path``; empty if there is none."""
    for value in values:
        if value.path == path:
            return (value,)
        if path.startswith(value.path):
            below = find_value(value.children, path)
            if below:
                return (value, *below)
    return ()


def _children(
    parent: Value, inner: tuple[Variable, ...], between: str
) -> Iterator[Value]:
    named = not is_numbered(inner)
    taken: set[str] = set()
    number = 0
    for variable, count in runs(inner, named):
        step = _step(variable.name, number)
        if step in taken:
            step = f"#{number}"
        taken.add(step)
        number += count
        joint = "" if step.startswith("[") else between
        path = f"{parent.path}{joint}{step}"
        yield Value(variable, path, _label(variable), count, parent.depth + 1)


def _step(name: str, number: int) -> str:
    """Return a name as a part of a path; its number where that would be unwieldy."""
    is_plain = 0 < len(name) <= _STEP_MAX and printable(name) == name
    return name if is_plain else f"#{number}"


def _label(variable: Variable) -> str:
    if variable.kind is VariableKind.TARGET:
        return "*"
    if variable.kind is VariableKind.ELEMENT:
        return shortened(printable(variable.name))
    label = declaration(variable)
    if variable.kind is VariableKind.TLS and variable.location is not None:
        label = f"{label} ({printable(variable.location)})"
    return shortened(label)
