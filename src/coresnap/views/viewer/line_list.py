"""A list of any length: only the lines that are seen are made."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import ClassVar

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.binding import Binding, BindingType
from textual.geometry import Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip

from coresnap.views.viewer.line import Line, Lines
from coresnap.views.viewer.paint import paint

__all__ = ["LineList"]

_SIDEWAYS = 8
_WIDEST = 4000
SEARCHED = 50_000
"""Lines that one search looks at."""


class LineList(ScrollView, can_focus=True):
    """Lines with a cursor; vi's keys move it."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("j,down", "move(1)", show=False),
        Binding("k,up", "move(-1)", show=False),
        Binding("h,left", "sideways(-1)", show=False),
        Binding("l,right", "sideways(1)", show=False),
        Binding("pagedown,ctrl+f,space", "page(1)", show=False),
        Binding("pageup,ctrl+b", "page(-1)", show=False),
        Binding("home,g", "first", show=False),
        Binding("end,G", "last", show=False),
        Binding("H", "top", show=False),
        Binding("L", "bottom", show=False),
        Binding("enter", "follow", show=False),
    ]

    class Moved(Message):
        """The cursor stands on another line."""

        def __init__(self, lines: LineList) -> None:
            super().__init__()
            self.lines = lines

    class Followed(Message):
        """Somebody wants what is behind the line."""

        def __init__(self, lines: LineList, line: Line) -> None:
            super().__init__()
            self.lines = lines
            self.line = line

    def __init__(self, id: str) -> None:
        super().__init__(id=id)
        self.lines: Lines | Sequence[Line] = ()
        self.cursor = 0

    def show(self, lines: Lines | Sequence[Line], cursor: int = 0) -> None:
        """Show other lines, with the cursor on one of them."""
        self.lines = lines
        self.virtual_size = Size(_WIDEST, len(lines))
        self.cursor = max(0, min(cursor, len(lines) - 1))
        self._reveal()
        self.refresh()

    @property
    def line(self) -> Line | None:
        """The line of the cursor."""
        return self.lines[self.cursor] if self.cursor < len(self.lines) else None

    def go(self, number: int) -> None:
        """Put the cursor on a line, or the nearest there is."""
        number = max(0, min(number, len(self.lines) - 1))
        if number != self.cursor:
            self.cursor = number
            self.post_message(self.Moved(self))
        self._reveal()
        self.refresh()

    def search(self, pattern: re.Pattern[str], step: int) -> bool | None:
        """Go to the next line that the pattern is found in, around the end.

        Returns False if there is none, None if there are more lines than one search
        looks at.
        """
        count = len(self.lines)
        for distance in range(1, min(count, SEARCHED) + 1):
            number = (self.cursor + step * distance) % count
            if pattern.search(self.lines[number].text):
                self.go(number)
                return True
        return False if count <= SEARCHED else None

    def _reveal(self) -> None:
        height = self.scrollable_content_region.height
        if height <= 0:
            return
        top = self.scroll_offset.y
        if self.cursor < top:
            top = self.cursor
        elif self.cursor >= top + height:
            top = self.cursor - height + 1
        self.scroll_to(y=top, animate=False, force=True, immediate=True)

    def on_resize(self) -> None:
        """Keep the cursor in sight."""
        self._reveal()

    def on_focus(self) -> None:
        """The cursor looks different with the focus."""
        self.refresh()

    def on_blur(self) -> None:
        """The cursor looks different without the focus."""
        self.refresh()

    def on_click(self, event: events.Click) -> None:
        """Go to the line, or follow the one that the cursor is on."""
        number = self.scroll_offset.y + event.y
        if number >= len(self.lines):
            return
        if number == self.cursor and event.chain > 1:
            self.action_follow()
        else:
            self.go(number)

    def render_line(self, y: int) -> Strip:
        """Make the ``y``th line that is seen."""
        left, top = self.scroll_offset
        number, width = top + y, self.size.width
        if number >= len(self.lines):
            return Strip.blank(width, self.rich_style)
        is_cursor = number == self.cursor
        shown = self.lines[number].spans
        segments = [
            Segment(span.text, self._style(span.style, is_cursor)) for span in shown
        ]
        strip = Strip(segments).crop_extend(
            left, left + width, self._style("", is_cursor)
        )
        return strip.apply_style(self.rich_style)

    def _style(self, name: str, is_cursor: bool) -> Style:
        return paint(name, is_cursor, self.has_focus)

    def action_move(self, by: int) -> None:
        """Go down or up."""
        self.go(self.cursor + by)

    def action_sideways(self, by: int) -> None:
        """Show what is further right or left."""
        x = max(0, self.scroll_offset.x + by * _SIDEWAYS)
        self.scroll_to(x=x, animate=False, force=True, immediate=True)

    def action_page(self, by: int) -> None:
        """Go a page down or up."""
        self.go(self.cursor + by * max(1, self._height - 1))

    def action_first(self) -> None:
        """Go to the first line."""
        self.go(0)

    def action_last(self) -> None:
        """Go to the last line."""
        self.go(len(self.lines) - 1)

    def action_top(self) -> None:
        """Go to the first line that is seen."""
        self.go(self.scroll_offset.y)

    def action_bottom(self) -> None:
        """Go to the last line that is seen."""
        self.go(self.scroll_offset.y + self._height - 1)

    def action_follow(self) -> None:
        """Follow the line of the cursor."""
        if self.line is not None:
            self.post_message(self.Followed(self, self.line))

    @property
    def _height(self) -> int:
        return self.scrollable_content_region.height
