"""What FreeBSD's kernel leaves on the stack when it delivers a signal.

``struct sigframe`` in ``sys/x86/include/sigframe.h`` and ``sys/arm64/include/frame.h``,
``mcontext_t`` in each machine's ``ucontext.h``. The frame lies at the stack pointer of
the code that called the handler, ``sigcode``.
"""

from __future__ import annotations

from collections.abc import Callable

from coresnap.analysis.instruction.freebsd_traps import exception_of
from coresnap.analysis.instruction.machine import Trap
from coresnap.elfcore.facts import SignalInfo
from coresnap.elfcore.memory import Memory
from coresnap.elfcore.notes_freebsd_threads import read_siginfo

__all__ = ["FREEBSD_FRAMES"]

_SIGINFO_SIZE = 80
_SYNDROME_VALID = 2
"""_MC_ESR_VALID: kernels before 14 keep no syndrome."""


def _amd64(memory: Memory, sp: int) -> tuple[SignalInfo | None, Trap]:
    """sf_uc at 16, its mcontext at 32, sf_si at 896."""
    number = memory.read_word(sp + 160) & 0xFFFFFFFF
    error, address = memory.read_word(sp + 184), memory.read_word(sp + 168)
    return _siginfo(memory, sp + 896), Trap(exception_of(number), error, address)


def _i386(memory: Memory, sp: int) -> tuple[SignalInfo | None, Trap]:
    """Signal number, siginfo, ucontext, address, handler; sf_uc at 32."""
    number, error = memory.read_word(sp + 100), memory.read_word(sp + 104)
    trap = Trap(exception_of(number), error, memory.read_word(sp + 12))
    info = memory.read_word(sp + 4)
    # Without SA_SIGINFO the code stands where the pointer would.
    return (None if info < 0x1000 else _siginfo(memory, info)), trap


def _arm64(memory: Memory, sp: int) -> tuple[SignalInfo | None, Trap]:
    """sf_si at 0, sf_uc at 80, its mcontext at 96 with flags at 800."""
    info = _siginfo(memory, sp)
    address = info.address if info is not None else None
    if not memory.read_word(sp + 896) & _SYNDROME_VALID:
        return info, Trap(None, None, address, is_arm=True)
    return info, Trap(None, memory.read_word(sp + 912), address, is_arm=True)


def _siginfo(memory: Memory, address: int) -> SignalInfo | None:
    data = memory.read_some(address, _SIGINFO_SIZE)
    return read_siginfo(data, memory.pointer_size)


FREEBSD_FRAMES: dict[str, Callable[[Memory, int], tuple[SignalInfo | None, Trap]]] = {
    "x86-64": _amd64,
    "i386": _i386,
    "aarch64": _arm64,
}
"""By architecture: from memory and the frame's stack pointer."""
