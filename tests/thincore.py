"""Makes a core that holds less of a whole one, as the handler's lower rungs do.

Imports nothing from coresnap: ``native/catch/thin_core.c`` is written by the same rule,
and both are read by the same reader. Only 64-bit little-endian cores.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence

import attrs

PAGE = 4096
PT_LOAD = 1
_HEADER = struct.Struct("<IIQQQQQQ")


@attrs.frozen
class Segment:
    """A program header."""

    type: int
    flags: int
    offset: int
    address: int
    physical: int
    size: int
    memory: int
    align: int

    def part(self, start: int, end: int, *, stored: bool) -> Segment:
        """The segment between two addresses; absent parts claim no bytes."""
        skip = start - self.address
        return attrs.evolve(
            self,
            address=start,
            physical=self.physical + skip if self.physical else 0,
            offset=self.offset + skip if stored else self.offset,
            size=end - start if stored else 0,
            memory=end - start,
        )


def segments_of(core: bytes) -> list[Segment]:
    """The program headers of a whole core."""
    table, count = struct.unpack_from("<Q", core, 32)[0], _count(core)
    return [
        Segment(*_HEADER.unpack_from(core, table + index * _HEADER.size))
        for index in range(count)
    ]


def _count(core: bytes) -> int:
    (count,) = struct.unpack_from("<H", core, 56)
    assert count < 0xFFFF
    return int(count)


def thin_core(core: bytes, kept: Sequence[tuple[int, int]]) -> bytes:
    """The core with the pages of ``kept`` (start, end) alone, and all notes.

    The other pages read as zeros in the file, and nothing claims them.
    """
    whole = segments_of(core)
    wanted = sorted((s // PAGE * PAGE, -(-e // PAGE) * PAGE) for s, e in kept)
    parts = [part for segment in whole for part in _parts(segment, wanted)]
    end = max(s.offset + s.size for s in whole)
    thin = bytearray(end)
    for part in [s for s in whole if s.type != PT_LOAD] + parts:
        thin[part.offset : part.offset + part.size] = core[
            part.offset : part.offset + part.size
        ]
    first = min(s.offset for s in whole if s.offset)
    thin[:first] = core[:first]
    table = b"".join(_HEADER.pack(*attrs.astuple(part)) for part in parts)
    struct.pack_into("<Q", thin, 32, len(thin))
    struct.pack_into("<H", thin, 56, len(parts))
    return bytes(thin) + table


def _parts(segment: Segment, wanted: Sequence[tuple[int, int]]) -> Iterator[Segment]:
    if segment.type != PT_LOAD or not segment.size:
        yield segment
        return
    at, stored_end = segment.address, segment.address + segment.size
    for start, end in wanted:
        start, end = max(start, at), min(end, stored_end)
        if start >= end:
            continue
        if start > at:
            yield segment.part(at, start, stored=False)
        yield segment.part(start, end, stored=True)
        at = end
    if at < segment.address + segment.memory:
        yield segment.part(at, segment.address + segment.memory, stored=False)
