"""What is typed behind a colon."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from coresnap.errors import UsageError
from coresnap.snapshot.escape import printable
from coresnap.views.fault.position import Position
from coresnap.views.viewer.saving import save
from coresnap.views.viewer.thread_lines import GROUPINGS, ORDERS

if TYPE_CHECKING:
    from coresnap.views.viewer.app import Viewer

__all__ = ["run_command"]


def run_command(viewer: Viewer, text: str) -> None:
    """Do what ``text`` says; raise UsageError or MissingError if that cannot be."""
    if text.startswith("!"):
        viewer.shell(text[1:])
        return
    if text.isascii() and text.isdigit():
        _go_to_number(viewer, text)
        return
    word, _, rest = text.partition(" ")
    command = _COMMANDS.get(word)
    if command is not None:
        command(viewer, rest.strip())
    elif word:
        viewer.action_open(word)


def _go_to_number(viewer: Viewer, digits: str) -> None:
    # Python refuses thousands of digits; no list is that long.
    number = int(digits[:18])
    pane, navigator = viewer.pane, viewer.navigator
    if pane is navigator.threads:
        navigator.go(Position(str(number)))
    elif pane is navigator.frames:
        navigator.frame_number(number)
    else:
        pane.go(number - 1)


def _jump(viewer: Viewer, text: str) -> None:
    viewer.navigator.go(Position.parse(text))


def _memory(viewer: Viewer, text: str) -> None:
    digits = text.lower().removeprefix("0x")
    try:
        address = int(digits[:32], 16)
    except ValueError:
        raise UsageError(
            f"{text[:80]!r} is no address",
            remedy="An address is hexadecimal: :x 7ffe3c40",
        ) from None
    viewer.navigator.show_memory(address)
    viewer.turn_to(viewer.router.list)


def _save(viewer: Viewer, text: str) -> None:
    name = viewer.router.kept_name
    if not name:
        raise UsageError(
            "no kept file is selected", remedy=":kept lists those that can be saved."
        )
    path = save(viewer.fault.snapshot.assets[name], name, text)
    viewer.say(printable(f"{path} is written"))


def _sort(viewer: Viewer, text: str, is_reversed: bool = False) -> None:
    order = text or "tid"
    if order not in ORDERS:
        raise UsageError(
            f"threads have no order {order!r}", remedy=f"Try {', '.join(ORDERS)}."
        )
    _arrange(viewer, order=order, is_reversed=is_reversed)


def _group(viewer: Viewer, text: str) -> None:
    grouping = text or "callstack"
    if grouping not in GROUPINGS:
        raise UsageError(
            f"threads are not grouped by {grouping!r}",
            remedy=f"Try {', '.join(GROUPINGS)}.",
        )
    _arrange(viewer, grouping=grouping)


def _arrange(viewer: Viewer, **changes: object) -> None:
    navigator = viewer.navigator
    arrangement = msgspec.structs.replace(navigator.arrangement, **changes)
    navigator.arrange(arrangement)


def _position(viewer: Viewer, text: str) -> None:
    viewer.action_tell_position()


def _quit(viewer: Viewer, text: str) -> None:
    viewer.exit()


def _help(viewer: Viewer, text: str) -> None:
    viewer.action_open("keys")


_COMMANDS = {
    "j": _jump,
    "x": _memory,
    "s": _save,
    "sort": _sort,
    "rsort": lambda viewer, text: _sort(viewer, text, is_reversed=True),
    "group": _group,
    "ungroup": lambda viewer, text: _group(viewer, "none"),
    "u": _position,
    "q": _quit,
    "h": _help,
    "help": _help,
}
