"""Does an address follow a call instruction? What makes a word a return address.

Encodings: Intel SDM volume 2; Arm ARM (A64, A32, T32); RISC-V unprivileged ISA; Power
ISA 3.1, book I; z/Architecture Principles of Operation.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Iterator

import msgspec

from coresnap.elfcore.memory import Memory
from coresnap.elfcore.registers import Architecture

__all__ = ["Call", "call_before", "call_targets", "follows_call"]

_MATCH_LIMIT = 1 << 19
_X86_LONGEST = 7
_RELATIVE_CALL = 0xE8
_INDIRECT_GROUP = 0xFF


class Call(msgspec.Struct, frozen=True, eq=False):
    """A call instruction."""

    target: int | None
    """Where it goes; None if a register or memory says so."""


_INDIRECT = Call(None)


def follows_call(
    address: int,
    architecture: Architecture,
    memory: Memory,
    executable: Callable[[int], bool],
) -> bool:
    """Whether the instruction before ``address`` is a call, and one that can be.

    False where the code cannot be read, and on machines whose calls we don't know.
    """
    call = call_before(address, architecture, memory)
    if call is None:
        return False
    return call.target is None or executable(call.target)


def call_before(address: int, arch: Architecture, memory: Memory) -> Call | None:
    """The call that ends at ``address``; None if there is none.

    On ARM an odd address is that of Thumb code; an even one may be of either kind.
    """
    find = _FINDERS.get(arch.family)
    return None if find is None else find(address, arch, memory)


def _x86(address: int, arch: Architecture, memory: Memory) -> Call | None:
    data = memory.read_some(address - _X86_LONGEST, _X86_LONGEST)
    if len(data) < _X86_LONGEST:
        return None
    if data[-5] == _RELATIVE_CALL:
        offset = int.from_bytes(data[-4:], "little", signed=True)
        target = address + offset & arch.pointer_mask
        # Other instructions end in such bytes; their "target" is then nowhere.
        if memory.read_some(target, 1) or not _is_indirect(data):
            return Call(target)
    return _INDIRECT if _is_indirect(data) else None


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


def _word_before(address: int, arch: Architecture, memory: Memory) -> int | None:
    if address % 4:
        return None
    data = memory.read_some(address - 4, 4)
    # A64 code is little-endian whatever the data.
    order = "little" if arch.family == "aarch64" else arch.byte_order
    return int.from_bytes(data, order) if len(data) == 4 else None


def _signed(value: int, bits: int) -> int:
    return value - (1 << bits) if value >> bits - 1 & 1 else value


def _aarch64(address: int, arch: Architecture, memory: Memory) -> Call | None:
    """bl, blr, and the authenticating forms of blr (Arm ARM, C6.2)."""
    word = _word_before(address, arch, memory)
    if word is None:
        return None
    if word & 0xFC000000 == 0x94000000:
        offset = 4 * _signed(word & 0x3FFFFFF, 26)
        return Call(address - 4 + offset & arch.pointer_mask)
    if word & 0xFFFFFC1F == 0xD63F0000 or word & 0xFEFFF800 == 0xD63F0800:
        return _INDIRECT
    return None


def _arm(address: int, arch: Architecture, memory: Memory) -> Call | None:
    call = None if address & 1 else _arm_a32(address, arch, memory)
    return call or _arm_thumb(address & ~1, arch, memory)


def _arm_a32(address: int, arch: Architecture, memory: Memory) -> Call | None:
    word = _word_before(address, arch, memory)
    if word is None:
        return None
    if word & 0x0F000000 == 0x0B000000 or word & 0xFE000000 == 0xFA000000:
        offset = 4 * _signed(word & 0xFFFFFF, 24)
        return Call(address + 4 + offset & arch.pointer_mask)
    # blx rN; or "ldr pc, ..." behind "mov lr, pc", as older compilers call.
    return _INDIRECT if word & 0x0FFFFFF0 == 0x012FFF30 else None


def _arm_thumb(address: int, arch: Architecture, memory: Memory) -> Call | None:
    data = memory.read_some(address - 4, 4)
    if len(data) < 4:
        return None
    first, second = (int.from_bytes(data[i : i + 2], "little") for i in (0, 2))
    if first & 0xF800 == 0xF000 and second & 0xC000 == 0xC000:
        sign = first >> 10 & 1
        ones = [1 ^ (second >> bit & 1) ^ sign for bit in (13, 11)]
        high = sign << 24 | ones[0] << 23 | ones[1] << 22
        low = (first & 0x3FF) << 12 | (second & 0x7FF) << 1
        target = address + _signed(high | low, 25)
        if not second & 0x1000:  # blx to A32 code
            target &= ~3
        return Call(target & arch.pointer_mask)
    return _INDIRECT if second & 0xFF87 == 0x4780 else None


def _riscv(address: int, arch: Architecture, memory: Memory) -> Call | None:
    """jal ra; jalr ra, behind auipc or not; c.jalr."""
    data = memory.read_some(address - 8, 8)
    if len(data) < 8 or address % 2:
        return None
    before, word = (int.from_bytes(data[i : i + 4], "little") for i in (0, 4))
    if word & 0xFFF == 0x0EF:
        offset = (word >> 31) << 20 | (word >> 12 & 0xFF) << 12
        offset |= (word >> 20 & 1) << 11 | (word >> 21 & 0x3FF) << 1
        return Call(address - 4 + _signed(offset, 21) & arch.pointer_mask)
    if word & 0x7FFF == 0x00E7:
        source = word >> 15 & 31
        if before & 0xFFF != 0x017 | source << 7:
            return _INDIRECT
        offset = _signed(before & 0xFFFFF000, 32) + _signed(word >> 20, 12)
        return Call(address - 8 + offset & arch.pointer_mask)
    half = word >> 16
    return _INDIRECT if half & 0xF07F == 0x9002 and half & 0xF80 else None


def _ppc64(address: int, arch: Architecture, memory: Memory) -> Call | None:
    """bl, bctrl, blrl."""
    word = _word_before(address, arch, memory)
    if word is None:
        return None
    if word & 0xFC000003 == 0x48000001:
        offset = _signed(word & 0x3FFFFFC, 26)
        return Call(address - 4 + offset & arch.pointer_mask)
    return _INDIRECT if word in (0x4E800421, 0x4E800021) else None


def _s390x(address: int, arch: Architecture, memory: Memory) -> Call | None:
    """brasl, bras and basr, with r14 as the link register."""
    data = memory.read_some(address - 6, 6)
    if len(data) < 6 or address % 2:
        return None
    if data[:2] == b"\xc0\xe5":
        offset = 2 * int.from_bytes(data[2:], "big", signed=True)
        return Call(address - 6 + offset & arch.pointer_mask)
    if data[2:4] == b"\xa7\xe5":
        offset = 2 * int.from_bytes(data[4:], "big", signed=True)
        return Call(address - 4 + offset & arch.pointer_mask)
    return _INDIRECT if data[4] == 0x0D and data[5] >> 4 == 14 else None


_FINDERS: dict[str, Callable[[int, Architecture, Memory], Call | None]] = {
    "x86": _x86,
    "aarch64": _aarch64,
    "arm": _arm,
    "riscv": _riscv,
    "ppc64": _ppc64,
    "s390x": _s390x,
}

# First byte of a direct call, how far its end is from there, and alignment.
_DIRECT: dict[str, tuple[re.Pattern[bytes], int, int]] = {
    "x86": (re.compile(rb"\xe8"), 5, 1),
    "aarch64": (re.compile(rb"[\x94-\x97]"), 1, 4),
    "arm": (re.compile(rb"[\xeb\xfa\xfb\xd0-\xff]"), 1, 2),
    "riscv": (re.compile(rb"\xef[\x00\x10-\xf0]|\xe7\x80"), 4, 2),
    "ppc64": (re.compile(rb"[\x48-\x4b]"), 1, 4),
    "s390x": (re.compile(rb"\xc0\xe5"), 6, 2),
}


def call_targets(
    start: int, size: int, arch: Architecture, memory: Memory
) -> Iterator[int]:
    """Where the direct calls in ``size`` bytes of code at ``start`` go.

    On x86 some are none: their bytes are the inner ones of other instructions.
    """
    if arch.family not in _DIRECT:
        return
    pattern, length, alignment = _DIRECT[arch.family]
    matches = pattern.finditer(memory.read_some(start, size))
    for match in itertools.islice(matches, _MATCH_LIMIT):
        end = start + match.start() + length
        if end % alignment == 0:
            call = call_before(end, arch, memory)
            # A call of the next instruction only learns where it is.
            if call is not None and call.target not in (None, end):
                yield call.target
