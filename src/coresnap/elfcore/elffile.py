"""A small, fast ELF reader that believes no count, offset or size.

For executables, libraries and in-memory images (the vdso). Everything is read on
demand from a mapping of the file; what lies outside of it is left out or empty, never
an exception. Field names follow the System V gABI, "Object Files".
"""

from __future__ import annotations

import functools
import mmap
import os
import stat
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path

import msgspec

from coresnap.elfcore.elfheader import (
    ElfHeader,
    ProgramHeader,
    Section,
    parse_header,
    program_header_at,
    section_at,
)
from coresnap.elfcore.notewalk import walk_notes
from coresnap.errors import AccessError, InputError, MissingError

__all__ = ["ElfFile", "SymbolEntries", "map_file", "open_elf"]

PT_LOAD, PT_DYNAMIC, PT_NOTE, PT_PHDR = 1, 2, 4, 6
PT_GNU_EH_FRAME = 0x6474E550
SHT_SYMTAB, SHT_NOTE, SHT_NOBITS, SHT_DYNSYM = 2, 7, 8, 11
SHF_COMPRESSED = 0x800
NT_GNU_BUILD_ID = 3

_PROGRAM_HEADER_LIMIT = 65535
_SECTION_LIMIT = 1 << 20
_NAME_LIMIT = 4096
_BUILD_ID_LIMIT = 64
_NOTES_LIMIT = 1 << 20
_INFLATED_LIMIT = 1 << 28
ELFCOMPRESS_ZLIB, ELFCOMPRESS_ZSTD = 1, 2


class SymbolEntries(msgspec.Struct, frozen=True, eq=False):
    """One symbol table, not decoded, and its strings."""

    entries: memoryview
    strings: memoryview
    dynamic: bool
    """It is .dynsym: what a stripped file still has."""


def map_file(path: str | bytes | os.PathLike[str]) -> memoryview:
    """Map a regular file for reading; an empty file gives an empty view.

    Raises ``MissingError``, ``AccessError``, or ``InputError`` for what is no regular
    file. The mapping lives as long as a view of it.
    """
    name = os.fsdecode(path)
    try:
        # The name may be one that a process chose: opening a device or a FIFO could
        # block, or do things (watchdogs, tapes), so look before and after.
        _require_regular(os.stat(path), name)
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        try:
            status = os.fstat(descriptor)
            _require_regular(status, name)
            if status.st_size == 0:
                return memoryview(b"")
            mapping = mmap.mmap(descriptor, status.st_size, prot=mmap.PROT_READ)
            return memoryview(mapping)
        finally:
            os.close(descriptor)
    except (FileNotFoundError, NotADirectoryError) as error:
        raise MissingError(f"{name}: no such file") from error
    except PermissionError as error:
        raise AccessError(f"{name}: {error.strerror}") from error
    except (OSError, ValueError) as error:
        raise InputError(f"{name}: cannot be read ({error})") from error


def _require_regular(status: os.stat_result, name: str) -> None:
    if stat.S_ISDIR(status.st_mode):
        raise InputError(f"{name} is a directory")
    if not stat.S_ISREG(status.st_mode):
        raise InputError(f"{name} is not a regular file")


def open_elf(path: str | bytes | os.PathLike[str]) -> ElfFile:
    """Open an executable or library; raises as ``map_file``, and if it is not ELF."""
    return ElfFile(map_file(path), Path(os.fsdecode(path)))


class ElfFile:
    """An ELF file or image; all of it is parsed when it is first asked for.

    Raises ``InputError`` when the bytes do not begin with an ELF header.
    """

    def __init__(
        self, data: bytes | bytearray | memoryview, path: Path | None = None
    ) -> None:
        self.data = memoryview(data)
        self.path = path
        """Where it was read from; None for an image in memory."""
        self.header: ElfHeader = parse_header(
            bytes(self.data[:64]), "ELF image" if path is None else str(path)
        )
        self.pointer_size = self.header.pointer_size
        self.byte_order = self.header.byte_order

    def release(self) -> None:
        """Drop the mapping of the file; what was parsed stays."""
        self.data = memoryview(b"")

    @functools.cached_property
    def program_headers(self) -> tuple[ProgramHeader, ...]:
        """Those that lie in the file."""
        header = self.header
        count = header.phnum
        if count == 0xFFFF and (first := self._section_zero()) is not None:
            count = first.info
        found = []
        for index in range(min(count, _PROGRAM_HEADER_LIMIT)):
            offset = header.phoff + index * header.phentsize
            entry = program_header_at(self.data, offset, header)
            if entry is None:
                break
            found.append(entry)
        return tuple(found)

    @functools.cached_property
    def loads(self) -> tuple[ProgramHeader, ...]:
        """PT_LOAD segments in ascending order of address."""
        loads = [p for p in self.program_headers if p.type == PT_LOAD]
        return tuple(sorted(loads, key=lambda p: p.vaddr))

    def segment(self, segment_type: int) -> ProgramHeader | None:
        """The first program header of a type."""
        for header in self.program_headers:
            if header.type == segment_type:
                return header
        return None

    def _section_zero(self) -> Section | None:
        if self.header.shoff == 0:
            return None
        return section_at(self.data, self.header.shoff, self.header)

    @functools.cached_property
    def sections(self) -> tuple[Section, ...]:
        """Those that lie in the file, in its order; names are resolved."""
        header, first = self.header, self._section_zero()
        if first is None:
            return ()
        count = header.shnum or first.size
        raw = []
        for index in range(min(count, _SECTION_LIMIT)):
            entry = section_at(
                self.data, header.shoff + index * header.shentsize, header
            )
            if entry is None:
                break
            raw.append(entry)
        names = header.shstrndx if header.shstrndx != 0xFFFF else first.link
        if names >= len(raw):
            return tuple(raw)
        strings = self.slice(raw[names].offset, raw[names].size)
        return tuple(s.named(string_at(strings, s.name_offset)) for s in raw)

    @functools.cached_property
    def _sections_by_name(self) -> dict[str, Section]:
        return {section.name: section for section in reversed(self.sections)}

    def section(self, name: str) -> Section | None:
        """The first section of that name."""
        return self._sections_by_name.get(name)

    def slice(self, offset: int, size: int) -> memoryview:
        """Bytes of the file; shorter where the file ends."""
        if offset < 0 or size < 0 or offset > len(self.data):
            return self.data[:0]
        return self.data[offset : offset + size]

    def section_data(self, section: Section) -> memoryview:
        """Contents, decompressed; empty if absent (NOBITS) or damaged."""
        if section.type == SHT_NOBITS:
            return self.data[:0]
        data = self.slice(section.offset, section.size)
        if not section.flags & SHF_COMPRESSED:
            return data
        return memoryview(self._decompress(data))

    def _decompress(self, data: memoryview) -> bytes:
        """Elf32_Chdr: type, size, align; Elf64_Chdr: type, reserved, size, align."""
        order = ">" if self.byte_order == "big" else "<"
        layout = order + ("III" if self.pointer_size == 4 else "IIQQ")
        head = struct.calcsize(layout)
        if len(data) < head:
            return b""
        fields = struct.unpack_from(layout, data)
        return inflate(data[head:], fields[0], fields[-2])

    @functools.cached_property
    def build_id(self) -> str | None:
        """Hex digits of the GNU build-id note, from segments, else from sections."""
        for segment in self.program_headers:
            if segment.type == PT_NOTE:
                data = self.slice(segment.offset, min(segment.filesz, _NOTES_LIMIT))
                if found := build_id_in(data, segment.align, self.header):
                    return found
        for section in self.sections:
            if section.type == SHT_NOTE:
                data = self.slice(section.offset, min(section.size, _NOTES_LIMIT))
                if found := build_id_in(data, section.align, self.header):
                    return found
        return None

    def symbol_entries(self) -> Iterator[SymbolEntries]:
        """Every symbol table that the file has, .symtab before .dynsym."""
        for wanted in (SHT_SYMTAB, SHT_DYNSYM):
            for section in self.sections:
                if section.type == wanted and section.link < len(self.sections):
                    strings = self.sections[section.link]
                    yield SymbolEntries(
                        self.section_data(section),
                        self.section_data(strings),
                        wanted == SHT_DYNSYM,
                    )

    @functools.cached_property
    def debug_link(self) -> tuple[str, int] | None:
        """File name and CRC-32 of ``.gnu_debuglink`` (GDB manual, "Separate Debug
        Files"); None if there is none."""
        section = self.section(".gnu_debuglink")
        if section is None:
            return None
        data = bytes(self.section_data(section)[:_NAME_LIMIT])
        end = data.find(b"\0")
        crc = (end + 4) & ~3
        if end <= 0 or crc + 4 > len(data):
            return None
        return (
            data[:end].decode("utf-8", "backslashreplace"),
            int.from_bytes(data[crc : crc + 4], self.byte_order),
        )

    @functools.cached_property
    def alternate_link(self) -> tuple[str, str] | None:
        """File name and build-id of ``.gnu_debugaltlink`` (dwz(1)): where debug
        information that several files share stands; None if there is none."""
        section = self.section(".gnu_debugaltlink")
        if section is None:
            return None
        data = bytes(self.section_data(section)[: _NAME_LIMIT + _BUILD_ID_LIMIT])
        name, _, build_id = data.partition(b"\0")
        if not name or not build_id:
            return None
        return name.decode("utf-8", "backslashreplace"), build_id.hex()


def string_at(strings: memoryview, offset: int) -> str:
    """The NUL-terminated string at ``offset``, cut at 4096 bytes."""
    data = bytes(strings[offset : offset + 128])
    end = data.find(b"\0")
    if end < 0:
        data = bytes(strings[offset : offset + _NAME_LIMIT])
        end = data.find(b"\0")
    return data[: end if end >= 0 else None].decode("utf-8", "backslashreplace")


def build_id_in(data: memoryview, align: int, header: ElfHeader) -> str | None:
    """Find the GNU build-id among the notes of one segment or section."""
    walk = walk_notes(data, align=align, byte_order=header.byte_order)
    for note in walk.notes:
        if note.name == b"GNU" and note.type == NT_GNU_BUILD_ID:
            size = min(note.size, _BUILD_ID_LIMIT)
            return bytes(data[note.offset : note.offset + size]).hex() or None
    return None


def inflate(data: memoryview, method: int, size: int) -> bytes:
    """Decompress a section of ``size`` bytes; b"" if damaged or beyond 256 MiB."""
    if size > _INFLATED_LIMIT:
        return b""
    try:
        if method == ELFCOMPRESS_ZLIB:
            return zlib.decompressobj().decompress(data, size)
        if method == ELFCOMPRESS_ZSTD:
            return _inflate_zstd(data, size)
    except zlib.error:
        pass
    return b""


def _inflate_zstd(data: memoryview, size: int) -> bytes:
    import sys

    if sys.version_info >= (3, 14):
        from compression import zstd
    else:
        from backports import zstd
    try:
        return zstd.ZstdDecompressor().decompress(data, size)
    except zstd.ZstdError:
        return b""
