"""Reads the words of a process, where a core may hold anything or nothing."""

from __future__ import annotations

import struct

from coresnap.analysis.heap.glibc.layout import FLAGS, ChunkLayout
from coresnap.elfcore.memory import Memory
from coresnap.errors import MemoryReadError
from coresnap.model import Mapping

__all__ = ["Words"]

_EXTENT_LIMIT = 1 << 12


def _is_anonymous(mapping: Mapping) -> bool:
    return mapping.path is None and "w" in mapping.permissions


class Words:
    """Integers by address; None or less where the core does not hold them."""

    def __init__(self, memory: Memory, layout: ChunkLayout) -> None:
        self.memory, self.layout = memory, layout
        self._order = ">" if layout.big_endian else "<"
        self._code = "Q" if layout.word == 8 else "I"

    def word(self, address: int) -> int | None:
        """One unsigned word."""
        try:
            return self.memory.read_word(address)
        except MemoryReadError:
            return None

    def words(self, address: int, count: int) -> tuple[int, ...]:
        """Up to ``count`` words: those before the first that is not there."""
        return self._unpack(address, count, self.layout.word, self._code)

    def integers(self, address: int, count: int, size: int) -> tuple[int, ...]:
        """Up to ``count`` unsigned integers of 1, 2 or 4 bytes."""
        return self._unpack(address, count, size, {1: "B", 2: "H", 4: "I"}[size])

    def chunk_size(self, chunk: int) -> int | None:
        """The size in a chunk's header, without flags."""
        found = self.word(chunk + self.layout.word)
        return None if found is None else found & ~FLAGS

    def extent(self, address: int) -> tuple[int, int] | None:
        """Writable memory of no file around an address, start and end.

        The kernel splits a mapping where a part of it is advised to be different.
        """
        mapping = self.memory.find_mapping(address)
        if mapping is None or not _is_anonymous(mapping):
            return None
        start, end = mapping.start, mapping.end
        for _ in range(_EXTENT_LIMIT):
            below = self.memory.find_mapping(start - 1)
            if below is None or below.end != start or not _is_anonymous(below):
                break
            start = below.start
        for _ in range(_EXTENT_LIMIT):
            above = self.memory.find_mapping(end)
            if above is None or not _is_anonymous(above):
                break
            end = above.end
        return start, end

    def is_outside(self, address: int) -> bool:
        """Whether the process had no memory there, as far as the core says."""
        memory = self.memory
        return bool(memory.mappings) and memory.find_mapping(address) is None

    def _unpack(
        self, address: int, count: int, size: int, code: str
    ) -> tuple[int, ...]:
        data = self.memory.read_some(address, count * size)
        return struct.unpack_from(f"{self._order}{len(data) // size}{code}", data)
