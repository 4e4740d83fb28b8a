"""Frames by the chain that a machine's ABI lets functions keep.

x86, AArch64, Arm and RISC-V chain by a frame pointer, Power and z/Architecture by the
word at the stack pointer.
"""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from coresnap.analysis.unwind.step import Registers
from coresnap.elfcore.memory import Memory
from coresnap.elfcore.registers import Architecture
from coresnap.errors import MemoryReadError

__all__ = ["follow_chain"]

_FRAME_LIMIT = 1 << 24
"""Largest frame that a link may span, in bytes."""
_S390X_RETURN, _S390X_FRAME_POINTER = 112, 88
_PPC64_RETURN = 16
_ARM_THUMB_FP = 7


class _Link(msgspec.Struct, frozen=True, eq=False):
    """Where a frame says its caller is, relative to the chain's register."""

    register: int
    next: int
    """Offset of the caller's value of the register."""
    return_address: int
    stack_pointer: int
    """Offset that the caller's stack pointer has."""


def follow_chain(
    registers: Registers,
    arch: Architecture,
    memory: Memory,
    plausible: Callable[[int], bool],
) -> Registers | None:
    """The caller's registers; None where there is no chain, or it is broken.

    ``plausible`` judges a return address. A back chain that ends gives a pc of 0.
    """
    try:
        if arch.family in ("ppc64", "s390x"):
            return _back_chain(registers, arch, memory, plausible)
        for link in _links(arch):
            found = _frame_record(registers, link, arch, memory, plausible)
            if found is not None:
                return found
    except MemoryReadError:
        pass
    return None


def _links(arch: Architecture) -> tuple[_Link, ...]:
    fp, word = arch.frame_pointer, arch.stack_slot
    if arch.family in ("x86", "aarch64"):
        return (_Link(fp, 0, word, 2 * word),)
    if arch.family == "riscv":
        # RISC-V psABI: the pair is below the frame pointer, which is the CFA.
        return (_Link(fp, -2 * word, -word, 0),)
    if arch.family == "arm":
        # GCC's A32 frame pointer points to the saved lr; Clang's, and AAPCS's, to a
        # record (fp, lr), in Thumb code by r7.
        return (
            _Link(fp, -4, 0, 4),
            _Link(fp, 0, 4, 8),
            _Link(_ARM_THUMB_FP, 0, 4, 8),
        )
    return ()


def _frame_record(
    registers: Registers,
    link: _Link,
    arch: Architecture,
    memory: Memory,
    plausible: Callable[[int], bool],
) -> Registers | None:
    sp = registers.get(arch.stack_pointer, 0)
    fp = registers.get(link.register, 0)
    lowest = fp + min(link.next, 0)
    if not sp <= lowest < sp + _FRAME_LIMIT or fp % arch.pointer_size:
        return None
    if not _same_mapping(memory, sp, lowest):
        return None
    above = memory.read_word(fp + link.next)
    address = memory.read_word(fp + link.return_address)
    if not (address and plausible(address)):
        return None
    caller_sp = fp + link.stack_pointer
    # On AArch64 the record is at the bottom of the callee's frame, and the caller's
    # stack pointer at the bottom of its own: where its frame pointer points.
    if arch.family == "aarch64" and above > fp:
        caller_sp = above
    return {
        arch.program_counter: address,
        arch.stack_pointer: caller_sp,
        link.register: above,
    }


def _back_chain(
    registers: Registers,
    arch: Architecture,
    memory: Memory,
    plausible: Callable[[int], bool],
) -> Registers | None:
    sp = registers.get(arch.stack_pointer, 0)
    above = memory.read_word(sp)
    if above == 0 and arch.family == "ppc64":
        return {arch.program_counter: 0, arch.stack_pointer: 0}
    if not sp < above < sp + _FRAME_LIMIT or above % 8:
        return None
    offset = _PPC64_RETURN if arch.family == "ppc64" else _S390X_RETURN
    if arch.family == "s390x" and memory.read_word(above + offset + 8) != above:
        # r15 is saved behind r14, in the caller's save area; without it the word at
        # the stack pointer is no back chain (only -mbackchain keeps one).
        return None
    address = memory.read_word(above + offset)
    if address and not plausible(address):
        return None
    caller = {arch.program_counter: address, arch.stack_pointer: above}
    fp = registers.get(arch.frame_pointer, 0)
    if fp < above and arch.family == "s390x":
        fp = memory.read_word(above + _S390X_FRAME_POINTER)
    if _same_mapping(memory, above, fp) and fp >= above:
        caller[arch.frame_pointer] = fp  # else the callee had its own
    return caller


def _same_mapping(memory: Memory, first: int, second: int) -> bool:
    mapping = memory.find_mapping(first)
    if mapping is None or mapping.permissions == "---":
        # A stack that ran full ends above its pointer.
        above = memory.find_mapping(second)
        return above is not None and "w" in above.permissions
    return mapping.start <= second < mapping.end
