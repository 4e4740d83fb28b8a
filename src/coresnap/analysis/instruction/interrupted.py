"""What the kernel left on the stack when it delivered a signal: siginfo and trap.

A process that handles a fault and then gives up leaves a core that speaks of its
``abort``; the fault itself is in the signal frame. Layouts: ``struct rt_sigframe``,
``struct sigcontext`` and ``ESR_MAGIC`` in Linux's ``arch/*/kernel/signal.c`` and
``arch/*/include/uapi/asm/sigcontext.h``; FreeBSD's are in ``interrupted_freebsd``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

import msgspec

from coresnap.analysis.instruction.interrupted_freebsd import FREEBSD_FRAMES
from coresnap.analysis.instruction.machine import Trap
from coresnap.analysis.unwind.stack import Stack
from coresnap.elfcore.corefile import CoreFile
from coresnap.elfcore.facts import SignalInfo
from coresnap.elfcore.memory import Memory
from coresnap.elfcore.notes_linux import read_siginfo
from coresnap.errors import MemoryReadError

__all__ = ["Interrupted", "interrupted_frames", "left_frames"]

_SIGINFO_SIZE = 128
_LAST_SIGNAL = 128
_ESR_MAGIC = 0x45535201
_RECORD_LIMIT = 64
_LEFT_REACH = 32 << 10
"""Bytes below a stack pointer that hold the frame of a signal that was handled there:
it is as large as the processor's registers, up to 11 KiB with AMX."""


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
            yield _read(core, index, sp)


def left_frames(core: CoreFile, registers: Mapping[int, int]) -> Iterator[Interrupted]:
    """Yield what signals interrupted at exactly these registers, and whose handlers
    returned: nothing leads to their frames any more, which lie below the stack pointer.
    """
    architecture, memory = core.architecture, core.memory
    saved = _SAVED.get((core.system, architecture.name))
    pc = registers.get(architecture.program_counter)
    sp = registers.get(architecture.stack_pointer)
    if saved is None or pc is None or sp is None:
        return
    word, order = architecture.pointer_size, architecture.byte_order
    start = sp - _LEFT_REACH - sp % word
    mapping = memory.find_mapping(sp)
    start = max(start, mapping.start if mapping is not None else sp)
    data = memory.read_some(start, max(0, sp - start))
    wanted, at = pc.to_bytes(word, order), len(data)
    while (at := data.rfind(wanted, 0, at + word - 1)) >= 0:
        below = at - saved[0] + saved[1]
        if below >= 0 and data[below : below + word] == sp.to_bytes(word, order):
            yield _read(core, 0, start + at - saved[0])


def _read(core: CoreFile, index: int, sp: int) -> Interrupted:
    read = _FRAMES.get((core.system, core.architecture.name))
    if read is None:
        return Interrupted(index, None, Trap())
    try:
        info, trap = read(core.memory, sp)
    except MemoryReadError:
        return Interrupted(index, None, Trap())
    known = info is not None and 0 < info.number <= _LAST_SIGNAL
    return Interrupted(index, info if known else None, trap)


def _siginfo(memory: Memory, address: int) -> SignalInfo | None:
    data = memory.read(address, _SIGINFO_SIZE)
    return read_siginfo(data, memory.pointer_size, memory.byte_order)


def _x86_64(memory: Memory, sp: int) -> tuple[SignalInfo | None, Trap]:
    error, number = memory.read_word(sp + 192), memory.read_word(sp + 200)
    trap = Trap(number, error, memory.read_word(sp + 216))
    return _siginfo(memory, sp + 304), trap


def _i386(memory: Memory, sp: int) -> tuple[SignalInfo | None, Trap]:
    context, info = memory.read_word(sp + 8), memory.read_word(sp + 4)
    if info < 0x1000:  # a frame of sigreturn, not rt_sigreturn: no siginfo
        return None, Trap()
    number, error = memory.read_word(context + 68), memory.read_word(context + 72)
    trap = Trap(number, error, memory.read_word(context + 104))
    return _siginfo(memory, info), trap


def _aarch64(memory: Memory, sp: int) -> tuple[SignalInfo | None, Trap]:
    return _siginfo(memory, sp), _aarch64_trap(memory, sp)


def _riscv64(memory: Memory, sp: int) -> tuple[SignalInfo | None, Trap]:
    return _siginfo(memory, sp), Trap()


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


_FRAMES: dict[
    tuple[str, str], Callable[[Memory, int], tuple[SignalInfo | None, Trap]]
] = {
    ("Linux", "x86-64"): _x86_64,
    ("Linux", "i386"): _i386,
    ("Linux", "aarch64"): _aarch64,
    ("Linux", "riscv64"): _riscv64,
} | {("FreeBSD", name): read for name, read in FREEBSD_FRAMES.items()}
"""By system and architecture: from memory and the frame's stack pointer."""
_SAVED = {
    ("Linux", "x86-64"): (168, 160),
    ("Linux", "aarch64"): (568, 560),
    ("FreeBSD", "x86-64"): (192, 216),
    ("FreeBSD", "i386"): (108, 120),
    ("FreeBSD", "aarch64"): (352, 344),
}
"""Where a frame has the pc and the stack pointer that were interrupted."""
