"""What is selected: threads lead to frames, frames to variables, all to the tabs."""

from __future__ import annotations

import msgspec

from coresnap.errors import MissingError
from coresnap.views.fault.fault import Fault, Found
from coresnap.views.fault.position import GLOBALS, Position
from coresnap.views.fault.stack import FrameView, ThreadView
from coresnap.views.fault.value import Value
from coresnap.views.viewer.annotations import annotation_lines_of
from coresnap.views.viewer.frame_lines import frame_lines
from coresnap.views.viewer.line import line
from coresnap.views.viewer.line_list import LineList
from coresnap.views.viewer.looked import Looked
from coresnap.views.viewer.router import Router
from coresnap.views.viewer.thread_lines import Arrangement, thread_lines
from coresnap.views.viewer.value_lines import Tree

__all__ = ["Navigator"]


class Navigator:
    """Keeps the four panes about the same place."""

    def __init__(self, fault: Fault, router: Router) -> None:
        self.fault = fault
        self.router = router
        self.threads = LineList(id="threads")
        self.frames = LineList(id="frames")
        self.values = LineList(id="values")
        self.arrangement = Arrangement()
        self.looked = Looked()
        self.past: list[Position] = []
        """Where jumps came from."""
        self._threads: list[ThreadView] = []
        self._frames: list[FrameView | None] = []
        self._values: list[Value | None] = []
        self._tree = Tree()

    def start(self, position: Position | None) -> None:
        """Show the place somebody gave, or the frame that failed.

        Raises MissingError if there is no such place.
        """
        self.arrange(self.arrangement)
        position = position or self.fault.start
        if position is not None:
            self._show(self.fault.find(position))

    def arrange(self, arrangement: Arrangement) -> None:
        """Order and fold the threads; the selected one stays selected."""
        self.arrangement = arrangement
        lines, self._threads = thread_lines(self.fault.groups, arrangement)
        thread = self.looked.thread
        at = self._threads.index(thread) if thread in self._threads else 0
        self.threads.show(lines or [line(("no threads", "doubt"))], at)
        if thread is None and self._threads:
            self._show_thread(self._threads[at])

    def moved(self, pane: LineList) -> None:
        """Follow the cursor of a pane."""
        if pane is self.threads and pane.cursor < len(self._threads):
            self._show_thread(self._threads[pane.cursor])
        elif pane is self.frames and pane.cursor < len(self._frames):
            frame = self._frames[pane.cursor]
            if frame is not None:
                self._show_frame(frame)
        elif pane is self.values and pane.cursor < len(self._values):
            self._look(value=self._values[pane.cursor])

    def _show_thread(self, thread: ThreadView, number: int | None = None) -> None:
        if thread is self.looked.thread and number is None:
            return
        self._look(thread=thread, frame=None, value=None)
        lines, self._frames = frame_lines(thread)
        wanted = thread.frames[0] if thread.frames else None
        if number is not None:
            wanted = thread.at(number)
        at = 0 if wanted is None else self._frames.index(wanted)
        self.frames.show(lines, at)
        if wanted is None:
            self._tree = Tree()
            self._show_values(0)
        else:
            self._show_frame(wanted)

    def _show_frame(self, frame: FrameView) -> None:
        if frame is not self.looked.frame:
            self._tree = Tree(frame.values)
            self._look(frame=frame, value=None)
            self._show_values(0)

    def _show_values(self, cursor: int) -> None:
        lines, self._values = self._tree.lines()
        frame = self.looked.frame
        remarks = [] if frame is None else annotation_lines_of(frame.frame.annotations)
        if not lines and not remarks:
            lines, self._values = [line(("no variables", "doubt"))], [None]
        # Below the variables: the cursor is wanted there, not on remarks.
        self._values += [None] * len(remarks)
        self.values.show([*lines, *remarks], cursor)

    def _look(self, **changes: object) -> None:
        self.looked = msgspec.structs.replace(self.looked, **changes)
        self.router.follow(self.looked)

    def go(self, position: Position) -> None:
        """Show a place; raise MissingError if there is none."""
        found = self.fault.find(position)
        self.past.append(self.position())
        self._show(found)

    def back(self) -> None:
        """Show the place that the last jump came from; raise MissingError."""
        if not self.past:
            raise MissingError("there was no jump")
        self._show(self.fault.find(self.past.pop()))

    def _show(self, found: Found) -> None:
        if found.position.thread == GLOBALS:
            if found.values:
                self.router.show_global(found.values)
            return
        if found.thread is None:
            return
        self._select(found.thread)
        frame = found.frame
        self._show_thread(found.thread, None if frame is None else frame.number)
        if found.values:
            self._tree = self._tree.opened_to(found.values)
            paths = [None if v is None else v.path for v in self._tree.lines()[1]]
            self._show_values(paths.index(found.values[-1].path))
            self._look(value=found.values[-1])

    def _select(self, thread: ThreadView) -> None:
        if thread not in self._threads:
            group = next(g for g in self.fault.groups if thread in g.threads)
            key = str(group.first.position)
            self.arrange(self.arrangement.turned(key, True))
        if thread in self._threads:
            at = self._threads.index(thread)
            self.threads.show(self.threads.lines, at)

    def position(self, pane: LineList | None = None) -> Position:
        """Return the place that is selected, as exactly as ``pane`` tells it."""
        looked = self.looked
        if pane is self.router.list and self.router.value is not None:
            return Position(GLOBALS, None, self.router.value.path)
        if looked.thread is None:
            return Position(GLOBALS)
        if pane is self.threads or looked.frame is None:
            return looked.thread.position
        where = looked.frame.position
        if pane is self.frames or looked.value is None:
            return where
        return Position(where.thread, where.frame, looked.value.path)

    def turn(self, pane: LineList, is_open: bool) -> None:
        """Open or close what the cursor of a pane is on."""
        if pane is self.router.list:
            self.router.open_value(is_open)
        elif pane is self.threads and self.looked.thread is not None:
            thread = self.looked.thread
            group = next(g for g in self.fault.groups if thread in g.threads)
            self._look(thread=group.first)
            key = str(group.first.position)
            self.arrange(self.arrangement.turned(key, is_open))
        elif pane is self.values:
            value = self.looked.value or next(iter(self._values), None)
            if value is not None and (value.has_children or not is_open):
                self._tree = self._tree.turned(value.path, is_open)
                self._show_values(self.values.cursor)

    def is_open(self, pane: LineList) -> bool | None:
        """Whether the value under the cursor is open; None if there is none to open."""
        if pane is self.router.list:
            value = self.router.value
            is_open = value is not None and self.router.is_open(value)
        elif pane is self.values and pane.cursor < len(self._values):
            value = self._values[pane.cursor]
            is_open = value is not None and value.path in self._tree.opened
        else:
            return None
        return is_open if value is not None and value.has_children else None

    def show_memory(self, address: int) -> None:
        """Show memory at an address; raise MissingError if it was not kept."""
        if not self.router.show_address(address):
            words = self.fault.places.words(address) if address >= 0 else ""
            what = f" ({words})" if words else ""
            raise MissingError(f"no memory was kept at {address:#x}{what}")

    def pointee(self) -> int | None:
        """Return where the selected variable points to, or lives, if that was kept."""
        value = self.looked.value or next(iter(self._values), None)
        if value is None:
            return None
        for address in (value.pointee, value.address):
            if address is not None and self.fault.memory.is_kept(address):
                return address
        return value.pointee

    def frame_number(self, number: int) -> None:
        """Select the frame that people count so; raise MissingError."""
        thread = self.looked.thread
        if thread is None:
            raise MissingError("there is no thread")
        self.go(Position(thread.position.thread, number))
