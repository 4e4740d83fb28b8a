"""Threads as lines: identical stacks folded, those that failed first."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import msgspec

from coresnap.views.fault.stack import FrameView, ThreadGroup, ThreadView
from coresnap.views.viewer.line import Line, line

__all__ = ["GROUPINGS", "ORDERS", "Arrangement", "thread_lines"]

ORDERS: dict[str, Callable[[ThreadGroup], object]] = {
    "tid": lambda group: group.first.thread.tid,
    "name": lambda group: group.first.name,
    "function": lambda group: _function(group.first),
    "frames": lambda group: len(group.first.thread.frames),
    "threads": lambda group: len(group.threads),
}
GROUPINGS = ("callstack", "name", "none")


class Arrangement(msgspec.Struct, frozen=True):
    """How threads are ordered and folded."""

    order: str = ""
    """A key of ``ORDERS``; empty for that of the snapshot."""
    is_reversed: bool = False
    grouping: str = "callstack"
    """One of ``GROUPINGS``."""
    opened: frozenset[str] = frozenset()
    """Groups whose threads are shown, by the position of their first thread."""

    def turned(self, key: str, is_open: bool) -> Arrangement:
        """Return it with a group opened or closed."""
        opened = self.opened | {key} if is_open else self.opened - {key}
        return msgspec.structs.replace(self, opened=opened)


def thread_lines(
    groups: Sequence[ThreadGroup], arrangement: Arrangement
) -> tuple[list[Line], list[ThreadView]]:
    """Return the lines, and the thread of each."""
    lines: list[Line] = []
    threads: list[ThreadView] = []
    for group in _arranged(groups, arrangement):
        count = len(group.threads)
        key = str(group.first.position)
        is_open = count > 1 and key in arrangement.opened
        sign = "  " if count == 1 else "- " if is_open else "+ "
        lines.append(_line(sign, group.first, count, " ".join(group.names)))
        threads.append(group.first)
        if is_open:
            lines += [_line("  | ", one, 1, one.name) for one in group.threads]
            threads += group.threads
    return lines, threads


def _line(sign: str, thread: ThreadView, count: int, name: str) -> Line:
    state = ("F ", "alarm") if thread.thread.crashed else "  "
    times = f" ×{count}" if count > 1 else ""
    return line(
        state,
        sign,
        str(thread.thread.tid),
        (times, "title"),
        (f" {name}" if name else "", "name"),
        " ",
        (_function(thread), "function"),
        target=thread.position,
    )


def _arranged(
    groups: Sequence[ThreadGroup], arrangement: Arrangement
) -> list[ThreadGroup]:
    groups = _grouped(groups, arrangement.grouping)
    order = ORDERS.get(arrangement.order)
    if order is not None:
        groups = sorted(groups, key=order, reverse=arrangement.is_reversed)  # type: ignore[arg-type]
    # Whatever the order, nobody looks for the thread that failed.
    return sorted(groups, key=lambda group: not group.crashed)


def _grouped(groups: Iterable[ThreadGroup], grouping: str) -> list[ThreadGroup]:
    if grouping == "callstack":
        return list(groups)
    apart = [one for group in groups for one in group.threads]
    if grouping == "none":
        return [ThreadGroup((one,)) for one in apart]
    named: dict[tuple[bool, str], list[ThreadView]] = {}
    for one in apart:
        named.setdefault((one.thread.crashed, one.name), []).append(one)
    return [ThreadGroup(tuple(same)) for same in named.values()]


def _function(thread: ThreadView) -> str:
    frame: FrameView | None = thread.frames[0] if thread.frames else None
    return "" if frame is None else frame.name
