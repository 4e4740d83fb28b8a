"""Which interpreters and threads of Python there are, and which native threads run
them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import msgspec

from coresnap.analysis.interpreters.cpython.layouts import Layout
from coresnap.analysis.interpreters.cpython.target import Target
from coresnap.elfcore.corefile import CoreFile
from coresnap.errors import InputError

__all__ = ["ThreadState", "thread_states"]

_INTERPRETER_LIMIT = 1000
_THREAD_LIMIT = 20_000
_THREAD_POINTER = {"x86-64": 58}
"""DWARF number of the register whose value is pthread_self()."""


class ThreadState(msgspec.Struct, frozen=True):
    """One ``PyThreadState``."""

    address: int
    tid: int
    """The native thread."""


def thread_states(
    core: CoreFile, target: Target, layout: Layout, runtime: int
) -> Iterator[ThreadState]:
    """The thread states that belong to a native thread of the core.

    Raises ``InputError`` where the lists are damaged; those before it were given.
    """
    tids = {thread.tid for thread in core.threads}
    pointers = _thread_pointers(core)
    for address in _addresses(target, layout, runtime):
        pthread = target.word(address + layout.thread.thread_id)
        tid = pointers.get(pthread) or _by_stack(core, pthread)
        if tid is None and layout.thread.native_thread_id is not None:
            told = target.word(address + layout.thread.native_thread_id)
            tid = told if told in tids else None
        if tid is not None:
            yield ThreadState(address, tid)


def _addresses(target: Target, layout: Layout, runtime: int) -> Iterator[int]:
    interpreter = target.word(runtime + layout.runtime.interpreters_head)
    seen: set[int] = set()
    for _ in range(_INTERPRETER_LIMIT):
        if not interpreter:
            return
        thread = target.word(interpreter + layout.runtime.threads_head)
        while thread:
            if thread in seen or len(seen) > _THREAD_LIMIT:
                raise InputError("the list of Python threads is damaged")
            seen.add(thread)
            yield thread
            thread = target.word(thread + layout.thread.next)
        interpreter = target.word(interpreter + layout.runtime.interpreter_next)


def _thread_pointers(core: CoreFile) -> Mapping[int, int]:
    """pthread_self() to tid, where registers tell it."""
    number = _THREAD_POINTER.get(core.architecture.name)
    if number is None:
        return {}
    found = ((t.registers.get(number), t.tid) for t in core.threads)
    return {pointer: tid for pointer, tid in found if pointer}


def _by_stack(core: CoreFile, pthread: int) -> int | None:
    """The thread whose stack ends with that ``struct pthread``: all but the first."""
    mapping = core.memory.find_mapping(pthread)
    if mapping is None:
        return None
    number = core.architecture.stack_pointer
    for thread in core.threads:
        pointer = thread.registers.get(number)
        if pointer is not None and mapping.start <= pointer < pthread < mapping.end:
            return thread.tid
    return None
