"""Does an address follow a call instruction? What makes a word a return address."""

from __future__ import annotations

from collections.abc import Callable

from coresnap.elfcore.memory import Memory
from coresnap.elfcore.registers import Architecture

__all__ = ["follows_call"]

_EM_AARCH64 = 183
_X86_LONGEST = 7
_RELATIVE_CALL = 0xE8
_INDIRECT_GROUP = 0xFF


def follows_call(
    address: int,
    architecture: Architecture,
    memory: Memory,
    executable: Callable[[int], bool],
) -> bool:
    """Whether the instruction before ``address`` is a call.

    False where the code cannot be read, and on machines whose calls we don't know.
    """
    if architecture.is_x86:
        data = memory.read_some(address - _X86_LONGEST, _X86_LONGEST)
        if len(data) < _X86_LONGEST:
            return False
        mask = architecture.pointer_mask
        return _is_indirect(data) or (
            data[-5] == _RELATIVE_CALL
            and executable(
                address + int.from_bytes(data[-4:], "little", signed=True) & mask
            )
        )
    if architecture.machine == _EM_AARCH64 and address % 4 == 0:
        data = memory.read_some(address - 4, 4)
        return len(data) == 4 and _is_branch_link(int.from_bytes(data, "little"))
    return False


def _is_indirect(data: bytes) -> bool:
    """FF /2 with a register, or memory with each length of its displacement."""
    return any(
        data[-size] == _INDIRECT_GROUP
        and data[1 - size] >> 3 & 7 == 2
        and _operand_size(data[1 - size], data[2 - size] if size > 2 else 0) == size
        for size in range(2, _X86_LONGEST + 1)
    )


def _operand_size(modrm: int, sib: int) -> int:
    """Bytes of the whole instruction, by Intel SDM volume 2, table 2-2."""
    mode, register = modrm >> 6, modrm & 7
    if mode == 3:
        return 2
    size = 2 + (register == 4)
    if mode == 1:
        return size + 1
    if mode == 2 or (mode == 0 and register == 5):
        return size + 4
    if mode == 0 and register == 4 and sib & 7 == 5:
        return size + 4
    return size


def _is_branch_link(word: int) -> bool:
    """bl, blr, and the authenticating forms of blr (Arm ARM, C6.2)."""
    return (
        word & 0xFC000000 == 0x94000000
        or word & 0xFFFFFC1F == 0xD63F0000
        or word & 0xFEFFF800 == 0xD63F0800
    )
