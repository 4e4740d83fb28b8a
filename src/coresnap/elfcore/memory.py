"""The dead process's memory: what the core stored, and what files can stand in for.

A core leaves out bytes that a file has (program text) and bytes that it was told to
(DONTDUMP, coredump_filter). The first are read from the module's file once that is
known to fit; the second are gone, and are never read as zeros.
"""

from __future__ import annotations

import struct
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence

from coresnap.elfcore.elfheader import ByteOrder, ProgramHeader
from coresnap.errors import MemoryReadError
from coresnap.model import Mapping

__all__ = ["Memory", "read_c_string"]

_STRING_STEP = 256


def read_c_string(
    read_some: Callable[[int, int], bytes], address: int, limit: int
) -> bytes | None:
    """A C string without its NUL, cut at ``limit`` bytes or where memory ends.

    ``read_some`` gives up to so many bytes at an address, those before the first gap.
    None if not even the first byte is there.
    """
    found = b""
    while len(found) < limit:
        piece = read_some(address, min(_STRING_STEP, limit - len(found)))
        end = piece.find(b"\0")
        if end >= 0:
            return found + piece[:end]
        if not piece:
            return found or None
        found += piece
        address += len(piece)
    return found


class _Ranges:
    """Disjoint address ranges, each backed by bytes; found by bisection."""

    def __init__(self) -> None:
        self.starts: list[int] = []
        self.ranges: list[tuple[int, int, memoryview, int]] = []

    def set(self, ranges: Iterable[tuple[int, int, memoryview, int]]) -> None:
        """Take (start, end, data, offset of start in data); overlaps are cut."""
        self.ranges = []
        last = 0
        for start, end, data, offset in sorted(ranges, key=lambda r: r[:2]):
            skip = max(0, last - start)
            end = min(end, start + len(data) - offset)
            if start + skip < end:
                self.ranges.append((start + skip, end, data, offset + skip))
                last = end
        self.starts = [r[0] for r in self.ranges]

    def find(self, address: int) -> tuple[int, int, memoryview, int] | None:
        index = bisect_right(self.starts, address) - 1
        if index >= 0 and address < self.ranges[index][1]:
            return self.ranges[index]
        return None

    def next_start(self, address: int) -> int | None:
        """Where the first range above ``address`` begins."""
        index = bisect_right(self.starts, address)
        return self.starts[index] if index < len(self.starts) else None


class Memory:
    """Reads by address; nothing is copied before it is asked for.

    ``data`` is the core file, ``mappings`` the address space as it is known.
    """

    def __init__(
        self,
        data: memoryview,
        loads: Sequence[ProgramHeader],
        pointer_size: int,
        byte_order: ByteOrder,
        mappings: Sequence[Mapping] = (),
    ) -> None:
        self.pointer_size = pointer_size
        self.byte_order = byte_order
        self.mappings = tuple(sorted(mappings, key=lambda m: m.start))
        self._mapping_starts = [m.start for m in self.mappings]
        prefix = ">" if byte_order == "big" else "<"
        self._word = struct.Struct(prefix + ("Q" if pointer_size == 8 else "I"))
        self._limit = 1 << 8 * pointer_size
        self._stored = _Ranges()
        self._stored.set(
            (load.vaddr, min(load.vaddr + load.filesz, self._limit), data, load.offset)
            for load in loads
            if load.offset < len(data)
        )
        self._files = _Ranges()
        self._remnants: list[tuple[int, int]] = []
        # The range that was read last, as it is on a walk up one stack.
        self._start = 0
        self._end = 0
        self._delta = 0
        self._data = data

    def release(self) -> None:
        """Drop the mappings: nothing can be read after this."""
        self._data = memoryview(b"")
        self._stored, self._files = _Ranges(), _Ranges()
        self._start = self._end = 0

    def use_files(self, ranges: Iterable[tuple[int, int, memoryview, int]]) -> None:
        """Let files stand in where nothing is stored: (start, end, data, offset)."""
        self._files.set(ranges)

    def skip_remnants(self, spans: Iterable[tuple[int, int]]) -> None:
        """Leave out of searches what stands beside the data in the pages of a file:
        the process had it mapped, and it says nothing about its state."""
        self._remnants = []
        for start, end in sorted(spans):
            start = max(start, self._remnants[-1][1] if self._remnants else 0)
            if start < end:
                self._remnants.append((start, end))

    def read_word(self, address: int) -> int:
        """An unsigned integer of an address's size; raises ``MemoryReadError``."""
        if not self._start <= address <= self._end - self.pointer_size:
            found = self._stored.find(address)
            if found is None or address > found[1] - self.pointer_size:
                return int.from_bytes(
                    self.read(address, self.pointer_size), self.byte_order
                )
            self._start, self._end, self._data, offset = found
            self._delta = offset - self._start
        word: int = self._word.unpack_from(self._data, address + self._delta)[0]
        return word

    def read(self, address: int, size: int) -> bytes:
        """Exactly ``size`` bytes; raises ``MemoryReadError``."""
        found = self._stored.find(address)
        if found is not None and size <= found[1] - address:
            begin = found[3] + address - found[0]
            return bytes(found[2][begin : begin + size])
        data = self.read_some(address, size)
        if len(data) < size:
            raise MemoryReadError(address + len(data), size - len(data))
        return data

    def read_some(self, address: int, size: int) -> bytes:
        """Up to ``size`` bytes: those before the first that is not there."""
        pieces: list[memoryview] = []
        while size > 0:
            found = self._stored.find(address)
            end = None
            if found is None:
                found = self._files.find(address)
                # Stored bytes win over a file's.
                end = self._stored.next_start(address)
            if found is None:
                break
            start, last, data, offset = found
            last = last if end is None else min(last, end)
            count = min(size, last - address)
            begin = offset + address - start
            pieces.append(data[begin : begin + count])
            address += count
            size -= count
        return b"".join(pieces)

    def read_words(self, address: int, size: int) -> Iterator[tuple[int, int]]:
        """Address and value of the words of an address's size in ``size`` bytes, as
        far as they are there without a gap."""
        data = self.read_some(address, size)
        whole = data[: len(data) - len(data) % self.pointer_size]
        for index, (word,) in enumerate(self._word.iter_unpack(whole)):
            yield address + index * self.pointer_size, word

    def read_pieces(self, start: int, end: int) -> Iterator[tuple[int, bytes]]:
        """What is there between two addresses, by ascending address.

        A core of which only parts were kept has gaps anywhere.
        """
        for first, last in self._without_remnants(start, end):
            address: int | None = first
            while address is not None and address < last:
                data = self.read_some(address, last - address)
                if data:
                    yield address, data
                    address += len(data)
                else:
                    address = self._next_start(address)

    def stored_views(self, start: int, end: int) -> Iterator[tuple[int, memoryview]]:
        """What the core itself stores between two addresses, not copied, ascending."""
        for first, last in self._without_remnants(start, end):
            found = self._stored.find(first)
            address = first if found else self._stored.next_start(first)
            while address is not None and address < last:
                found = self._stored.find(address)
                if found is not None:
                    begins, ends, data, offset = found
                    count = min(ends, last) - address
                    begin = offset + address - begins
                    yield address, data[begin : begin + count]
                address = self._stored.next_start(address)

    def _without_remnants(self, start: int, end: int) -> Iterator[tuple[int, int]]:
        index = bisect_right(self._remnants, start, key=lambda span: span[1])
        while index < len(self._remnants) and self._remnants[index][0] < end:
            first, last = self._remnants[index]
            index += 1
            if start < first:
                yield start, first
            start = last
        if start < end:
            yield start, end

    def _next_start(self, address: int) -> int | None:
        found = (self._stored.next_start(address), self._files.next_start(address))
        return min((start for start in found if start is not None), default=None)

    def read_string(self, address: int, limit: int) -> bytes | None:
        """A C string without its NUL, cut at ``limit`` bytes or where memory ends.

        None if not even its first byte is there.
        """
        return read_c_string(self.read_some, address, limit)

    def find_mapping(self, address: int) -> Mapping | None:
        """The mapping that ``address`` lies in."""
        index = bisect_right(self._mapping_starts, address) - 1
        if index >= 0 and address < self.mappings[index].end:
            return self.mappings[index]
        return None
