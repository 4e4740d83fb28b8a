"""The processor as it was: registers by the names that operands call them by, and what
it said of an exception."""

from __future__ import annotations

import functools
from collections.abc import Mapping

import msgspec

from coresnap.elfcore.registers import Architecture

__all__ = ["PAGE_FAULT", "Machine", "Trap", "signed"]

# Exceptions of x86, by the signal that they become: Linux's arch/x86/kernel/traps.c;
# FreeBSD's sys/amd64/amd64/trap.c has SIGBUS for 10, 11 and 13, too.
_EXCEPTIONS = {
    "SIGFPE": (0, 16, 19),
    "SIGTRAP": (1, 3),
    "SIGILL": (6,),
    "SIGSEGV": (4, 5, 10, 11, 13, 14),
    "SIGBUS": (10, 11, 12, 13, 14, 17),
}

PAGE_FAULT = 14
"""The exception of x86 that comes with an address."""
_WRITE, _FETCH = 2, 16
_DATA_ABORTS, _INSTRUCTION_ABORTS = (0x24, 0x25), (0x20, 0x21)
_WRITE_NOT_READ = 1 << 6


class Machine(msgspec.Struct, frozen=True, eq=False):
    """The registers of one frame, as far as they are known there."""

    architecture: Architecture
    registers: Mapping[int, int]
    """DWARF number to unsigned value."""

    @property
    def pc(self) -> int | None:
        """The program counter."""
        return self.registers.get(self.architecture.program_counter)

    @property
    def sp(self) -> int | None:
        """The stack pointer."""
        return self.registers.get(self.architecture.stack_pointer)

    @property
    def mask(self) -> int:
        """All bits of an address."""
        return self.architecture.pointer_mask

    def value(self, name: str) -> int | None:
        """Unsigned value of a register or a part of one; None if it is not known."""
        if name in ("xzr", "wzr", "zero"):
            return 0
        whole, shift, bits = self.part(name)
        number = self.architecture.numbers.get(whole)
        value = None if number is None else self.registers.get(number)
        return None if value is None else value >> shift & ((1 << bits) - 1)

    def whole(self, name: str) -> str:
        """The register that ``name`` is a part of, as register dumps call it."""
        return self.part(name)[0]

    def part(self, name: str) -> tuple[str, int, int]:
        """(whole register, first bit, number of bits); of vectors the lowest 128."""
        architecture = self.architecture
        if architecture.is_x86:
            return _x86_parts(architecture.name).get(name, (name, 0, 128))
        if architecture.family == "aarch64":
            return _aarch64_part(name)
        if architecture.family == "arm":
            return _ARM_ALIASES.get(name, name), 0, 32
        return name, 0, 64


class Trap(msgspec.Struct, frozen=True):
    """What the processor said about an exception."""

    number: int | None = None
    """x86: trapno; 14 is a page fault."""
    error: int | None = None
    """x86: the error code; AArch64: ESR_EL1."""
    address: int | None = None
    """x86: cr2; AArch64: FAR_EL1. Of an older fault where this one has none."""
    is_arm: bool = False

    def fits(self, signal: str, address: int | None) -> bool:
        """Whether it may have become the signal: both are of the same moment. A frame
        of x86 keeps the last exception that there was, and where nobody asked for a
        siginfo, whatever the stack held in its place."""
        if self.is_arm or self.number is None:
            return True
        if self.number == PAGE_FAULT and address is not None:
            return self.address == address and signal in ("SIGSEGV", "SIGBUS")
        return self.number in _EXCEPTIONS.get(signal, ())

    @property
    def kind(self) -> str | None:
        """``read``, ``write`` or ``execute``; None where it does not say."""
        if self.error is None:
            return None
        if self.is_arm:
            return _arm_kind(self.error)
        if self.number != PAGE_FAULT:
            return None
        if self.error & _FETCH:
            return "execute"
        return "write" if self.error & _WRITE else "read"


def _arm_kind(syndrome: int) -> str | None:
    exception = syndrome >> 26 & 0x3F
    if exception in _INSTRUCTION_ABORTS:
        return "execute"
    if exception in _DATA_ABORTS:
        return "write" if syndrome & _WRITE_NOT_READ else "read"
    return None


def signed(value: int, bits: int) -> int:
    """``value`` of that many bits as two's complement."""
    value &= (1 << bits) - 1
    return value - (1 << bits) if value >> (bits - 1) else value


_ARM_ALIASES = {"sb": "r9", "sl": "r10", "fp": "r11", "ip": "r12"}


@functools.cache
def _x86_parts(architecture: str) -> dict[str, tuple[str, int, int]]:
    wide = architecture != "i386"
    letter = "r" if wide else "e"
    parts: dict[str, tuple[str, int, int]] = {}
    for name in ("ax", "bx", "cx", "dx", "si", "di", "bp", "sp", "ip"):
        whole = letter + name
        parts[name] = whole, 0, 16
        parts["e" + name] = whole, 0, 32
        parts["r" + name] = whole, 0, 64
        if name.endswith("x"):
            parts[name[0] + "l"] = whole, 0, 8
            parts[name[0] + "h"] = whole, 8, 8
        else:
            parts[name + "l"] = whole, 0, 8
    for number in range(8, 16) if wide else ():
        whole = f"r{number}"
        for suffix, bits in (("", 64), ("d", 32), ("w", 16), ("b", 8)):
            parts[whole + suffix] = whole, 0, bits
    for number in range(16):
        for family in ("xmm", "ymm", "zmm"):
            parts[f"{family}{number}"] = f"xmm{number}", 0, 128
    return parts


_AARCH64_BITS = {
    "w": 32,
    "x": 64,
    "b": 8,
    "h": 16,
    "s": 32,
    "d": 64,
    "q": 128,
    "v": 128,
}
_AARCH64_ALIASES = {"fp": "x29", "lr": "x30", "wsp": "sp", "sp": "sp", "pc": "pc"}


def _aarch64_part(name: str) -> tuple[str, int, int]:
    if name in _AARCH64_ALIASES:
        return _AARCH64_ALIASES[name], 0, 32 if name == "wsp" else 64
    bits = _AARCH64_BITS.get(name[:1])
    if bits is None or not name[1:].isdecimal():
        return name, 0, 64
    return ("x" if name[0] in "wx" else "v") + name[1:], 0, bits
