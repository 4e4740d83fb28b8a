"""Finds the FDE for an address in one module: .eh_frame_hdr, .eh_frame, .debug_frame.

The last may stand inside .gnu_debugdata, too.
A module whose file is missing is read from the core's memory where that holds it.
"""

from __future__ import annotations

import functools
from bisect import bisect_right
from collections.abc import Callable, Iterator

import msgspec

from coresnap.analysis.expression.numbers import DecodeError
from coresnap.analysis.unwind.cfi import CallFrameSection, Fde
from coresnap.analysis.unwind.pointer_encoding import OMIT, PointerReader, fixed_size
from coresnap.elfcore.elffile import PT_GNU_EH_FRAME, ElfFile
from coresnap.elfcore.memory import Memory
from coresnap.elfcore.minidebuginfo import minidebuginfo
from coresnap.elfcore.modules import LoadedModule

__all__ = ["ModuleCfi", "module_cfi"]

_SEGMENT_LIMIT = 1 << 28
_IN_CORE_LIMIT = 1 << 25


class SearchTable(msgspec.Struct, frozen=True, eq=False):
    """.eh_frame_hdr: FDEs by address, to be searched in place (LSB 5.0, 10.6.2)."""

    reader: PointerReader
    first: int
    """Position of the first entry."""
    count: int
    encoding: int
    entry_size: int

    def find(self, address: int) -> int | None:
        """Link-time address of the FDE that ``address`` may belong to."""
        low, high = 0, self.count
        while low < high:
            middle = (low + high) // 2
            start, _ = self._pointer(middle, 0)
            if start <= address:
                low = middle + 1
            else:
                high = middle
        if low == 0:
            return None
        return self._pointer(low - 1, 1)[0]

    def _pointer(self, index: int, half: int) -> tuple[int, int]:
        position = self.first + (2 * index + half) * self.entry_size
        return self.reader.read(position, self.encoding)


class ModuleCfi(msgspec.Struct, eq=False):
    """The call frame information of one module, by link-time address."""

    table: SearchTable | None
    table_section: CallFrameSection | None
    """Where the search table's FDEs are."""
    sections: tuple[CallFrameSection, ...]
    """Searched one after the other where the table does not help."""
    _more: Callable[[], tuple[CallFrameSection, ...]] | None = None
    """Sections that cost something to get, for when nothing else helps."""
    _starts: dict[int, list[int]] = msgspec.field(default_factory=dict)

    def find(self, address: int) -> tuple[Fde, PointerReader] | None:
        """The FDE that covers ``address``, and the reader of its section."""
        found = self._by_table(address) or self._by_sections(address)
        if found is None and self._more is not None:
            self.sections, self._more = (*self.sections, *self._more()), None
            found = self._by_sections(address)
        return found

    def _by_sections(self, address: int) -> tuple[Fde, PointerReader] | None:
        for number, section in enumerate(self.sections):
            starts = self._starts.get(number)
            if starts is None:
                starts = self._starts[number] = [entry[0] for entry in section.index]
            index = bisect_right(starts, address) - 1
            if index >= 0 and address < section.index[index][1]:
                return section.fde_at(section.index[index][2]), section.reader
        return None

    def _by_table(self, address: int) -> tuple[Fde, PointerReader] | None:
        section = self.table_section
        if self.table is None or section is None:
            return None
        try:
            where = self.table.find(address)
            if where is None:
                return None
            fde = section.fde_at(where - section.reader.address)
        except DecodeError:
            return None
        return (fde, section.reader) if fde.start <= address < fde.end else None


def debug_file_cfi(debug_file: ElfFile) -> ModuleCfi:
    """The .debug_frame that was stripped from a module into its debug file."""
    return ModuleCfi(None, None, tuple(_debug_frame(debug_file)))


def module_cfi(module: LoadedModule, memory: Memory) -> ModuleCfi:
    """Collect what the module itself has."""
    headers = module.elf or module.image
    if headers is None:
        return ModuleCfi(None, None, ())
    source = _Source(headers, module, memory)
    table, table_section = _search_table(source)
    sections = []
    if table is None:
        sections += list(_eh_frame(source, table_section))
    if module.elf is not None:
        sections += list(_debug_frame(module.elf))
    more = None
    if module.elf is not None:
        more = functools.partial(_minidebuginfo_frames, module.elf)
    return ModuleCfi(table, table_section, tuple(sections), more)


def _minidebuginfo_frames(elf: ElfFile) -> tuple[CallFrameSection, ...]:
    inner = minidebuginfo(elf)
    if inner is None or inner.elf is None:
        return ()
    return tuple(_debug_frame(inner.elf))


class _Source(msgspec.Struct, frozen=True, eq=False):
    """Bytes of a module by link-time address: of its file, else of the core."""

    elf: ElfFile
    module: LoadedModule
    memory: Memory

    def reader_at(self, address: int, base: int = 0) -> PointerReader | None:
        """A reader of the whole segment that ``address`` is in."""
        for load in self.elf.loads:
            if load.vaddr <= address < load.vaddr + load.filesz:
                break
        else:
            return None
        start: int = load.vaddr
        data: bytes | memoryview
        if self.module.elf is not None:
            data = self.elf.slice(load.offset, min(load.filesz, _SEGMENT_LIMIT))
        else:
            start = address
            size = min(load.vaddr + load.filesz - address, _IN_CORE_LIMIT)
            data = self.memory.read_some(self.module.load_bias + address, size)
        return PointerReader(
            data, start, self.elf.pointer_size, self.elf.byte_order, base=base
        )


def _search_table(
    source: _Source,
) -> tuple[SearchTable | None, CallFrameSection | None]:
    """version, eh_frame_ptr_enc, fde_count_enc, table_enc, then the three."""
    segment = source.elf.segment(PT_GNU_EH_FRAME)
    if segment is None:
        return None, None
    reader = source.reader_at(segment.vaddr, base=segment.vaddr)
    if reader is None:
        return None, None
    start = segment.vaddr - reader.address
    head = bytes(reader.data[start : start + 4])
    if len(head) < 4 or head[0] != 1:
        return None, None
    try:
        frames, position = reader.read(start + 4, head[1])
        section = _section_at(source, reader, frames)
        if head[2] == OMIT or head[3] == OMIT:
            return None, section
        count, position = reader.read_plain(position, head[2] & 0x0F)
    except DecodeError:
        return None, None
    size = fixed_size(head[3], reader.pointer_size)
    if size is None or section is None:
        return None, section
    room = min(start + segment.filesz, len(reader.data)) - position
    count = max(0, min(count, room // (2 * size)))
    return SearchTable(reader, position, count, head[3], size), section


def _section_at(
    source: _Source, reader: PointerReader, frames: int
) -> CallFrameSection | None:
    inside = reader.address <= frames < reader.address + len(reader.data)
    own = reader if inside else source.reader_at(frames)
    if own is None:
        return None
    return CallFrameSection(own, frames - own.address, len(own.data))


def _eh_frame(
    source: _Source, by_header: CallFrameSection | None
) -> Iterator[CallFrameSection]:
    if by_header is not None:
        yield by_header
        return
    section = source.elf.section(".eh_frame")
    if section is None or source.module.elf is None:
        return
    reader = PointerReader(
        source.elf.section_data(section),
        section.address,
        source.elf.pointer_size,
        source.elf.byte_order,
    )
    yield CallFrameSection(reader, 0, section.size)


def _debug_frame(elf: ElfFile) -> Iterator[CallFrameSection]:
    section = elf.section(".debug_frame")
    if section is not None:
        data = elf.section_data(section)
        reader = PointerReader(data, 0, elf.pointer_size, elf.byte_order)
        yield CallFrameSection(reader, 0, len(data), debug=True)
