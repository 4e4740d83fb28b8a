"""Writes FreeBSD kernel dumps for tests: the counterpart of a reader of them.

Imports nothing from the project. Layouts: ``sys/{amd64,arm64,i386}/include/minidump.h``
and ``minidump_machdep.c``, ``sys/sys/kerneldump.h``, ``sys/kern/kern_dump.c``; page
tables as the Intel SDM (volume 3, chapter 4) and the Arm ARM (D8) have them.
"""

from __future__ import annotations

import io
import struct
import tarfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

PAGE = 4096
KERNBASE = 0xFFFF_FFFF_8000_0000
DIRECT = 0xFFFF_F800_0000_0000
DIRECT_END = 0xFFFF_FC00_0000_0000
MAP_BASE = 0xFFFF_FE00_0000_0000
ARM_BASE, ARM_DIRECT, ARM_DIRECT_END, ARM_PHYSICAL = (
    0xFFFF_0000_0000_0000,
    0xFFFF_A000_0000_0000,
    0xFFFF_F000_0000_0000,
    0x4000_0000,
)
I386_BASE = 0xC000_0000


def pages(size: int, page: int = PAGE) -> int:
    return -(-size // page) * page


@dataclass
class Physical:
    """Physical memory, of pages that are made as they are written."""

    page: int = PAGE
    content: dict[int, bytearray] = field(default_factory=dict)

    def write(self, address: int, data: bytes) -> None:
        while data:
            number, within = divmod(address, self.page)
            target = self.content.setdefault(number, bytearray(self.page))
            count = min(len(data), self.page - within)
            target[within : within + count] = data[:count]
            address, data = address + count, data[count:]

    def write_entry(self, address: int, value: int) -> None:
        self.write(address, struct.pack("<Q", value))


@dataclass
class Minidump:
    """One minidump: ``virtual`` maps pages of the kernel's map to physical ones."""

    machine: str = "amd64"
    version: int = 3
    messages: bytes = b""
    memory: Physical = field(default_factory=Physical)
    virtual: dict[int, int] = field(default_factory=dict)
    large: dict[int, int] = field(default_factory=dict)
    """amd64: 2 MB pages, virtual to physical."""
    ranges: list[tuple[int, int]] = field(default_factory=lambda: [(0, 64 << 20)])
    has_pae: bool = True
    written: int | None = None
    """msg_wseq of the struct msgbuf behind the messages; None for none."""

    def packed(self) -> bytes:
        page = self.memory.page
        kernel_map = self._kernel_map()
        ranges = self._ranges()
        bitmap = self._bitmap(bool(ranges))
        header = self._header(len(bitmap), len(kernel_map), len(ranges))
        parts = [header, self._ring(), ranges, bitmap, kernel_map]
        body = b"".join(part.ljust(pages(len(part), page), b"\0") for part in parts)
        content = sorted(self.memory.content.items())
        return body + b"".join(bytes(data) for _, data in content)

    def _ring(self) -> bytes:
        """Whole pages of the kernel's memory, from the ring's start on."""
        if self.written is None:
            return self.messages
        pointer = "I" if self.machine == "i386" else "Q"
        data = msgbuf(self.messages, 0xDEAD_BEEF, self.written, pointer=pointer)
        return data[: pages(len(self.messages), self.memory.page)]

    def _header(self, bitmap: int, kernel_map: int, ranges: int) -> bytes:
        magic = f"minidump FreeBSD/{self.machine}".encode()
        sizes = (self.version, len(self.messages), bitmap, kernel_map)
        head = struct.pack("<24sIIII", magic, *sizes)
        if self.machine == "amd64":
            return head + struct.pack("<QQQI", MAP_BASE, DIRECT, DIRECT_END, ranges)
        if self.machine == "i386":
            return head + struct.pack("<III", I386_BASE, self.has_pae, ranges)
        flags = 1 if self.memory.page == 16384 else 0
        addresses = (ARM_BASE, ARM_PHYSICAL, ARM_DIRECT, ARM_DIRECT_END)
        return head + struct.pack("<QQQQII", *addresses, ranges, flags)

    def _ranges(self) -> bytes:
        first = {"amd64": 3, "arm64": 2, "i386": 2}[self.machine]
        if self.version < first:
            return b""
        pairs = b"".join(struct.pack("<QQ", *one) for one in self.ranges)
        return (pairs + bytes(16)).ljust(self.memory.page, b"\0")

    def _bitmap(self, has_ranges: bool) -> bytes:
        page = self.memory.page
        numbers = []
        for number in self.memory.content:
            if not has_ranges:
                numbers.append(number)
                continue
            before = 0
            for start, end in self.ranges:
                if start <= number * page < end:
                    numbers.append(before + number - start // page)
                before += (end - start) // page
        bits = sum(1 << number for number in numbers)
        size = pages(max(numbers, default=0) // 8 + 1, page)
        return bits.to_bytes(size, "little")

    def _kernel_map(self) -> bytes:
        if self.machine == "amd64" and self.version >= 2:
            return self._directories()
        wide = self.machine != "i386" or self.has_pae
        base = {"amd64": MAP_BASE, "arm64": ARM_BASE, "i386": I386_BASE}[self.machine]
        valid = 3 if self.machine == "arm64" else 0x103
        form, size = ("<Q", 8) if wide else ("<I", 4)
        found = bytearray()
        for virtual, physical in self.virtual.items():
            place = (virtual - base) // self.memory.page * size
            found.extend(bytes(max(0, place + size - len(found))))
            found[place : place + size] = struct.pack(form, physical | valid)
        return bytes(found)

    def _directories(self) -> bytes:
        """Page-directory entries; the page tables become pages of the dump."""
        tables: dict[int, int] = {}
        found = bytearray()

        def put(index: int, entry: int) -> None:
            found.extend(bytes(max(0, index * 8 + 8 - len(found))))
            found[index * 8 : index * 8 + 8] = struct.pack("<Q", entry)

        for virtual, physical in self.large.items():
            put((virtual - MAP_BASE) >> 21, physical | 0x1 << 63 | 0x183)
        for virtual, physical in self.virtual.items():
            index = (virtual - MAP_BASE) >> 21
            table = tables.setdefault(index, self._new_page())
            put(index, table | 3)
            self.memory.write_entry(table + (virtual >> 12) % 512 * 8, physical | 0x103)
        return bytes(found)

    def _new_page(self) -> int:
        number = max(self.memory.content, default=0) + 1
        self.memory.content[number] = bytearray(self.memory.page)
        return number * self.memory.page


def full_dump(memory: Physical, *, machine: int = 62, bits: int = 64) -> bytes:
    """All physical memory as an ELF core: a segment for each run of pages."""
    runs: list[tuple[int, bytes]] = []
    for number, page in sorted(memory.content.items()):
        if runs and runs[-1][0] + len(runs[-1][1]) == number * PAGE:
            runs[-1] = (runs[-1][0], runs[-1][1] + bytes(page))
        else:
            runs.append((number * PAGE, bytes(page)))
    wide = bits == 64
    ehsize, phsize = (64, 56) if wide else (52, 32)
    ident = struct.pack("4sBBBB8x", b"\x7fELF", 2 if wide else 1, 1, 1, 255)
    fields = (4, machine, 0, 0, ehsize, 0, 0, ehsize, phsize, len(runs), 0, 0, 0)
    header = ident + struct.pack(
        "<HHIQQQIHHHHHH" if wide else "<HHIIIIIHHHHHH", *fields
    )
    offset = pages(ehsize + phsize * len(runs))
    table, body = b"", b""
    for physical, data in runs:
        at, size = offset + len(body), len(data)
        where = (at, physical, physical, size, size)
        table += (
            struct.pack("<IIQQQQQQ", 1, 4, *where, PAGE)
            if wide
            else struct.pack("<IIIIIIII", 1, *where, 4, PAGE)
        )
        body += data
    return (header + table).ljust(offset, b"\0") + body


def map_amd64(memory: Physical, root: int, virtual: int, physical: int) -> None:
    """Map a page in tables below ``root``, whose entry 256 points to itself."""
    memory.write_entry(root + 256 * 8, root | 3)
    table = root
    for shift in (39, 30, 21):
        place = table + (virtual >> shift) % 512 * 8
        page = memory.content.setdefault(place // PAGE, bytearray(PAGE))
        (entry,) = struct.unpack_from("<Q", page, place % PAGE)
        if not entry:
            entry = (max(memory.content) + 1) * PAGE | 3
            memory.write(entry & -PAGE, bytes(1))
            memory.write_entry(place, entry)
        table = entry & -PAGE
    memory.write_entry(table + (virtual >> 12) % 512 * 8, physical | 3)


def msgbuf(ring: bytes, address: int, written: int, *, pointer: str = "Q") -> bytes:
    """A ring that stands at ``address``, and struct msgbuf behind it."""
    size = len(ring)
    words = (0x063062, size, written, 0, sum(ring) & 0xFFFF_FFFF, 16 * size, -1, 0)
    return ring + struct.pack(f"<{pointer}IIIIIIiI", address, *words)


def dump_header(
    length: int,
    *,
    version: int = 4,
    panic: bytes = b"page fault",
    magic: bytes = b"FreeBSD Kernel Dump",
    compression: int = 0,
    key_size: int = 0,
    extent: int | None = None,
) -> bytes:
    """struct kerneldumpheader with its parity."""
    architecture = b"amd64"
    head = struct.pack(
        ">20s12sIIQQ",
        magic,
        architecture,
        version,
        2,
        length,
        1_700_000_000,
    )
    text = struct.pack("64s192s", b"host", b"FreeBSD 14.1-RELEASE GENERIC")
    if version >= 4:
        head += struct.pack(">II", key_size, 512) + text
        head += struct.pack(">175sBQ4x", panic, compression, extent or length)
    else:
        head += struct.pack(">I", 512) + text + struct.pack("192s", panic)
    assert len(head) == 508
    parity = 0
    for (word,) in struct.iter_unpack("<I", head):
        parity ^= word
    return head + struct.pack("<I", parity)


def info_text(**fields: str) -> str:
    """An info.N with these fields (``panic_string="…"``)."""
    lines = [
        f"  {name.replace('_', ' ').capitalize()}: {fields[name]}" for name in fields
    ]
    return "\n".join(["Dump header from device: /dev/vtbd2", *lines, ""])


def textdump(texts: Mapping[str, bytes]) -> bytes:
    """A tar archive as the kernel writes it: ustar, no directories."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for name, data in texts.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    return stream.getvalue()


def write(directory: Path, name: str, data: bytes) -> Path:
    """Write a dump, and return its path."""
    path = directory / name
    path.write_bytes(data)
    return path
