"""Lines of the viewer: painted text, and where Enter leads from it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Protocol, overload

import msgspec

from coresnap.views.fault.position import Position
from coresnap.views.fault.shortened import shortened

__all__ = ["Line", "Lines", "Span", "inked", "line", "plain"]

_LONGEST = 2000
"""Characters of a line; of megabytes in a name nobody reads more."""
_CODE = re.compile(r"\x1b\[([0-9;]*)m")
_INKS = {"1": "title", "1;31": "alarm", "33": "function", "36": "place", "2": "doubt"}
"""What ``snapshot.ink`` paints, by its codes."""


class Span(msgspec.Struct, frozen=True):
    """A piece of a line in one style."""

    text: str
    """Printable."""
    style: str = ""
    """A key of ``paint.STYLES``; empty for plain text."""


class Line(msgspec.Struct, frozen=True):
    """One line of a list."""

    spans: tuple[Span, ...]
    target: Position | int | str | None = None
    """Where Enter leads: a position, an address, or the name of a tab."""
    is_item: bool = True
    """False for one that only remarks on the lines around it."""

    @property
    def text(self) -> str:
        """The line without its styles."""
        return "".join(span.text for span in self.spans)


class Lines(Protocol):
    """A sequence whose lines are made when they are seen."""

    def __len__(self) -> int:
        """How many there are."""

    @overload
    def __getitem__(self, number: int) -> Line: ...

    @overload
    def __getitem__(self, number: slice) -> Sequence[Line]: ...


def line(
    *pieces: str | Span | tuple[str, str],
    target: Position | int | str | None = None,
    is_item: bool = True,
) -> Line:
    """Return a line of texts, spans, and texts with a style; texts are printable."""
    spans = (
        one
        if isinstance(one, Span)
        else Span(one)
        if isinstance(one, str)
        else Span(*one)
        for one in pieces
    )
    return Line(tuple(_fitting(spans)), target, is_item)


def plain(texts: Iterable[str], style: str = "") -> list[Line]:
    """Return a line for each of the printable texts."""
    return [line((text, style)) for text in texts]


def inked(texts: Iterable[str]) -> list[Line]:
    """Return lines of what ``coresnap.snapshot`` has painted with ``Ink``."""
    return [line(*_painted(text)) for text in texts]


def _painted(text: str) -> Iterator[Span]:
    # Of what a process chose no escape character is left: all codes are Ink's.
    pieces = _CODE.split(text)
    yield Span(pieces[0])
    for code, piece in zip(pieces[1::2], pieces[2::2], strict=True):
        yield Span(piece, _INKS.get(code, ""))


def _fitting(spans: Iterable[Span]) -> Iterator[Span]:
    left = _LONGEST
    for span in spans:
        if not span.text:
            continue
        if len(span.text) > left:
            yield Span(shortened(span.text, left), span.style)
            return
        left -= len(span.text)
        yield span
