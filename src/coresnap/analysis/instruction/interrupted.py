"""What the kernel left on the stack when it delivered a signal: siginfo and trap.

A process that handles a fault and then gives up leaves a core that speaks of its
``abort``; the fault itself is in the signal frame. Layouts: ``struct rt_sigframe``,
``struct sigcontext`` and ``ESR_MAGIC`` in Linux's ``arch/*/kernel/signal.c`` and
``arch/*/include/uapi/asm/sigcontext.h``.
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from coresnap.analysis.instruction.machine import Trap
from coresnap.analysis.unwind.stack import Stack
from coresnap.elfcore.corefile import CoreFile
from coresnap.elfcore.facts import SignalInfo
from coresnap.elfcore.memory import Memory
from coresnap.elfcore.notes_linux import read_siginfo
from coresnap.errors import MemoryReadError

__all__ = ["Interrupted", "interrupted_frames"]

_SIGINFO_SIZE = 128
_LAST_SIGNAL = 64
_ESR_MAGIC = 0x45535201
_RECORD_LIMIT = 64


class Interrupted(msgspec.Struct, frozen=True):
    """Code that a signal interrupted."""

    frame: int
    """Its index in the frames of the stack; the handler's are those before it."""
    signal: SignalInfo | None
    trap: Trap


def interrupted_frames(core: CoreFile, stack: Stack) -> Iterator[Interrupted]:
    """Yield what signals interrupted on a stack, the last one first."""
    number = core.architecture.stack_pointer
    for index, frame in enumerate(stack.frames[:-1], 1):
        sp = frame.registers.get(number)
        if frame.signal_frame and sp is not None and index != stack.gap:
            try:
                yield _read(core, index, sp)
            except MemoryReadError:
                yield Interrupted(index, None, Trap())


def _read(core: CoreFile, index: int, sp: int) -> Interrupted:
    name, memory = core.architecture.name, core.memory
    if name == "x86-64":
        return Interrupted(index, _siginfo(core, sp + 304), _x86_64_trap(memory, sp))
    if name == "i386":
        context, info = memory.read_word(sp + 8), memory.read_word(sp + 4)
        if info < 0x1000:  # a frame of sigreturn, not rt_sigreturn: no siginfo
            return Interrupted(index, None, Trap())
        number, error = memory.read_word(context + 68), memory.read_word(context + 72)
        trap = Trap(number, error, memory.read_word(context + 104))
        return Interrupted(index, _siginfo(core, info), trap)
    if name == "aarch64":
        return Interrupted(index, _siginfo(core, sp), _aarch64_trap(memory, sp))
    if name == "riscv64":
        return Interrupted(index, _siginfo(core, sp), Trap())
    return Interrupted(index, None, Trap())


def _siginfo(core: CoreFile, address: int) -> SignalInfo | None:
    data = core.memory.read(address, _SIGINFO_SIZE)
    architecture = core.architecture
    info = read_siginfo(data, architecture.pointer_size, architecture.byte_order)
    return info if info is not None and 0 < info.number <= _LAST_SIGNAL else None


def _x86_64_trap(memory: Memory, context: int) -> Trap:
    error, number = memory.read_word(context + 192), memory.read_word(context + 200)
    return Trap(number, error, memory.read_word(context + 216))


def _aarch64_trap(memory: Memory, sp: int) -> Trap:
    """The syndrome is one of the records behind the registers."""
    context = sp + 304
    address, record = memory.read_word(context), context + 288
    for _ in range(_RECORD_LIMIT):
        head = memory.read_word(record)
        magic, size = head & 0xFFFFFFFF, head >> 32
        if magic == _ESR_MAGIC:
            return Trap(None, memory.read_word(record + 8), address, is_arm=True)
        if not magic or size < 16:
            break
        record += size
    return Trap(None, None, address, is_arm=True)
