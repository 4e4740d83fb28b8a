"""The pane of tabs: one list whose content the tab decides."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Sequence

from rich.text import Text
from textual import events
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.message import Message
from textual.widget import Widget

from coresnap.views.fault.fault import Fault
from coresnap.views.fault.value import Value
from coresnap.views.viewer.line import Line, line
from coresnap.views.viewer.line_list import LineList
from coresnap.views.viewer.looked import Looked
from coresnap.views.viewer.memory_lines import MemoryLines
from coresnap.views.viewer.tabs.catalogue import GLOBALS, MEMORY, TABS, Tab
from coresnap.views.viewer.tabs.kept import content, names
from coresnap.views.viewer.value_lines import Tree

__all__ = ["Router"]


class TabBar(Widget):
    """The names of the tabs, scrolled so that the current one is seen."""

    class Picked(Message):
        """Somebody clicked on a name."""

        def __init__(self, tab: Tab) -> None:
            super().__init__()
            self.tab = tab

    current = TABS[0]

    def render(self) -> Text:
        """Paint the bar."""
        text = Text(no_wrap=True, overflow="crop")
        text.append("4 ", "bold")
        for start, tab in self._placed():
            style = "bold reverse" if tab is self.current else ""
            if start >= 0:
                text.append(f" {tab.name} ", style)
        return text

    def _placed(self) -> Iterator[tuple[int, Tab]]:
        """Yield tabs with their column; a negative one is cut off."""
        shown = list(TABS)
        while len(shown) > 1 and not self._fits(shown):
            shown.pop(0)
        column = 2
        for tab in shown:
            yield column, tab
            column += len(tab.name) + 2

    def _fits(self, shown: Sequence[Tab]) -> bool:
        upto = list(shown)[: shown.index(self.current) + 1]
        return upto == [self.current] or self.size.width >= 2 + sum(
            len(tab.name) + 2 for tab in upto
        )

    def on_click(self, event: events.Click) -> None:
        """Pick the tab that was clicked on."""
        for start, tab in self._placed():
            if start <= event.x < start + len(tab.name) + 2:
                self.post_message(self.Picked(tab))


class Router(Vertical):
    """A bar of tabs above the lines of the current one."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(id="router", classes="pane")
        self.fault = fault
        self.tab = TABS[0]
        self.list = LineList(id="tab")
        self.bar = TabBar(id="bar", classes="bar")
        self.opened_file = ""
        """The kept file whose text is shown."""
        self._looked = Looked()
        self._tree = Tree()
        self._values: list[Value | None] = []

    def compose(self) -> ComposeResult:
        """Put the bar above the list."""
        yield self.bar
        yield self.list

    @functools.cached_property
    def memory(self) -> MemoryLines:
        """The hex view."""
        return MemoryLines(self.fault.memory)

    def open(self, tab: Tab) -> None:
        """Show a tab."""
        self.tab = self.bar.current = tab
        self.opened_file = ""
        self.bar.refresh()
        self._show()

    def turn(self, by: int) -> None:
        """Show the next tab, or the one before."""
        self.open(TABS[(TABS.index(self.tab) + by) % len(TABS)])

    def follow(self, looked: Looked) -> None:
        """Show what belongs to another thread, frame or variable."""
        self._looked = looked
        if self.tab.follows:
            self._show()

    def on_resize(self) -> None:
        """Wrap anew what is wrapped."""
        if self.tab.show is not None and not self.opened_file:
            self.list.show(self._made(), self.list.cursor)

    def _show(self) -> None:
        if self.tab is MEMORY:
            self._show_memory()
        elif self.tab is GLOBALS:
            self._tree = Tree(self.fault.globals, self._tree.opened)
            self._show_globals(0)
        else:
            self.list.show(self._made())

    def _made(self) -> Sequence[Line]:
        if self.tab.show is None:
            return ()
        width = max(20, self.size.width - 1)
        return self.tab.show(self.fault, self._looked, width)

    def _show_memory(self) -> None:
        if not len(self.memory):
            self.list.show([line(("no memory was kept", "doubt"))])
            return
        numbers = map(self.memory.number_of, self._addresses())
        found = next((one for one in numbers if one is not None), 0)
        self.list.show(self.memory, found)

    def _addresses(self) -> Iterator[int]:
        """Where the memory worth a look begins, the nearest to the selection first."""
        looked = self._looked
        if looked.value is not None:
            for address in (looked.value.pointee, looked.value.address):
                if address is not None:
                    yield address
        if looked.frame is not None and looked.frame.frame.stack_pointer is not None:
            yield looked.frame.frame.stack_pointer
        signal = self.fault.snapshot.signal
        if signal is not None and signal.address is not None:
            yield signal.address

    def show_address(self, address: int) -> bool:
        """Show memory at an address; False if it was not kept."""
        number = self.memory.number_of(address)
        if number is None:
            return False
        if self.tab is not MEMORY or self.list.lines is not self.memory:
            self.tab = self.bar.current = MEMORY
            self.bar.refresh()
            self.list.show(self.memory, number)
        else:
            self.list.go(number)
        return True

    def show_global(self, values: Sequence[Value]) -> None:
        """Show a global variable, or a value in one."""
        self._tree = Tree(self.fault.globals, self._tree.opened).opened_to(values)
        self.tab = self.bar.current = GLOBALS
        self.bar.refresh()
        self._show_globals(0)
        paths = [None if one is None else one.path for one in self._values]
        self.list.go(paths.index(values[-1].path))

    def _show_globals(self, cursor: int) -> None:
        lines, self._values = self._tree.lines()
        none = [line(("no global variables were kept", "doubt"))]
        self.list.show(lines or none, cursor)

    @property
    def value(self) -> Value | None:
        """The global value under the cursor."""
        if self.tab is not GLOBALS or self.list.cursor >= len(self._values):
            return None
        return self._values[self.list.cursor]

    def open_value(self, is_open: bool) -> None:
        """Open or close the global value under the cursor."""
        value = self.value
        if value is not None and (value.has_children or not is_open):
            self._tree = self._tree.turned(value.path, is_open)
            self._show_globals(self.list.cursor)

    def is_open(self, value: Value) -> bool:
        """Whether a global value stands open."""
        return value.path in self._tree.opened

    @property
    def kept_name(self) -> str:
        """The kept file that the cursor is on, or that is shown; empty if none is."""
        if self.tab.name != "kept":
            return ""
        known = names(self.fault)
        at = self.list.cursor
        return self.opened_file or (known[at] if at < len(known) else "")

    def open_file(self) -> None:
        """Show what is in the kept file that the cursor is on."""
        if self.kept_name and not self.opened_file:
            self.opened_file = self.kept_name
            self.list.show(content(self.fault, self.opened_file))
