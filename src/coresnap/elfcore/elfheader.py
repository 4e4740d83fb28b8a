"""The fixed records of ELF: file header, program header, section header.

System V gABI, "ELF Header", "Sections" and "Program Header". 32 and 64 bits, both
byte orders.
"""

from __future__ import annotations

import functools
import struct
from typing import Literal

import msgspec

from coresnap.errors import InputError

__all__ = [
    "ET_CORE",
    "ET_DYN",
    "ET_EXEC",
    "ByteOrder",
    "ElfHeader",
    "ProgramHeader",
    "Section",
    "parse_header",
    "program_header_at",
    "section_at",
]

ByteOrder = Literal["little", "big"]

ET_EXEC, ET_DYN, ET_CORE = 2, 3, 4
EI_CLASS, EI_DATA, EI_OSABI = 4, 5, 7
_CLASSES = {1: 4, 2: 8}
_ORDERS: dict[int, ByteOrder] = {1: "little", 2: "big"}


class ElfHeader(msgspec.Struct, frozen=True, eq=False):
    """Elf32_Ehdr or Elf64_Ehdr; entry sizes are never smaller than the records."""

    pointer_size: int
    byte_order: ByteOrder
    osabi: int
    type: int
    machine: int
    version: int
    entry: int
    phoff: int
    shoff: int
    flags: int
    ehsize: int
    phentsize: int
    phnum: int
    shentsize: int
    shnum: int
    shstrndx: int


class ProgramHeader(msgspec.Struct, frozen=True, eq=False):
    """Elf32_Phdr or Elf64_Phdr."""

    type: int
    flags: int
    offset: int
    vaddr: int
    filesz: int
    memsz: int
    align: int


class Section(msgspec.Struct, frozen=True, eq=False):
    """Elf32_Shdr or Elf64_Shdr."""

    name: str
    name_offset: int
    type: int
    flags: int
    address: int
    offset: int
    size: int
    link: int
    info: int
    align: int
    entsize: int

    def named(self, name: str) -> Section:
        """The same section with its name resolved."""
        return msgspec.structs.replace(self, name=name)


@functools.cache
def _layout(byte_order: ByteOrder, narrow: str, wide: str, size: int) -> struct.Struct:
    prefix = ">" if byte_order == "big" else "<"
    return struct.Struct(prefix + (narrow if size == 4 else wide))


def parse_header(
    data: bytes,
    what: str,
    *,
    pointer_size: int | None = None,
    byte_order: ByteOrder | None = None,
) -> ElfHeader:
    """Parse the ELF header that ``data`` begins with; ``what`` names it in errors.

    ``pointer_size`` and ``byte_order`` overrule what e_ident says. Raises
    ``InputError``.
    """
    if not data:
        raise InputError(f"{what} is empty")
    if data[:4] != b"\x7fELF":
        raise InputError(f"{what} is not an ELF file")
    if len(data) < 16:
        raise InputError(f"{what} ends within its ELF header")
    size = pointer_size or _CLASSES.get(data[EI_CLASS])
    order = byte_order or _ORDERS.get(data[EI_DATA])
    if size is None or order is None:
        raise InputError(f"{what} is ELF of an unknown class or byte order")
    layout = _layout(order, "HHIIIIIHHHHHH", "HHIQQQIHHHHHH", size)
    if len(data) < 16 + layout.size:
        raise InputError(f"{what} ends within its ELF header")
    fields = layout.unpack_from(data, 16)
    header = ElfHeader(size, order, data[EI_OSABI], *fields)
    return msgspec.structs.replace(
        header,
        phentsize=max(header.phentsize, 32 if size == 4 else 56),
        shentsize=max(header.shentsize, 40 if size == 4 else 64),
    )


def program_header_at(
    data: memoryview, offset: int, header: ElfHeader
) -> ProgramHeader | None:
    """The program header at ``offset``; None if it does not lie in ``data``."""
    size = header.pointer_size
    layout = _layout(header.byte_order, "IIIIIIII", "IIQQQQQQ", size)
    if offset < 0 or offset + layout.size > len(data):
        return None
    if size == 4:
        kind, start, vaddr, _, filesz, memsz, flags, align = layout.unpack_from(
            data, offset
        )
    else:
        kind, flags, start, vaddr, _, filesz, memsz, align = layout.unpack_from(
            data, offset
        )
    return ProgramHeader(kind, flags, start, vaddr, filesz, memsz, align)


def section_at(data: memoryview, offset: int, header: ElfHeader) -> Section | None:
    """The section header at ``offset``, without its name; None if outside."""
    layout = _layout(header.byte_order, "IIIIIIIIII", "IIQQQQIIQQ", header.pointer_size)
    if offset < 0 or offset + layout.size > len(data):
        return None
    name, *fields = layout.unpack_from(data, offset)
    return Section("", name, *fields)
