"""``pr_reg`` of FreeBSD's cores: ``struct reg`` of each machine's ``machine/reg.h``.

Unlike Linux's it has registers of several sizes. ``prstatus_t`` (``sys/sys/procfs.h``)
ends with it, so its size tells the machine.
"""

from __future__ import annotations

import functools
import struct

import msgspec

from coresnap.elfcore.registers import Architecture

__all__ = ["RegisterRecord", "prstatus_size", "register_record", "registers_offset"]

_AMD64 = (
    "Q" * 15 + "IHHIHH" + "Q" * 5,
    "r15 r14 r13 r12 r11 r10 r9 r8 rdi rsi rbp rbx rdx rcx rax"
    " trapno fs gs err es ds rip cs rflags rsp ss",
)
_I386 = (
    "I" * 19,
    "fs es ds edi esi ebp isp ebx edx ecx eax trapno err eip cs eflags esp ss gs",
)
_ARM64 = ("Q" * 33 + "I", " ".join(f"x{n}" for n in range(31)) + " sp pc spsr")
"""From 15 on spsr has 64 bits: what was padding is read as nothing."""
_ARM = ("I" * 17, " ".join(f"r{n}" for n in range(13)) + " sp lr pc spsr")
_RISCV = (
    "Q" * 33,
    "ra sp gp tp t0 t1 t2 t3 t4 t5 t6 s0 s1 s2 s3 s4 s5 s6 s7 s8 s9 s10 s11"
    " a0 a1 a2 a3 a4 a5 a6 a7 pc sstatus",
)
_RECORDS = {
    "x86-64": (*_AMD64, 176),
    "i386": (*_I386, 76),
    "aarch64": (*_ARM64, 272),
    "arm": (*_ARM, 68),
    "riscv64": (*_RISCV, 264),
}


class RegisterRecord(msgspec.Struct, frozen=True, eq=False):
    """``struct reg`` of one machine."""

    size: int
    """Bytes of the structure, its last padding included."""
    layout: struct.Struct
    numbers: tuple[int | None, ...]
    """DWARF number of each field; None: not a register that we keep."""
    offsets: tuple[tuple[int, int], ...]
    """Offset and size of each field."""

    def read(self, data: memoryview, offset: int) -> dict[int, int]:
        """Register number to unsigned value; what is beyond ``data`` is left out."""
        if len(data) >= offset + self.layout.size:
            values = self.layout.unpack_from(data, offset)
            pairs = zip(self.numbers, values, strict=True)
            return {number: value for number, value in pairs if number is not None}
        return {
            number: int.from_bytes(
                data[offset + start : offset + start + size], "little"
            )
            for number, (start, size) in zip(self.numbers, self.offsets, strict=True)
            if number is not None and offset + start + size <= len(data)
        }


@functools.lru_cache(maxsize=64)
def register_record(architecture: Architecture) -> RegisterRecord | None:
    """None for a machine whose ``struct reg`` we don't know."""
    known = _RECORDS.get(architecture.name)
    if known is None:
        return None
    codes, names, size = known
    numbers = tuple(architecture.numbers.get(name) for name in names.split())
    offsets = tuple(
        (struct.calcsize("<" + codes[:index]), struct.calcsize("<" + code))
        for index, code in enumerate(codes)
    )
    return RegisterRecord(size, struct.Struct("<" + codes), numbers, offsets)


def registers_offset(pointer_size: int) -> int:
    """Offset of pr_reg in prstatus_t: an int, three size_t and three ints before it."""
    return 48 if pointer_size == 8 else 28


def prstatus_size(architecture: Architecture) -> int:
    """Bytes of prstatus_t; 0 for a machine whose registers we don't know."""
    record = register_record(architecture)
    if record is None:
        return 0
    return registers_offset(architecture.pointer_size) + record.size
