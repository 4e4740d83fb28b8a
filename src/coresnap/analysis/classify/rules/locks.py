"""Threads that wait for each other, and processes that were stopped for hanging."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import msgspec

from coresnap.analysis.classify.case import Case
from coresnap.analysis.classify.rule import HINT, PROBABLE, STRONG, Rule
from coresnap.model import Classifier, Thread

__all__ = ["RULES"]

_LOCKING = (
    "__lll_lock_wait",
    "__pthread_mutex_lock",
    "___pthread_mutex_lock",
    "__GI___pthread_mutex_lock",
    "__pthread_mutex_lock_full",
    "pthread_mutex_lock",
)
_SEARCHED = 6
_NAMELESS = 3
_INTERRUPTED = frozenset((1 << 64) - error for error in (512, 514, 516))
"""rax of a system call that a signal interrupted: ERESTARTSYS, ERESTARTNOHAND,
ERESTART_RESTARTBLOCK (Linux ``include/linux/errno.h``)."""
_CONTENDED = 2
_OWNER = 8
"""Bytes from the start of glibc's ``pthread_mutex_t`` to the owner's tid
(``sysdeps/nptl/bits/struct_mutex.h``): lock, count, owner."""
_FUTEX_WAIT, _PRIVATE_MASK = 0, 0x7F
_ARGUMENTS = {
    "x86-64": ("rdi", "rsi", "rdx", "r10"),
    "aarch64": ("x0", "x1", "x2", "x3"),
    "riscv64": ("a0", "a1", "a2", "a3"),
}
"""Registers of futex(2): address, operation, value, time-out. The kernel leaves them
as they were; on aarch64 and riscv64 the first one holds the result."""
_KEEPS_FIRST = frozenset({"x86-64"})


class _Wait(msgspec.Struct, frozen=True):
    tid: int
    mutex: int
    owner: int
    named: bool
    """The functions that wait have names."""


class Deadlock(Rule):
    """Each of some threads waits for a mutex that the next of them holds, or one waits
    for a mutex that it holds itself: the owner's id is in the mutex."""

    names = ("deadlock",)
    confidence = (STRONG, PROBABLE)

    def apply(self, case: Case) -> Iterator[Classifier]:
        """Conclude it from threads that wait in pthread_mutex_lock(3) of glibc."""
        waits = {wait.tid: wait for wait in _waits(case)}
        seen: set[int] = set()
        for tid in waits:
            cycle = _cycle(waits, tid)
            if cycle and not seen & set(cycle):
                seen.update(cycle)
                yield _deadlock([waits[member] for member in cycle])


class StoppedForHanging(Rule):
    """Another process sent the signal that a watchdog sends when nothing moves."""

    names = ("hang",)
    confidence = (HINT,)

    def apply(self, case: Case) -> Iterator[Classifier]:
        """Conclude it from a SIGABRT that the process did not send itself."""
        signal = case.signal
        if signal is None or signal.name != "SIGABRT" or signal.code_name != "SI_USER":
            return
        sender, own = signal.sender_pid, case.core.process.pid
        if sender is not None and own is not None and sender != own:
            yield Classifier(
                "hang",
                HINT,
                (f"{signal.code_name}: sent by process {sender}",),
                case.tid,
                summary=f"was told to abort by process {sender}, as watchdogs do",
            )


def _waits(case: Case) -> Iterator[_Wait]:
    names = _ARGUMENTS.get(case.core.architecture.name)
    tids = {thread.tid for thread in case.threads}
    for thread in case.threads:
        mutex = None if names is None else _awaited(case, thread, names)
        if mutex is None:
            continue
        order = case.core.memory.byte_order
        data = case.core.memory.read_some(mutex, _OWNER + 4)
        if len(data) < _OWNER + 4:
            continue
        lock = int.from_bytes(data[:4], order)
        owner = int.from_bytes(data[_OWNER:], order)
        if lock == _CONTENDED and owner in tids:
            yield _Wait(thread.tid, mutex, owner, not _is_nameless(thread))


def _awaited(case: Case, thread: Thread, names: tuple[str, ...]) -> int | None:
    """Address of the mutex whose lock the thread waits for, without a time-out."""
    functions = {frame.function for frame in thread.frames[:_SEARCHED]}
    if functions.isdisjoint(_LOCKING) and not _is_nameless(thread):
        return None
    for frame in thread.frames[:_SEARCHED]:
        for variable in frame.variables:
            if variable.name == "mutex" and isinstance(variable.value, int):
                return variable.value
    if case.core.architecture.name not in _KEEPS_FIRST:
        return None
    address, operation, value, time_out = (thread.registers.get(name) for name in names)
    if operation is None or operation & _PRIVATE_MASK != _FUTEX_WAIT or time_out:
        return None
    return address if value == _CONTENDED else None


def _is_nameless(thread: Thread) -> bool:
    """Whether nobody knows where the thread is, but that it is in a system call."""
    inner = thread.frames[:_NAMELESS]
    interrupted = thread.registers.get("rax") in _INTERRUPTED
    return interrupted and not any(frame.function for frame in inner)


def _cycle(waits: Mapping[int, _Wait], first: int) -> list[int]:
    """The threads that wait for each other, if ``first`` is one of them."""
    path = [first]
    while (owner := waits[path[-1]].owner) in waits and owner not in path:
        path.append(owner)
    return path if owner == first else []


def _deadlock(waits: list[_Wait]) -> Classifier:
    evidence = tuple(
        f"thread {w.tid} waits for the mutex {w.mutex:#x}, held by thread {w.owner}"
        for w in waits
    )
    if len(waits) == 1:
        summary = f"locked a mutex again that thread {waits[0].tid} holds already"
    else:
        tids = ", ".join(str(w.tid) for w in waits)
        summary = f"has threads that wait for each other for ever: {tids}"
    sure = STRONG if all(w.named for w in waits) else PROBABLE
    tid, mutex = waits[0].tid, waits[0].mutex
    return Classifier("deadlock", sure, evidence, tid, mutex, None, "", summary)


RULES: tuple[Rule, ...] = (Deadlock(), StoppedForHanging())
