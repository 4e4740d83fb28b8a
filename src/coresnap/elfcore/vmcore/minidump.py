"""Minidumps: the pages that the kernel uses, and its map of virtual addresses.

``sys/{amd64,arm64,i386}/include/minidump.h`` and ``minidump_machdep.c``: a page with
the header; the message buffer; from version 2 (amd64: 3) on dump_avail; a bitmap of
the pages that are there; the kernel's map; then the pages, in order.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

import msgspec

from coresnap.elfcore.vmcore.kernel_memory import KernelMemory
from coresnap.elfcore.vmcore.message_buffer import written_behind
from coresnap.elfcore.vmcore.page_bitmap import PageBitmap, dump_ranges
from coresnap.elfcore.vmcore.page_tables import FORMATS, MapFormat
from coresnap.errors import CoreFormatError

__all__ = ["MAGIC", "Minidump", "open_minidump"]

MAGIC = b"minidump FreeBSD/"
_SIZES, _SWAPPED_SIZES = struct.Struct("<24sIIII"), struct.Struct(">24sIIII")
_VERSION_LIMIT = 0xFFFF
_BITMAP_LIMIT = 1 << 29
"""Bytes: 16 TiB of pages of 4 KiB."""
_MESSAGES_LIMIT = 64 << 20
_ARM64_16K = 1
"""MINIDUMP_FLAG_PS_16K of MINIDUMP_FLAG_PS_MASK."""
_NAMES = {
    "amd64": "x86-64",
    "arm64": "aarch64",
    "i386": "i386",
    "arm": "arm",
    "riscv": "riscv64",
}
_NARROW = ("i386", "arm")
_WITH_RANGES = {"amd64": 3, "arm64": 2, "i386": 2}
_NEWEST = {"amd64": 3, "arm64": 3, "i386": 2}


class _Header(msgspec.Struct, frozen=True):
    machine: str
    version: int
    message_size: int
    bitmap_size: int
    map_size: int
    base: int
    """Virtual address of the first entry of the map."""
    direct_base: int = 0
    direct_end: int = 0
    direct_physical: int = 0
    ranges_size: int = 0
    page_size: int = 4096
    has_wide_entries: bool = True

    @property
    def pointer_size(self) -> int:
        return 4 if self.machine in _NARROW else 8

    @property
    def format(self) -> MapFormat:
        if self.machine == "amd64":
            return FORMATS["amd64", min(self.version, 2)]
        if self.machine == "arm64" and self.page_size > 4096:
            return FORMATS["arm64-16k", 3]
        if self.machine == "i386" and self.has_wide_entries:
            return FORMATS["i386-pae", 1]
        return FORMATS[self.machine, 1]


class Minidump(msgspec.Struct, frozen=True, eq=False):
    """An open minidump."""

    architecture: str
    version: int
    ring: memoryview
    """The message buffer, as it lies in the kernel's memory."""
    written: int | None
    """Its msg_wseq; None if struct msgbuf is not in the pages that hold it."""
    memory: KernelMemory | None = None
    """None if it cannot be read."""
    pages: int = 0
    """How many it holds."""
    base: int = 0
    """The first virtual address of the kernel's own map."""
    problems: tuple[str, ...] = ()


def open_minidump(data: memoryview) -> Minidump:
    """Read the header and the bitmap; everything else when it is asked for.

    Of a machine or version that nobody knows, and of a dump that ends before its pages
    begin, there is the message buffer alone, and ``problems`` say why. Raises
    ``CoreFormatError`` if not even that is whole.
    """
    header = _parse(data)
    reason = _reason_against(header, len(data))
    if reason is not None:
        return _messages_alone(header, data, reason)
    message, ranges, bitmap, kernel_map, pages = _starts(header)
    bits = PageBitmap(
        data[bitmap : bitmap + header.bitmap_size],
        header.page_size,
        dump_ranges(data[ranges : ranges + header.ranges_size], header.page_size),
    )
    memory = _memory(header, data, bits, kernel_map, pages)
    end = pages + bits.count * header.page_size
    problems = []
    if end > len(data):
        problems.append(f"the minidump is truncated: {end - len(data)} bytes are gone")
    return Minidump(
        architecture=_NAMES[header.machine],
        version=header.version,
        ring=data[message : message + header.message_size],
        written=written_behind(
            data[:ranges], message, header.message_size, header.pointer_size
        ),
        memory=memory,
        pages=bits.count,
        base=header.base,
        problems=tuple(problems),
    )


def _reason_against(header: _Header, size: int) -> str | None:
    """Why the memory of a minidump of ``size`` bytes cannot be read."""
    newest = _NEWEST.get(header.machine)
    if newest is None:
        return (
            f"this is a minidump of {header.machine!r}; memory is read of those of "
            "amd64, arm64 and i386"
        )
    if not 1 <= header.version <= newest:
        return (
            f"this is version {header.version} of {header.machine}'s minidumps; 1 to "
            f"{newest} are known"
        )
    first = list(_starts(header))[-1]
    if first >= size:
        return f"the minidump ends at {size} bytes, before its first page at {first}"
    if header.bitmap_size > _BITMAP_LIMIT:
        return f"the minidump is damaged: a bitmap of {header.bitmap_size} bytes"
    return None


def _messages_alone(header: _Header, data: memoryview, reason: str) -> Minidump:
    start, size = header.page_size, header.message_size
    ring = data[start : start + size]
    if not 0 < size == len(ring) or size > _MESSAGES_LIMIT:
        raise CoreFormatError(
            reason,
            remedy="Was it written to its end: is the dump device large enough?",
        )
    return Minidump(
        architecture=_NAMES.get(header.machine, header.machine),
        version=header.version,
        ring=ring,
        written=written_behind(data, start, size, header.pointer_size),
        problems=(f"{reason}: only the message buffer is read",),
    )


def _memory(
    header: _Header, data: memoryview, bits: PageBitmap, kernel_map: int, pages: int
) -> KernelMemory:
    size = header.page_size

    def find_page(physical: int) -> int | None:
        number = bits.number(physical)
        return None if number is None else pages + number * size

    memory = KernelMemory(
        data,
        find_page,
        pointer_size=header.pointer_size,
        page_size=size,
    )
    table = data[kernel_map : kernel_map + header.map_size]
    form = header.format

    def translate(address: int) -> int | None:
        if header.direct_base <= address < header.direct_end:
            return address - header.direct_base + header.direct_physical
        if address < header.base:
            return None
        place = (address - header.base >> form.shift) * form.entry_size
        word = table[place : place + form.entry_size]
        if len(word) < form.entry_size:
            return None
        entry = int.from_bytes(word, "little")
        return form.locate(entry, address, memory.read_physical)

    memory.translate_with(translate)
    return memory


def _starts(header: _Header) -> Iterator[int]:
    """Offsets of message buffer, dump_avail, bitmap, map and first page."""
    offset = header.page_size
    for size in (
        header.message_size,
        header.ranges_size,
        header.bitmap_size,
        header.map_size,
    ):
        yield offset
        offset += -(-size // header.page_size) * header.page_size
    yield offset


def _parse(data: memoryview) -> _Header:
    if len(data) < 4096:
        raise CoreFormatError("the minidump ends within its header")
    magic, version, message, bitmap, size = _SIZES.unpack_from(data)
    if version > _VERSION_LIMIT:  # a big-endian machine
        magic, version, message, bitmap, size = _SWAPPED_SIZES.unpack_from(data)
    machine = magic[len(MAGIC) :].split(b"\0")[0].decode("ascii", "replace")
    header = _Header(machine, version, message, bitmap, size, 0)
    return _with_addresses(header, data) if machine in _NEWEST else header


def _with_addresses(header: _Header, data: memoryview) -> _Header:
    machine, has_ranges = header.machine, header.version >= _WITH_RANGES[header.machine]
    replace = msgspec.structs.replace
    if machine == "i386":
        base, pae, ranges = struct.unpack_from("<III", data, 40)
        header = replace(header, base=base, has_wide_entries=bool(pae))
    elif machine == "amd64":
        base, first, last, ranges = struct.unpack_from("<QQQI", data, 40)
        header = replace(header, base=base, direct_base=first, direct_end=last)
    else:
        base, physical, first, last, ranges, flags = struct.unpack_from(
            "<QQQQII", data, 40
        )
        header = replace(header, base=base, direct_base=first, direct_end=last)
        size = 16384 if header.version >= 3 and flags & 3 == _ARM64_16K else 4096
        header = replace(header, direct_physical=physical, page_size=size)
    return replace(header, ranges_size=ranges if has_ranges else 0)
