"""Writes the memory of a process whose heap is jemalloc's, of any version and build.

Imports only the tables of versions, whose numbers the cores of the real one confirm
for 5.3.0 (test_cores.py).
"""

from __future__ import annotations

import struct
from collections.abc import Mapping as Mapping_
from collections.abc import Sequence

import attrs

from coresnap.analysis.heap.jemalloc.layouts import Fields, Geometry
from coresnap.elfcore.elfheader import ProgramHeader
from coresnap.elfcore.memory import Memory
from coresnap.model import Mapping

ROOT = 0x555555601040
DATA = 0x555555600000
TABLES = 0x7F0000000040
DESCRIPTORS = 0x7F0001000000
PAGES = 0x7F1234500000
CLASSES = {8: 0, 16: 1, 32: 2, 48: 3, 4096: 28, 16384: 36}
"""Index by size, for the sizes that are written here."""
NO_CLASS = 232


@attrs.frozen
class Piece:
    """An extent to write: a slab with its free regions, a large one, or free pages."""

    address: int
    size: int
    unit: int | None = None
    """Size class of what is handed out; None for pages that nobody has."""
    free: Sequence[int] | None = None
    """Free regions, if it is a slab."""
    state: int = 0
    arena: int = 0
    count: int | None = None
    """What it says of its free regions, if that is not their number."""

    def bits(self, fields: Fields) -> int:
        """e_bits."""
        size_class = NO_CLASS if self.unit is None else CLASSES[self.unit]
        count = len(self.free or ()) if self.count is None else self.count
        return (
            self.arena
            | (self.free is not None) << 12
            | self.state << fields.state
            | size_class << fields.size_class
            | count << fields.free
        )

    def descriptor(self, fields: Fields, geometry: Geometry) -> bytes:
        """edata_t or extent_t."""
        head = struct.pack("<QQQ", self.bits(fields), self.address, self.size | 5)
        bitmap = sum(1 << region for region in self.free or ())
        regions = 512 << geometry.page - 12
        return head.ljust(64, b"\0") + bitmap.to_bytes(regions // 8, "little")


@attrs.define
class Specimen:
    """Segments by address, written bit by bit."""

    segments: dict[int, bytearray] = attrs.field(factory=dict)

    def put(self, address: int, data: bytes) -> None:
        """Overwrite bytes of a segment."""
        start = max(start for start in self.segments if start <= address)
        offset = address - start
        assert offset + len(data) <= len(self.segments[start])
        self.segments[start][offset : offset + len(data)] = data

    def memory(self, cut: Mapping_[int, int] | None = None) -> Memory:
        """What a core would hold; ``cut`` leaves out the end of segments."""
        data, loads, mappings = bytearray(), [], []
        for start, content in sorted(self.segments.items()):
            stored = (cut or {}).get(start, len(content))
            loads.append(ProgramHeader(1, 6, len(data), start, stored, len(content), 0))
            end = start + len(content)
            mappings.append(Mapping(start, end, "rw-", stored=stored))
            data += content[:stored]
        return Memory(memoryview(bytes(data)), loads, 8, "little", mappings)


def write_heap(pieces: Sequence[Piece], fields: Fields, geometry: Geometry) -> Specimen:
    """A tree with these extents in it; all lie below one table of each level."""
    tables = 2 * sum(8 << bits for bits in geometry.levels[1:]) + 0x1000
    stride = 256 << max(0, geometry.page - 12)
    specimen = Specimen(
        {
            DATA: bytearray(geometry.root_size + 0x3000),
            TABLES & -4096: bytearray(tables),
            DESCRIPTORS: bytearray(stride * (len(pieces) + 1)),
            PAGES: bytearray(max(p.address + p.size for p in pieces) - PAGES),
        }
    )
    table, shift = ROOT, geometry.page + sum(geometry.levels)
    following = TABLES
    for depth, bits in enumerate(geometry.levels[:-1]):
        shift -= bits
        index = PAGES >> shift & (1 << bits) - 1
        specimen.put(table + 8 * index, struct.pack("<Q", following))
        table = following
        following += 8 << geometry.levels[depth + 1]
    for number, piece in enumerate(pieces):
        at = DESCRIPTORS + stride * number
        specimen.put(at, piece.descriptor(fields, geometry))
        _enter(specimen, table, piece, at, fields, geometry)
    return specimen


def _enter(
    specimen: Specimen,
    table: int,
    piece: Piece,
    descriptor: int,
    fields: Fields,
    geometry: Geometry,
) -> None:
    is_slab = piece.free is not None
    size_class = NO_CLASS if piece.unit is None else CLASSES[piece.unit]
    pages = range(
        piece.address >> geometry.page, piece.address + piece.size >> geometry.page
    )
    for page in pages if is_slab else {pages[0], pages[-1]}:
        at = table + (page & (1 << geometry.levels[-1]) - 1) * geometry.element
        if geometry.element == 8:
            state = piece.state << 2 if fields.has_states else 0
            word = size_class << 48 | descriptor | state | is_slab
            specimen.put(at, struct.pack("<Q", word))
        elif fields.has_states:
            facts = size_class << 5 | piece.state << 2 | is_slab
            specimen.put(at, struct.pack("<QI", descriptor, facts))
        else:
            specimen.put(at, struct.pack("<QI?", descriptor, size_class, is_slab))
