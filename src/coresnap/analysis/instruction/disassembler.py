"""Machine code to instructions with operands, by capstone."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from coresnap.analysis.instruction.library import Library
from coresnap.elfcore.registers import Architecture

__all__ = ["Decoded", "Disassembler", "Operand", "open_disassembler"]

# enum cs_arch and cs_mode, capstone.h of version 5
_ARM, _ARM64, _X86, _PPC, _SYSTEMZ, _M68K, _RISCV = 0, 1, 3, 4, 6, 8, 15
_MODE_32, _MODE_64, _MODE_THUMB, _BIG_ENDIAN = 4, 8, 16, -(1 << 31)
_MODE_RISCV64_COMPRESSED, _MODE_68040 = 2 | 4, 1 << 6
_MODES = {
    "x86-64": (_X86, _MODE_64),
    "x32": (_X86, _MODE_64),
    "i386": (_X86, _MODE_32),
    "aarch64": (_ARM64, 0),
    "aarch64_be": (_ARM64, 0),  # instructions are little-endian always
    "arm": (_ARM, 0),
    "riscv64": (_RISCV, _MODE_RISCV64_COMPRESSED),
    "ppc64le": (_PPC, _MODE_64),
    "s390x": (_SYSTEMZ, _BIG_ENDIAN),
    "m68k": (_M68K, _BIG_ENDIAN | _MODE_68040),
}
_OPT_DETAIL, _ON = 2, 3
_REGISTER, _IMMEDIATE, _MEMORY = 1, 2, 3
_JUMP = 1
"""CS_GRP_JUMP"""
_EXTENDS = ("", "uxtb", "uxth", "uxtw", "uxtx", "sxtb", "sxth", "sxtw", "sxtx")
_MOST = 4096
"""Instructions of one sweep."""


class Operand(msgspec.Struct, frozen=True):
    """One operand as it is written."""

    kind: str
    """``register``, ``immediate``, ``memory``, or empty for what else there is."""
    register: str = ""
    value: int = 0
    """An immediate."""
    segment: str = ""
    base: str = ""
    index: str = ""
    scale: int = 1
    """What the index is multiplied with."""
    displacement: int = 0
    size: int = 0
    """Bytes; 0 where the architecture says it by mnemonic and registers."""
    extend: str = ""
    """How a narrow index becomes wide: ``uxtw``, ``sxtw``, …"""
    arrangement: int = 0
    """Vectors of AArch64: elements and their size, as capstone numbers them."""
    lane: int = -1
    """Element of a vector; -1: all of them."""


class Decoded(msgspec.Struct, frozen=True):
    """One instruction, its operands told apart."""

    address: int
    data: bytes
    mnemonic: str
    operand_text: str
    operands: tuple[Operand, ...] = ()
    prefixes: bytes = b""
    """x86: repeat or lock, segment, operand size, address size; 0 for none."""
    address_size: int = 8
    """Bytes of an effective address before it wraps."""
    post_index: bool = False
    """The base register is changed behind the access."""

    @property
    def text(self) -> str:
        """As the assembler writes it."""
        return f"{self.mnemonic} {self.operand_text}".rstrip()

    @property
    def end(self) -> int:
        """Address of the next instruction."""
        return self.address + len(self.data)


class Disassembler:
    """Decodes for one architecture and mode."""

    def __init__(self, library: Library, mode: tuple[int, int], word: int) -> None:
        """Raise ``OSError`` if the library was built without the architecture."""
        self._ffi, self._lib = library.ffi, library.lib
        self._family, self._word = mode[0], word
        handle = self._ffi.new("csh *")
        if self._lib.cs_open(*mode, handle) != 0:
            raise OSError("capstone was built without this architecture")
        self._handle = self._ffi.gc(handle, self._lib.cs_close)
        self._lib.cs_option(handle[0], _OPT_DETAIL, _ON)
        self._names: dict[int, str] = {}

    def decode(self, code: bytes, address: int) -> Decoded | None:
        """The first instruction of ``code``; None if it is none."""
        return next(self.sweep(code, address, 1), None)

    def sweep(self, code: bytes, address: int, count: int = _MOST) -> Iterator[Decoded]:
        """Instructions one by one, up to ``count`` or the first that is none."""
        rows, got = self._rows(code, address, count)
        for index in range(got):
            yield self._decoded(rows[index])

    def last(
        self, code: bytes, address: int, count: int
    ) -> tuple[list[Decoded], frozenset[int]]:
        """The last ``count`` instructions of a piece of code that is decoded from its
        beginning to its end, and where all jumps in it lead to; nothing if there are
        too many, or bytes that are none."""
        rows, got = self._rows(code, address, _MOST)
        if not got or rows[got - 1].address + rows[got - 1].size != address + len(code):
            return [], frozenset()
        jumps = (rows[i] for i in range(got) if _jumps(rows[i]))
        targets = frozenset(
            operand.value
            for row in jumps
            for operand in self._decoded(row).operands[-1:]
            if operand.kind == "immediate"
        )
        tail = range(max(0, got - count), got)
        return [self._decoded(rows[index]) for index in tail], targets

    def _rows(self, code: bytes, address: int, count: int) -> tuple[Any, int]:
        found = self._ffi.new("cs_insn **")
        handle, count = self._handle[0], min(max(count, 1), _MOST)
        got = self._lib.cs_disasm(handle, code, len(code), address, count, found)
        if not got:
            return None, 0
        return self._ffi.gc(found[0], lambda rows: self._lib.cs_free(rows, got)), got

    def _decoded(self, row: Any) -> Decoded:  # noqa: ANN401 - a cs_insn
        ffi = self._ffi
        text = ffi.string(row.mnemonic).decode("ascii", "replace")
        operands = ffi.string(row.op_str).decode("ascii", "replace")
        data = bytes(ffi.buffer(row.bytes, min(row.size, 24)))
        plain = Decoded(row.address, data, text, operands, address_size=self._word)
        detail = row.detail
        if not detail:
            return plain
        if self._family == _X86:
            return self._x86(plain, detail.x86)
        if self._family == _ARM64:
            return self._aarch64(plain, detail.arm64)
        if self._family == _ARM:
            return self._arm(plain, detail.arm)
        if self._family == _RISCV:
            return self._riscv(plain, detail.riscv)
        return plain

    def _x86(self, plain: Decoded, detail: Any) -> Decoded:  # noqa: ANN401
        name, operands = self._name, []
        for one in _operands(detail, 8):
            memory = one.mem
            if one.type == _MEMORY:
                operand = Operand(
                    "memory",
                    segment=name(memory.segment),
                    base=name(memory.base),
                    index=name(memory.index),
                    scale=memory.scale,
                    displacement=memory.disp,
                    size=one.size,
                )
            else:
                operand = self._plain(one, one.size)
            operands.append(operand)
        return msgspec.structs.replace(
            plain,
            operands=tuple(operands),
            prefixes=bytes(detail.prefix),
            address_size=detail.addr_size or self._word,
        )

    def _aarch64(self, plain: Decoded, detail: Any) -> Decoded:  # noqa: ANN401
        name, operands = self._name, []
        for one in _operands(detail, 8):
            if one.type == _MEMORY:
                operand = Operand(
                    "memory",
                    base=name(one.mem.base),
                    index=name(one.mem.index),
                    scale=1 << min(one.shift.value, 8),
                    displacement=one.mem.disp,
                    extend=_EXTENDS[one.ext] if one.ext < len(_EXTENDS) else "",
                )
            else:
                operand = msgspec.structs.replace(
                    self._plain(one), arrangement=one.vas, lane=one.vector_index
                )
            operands.append(operand)
        post_index = bool(detail.writeback and detail.post_index)
        return msgspec.structs.replace(
            plain, operands=tuple(operands), post_index=post_index
        )

    def _arm(self, plain: Decoded, detail: Any) -> Decoded:  # noqa: ANN401
        name, operands = self._name, []
        for one in _operands(detail, 36):
            if one.type == _MEMORY:
                scale = (-1 if one.subtracted else 1) << min(one.shift.value, 31)
                operand = Operand(
                    "memory",
                    base=name(one.mem.base),
                    index=name(one.mem.index),
                    scale=scale,
                    displacement=one.mem.disp,
                )
            else:
                operand = self._plain(one)
            operands.append(operand)
        post_index = bool(detail.writeback and detail.post_index)
        return msgspec.structs.replace(
            plain, operands=tuple(operands), post_index=post_index
        )

    def _riscv(self, plain: Decoded, detail: Any) -> Decoded:  # noqa: ANN401
        operands = tuple(
            Operand(
                "memory",
                base=self._name(one.mem.base),
                displacement=one.mem.disp,
            )
            if one.type == _MEMORY
            else self._plain(one)
            for one in _operands(detail, 8)
        )
        return msgspec.structs.replace(plain, operands=operands)

    def _plain(self, one: Any, size: int = 0) -> Operand:  # noqa: ANN401
        if one.type == _REGISTER:
            return Operand("register", register=self._name(one.reg), size=size)
        if one.type == _IMMEDIATE:
            return Operand("immediate", value=one.imm, size=size)
        return Operand("", size=size)

    def _name(self, number: int) -> str:
        """The assembler's name of a register; empty for none."""
        if not number:
            return ""
        if number not in self._names:
            name = self._lib.cs_reg_name(self._handle[0], number)
            text = self._ffi.string(name).decode("ascii") if name else ""
            self._names[number] = text
        return self._names[number]


def _jumps(row: Any) -> bool:  # noqa: ANN401 - a cs_insn
    detail = row.detail
    return bool(detail) and _JUMP in detail.groups[0 : min(detail.groups_count, 8)]


def _operands(detail: Any, most: int) -> list[Any]:  # noqa: ANN401 - cs_x86 and its like
    return [detail.operands[index] for index in range(min(detail.op_count, most))]


def open_disassembler(
    library: Library, architecture: Architecture, *, thumb: bool = False
) -> Disassembler | None:
    """A disassembler for the machine; None if capstone or we do not know it."""
    mode = _MODES.get(architecture.name)
    if mode is None or library.problem:
        return None
    if thumb:
        mode = (mode[0], mode[1] | _MODE_THUMB)
    try:
        return Disassembler(library, mode, architecture.pointer_size)
    except OSError:
        return None
