"""A stack that was known, and the same stack walked again with more files."""

from __future__ import annotations

from collections.abc import Sequence

from coresnap.analysis.unwind.stack import Stack, StackFrame
from coresnap.elfcore.corefile import CoreFile
from coresnap.elfcore.modules import LoadedModule
from coresnap.model import Frame, Thread, Trust

__all__ = ["join_stacks", "physical"]

_GUESSED = (Trust.SCAN, Trust.PROLOGUE, Trust.FRAME_POINTER)


def physical(frames: Sequence[Frame]) -> list[Frame]:
    """The frames that take room on the stack: no inlined calls, no interpreter's."""
    return [f for f in frames if not f.inline and f.interpreter is None]


def join_stacks(core: CoreFile, thread: Thread, walked: Stack) -> Stack:
    """The stack of ``thread`` with what ``walked`` knows of its frames.

    Where the walk goes on differently, it is right if it follows a rule and the known
    frame was guessed; else the whole core, which was there then, knew better.
    """
    known = physical(thread.frames)
    same = _common(core, known, walked.frames)
    if _leads_further(known, walked.frames, same):
        return walked
    frames = [*walked.frames[:same]]
    for index in range(same, len(known)):
        interrupted = index == 0 or known[index - 1].signal_frame
        frames.append(_frame(core, known[index], interrupted))
    gap = next((i for i, frame in enumerate(known) if frame.left_out), 0)
    left_out = known[gap].left_out if gap else 0
    return Stack(tuple(frames), thread.end, left_out, gap)


def _common(
    core: CoreFile, known: Sequence[Frame], walked: Sequence[StackFrame]
) -> int:
    """How many frames from the innermost are the same in both."""
    number = core.architecture.stack_pointer
    for index, (one, other) in enumerate(zip(known, walked, strict=False)):
        pointers = {one.stack_pointer, other.registers.get(number)} - {None}
        if one.left_out or one.pc != other.pc or len(pointers) > 1:
            return index
    return min(len(known), len(walked))


def _leads_further(
    known: Sequence[Frame], walked: Sequence[StackFrame], same: int
) -> bool:
    if same == len(walked) or any(frame.left_out for frame in known):
        return False
    if same == len(known):
        return True
    return known[same].trust in _GUESSED and walked[same].trust is Trust.CFI


def _frame(core: CoreFile, frame: Frame, interrupted: bool) -> StackFrame:
    """A frame of which only place and module are known."""
    arch = core.architecture
    registers = {arch.program_counter: frame.pc}
    if frame.stack_pointer is not None:
        registers[arch.stack_pointer] = frame.stack_pointer
    lookup = frame.pc if interrupted else max(frame.pc - 1, 0)
    return StackFrame(
        frame.pc,
        lookup,
        None,
        registers,
        frame.trust,
        frame.signal_frame,
        _module_at(core, lookup),
    )


def _module_at(core: CoreFile, address: int) -> LoadedModule | None:
    found = (m for m in core.modules if m.start <= address < m.end)
    return next(found, None)
