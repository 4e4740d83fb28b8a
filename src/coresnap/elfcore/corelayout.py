"""Header and program headers of a core, found even where the header lies.

A kernel writes a core in one order: ELF header, program headers, notes, memory. That
order tells where the program headers must be and where they must stop, when the fields
that should say so are damaged.
"""

from __future__ import annotations

import msgspec

from coresnap.elfcore.elffile import PT_LOAD
from coresnap.elfcore.elfheader import (
    ByteOrder,
    ElfHeader,
    ProgramHeader,
    parse_header,
    program_header_at,
    section_at,
)
from coresnap.errors import InputError

__all__ = ["CoreLayout", "read_layout"]

_PN_XNUM = 0xFFFF
_PROGRAM_HEADER_LIMIT = 1 << 18
"""Four times the kernel's default limit of mappings; some 100 MB of ours."""
_EHDR_SIZE = {4: 52, 8: 64}
_PHDR_SIZE = {4: 32, 8: 56}


class CoreLayout(msgspec.Struct, frozen=True, eq=False):
    """Where things are in a core file."""

    header: ElfHeader
    program_headers: tuple[ProgramHeader, ...]
    table_end: int
    """Offset behind the program headers: where a kernel puts the notes."""
    missing_bytes: int
    """How far the file ends before what its program headers promise."""
    problems: tuple[str, ...]
    kernel_starts: frozenset[int] | None = None
    """First addresses of the kernel's segments, where the handler has split them."""

    @property
    def loads(self) -> list[ProgramHeader]:
        """Memory segments, in file order."""
        return [p for p in self.program_headers if p.type == PT_LOAD]


def read_layout(data: memoryview, what: str) -> CoreLayout:
    """Read header and program headers; ``what`` names the file in errors.

    Raises ``InputError`` if there is no ELF header.
    """
    problems: list[str] = []
    header = _read_header(bytes(data[:64]), what, problems)
    offset = _table_offset(data, header, problems)
    claimed = _claimed_count(data, header)
    table = _read_table(data, header, offset, claimed)
    if claimed is None and table:
        problems.append(
            f"the ELF header does not say how many program headers there are;"
            f" {len(table)} were found"
        )
    elif claimed is not None and len(table) < claimed:
        problems.append(
            f"{claimed} program headers are announced, {len(table)} are there"
        )
    return CoreLayout(
        header,
        tuple(table),
        offset + len(table) * _PHDR_SIZE[header.pointer_size],
        _missing_bytes(
            len(data), table, offset + (claimed or 0) * _PHDR_SIZE[header.pointer_size]
        ),
        tuple(problems),
        _kernel_starts(data, header),
    )


def _kernel_starts(data: memoryview, header: ElfHeader) -> frozenset[int] | None:
    """Read the kernel's own table, if it is not the one that the header names.

    The handler claims less than the kernel had by a second table elsewhere; the first
    stays behind the ELF header, where every kernel puts it (``thin_core.c``).
    """
    usual = _EHDR_SIZE[header.pointer_size]
    if header.phoff <= usual:
        return None
    old = _read_table(data, header, usual, None)
    return frozenset(p.vaddr for p in old if p.type == PT_LOAD) or None


def _read_header(data: bytes, what: str, problems: list[str]) -> ElfHeader:
    try:
        header = parse_header(data, what)
    except InputError:
        repaired = _repair(data, what)
        if repaired is None:
            raise
        header = repaired
        problems.append("class or byte order in the ELF header is unknown")
        return header
    if not _is_consistent(header) and (repaired := _repair(data, what)):
        problems.append("class or byte order in the ELF header is wrong")
        return repaired
    return header


def _repair(data: bytes, what: str) -> ElfHeader | None:
    """The header read as the one class and byte order that make sense of it."""
    orders: tuple[ByteOrder, ...] = ("little", "big")
    for size in (8, 4):
        if len(data) < _EHDR_SIZE[size] or data[:4] != b"\x7fELF":
            continue
        for order in orders:
            header = parse_header(data, what, pointer_size=size, byte_order=order)
            if _is_consistent(header):
                return header
    return None


def _is_consistent(header: ElfHeader) -> bool:
    return header.version == 1 and header.ehsize == _EHDR_SIZE[header.pointer_size]


def _table_offset(data: memoryview, header: ElfHeader, problems: list[str]) -> int:
    usual = _EHDR_SIZE[header.pointer_size]
    if usual <= header.phoff < max(len(data), usual + 1):
        return header.phoff
    problems.append(
        f"the program headers are announced at {header.phoff:#x}, outside of the file;"
        " they were looked for behind the ELF header"
    )
    return usual


def _claimed_count(data: memoryview, header: ElfHeader) -> int | None:
    """How many there should be; None if the header does not say."""
    if header.phnum not in (0, _PN_XNUM):
        return header.phnum
    if header.phnum == _PN_XNUM and header.shoff:
        first = section_at(data, header.shoff, header)
        if first is not None and first.info >= _PN_XNUM:
            return first.info
    return None


def _read_table(
    data: memoryview, header: ElfHeader, start: int, claimed: int | None
) -> list[ProgramHeader]:
    """Read until the claimed count, the file's end, or the first segment's bytes."""
    size = _PHDR_SIZE[header.pointer_size]
    limit = _PROGRAM_HEADER_LIMIT if claimed is None else claimed
    table: list[ProgramHeader] = []
    end = len(data)
    offset = start
    while len(table) < min(limit, _PROGRAM_HEADER_LIMIT) and offset + size <= end:
        entry = program_header_at(data, offset, header)
        if entry is None or (claimed is None and not _is_plausible(entry)):
            break
        table.append(entry)
        offset += size
        if entry.filesz and offset <= entry.offset < end:
            end = entry.offset
    return table


def _is_plausible(entry: ProgramHeader) -> bool:
    return entry.type < 8 or 0x60000000 <= entry.type < 0x80000000


def _missing_bytes(size: int, table: list[ProgramHeader], table_end: int) -> int:
    ends = [p.offset + p.filesz for p in table if p.type == PT_LOAD]
    return max(0, max(ends, default=table_end) - size)
