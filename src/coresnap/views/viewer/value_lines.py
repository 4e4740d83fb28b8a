"""Variables as a tree of lines, opened as far as somebody looks."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import msgspec

from coresnap.views.fault.value import Value
from coresnap.views.viewer.annotations import annotation_lines_of
from coresnap.views.viewer.line import Line, line

__all__ = ["Tree"]

_MOST = 100_000
"""Lines of a tree that was opened everywhere."""


class Tree(msgspec.Struct, frozen=True):
    """Values, and which of them stand open."""

    values: tuple[Value, ...] = ()
    opened: frozenset[str] = frozenset()
    """Paths."""

    def turned(self, path: str, is_open: bool) -> Tree:
        """Return the tree with a value opened or closed."""
        opened = self.opened | {path} if is_open else self.opened - {path}
        return msgspec.structs.replace(self, opened=opened)

    def opened_to(self, values: Sequence[Value]) -> Tree:
        """Return the tree in which the last of nested ``values`` is seen."""
        above = frozenset(value.path for value in values[:-1])
        return msgspec.structs.replace(self, opened=self.opened | above)

    def lines(self) -> tuple[list[Line], list[Value | None]]:
        """Return the lines, and the value of each; None for a remark."""
        lines: list[Line] = []
        values: list[Value | None] = []
        for one, value in self._lines(self.values):
            if len(lines) == _MOST:
                lines.append(line(("… more than can be shown", "doubt"), is_item=False))
                values.append(None)
                break
            lines.append(one)
            values.append(value)
        return lines, values

    def _lines(self, values: Iterable[Value]) -> Iterator[tuple[Line, Value | None]]:
        for value in values:
            is_open = value.path in self.opened
            yield _line(value, is_open), value
            indent = "  " * value.depth + "    "
            for remark in annotation_lines_of(value.annotations, indent):
                yield remark, None
            if is_open:
                yield from self._lines(value.children)


def _line(value: Value, is_open: bool) -> Line:
    sign = "- " if is_open else "+ " if value.has_children else "  "
    times = f" × {value.repeated}" if value.repeated > 1 else ""
    style = "doubt" if value.variable.missing is not None else ""
    return line(
        "  " * value.depth + sign,
        (value.label, "name"),
        times,
        " = ",
        (value.text, style),
    )
