"""The threads of a FreeBSD core: registers, names, and the signal with its reason.

Layouts: ``sys/sys/procfs.h`` (prstatus_t, thrmisc_t), ``sys/sys/ptrace.h`` (struct
ptrace_lwpinfo), ``sys/sys/signal.h`` (siginfo_t), ``machine/reg.h``. The kernel writes
the notes of each thread together, PRSTATUS first, the thread that dumped before the
others (``sys/kern/imgact_elf.c``).
"""

from __future__ import annotations

import functools
import struct

import msgspec

from coresnap.elfcore.elfheader import ElfHeader
from coresnap.elfcore.facts import CoreThread, SignalInfo
from coresnap.elfcore.freebsd_layout import offsets
from coresnap.elfcore.note_fields import read_text
from coresnap.elfcore.notes_freebsd_records import SIZE_FIELD
from coresnap.elfcore.registers import Architecture
from coresnap.elfcore.registers_freebsd import register_record

__all__ = ["THREAD_NOTES", "ThreadNotes", "read_siginfo"]

NT_PRSTATUS, NT_FPREGSET, NT_THRMISC, NT_PTLWPINFO = 1, 2, 7, 17
NT_X86_SEGBASES, NT_X86_XSTATE = 0x200, 0x202
NT_ARM_VFP, NT_ARM_TLS = 0x400, 0x401
THREAD_NOTES = frozenset(
    {
        *(NT_PRSTATUS, NT_FPREGSET, NT_THRMISC, NT_PTLWPINFO),
        *(NT_X86_SEGBASES, NT_X86_XSTATE, NT_ARM_VFP, NT_ARM_TLS),
    }
)
"""Types of the notes that ``ThreadNotes`` takes."""

_PL_FLAG_SI = 0x20
_THREAD_NAME = 20
_FXSAVE_SIZE, _FXSAVE_XMM = 512, 160
_VECTOR_SIZE, _DOUBLE_SIZE, _FAMILY = 16, 8, 32
_TRAPPED = frozenset({4, 5, 7, 8, 10, 11})
"""SIGILL, SIGTRAP, SIGEMT, SIGFPE, SIGBUS, SIGSEGV."""
_CAPABILITY = (5, 4)
"""SIGTRAP with TRAP_CAP: ``_reason`` is the system call that Capsicum refused."""
_SENT = 0x10000
"""The codes of signals that somebody sent are above it (SI_USER, SI_LWP, …)."""


class _Thread(msgspec.Struct, eq=False):
    tid: int
    registers: dict[int, int]
    process_signal: int
    name: str | None = None
    signal: SignalInfo | None = None


class ThreadNotes(msgspec.Struct, eq=False):
    """Takes the notes of threads in file order."""

    header: ElfHeader
    architecture: Architecture
    problems: list[str]
    """Where to say what is wrong with them."""
    _threads: list[_Thread] = msgspec.field(default_factory=list)

    def take(self, kind: int, data: memoryview) -> None:
        """Interpret one note, whose type is one of ``THREAD_NOTES``."""
        if kind == NT_PRSTATUS:
            self._status(data)
        elif not self._threads:
            return
        elif kind == NT_THRMISC:
            self._threads[-1].name = read_text(data[:_THREAD_NAME]) or None
        elif kind == NT_PTLWPINFO:
            self._lwpinfo(data)
        elif kind in (NT_X86_SEGBASES, NT_ARM_TLS):
            self._bases(kind, data)
        else:
            self._vectors(kind, data)

    def threads(self) -> tuple[CoreThread, ...]:
        """The one that the signal was for first, then in the order of the notes."""
        first = self._signalled()
        signal = self.signal()
        number = signal.number if signal is not None else 0
        ordered = [t for t in self._threads if t is first]
        ordered += [t for t in self._threads if t is not first]
        return tuple(
            CoreThread(t.tid, t.registers, number if t is first else 0, t.name)
            for t in ordered
        )

    def signal(self) -> SignalInfo | None:
        """What killed the process.

        None where pr_cursig is 0: gcore(1) stops a live process with a SIGSTOP, which
        stands in the siginfo.
        """
        first = self._signalled()
        if first is None or not first.process_signal:
            return None
        if first.signal is not None and first.signal.number == first.process_signal:
            return first.signal
        return SignalInfo(first.process_signal)

    def _signalled(self) -> _Thread | None:
        """The thread that dumped: the first, unless the notes of that one are lost."""
        told = [t for t in self._threads if t.signal is not None]
        return next(iter(told or self._threads), None)

    def _status(self, data: memoryview) -> None:
        places = offsets("prstatus", self.header)
        start = places["pr_reg"]
        if len(data) < start:
            self.problems.append("the status note of a thread is cut: no registers")
            return
        signal, tid = struct.unpack_from("<ii", data, places["pr_cursig"])
        record = register_record(self.architecture)
        registers = {}
        if record is not None:
            registers = record.read(data, start)
            if len(data) < start + record.layout.size:
                self.problems.append(f"the status note of thread {tid} is cut")
        self._threads.append(_Thread(tid, registers, signal))

    def _lwpinfo(self, data: memoryview) -> None:
        """struct ptrace_lwpinfo behind an int that is its size."""
        places = offsets("ptrace_lwpinfo", self.header)
        siginfo = SIZE_FIELD + places["pl_siginfo"]
        name = SIZE_FIELD + places["pl_tdname"]
        if len(data) < siginfo:
            return
        tid, _, flags = struct.unpack_from("<iii", data, 4)
        thread = self._threads[-1]
        if tid != thread.tid:
            self.problems.append(f"the status note of thread {tid} is missing")
            return
        if flags & _PL_FLAG_SI:
            thread.signal = read_siginfo(data[siginfo:], self.header.pointer_size)
        if thread.name is None:
            thread.name = read_text(data[name : name + _THREAD_NAME]) or None

    def _bases(self, kind: int, data: memoryview) -> None:
        """Where thread-local storage is counted from.

        An amd64 kernel writes SEGBASES twice for a 32-bit process, both alike.
        """
        word, numbers = self.architecture.pointer_size, self.architecture.numbers
        names = ("fs.base", "gs.base") if kind == NT_X86_SEGBASES else ("tpidr",)
        for index, name in enumerate(names):
            value = data[index * word : (index + 1) * word]
            if name in numbers and len(value) == word:
                number = numbers[name]
                self._threads[-1].registers[number] = int.from_bytes(value, "little")

    def _vectors(self, kind: int, data: memoryview) -> None:
        """Vector registers, in order: i386's FPREGSET (FSAVE) has none."""
        registers = self._threads[-1].registers
        family, width, start, least = self._vector_area(kind)
        vectors = _family(self.architecture, family)
        if len(data) < least or not vectors or vectors[0] in registers:
            return
        raw = bytes(data[start:least])
        for index, number in enumerate(vectors):
            value = raw[width * index : width * (index + 1)]
            registers[number] = int.from_bytes(value, "little")

    def _vector_area(self, kind: int) -> tuple[str, int, int, int]:
        """Their name, size and first offset, and the least size of the note."""
        if self.architecture.is_x86:
            return "xmm", _VECTOR_SIZE, _FXSAVE_XMM, _FXSAVE_SIZE
        if "d0" in self.architecture.numbers:
            # ARM's FPREGSET has had the same start since it is not of the FPA any more.
            return "d", _DOUBLE_SIZE, 0, 32 * _DOUBLE_SIZE
        return "v", _VECTOR_SIZE, 0, 32 * _VECTOR_SIZE


@functools.lru_cache(maxsize=64)
def _family(architecture: Architecture, name: str) -> tuple[int, ...]:
    """DWARF numbers of the registers ``name``0, 1, …"""
    numbers = architecture.numbers
    return tuple(
        numbers[f"{name}{n}"] for n in range(_FAMILY) if f"{name}{n}" in numbers
    )


def read_siginfo(data: memoryview | bytes, pointer_size: int) -> SignalInfo | None:
    """siginfo_t, where each field has a place of its own; None if it is cut or empty.

    The trap's number is the first word of ``_reason``, and says something only where
    the processor raised the signal.
    """
    layout = struct.Struct("<iiiiIiQQi" if pointer_size == 8 else "<iiiiIiIIi")
    if len(data) < layout.size:
        return None
    number, _, code, pid, uid, _, address, _, reason = layout.unpack_from(data)
    if not number:
        return None
    trapped = number in _TRAPPED and 0 < code < _SENT
    trap = reason if trapped and (number, code) != _CAPABILITY else None
    return SignalInfo(number, code, address, pid, uid, trap=trap)
