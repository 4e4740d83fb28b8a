"""The application: four panes, a line for messages and commands."""

from __future__ import annotations

import re
from typing import ClassVar

from textual.app import App, ComposeResult, SuspendNotSupported
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.widget import Widget
from textual.widgets import Input, Static

from coresnap.errors import CoresnapError, MissingError
from coresnap.snapshot.escape import printable
from coresnap.views.fault.fault import Fault
from coresnap.views.fault.position import Position
from coresnap.views.viewer.commands import run_command
from coresnap.views.viewer.line import Line
from coresnap.views.viewer.line_list import SEARCHED, LineList
from coresnap.views.viewer.navigator import Navigator
from coresnap.views.viewer.router import Router, TabBar
from coresnap.views.viewer.shell import run_shell
from coresnap.views.viewer.tabs.catalogue import MEMORY, tab_named

__all__ = ["Viewer"]

_ADDRESS = re.compile(r"\b0x([0-9a-f]{1,16})\b")
_HINT = "? for keys"


class Viewer(App[None]):
    """Shows one fault."""

    ENABLE_COMMAND_PALETTE = False
    ALLOW_SELECT = False
    CSS_PATH = "viewer.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("tab", "pane(1)", show=False, priority=True),
        Binding("shift+tab", "pane(-1)", show=False, priority=True),
        *(
            Binding(str(n), f"pane_number({n})", show=False, priority=True)
            for n in range(1, 5)
        ),
        Binding("left_square_bracket", "tab(-1)", show=False),
        Binding("right_square_bracket", "tab(1)", show=False),
        Binding("plus", "turn(True)", show=False),
        Binding("minus", "turn(False)", show=False),
        Binding("w", "open('warnings')", show=False, priority=True),
        Binding("question_mark,f1", "open('keys')", show=False, priority=True),
        Binding("M", "maximize_pane", show=False),
        Binding("slash", "prompt('/')", show=False, priority=True),
        Binding("colon", "prompt(':')", show=False, priority=True),
        Binding("m", "prompt('m')", show=False, priority=True),
        Binding("apostrophe", 'prompt("\'")', show=False, priority=True),
        Binding("n", "again(1)", show=False),
        Binding("N", "again(-1)", show=False),
        Binding("u", "tell_position", show=False),
        Binding("ctrl+o", "jump_back", show=False),
        Binding("escape", "leave_prompt", show=False),
        Binding("q,ctrl+c", "quit", show=False),
    ]

    def __init__(
        self, fault: Fault, position: Position | None = None, snapshot: str = ""
    ) -> None:
        """``snapshot``: the file, for commands; empty if it has no name."""
        super().__init__(ansi_color=True)
        self.HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (140, "-wide")]
        self.fault = fault
        self.snapshot = snapshot
        self.router = Router(fault)
        self.navigator = Navigator(fault, self.router)
        self.heading = Static(fault.headline, id="heading", markup=False)
        self.status = Static(_HINT, id="status", markup=False)
        self.prompt = Input(id="prompt", compact=True, select_on_focus=False)
        self.sign = Static("", id="sign", markup=False)
        self._asked = ""
        self._start = position
        self._pattern: re.Pattern[str] | None = None
        self._marks: dict[str, Position] = {}
        self._pane: LineList = self.navigator.frames

    def compose(self) -> ComposeResult:
        """Put the panes below the heading."""
        panes = self.navigator
        yield self.heading
        with Horizontal(id="upper"):
            yield Vertical(_bar("1 threads"), panes.threads, id="left", classes="pane")
            yield Vertical(_bar("2 frames"), panes.frames, id="right", classes="pane")
        with Vertical(id="lower"):
            yield Vertical(_bar("3 variables"), panes.values, id="val", classes="pane")
            yield self.router
        with Horizontal(id="foot"):
            yield self.sign
            yield self.prompt
            yield self.status

    def on_mount(self) -> None:
        """Go to where the fault is, or to where somebody asked."""
        self.prompt.display = self.sign.display = False
        self.router.open(self.router.tab)
        try:
            self.navigator.start(self._start)
        except CoresnapError as error:
            self.navigator.start(None)
            self.complain(error)
        self.turn_to(self.navigator.frames)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """While something is typed, keys are letters."""
        # Those that change the focus have priority: of keys that come at once, the
        # next would still go to the pane that had it.
        return not self.prompt.display or action in ("leave_prompt", "quit")

    @property
    def panes(self) -> tuple[LineList, ...]:
        """The lists in the order of their numbers."""
        panes = self.navigator
        return panes.threads, panes.frames, panes.values, self.router.list

    @property
    def pane(self) -> LineList:
        """The list that has the focus, or had it before the prompt."""
        if isinstance(self.focused, LineList):
            self._pane = self.focused
        return self._pane

    def turn_to(self, widget: Widget) -> None:
        """Give a pane or the prompt the focus, before the next key is looked at."""
        # Widget.focus() waits for the next message, and a key may come before it.
        self.screen.set_focus(widget)

    def say(self, text: str) -> None:
        """Show a printable message in the last line."""
        self.status.update(text)

    def complain(self, error: CoresnapError) -> None:
        """Show what did not work."""
        remedy = f" – {error.remedy}" if error.remedy else ""
        self.say(printable(f"{error}{remedy}"))

    def on_line_list_moved(self, message: LineList.Moved) -> None:
        """Let the other panes follow."""
        self.navigator.moved(message.lines)
        self.say(_HINT)

    def on_line_list_followed(self, message: LineList.Followed) -> None:
        """Go to what the line is about."""
        try:
            self._follow(message.lines, message.line)
        except CoresnapError as error:
            self.complain(error)

    def _follow(self, pane: LineList, line: Line) -> None:
        is_open = self.navigator.is_open(pane)
        if is_open is not None:
            self.navigator.turn(pane, not is_open)
        elif pane is self.navigator.threads:
            self.turn_to(self.navigator.frames)
        elif pane is self.navigator.frames:
            self.turn_to(self.navigator.values)
        elif pane is self.navigator.values:
            address = self.navigator.pointee()
            if address is None:
                raise MissingError("this is no pointer, and lives in no memory")
            self.navigator.show_memory(address)
            self.turn_to(self.router.list)
        else:
            self._follow_tab(line)

    def _follow_tab(self, line: Line) -> None:
        target = line.target
        if self.router.tab.name == "kept":
            self.router.open_file()
        elif isinstance(target, Position):
            self.navigator.go(target)
            pane = self.navigator.values if target.variable else self.navigator.frames
            self.turn_to(pane)
        elif isinstance(target, str):
            self.action_open(target)
        elif target is not None or self.router.tab is not MEMORY:
            self._follow_address(line.text, target)

    def _follow_address(self, text: str, target: int | None) -> None:
        told = [int(digits, 16) for digits in _ADDRESS.findall(text)]
        addresses = told if target is None else [target]
        kept = [one for one in addresses if self.fault.memory.is_kept(one)]
        if addresses:
            self.navigator.show_memory((kept or addresses)[0])

    def on_tab_bar_picked(self, message: TabBar.Picked) -> None:
        """Open the tab that was clicked on."""
        self.router.open(message.tab)
        self.turn_to(self.router.list)

    def action_pane(self, by: int) -> None:
        """Go to the next pane."""
        if self.prompt.display:
            return
        self.action_pane_number((self.panes.index(self.pane) + by) % 4 + 1)

    def action_pane_number(self, number: int) -> None:
        """Go to a pane."""
        if self.screen.maximized is not None:
            self.screen.minimize()
        self.turn_to(self.panes[number - 1])

    def action_tab(self, by: int) -> None:
        """Show the next tab."""
        self.router.turn(by)

    def action_open(self, name: str) -> None:
        """Show a tab and go there."""
        tab = tab_named(name)
        if tab is None:
            self.say(printable(f"there is no tab or command {name!r}; ? for keys"))
            return
        self.router.open(tab)
        self.action_pane_number(4)

    def action_turn(self, is_open: bool) -> None:
        """Open or close what the cursor is on."""
        self.navigator.turn(self.pane, is_open)

    def action_maximize_pane(self) -> None:
        """Show this pane alone, or all."""
        if self.screen.maximized is None:
            self.screen.maximize(self.pane, container=False)
        else:
            self.screen.minimize()

    def action_tell_position(self) -> None:
        """Show the position, and give it to the terminal's clipboard."""
        position = str(self.navigator.position(self.pane))
        self.copy_to_clipboard(position)
        self.say(printable(position))

    def action_jump_back(self) -> None:
        """Go to where the last jump came from."""
        try:
            self.navigator.back()
        except CoresnapError as error:
            self.complain(error)

    def action_prompt(self, sign: str) -> None:
        """Ask for a command, a pattern, or the letter of a mark."""
        self._pane = self.pane
        self.prompt.value = ""
        self.sign.update(sign)
        self._asked = sign
        self.prompt.display = self.sign.display = True
        self.status.display = False
        self.turn_to(self.prompt)

    def action_leave_prompt(self) -> None:
        """Give up what was asked for; show all panes again."""
        if self.prompt.display:
            self._close_prompt()
        elif self.screen.maximized is not None:
            self.screen.minimize()

    def _close_prompt(self) -> None:
        self.prompt.display = self.sign.display = False
        self.status.display = True
        self.turn_to(self._pane)

    def on_input_changed(self, event: Input.Changed) -> None:
        """A mark is one letter, without Enter."""
        if self.prompt.display and self._asked in ("m", "'") and event.value:
            self._answer(event.value)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Do what was asked for."""
        self._answer(event.value)

    def _answer(self, text: str) -> None:
        sign = self._asked
        self._close_prompt()
        try:
            if sign == ":":
                run_command(self, text.strip())
            elif sign == "m":
                self._marks[text] = self.navigator.position(self._pane)
                self.say(printable(f"mark {text}"))
            elif sign == "'":
                self._go_to_mark(text)
            else:
                self._search(text)
        except CoresnapError as error:
            self.complain(error)

    def _go_to_mark(self, letter: str) -> None:
        if letter not in self._marks:
            raise MissingError(f"there is no mark {letter}")
        self.navigator.go(self._marks[letter])

    def _search(self, text: str) -> None:
        if text:
            try:
                flags = re.IGNORECASE if text == text.lower() else 0
                self._pattern = re.compile(text, flags)
            except (re.error, OverflowError, RecursionError) as error:
                self.say(printable(f"this is no regular expression: {error}"))
                return
        self.action_again(1)

    def action_again(self, direction: int) -> None:
        """Go to the next place that is found, or the one before."""
        if self._pattern is None:
            self.say("nothing was searched for yet: / asks for it")
            return
        pattern = self._pattern
        found = self.pane.search(pattern, direction)
        if found:
            self.say(printable(f"/{pattern.pattern}"))
        elif found is None:
            self.say(f"not in the next {SEARCHED:,} lines")
        else:
            self.say(printable(f"not found: {pattern.pattern}"))

    def shell(self, command: str) -> None:
        """Run a command on the terminal, and come back."""
        position = str(self.navigator.position(self._pane))
        try:
            with self.suspend():
                code = run_shell(
                    command, self.navigator.looked, position, self.snapshot
                )
        except SuspendNotSupported:
            self.say("this terminal cannot run commands beside the viewer")
            return
        self.say(f"exit status {code}")


def _bar(title: str) -> Static:
    return Static(title, classes="bar", markup=False)
