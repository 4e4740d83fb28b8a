"""The threads of a core, read in order of importance and within budgets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import msgspec

from coresnap.analysis.reading_order import EXAMPLES, ReadingOrder, reading_order
from coresnap.analysis.unwind.stack import Stack
from coresnap.model import Dropped, Thread, UnwindEnd

if TYPE_CHECKING:
    from coresnap.analysis.frames import FrameBuilder
    from coresnap.elfcore.corefile import CoreFile, CoreThread

__all__ = ["ThreadReader"]

_MOST_FRAMES = 200_000
"""Frames of all threads that are read whole. Each costs some hundred bytes."""
_LEAST_FRAMES = 64
"""Innermost frames that a thread has in any case."""
_NO_STACK = Stack((), UnwindEnd.NO_RULE)


class ThreadReader:
    """Reads the threads of ``core``, whose ``stacks`` may be fewer than its threads.

    ``assets`` is what the capture kept, by member name. Call ``read`` for each index of
    ``order.whole``, in that order, then ``threads``.
    """

    def __init__(
        self,
        core: CoreFile,
        stacks: Sequence[Stack],
        assets: Mapping[str, bytes],
        builder: FrameBuilder,
    ) -> None:
        missing = len(core.threads) - len(stacks)
        self._stacks = [*stacks, *[_NO_STACK] * missing]
        self._builder = builder
        self._room = _MOST_FRAMES
        self.order: ReadingOrder = reading_order(self._stacks)
        self.dropped: list[Dropped] = []
        self._threads = [
            Thread(
                tid=raw.tid,
                crashed=index == 0,
                end=self._stacks[index].end,
                name=_thread_name(raw, assets),
                registers=_general_registers(core, raw),
            )
            for index, raw in enumerate(core.threads)
        ]

    def read(self, index: int) -> None:
        """Read one thread's frames, with their variables."""
        thread, stack = self._threads[index], self._within_room(index)
        frames = self._builder.frames(stack, deep=index == 0)
        self._room -= len(stack.frames)
        self._threads[index] = msgspec.structs.replace(
            thread, end=stack.end, frames=frames
        )
        unread = self._builder.take_unread()
        if unread:
            reason = "the middle of a long stack is kept without variables"
            self.dropped.append(Dropped("variables", unread, reason, thread.tid))

    def _within_room(self, index: int) -> Stack:
        whole = self._stacks[index]
        stack = whole.shortened(max(self._room, _LEAST_FRAMES))
        if stack.left_out:
            reason = (
                "the middle of a long stack"
                if stack is whole
                else f"the process has more than {_MOST_FRAMES} frames"
            )
            tid = self._threads[index].tid
            self.dropped.append(Dropped("frames", stack.left_out, reason, tid))
        return stack

    def threads(self) -> list[Thread]:
        """All threads as the core orders them, those that were not read too."""
        if not self.order.alike:
            return self._threads
        from coresnap.snapshot.folding import bare

        shared: dict[int, Thread] = {}
        for index, like in self.order.alike.items():
            if like not in shared:
                whole = self._threads[like]
                shared[like] = msgspec.structs.replace(whole, frames=bare(whole.frames))
            stands_for = shared[like]
            self._threads[index] = msgspec.structs.replace(
                self._threads[index],
                end=stands_for.end,
                frames=stands_for.frames,
                like=stands_for.tid,
            )
        self._tell_alike()
        return self._threads

    def _tell_alike(self) -> None:
        counts: dict[int, int] = {}
        for like in self.order.alike.values():
            counts[like] = counts.get(like, 0) + 1
        for like, count in counts.items():
            reason = f"their stack is that of {EXAMPLES} threads that are kept whole"
            tid = self._threads[like].tid
            self.dropped.append(Dropped("threads", count, reason, tid))


def _thread_name(raw: CoreThread, assets: Mapping[str, bytes]) -> str | None:
    comm = assets.get(f"process/task/{raw.tid}/comm")
    if comm is not None:
        return comm.decode("utf-8", "replace").rstrip("\n")
    return raw.name


def _general_registers(core: CoreFile, raw: CoreThread) -> dict[str, int]:
    # Vector registers stay out: they hold what strcpy last moved, secrets included
    # (a core's NT_X86_XSTATE was seen to hold the environment).
    architecture = core.architecture
    return {
        architecture.register_names[number]: value
        for number, value in raw.registers.items()
        if number in architecture.general_registers
    }
