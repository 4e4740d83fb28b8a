"""Finds malloc's arenas: ``struct malloc_state``, ``heap_info``.

The main arena is a static variable of libc without an exported name. It is found by its
shape, with or without symbols: 127 bins, of which an empty one points to itself, and
behind them the ring of all arenas, which leads back to it.
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from coresnap.analysis.heap.glibc.layout import BIN_COUNT, ChunkLayout
from coresnap.analysis.heap.glibc.words import Words
from coresnap.elfcore.pointer_scan import scan_pointers

__all__ = [
    "Arena",
    "MainArena",
    "SubHeap",
    "find_main_arena",
    "main_arena_in",
    "read_arenas",
    "sub_heaps",
]

_ARENA_LIMIT = 1 << 16
_HEAP_LIMIT = 1 << 16
_BINMAP = 16
"""Bytes of the bitmap behind the bins."""
_POINTER_LIMIT = 1 << 18
"""Pointers from a library's variables to others of them."""
_TRIAL_LIMIT = 1 << 18
_NON_CONTIGUOUS = 2


class MainArena(msgspec.Struct, frozen=True):
    """Where the main arena is, and how every arena is laid out."""

    bins: int
    """Address of the first bin's pointers."""
    offset: int
    """Of the bins in an arena."""
    has_fastbins: bool
    """False since 2.43."""


class Arena(msgspec.Struct, frozen=True, eq=False):
    """One arena as the core has it."""

    address: int
    bins: int
    is_main: bool
    locked: bool
    """A thread was about to change it, or the program died while it did."""
    contiguous: bool
    fastbins: tuple[int, ...]
    """First chunk of each, 0 for none."""
    top: int
    """The top chunk; 0 while the arena has no memory."""
    system_bytes: int

    @property
    def name(self) -> str:
        """``main arena``, ``arena 0x7f…``."""
        return "main arena" if self.is_main else f"arena {self.address:#x}"

    def bin(self, layout: ChunkLayout, index: int) -> int:
        """The head of a bin, as if it were a chunk; 1 is the unsorted bin."""
        return self.bins + 2 * layout.word * (index - 2)


class SubHeap(msgspec.Struct, frozen=True):
    """A piece of memory of an arena that is not the main one: ``heap_info``."""

    address: int
    first_chunk: int
    end: int


def find_main_arena(
    words: Words,
    ranges: tuple[tuple[int, int], ...],
    version: tuple[int, int] | None = None,
) -> MainArena | None:
    """Look for it in a library's variables.

    ``version`` tells the layout where the ring of arenas is not in the core.
    """
    finder = _Finder(words, version)
    for start, end in ranges:
        for address in _empty_bins(words, start, end):
            found = finder.around(address)
            if found is not None:
                return found
    return None


def _empty_bins(words: Words, start: int, end: int) -> Iterator[int]:
    """Where a pair of words points to what would be its own chunk."""
    word = words.layout.word
    for address, data in words.memory.stored_views(start, end):
        first = -(-address // word) * word
        inside = [(first, address + len(data))]
        matches = scan_pointers(
            data[first - address :],
            inside,
            pointer_size=word,
            byte_order=words.memory.byte_order,
            limit=_POINTER_LIMIT,
        )
        previous = -1, 0
        for offset, value in matches:
            own = first + offset - 3 * word
            if value == own and previous == (offset - word, value):
                yield own + 2 * word
            previous = offset, value


class _Finder(msgspec.Struct):
    """Tries where the bins may be, as long as that is worth it."""

    words: Words
    version: tuple[int, int] | None
    left: int = _TRIAL_LIMIT
    """Arenas that may still be looked at: the ring may be anything."""

    def around(self, empty_bin: int) -> MainArena | None:
        """The main arena, if ``empty_bin`` is one of its bins."""
        step = 2 * self.words.layout.word
        for index in range(BIN_COUNT):
            found = self.at(empty_bin - index * step)
            if found is not None:
                return found
        return None

    def at(self, bins: int) -> MainArena | None:
        """The main arena, if these are its bins: the ring of arenas leads back."""
        if not _is_plausible(self.words, bins):
            return None
        for offset, has_fastbins in _offsets(self.words.layout):
            address = bins - offset
            for position, arena in enumerate(_ring(self.words, address, offset)):
                if position and arena == address:
                    return MainArena(bins, offset, has_fastbins)
                self.left -= 1
                if self.left < 0:
                    return None
        if self._is_cut(bins):
            address = bins - _offset(self.words.layout, self.version)[0]
            return main_arena_in(self.words, address, self.version)
        return None

    def _is_cut(self, bins: int) -> bool:
        """Whether the ring leads to where the core has nothing, and the rest is right:
        each bin empty or with chunks at both ends."""
        layout = self.words.layout
        links = self.words.words(bins, 2 * BIN_COUNT)
        behind = bins + 2 * BIN_COUNT * layout.word + _BINMAP
        following = self.words.word(behind)
        if not following or len(links) < 2 * BIN_COUNT:
            return False
        if self.words.word(following) is not None or self.words.is_outside(following):
            return False
        for at in range(0, len(links), 2):
            head = bins + (at - 2) * layout.word
            forward, back = links[at : at + 2]
            if (forward == head) != (back == head) or not (forward and back):
                return False
        return True


def main_arena_in(
    words: Words, address: int, version: tuple[int, int] | None
) -> MainArena:
    """The main arena, if that is where a symbol says that it is."""
    offset = _offset(words.layout, version)
    return MainArena(address + offset[0], *offset)


def _offset(layout: ChunkLayout, version: tuple[int, int] | None) -> tuple[int, bool]:
    """Of the bins in an arena, and whether it has fastbins."""
    current, oldest, newest = _offsets(layout)
    if version is not None and version < (2, 27):
        return oldest
    return newest if version is not None and version >= (2, 43) else current


def _offsets(layout: ChunkLayout) -> tuple[tuple[int, bool], ...]:
    """Where the bins may be: behind mutex, flags, fastbins, top and remainder."""
    word = layout.word
    pointers = (layout.fastbin_count + 2) * word
    return (
        (-(-12 // word) * word + pointers, True),  # 2.27–2.42: have_fastchunks
        (8 + pointers, True),  # 2.26
        (8 + 2 * word, False),  # 2.43: no fastbins
    )


def _ring(words: Words, address: int, offset: int) -> Iterator[int]:
    """Arenas from one to the next, that one twice if the ring is whole."""
    at = offset + 2 * BIN_COUNT * words.layout.word + _BINMAP
    arena: int | None = address
    for _ in range(_ARENA_LIMIT):
        if not arena:
            return
        yield arena
        arena = words.word(arena + at)


def _is_plausible(words: Words, bins: int) -> bool:
    """Whether what stands around the bins can be an arena's."""
    layout = words.layout
    top = words.word(bins - 2 * layout.word)
    behind = bins + 2 * BIN_COUNT * layout.word + _BINMAP
    facts = words.words(behind, 5)
    if not top or len(facts) < 5 or (top + layout.header) % layout.alignment:
        return False
    _, _, attached, system, most = facts
    return attached < 1 << 24 and system <= most


def read_arenas(words: Words, main: MainArena) -> list[Arena]:
    """The arenas in the order of the ring, the main one first."""
    arenas: list[Arena] = []
    seen: set[int] = set()
    for address in _ring(words, main.bins - main.offset, main.offset):
        if address in seen:
            break
        seen.add(address)
        arena = _read_arena(words, main, address)
        if arena is None:
            break
        arenas.append(arena)
    return arenas


def _read_arena(words: Words, main: MainArena, address: int) -> Arena | None:
    layout = words.layout
    word, bins = layout.word, address + main.offset
    state = words.integers(address, 2, 4)
    count = layout.fastbin_count if main.has_fastbins else 0
    pointers = words.words(bins - (count + 2) * word, count + 2)
    sizes = words.words(bins + 2 * BIN_COUNT * word + _BINMAP + 3 * word, 1)
    if len(state) < 2 or len(pointers) < count + 2 or not sizes:
        return None
    top = pointers[count]
    return Arena(
        address,
        bins,
        is_main=bins == main.bins,
        locked=state[0] != 0,
        contiguous=not state[1] & _NON_CONTIGUOUS,
        fastbins=pointers[:count],
        # An arena without memory has its own unsorted bin for a top chunk.
        top=0 if top == bins - 2 * word else top,
        system_bytes=sizes[0],
    )


def sub_heaps(words: Words, arena: Arena, main: MainArena) -> list[SubHeap]:
    """The memory of an arena that is not the main one, the newest first.

    The list ends quietly where it is damaged or not in the core.
    """
    layout = words.layout
    limit = _heap_limit(words, arena)
    if limit is None:
        return []
    first = arena.address & -limit
    header = arena.address - first
    found: list[SubHeap] = []
    seen: set[int] = set()
    heap = arena.top & -limit
    for _ in range(_HEAP_LIMIT):
        facts = words.words(heap, 3)
        if len(facts) < 3 or facts[0] != arena.address or not 0 < facts[2] <= limit:
            break
        start = heap + header
        if heap == first:
            behind = main.offset + (2 * BIN_COUNT + 5) * layout.word + _BINMAP
            start = layout.first_chunk(arena.address + behind)
        found.append(SubHeap(heap, start, heap + facts[2]))
        seen.add(heap)
        heap = facts[1]
        if found[-1].address == first or heap in seen:
            break
    return found


def _heap_limit(words: Words, arena: Arena) -> int | None:
    """HEAP_MAX_SIZE: where the first heap begins, the arena is named."""
    for limit in words.layout.heap_limits:
        first = arena.address & -limit
        if 0 < arena.address - first <= 64 and words.word(first) == arena.address:
            return limit
    return None
