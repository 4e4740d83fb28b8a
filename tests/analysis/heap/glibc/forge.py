"""Forges a process with a heap of glibc, byte by byte, for what no program would do.

Layouts as in ``malloc/malloc.c`` of glibc 2.27 to 2.41; nothing here is taken from the
reader under test.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from corewriter import Segment, Target, mapped_files, prstatus, write_core, write_module

HEAP_SIZE = 0x4000
_BINS, _FASTBINS = 127, {8: 10, 4: 11}


class Forge:
    """A process whose heap holds a tcache and ``sizes`` chunks, then the top chunk."""

    def __init__(self, target: Target, sizes: Sequence[int]) -> None:
        self.target, self.word = target, target.word
        wide = self.word == 8
        self.libc = 0x7F0000000000 if wide else 0xF7000000
        self.data = self.libc + 0x200000
        self.heap = 0x555500000000 if wide else 0x56000000
        self.memory = {self.data: bytearray(0x2000), self.heap: bytearray(HEAP_SIZE)}
        self.arena = self.data + 0x100
        head = 16 if wide else 12
        self.fastbins = self.arena + head
        self.top_link = self.fastbins + _FASTBINS[self.word] * self.word
        self.bins = self.top_link + 2 * self.word
        self.next_link = self.bins + 2 * _BINS * self.word + 16
        self.tcache = self.heap + (2 * self.word if wide else 16)
        self.chunks: list[int] = []
        self._fill_arena()
        self._fill_heap(sizes)

    def put(self, address: int, *words: int) -> None:
        """Words, one behind the other."""
        for start, data in self.memory.items():
            if start <= address < start + len(data):
                packed = self.target.pack("P" * len(words), *words)
                data[address - start : address - start + len(packed)] = packed

    def block(self, index: int) -> int:
        return self.chunks[index] + 2 * self.word

    def put_tcache(self, index: int, count: int, first: int) -> None:
        """A list of the cache: how many, and the first block."""
        at = self.tcache + 2 * index - self.heap
        self.memory[self.heap][at : at + 2] = self.target.pack("H", count)
        self.put(self.tcache + 128 + index * self.word, first)

    def protect(self, address: int, link: int) -> int:
        """A link at ``address``, safe-linked."""
        return address >> 12 ^ link

    def _fill_arena(self) -> None:
        for index in range(_BINS):
            at = self.bins + 2 * index * self.word
            self.put(at, at - 2 * self.word, at - 2 * self.word)
        # next, next_free, threads, bytes from the system, and at most
        self.put(self.next_link, self.arena, 0, 1, HEAP_SIZE, HEAP_SIZE)
        # mapped bytes, at most, where the heap begins, lists, bytes, blocks in a list
        most = 1032 if self.word == 8 else 516
        self.put(self.data + 0x1800, 0, 0, self.heap, 64, most, 7)

    def _fill_heap(self, sizes: Sequence[int]) -> None:
        at = self.tcache - 2 * self.word
        own = 0x290 if self.word == 8 else 0x190
        for size in (own, *sizes):
            self.put(at + self.word, size | 1)
            if at + 2 * self.word != self.tcache:
                self.chunks.append(at)
            at += size
        self.top = at
        self.put(self.top_link, at)
        self.put(at + self.word, self.heap + HEAP_SIZE - at | 1)

    def write(
        self,
        directory: Path,
        *,
        stored: int = HEAP_SIZE,
        more: Sequence[Segment] = (),
        threads: Sequence[int] = (),
    ) -> Path:
        """The core; ``stored`` bytes of the heap; program counters of more threads."""
        target = self.target
        pc, sp = {8: ("rip", "rsp"), 4: ("eip", "esp")}[self.word]
        if target.machine == 183:
            pc, sp = "pc", "sp"
        notes = [
            prstatus(target, tid=100 + i, registers={pc: at, sp: 0x1000}, signal=6)
            for i, at in enumerate((0x1000, *threads))
        ]
        path = b"/lib/libc.so.6"
        files = [
            (self.libc, self.libc + 0x1000, 0, path),
            (self.data, self.data + 0x2000, 0x1F0, path),
        ]
        library = write_module(
            target,
            segments=[
                Segment(0, flags=4, memory_size=0x1000),
                Segment(self.data - self.libc, memory_size=0x2000),
            ],
        )
        heap = bytes(self.memory[self.heap][:stored])
        segments = [
            Segment(self.heap, heap, memory_size=HEAP_SIZE),
            Segment(self.libc, library[:0x1000].ljust(0x1000, b"\0"), flags=4),
            Segment(self.data, bytes(self.memory[self.data])),
            *more,
        ]
        segments.sort(key=lambda segment: segment.address)
        core = directory / "core"
        core.write_bytes(
            write_core(
                target,
                notes=[*notes, mapped_files(target, files)],
                segments=segments,
            )
        )
        return core
