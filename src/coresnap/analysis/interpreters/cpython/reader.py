"""The Python frames of a core, ready to be set among the native ones."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

from coresnap.analysis.interpreters.cpython.code import Code, CodeReader
from coresnap.analysis.interpreters.cpython.objects import Objects
from coresnap.analysis.interpreters.cpython.runtime import Runtime
from coresnap.analysis.interpreters.cpython.stack import PythonFrame, StackReader
from coresnap.analysis.interpreters.cpython.target import Target
from coresnap.analysis.interpreters.cpython.threads import ThreadState, thread_states
from coresnap.analysis.interpreters.cpython.values import ValueReader
from coresnap.analysis.interpreters.interleave import Run
from coresnap.analysis.source import SourceReader
from coresnap.elfcore.corefile import CoreFile
from coresnap.errors import InputError
from coresnap.model import Frame, Note, Trust, Variable, VariableKind

__all__ = ["PythonReader"]

_STEP = "interpreters"
_HANDLED_LIMIT = 20
_EXCEPTION_NOTES = 20
_LOCALS_LIMIT = 200
_NAMESPACE_LIMIT = 100
_DEFINITIONS = ("function", "module", "builtin_function_or_method")
"""Types of what every module and class is full of."""
_NOTES_LIMIT = 50
_TIME_LIMIT = 20.0
"""Seconds; after them frames are shown without variables and lines."""
_EVALUATOR = "_PyEval_EvalFrameDefault"


class PythonReader:
    """Frames of each thread; what could not be read is in ``notes``."""

    def __init__(self, core: CoreFile, runtime: Runtime, source: SourceReader) -> None:
        layout = runtime.layout
        self.notes: list[Note] = []
        self._core = core
        self._runtime = runtime
        self._layout = layout
        self._target = Target(core.memory)
        self._objects = Objects(self._target, layout.objects)
        self._values = ValueReader(self._objects)
        self._code = CodeReader(self._target, self._objects, layout)
        self._stacks = StackReader(self._target, self._code, layout, self._late)
        self._source = source
        self._interpreter = f"CPython {layout.version[0]}.{layout.version[1]}"
        # A script has no build-id: one that is newer than the core is not what ran.
        self._written = _modified(core.path)
        self._deadline = time.monotonic() + _TIME_LIMIT

    def runs(self) -> dict[int, list[Run]]:
        """For each native thread that runs Python its runs, innermost first."""
        found: dict[int, list[Run]] = {}
        for state in self._states():
            runs = self._runs_of(state)
            if runs:
                found.setdefault(state.tid, []).extend(runs)
        for runs in found.values():
            _sort(runs)
        if self._values.exhausted or self._late():
            self._note("Python values are cut at the limit of their number or of time")
        return found

    @staticmethod
    def is_evaluator(frame: Frame) -> bool:
        """Whether a native frame is an activation of the evaluator."""
        name = frame.linkage_name or frame.function or ""
        return name == _EVALUATOR or name.startswith(_EVALUATOR + ".")

    def _late(self) -> bool:
        return time.monotonic() > self._deadline

    def _note(self, message: str) -> None:
        if len(self.notes) < _NOTES_LIMIT:
            self.notes.append(Note(_STEP, message))

    def _states(self) -> Iterator[ThreadState]:
        try:
            yield from thread_states(
                self._core, self._target, self._layout, self._runtime.address
            )
        except InputError as error:
            self._note(f"Python threads are missing: {error}")

    def _runs_of(self, state: ThreadState) -> list[Run]:
        stack = self._stacks.stack(state.address)
        if stack.problem is not None:
            self._note(f"thread {state.tid}: {stack.problem}")
        runs = [
            Run(tuple(map(self._frame, segment.frames)), segment.anchor)
            for segment in stack.segments
        ]
        if runs:
            self._note_exceptions(state)
        return runs

    # --- frames -------------------------------------------------------------------

    def _frame(self, frame: PythonFrame) -> Frame:
        code = frame.code
        line = None if self._late() else self._code.line(code, frame.offset)
        readable = code.file if code.file.startswith("/") else None
        excerpt = self._source.around(readable, line, self._written)
        return Frame(
            pc=0,
            trust=Trust.INTERPRETER,
            function=code.function,
            file=code.file,
            line=line,
            variables=tuple(self._variables(frame)),
            source=excerpt.lines,
            source_start=excerpt.start,
            language="Python",
            interpreter=self._interpreter,
        )

    def _variables(self, frame: PythonFrame) -> Iterator[Variable]:
        """Those that are bound to a value."""
        code = frame.code
        if not code.has_fast_locals:
            yield from self._namespace(frame)
        for index, name in enumerate(code.names[:_LOCALS_LIMIT]):
            if self._values.exhausted or self._late():
                break
            kind = (
                VariableKind.ARGUMENT if index < code.arguments else VariableKind.LOCAL
            )
            try:
                address = self._local(frame, index)
            except InputError as error:
                yield Variable(name, "object", kind, missing=str(error))
                continue
            if address:
                yield self._values.variable(name, address, kind)

    def _namespace(self, frame: PythonFrame) -> Iterator[Variable]:
        """Names of a module or class body that hold data."""
        kind = VariableKind.LOCAL
        try:
            found = self._target.word(frame.namespace)
            if self._objects.type_of(found).family != "dict":
                return
            for key, address in self._objects.pairs(found, _NAMESPACE_LIMIT)[0]:
                name = self._objects.text(key)
                if self._values.exhausted or self._late():
                    break
                if not name.startswith("__") and self._is_data(address):
                    yield self._values.variable(name, address, kind)
        except InputError:
            return  # the frame itself could be read

    def _is_data(self, address: int) -> bool:
        kind = self._objects.type_of(address)
        return kind.family != "type" and kind.name not in _DEFINITIONS

    def _local(self, frame: PythonFrame, index: int) -> int:
        """Address of a local's object; 0 if it has no value."""
        address = self._target.word(frame.locals + 8 * index)
        if self._layout.frame.tagged:
            address &= ~3
        if address and self._in_cell(frame.code, index):
            kind = self._objects.type_of(address)
            if kind.name in (None, "cell") and kind.family in (None, "cell"):
                return self._objects.cell(address)
        return address

    @staticmethod
    def _in_cell(code: Code, index: int) -> bool:
        return index < len(code.in_cells) and code.in_cells[index]

    # --- exceptions ---------------------------------------------------------------

    def _note_exceptions(self, state: ThreadState) -> None:
        if sum("exception" in note.message for note in self.notes) >= _EXCEPTION_NOTES:
            return
        try:
            raised = self._target.word(state.address + self._layout.thread.exception)
            handled = self._handled(state.address)
            for what, address in (("raised", raised), ("handled", handled)):
                if address:
                    text = self._values.exception(address)
                    self._note(
                        f"thread {state.tid}: Python exception being {what}: {text}"
                    )
        except InputError:
            return  # the frames say what is damaged

    def _handled(self, thread: int) -> int:
        """The innermost exception in an ``except`` or ``finally`` block; 0 for none."""
        item = self._target.word(thread + self._layout.thread.handled)
        # Up to 3.10: type, value, traceback, previous; then value, previous.
        value, previous = (8, 24) if self._layout.version <= (3, 10) else (0, 8)
        for _ in range(_HANDLED_LIMIT):
            if not item:
                break
            found = self._target.word(item + value)
            if found and self._objects.type_of(found).family == "exception":
                return found
            item = self._target.word(item + previous)
        return 0


def _modified(path: Path) -> float | None:
    try:
        return path.stat().st_mtime
    except OSError:
        return None


def _sort(runs: list[Run]) -> None:
    """Innermost first over all interpreters of a thread: stacks grow down."""
    if all(run.anchor is not None for run in runs):
        runs.sort(key=lambda run: run.anchor or 0)
