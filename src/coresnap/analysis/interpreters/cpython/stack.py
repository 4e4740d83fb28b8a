"""The Python stack of one thread, cut where native code called Python.

A segment is what one activation of the evaluator (``_PyEval_EvalFrameDefault``) runs:
one frame up to 3.10, from 3.11 on also the Python functions that it calls itself.
From 3.10 on, a structure on the native stack marks each activation: its address tells
which native frame that is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import msgspec

from coresnap.analysis.interpreters.cpython.code import Code, CodeReader
from coresnap.analysis.interpreters.cpython.layouts import Layout
from coresnap.analysis.interpreters.cpython.target import Target
from coresnap.errors import InputError

__all__ = ["PythonFrame", "PythonStack", "Segment", "StackReader"]

FRAME_LIMIT = 2000
"""Python frames kept of one thread: the innermost."""
_WALK_LIMIT = 400_000
"""Frames walked in all; a program may set its own limit of recursion."""
_CODE_UNIT = 2


class PythonFrame(msgspec.Struct, frozen=True):
    """One activation of a Python function."""

    code: Code
    offset: int
    """Bytes into the code of the instruction that it is at; negative before all."""
    locals: int
    """Address of the first local."""
    namespace: int
    """Address of the pointer to a dict of names."""


class Segment(msgspec.Struct, frozen=True):
    """The frames of one activation of the evaluator, innermost first."""

    frames: tuple[PythonFrame, ...]
    anchor: int | None
    """An address within the native frame of that activation."""


class PythonStack(msgspec.Struct):
    """All segments of one thread state, innermost first."""

    segments: list[Segment] = msgspec.field(default_factory=list)
    problem: str | None = None
    """Why there are no more frames, if there should be."""


class StackReader:
    """Walks the frames of thread states, until ``is_late``."""

    def __init__(
        self,
        target: Target,
        code: CodeReader,
        layout: Layout,
        is_late: Callable[[], bool],
    ) -> None:
        self._is_late = is_late
        self._target = target
        self._code = code
        self._layout = layout
        self._left = _WALK_LIMIT

    def stack(self, thread: int) -> PythonStack:
        """The stack of the thread state at an address; as much as can be read."""
        stack = PythonStack()
        frames: list[PythonFrame] = []
        count = 0
        try:
            anchors = self._cframes(thread)
            for frame, ends, anchor in self._walk(thread):
                count += frame is not None
                if frame is not None and count <= FRAME_LIMIT:
                    frames.append(frame)
                if ends:
                    marked = next(anchors, None) if anchor is None else anchor
                    stack.segments.append(Segment(tuple(frames), marked))
                    frames = []
        except InputError as error:
            stack.problem = f"the Python stack is cut: {error}"
        if frames:
            stack.segments.append(Segment(tuple(frames), None))
        if count > FRAME_LIMIT and stack.problem is None:
            stack.problem = f"{count - FRAME_LIMIT} outer Python frames are left out"
        return stack

    def _walk(
        self, thread: int
    ) -> Iterator[tuple[PythonFrame | None, bool, int | None]]:
        """(frame, whether its activation of the evaluator began with it, anchor)."""
        layout, address = self._layout.frame, self._innermost(thread)
        while address:
            self._left -= 1
            if self._left < 0:
                raise InputError(f"there are more than {_WALK_LIMIT} frames in all")
            if self._is_late():
                raise InputError("reading Python frames took too long")
            if self._is_native(address):
                yield None, True, address
            else:
                yield self._frame(address), self._begins(address), None
            previous = self._target.word(address + layout.previous)
            if previous == address:
                raise InputError(f"the frame at {address:#x} calls itself")
            address = previous

    def _innermost(self, thread: int) -> int:
        layout = self._layout.thread
        if layout.frame is not None:
            return self._target.word(thread + layout.frame)
        assert layout.cframe is not None
        assert layout.cframe_frame is not None
        cframe = self._target.word(thread + layout.cframe)
        return self._target.word(cframe + layout.cframe_frame) if cframe else 0

    def _cframes(self, thread: int) -> Iterator[int]:
        """Addresses of the evaluator's ``CFrame`` structures, innermost first.

        The outermost is in the thread state itself.
        """
        layout = self._layout.thread
        if layout.cframe is None or self._layout.frame.native_owner is not None:
            return
        assert layout.cframe_previous is not None
        address = self._target.word(thread + layout.cframe)
        for _ in range(_WALK_LIMIT):
            if not address:
                return
            previous = self._target.word(address + layout.cframe_previous)
            if not previous:
                return
            yield address
            address = previous

    def _is_native(self, address: int) -> bool:
        layout = self._layout.frame
        if layout.owner is None or layout.native_owner is None:
            return False
        return self._target.byte(address + layout.owner) >= layout.native_owner

    def _begins(self, address: int) -> bool:
        layout = self._layout.frame
        if layout.is_entry is not None:
            return self._target.byte(address + layout.is_entry) != 0
        return layout.owner is None

    def _frame(self, address: int) -> PythonFrame | None:
        """The frame; None for one that only sets another one up."""
        layout, target = self._layout.frame, self._target
        pointer = target.word(address + layout.code)
        code = self._code.code(pointer & ~3 if layout.tagged else pointer)
        if code.instructions is None:
            offset = target.integer(address + layout.instruction)
            if self._layout.version >= (3, 10) and offset >= 0:
                offset *= _CODE_UNIT
        else:
            offset = target.word(address + layout.instruction) - code.instructions
            if offset < code.first_traceable and code.file == code.function:
                return (
                    None  # _Py_InitCleanup: what a specialised constructor returns to
                )
        return PythonFrame(
            code, offset, address + layout.locals, address + layout.namespace
        )
