"""Which threads are read first, and which not at all: a thousand idle workers need no
telling twice.

Threads are alike if their stacks are the same program counters, found the same way.
The first of them are read whole; the others are said to be like the first, and have
its frames without what is each thread's own: variables and stack pointers.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from coresnap.analysis.unwind.stack import Stack

__all__ = ["EXAMPLES", "ReadingOrder", "reading_order"]

EXAMPLES = 64
"""Threads with one stack that are read whole. More of them would say nothing new."""


class ReadingOrder(msgspec.Struct, frozen=True):
    """Which threads to read, most wanted first, by index."""

    whole: tuple[int, ...]
    alike: dict[int, int]
    """A thread that is not read to the one that it is like."""


def reading_order(stacks: Sequence[Stack]) -> ReadingOrder:
    """Order threads by what they can tell: the crashed one (the first), then one of
    each stack, then a second of each, and so on."""
    groups: dict[object, list[int]] = {}
    for index, stack in enumerate(stacks):
        places = tuple((frame.pc, frame.trust) for frame in stack.frames)
        key = stack.end, stack.left_out, places
        groups.setdefault(key, []).append(index)
    read = [
        (place, index)
        for group in groups.values()
        for place, index in enumerate(group[:EXAMPLES])
    ]
    return ReadingOrder(
        tuple(index for _, index in sorted(read)),
        {i: group[0] for group in groups.values() for i in group[EXAMPLES:]},
    )
