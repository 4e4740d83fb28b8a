"""Follows pointers backwards, level by level: who leads to the fault, who to those."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence

import msgspec

from coresnap.analysis.aliases.held import Held
from coresnap.analysis.aliases.limits import AliasLimits
from coresnap.analysis.aliases.places import Place, Places
from coresnap.analysis.aliases.regions import Region
from coresnap.analysis.aliases.spans import TargetMap
from coresnap.analysis.aliases.targets import Target, block_target
from coresnap.analysis.aliases.word_search import Word, WordSearch, search_words
from coresnap.analysis.heap.heaps import Heaps, Placement
from coresnap.elfcore.memory import Memory
from coresnap.model import Alias, Block, Dropped

__all__ = ["Chase", "Found"]

_MOST_BLOCKS = 256
"""Blocks that one level leads to."""
_MOST_PLACED = 1024
"""Words of one level that are looked at one by one."""
_LINK_WORDS = 4
"""Words of a free block that an allocator uses: glibc's fd, bk, fd_nextsize, …"""


class Found(msgspec.Struct, frozen=True, eq=False):
    """An alias, and what it leads to."""

    alias: Alias
    target: Target
    held: Held | None = None
    """Its variable or register; None for a word without a name."""
    block: Block | None = None
    """The block that it lies in."""
    again: bool = False
    """Another name for the place of an alias that was found before."""

    @property
    def is_live(self) -> bool:
        """It does not lie in freed memory itself."""
        return self.block is None or self.block.state != "free"


class Chase(msgspec.Struct, eq=False):
    """One search. ``held`` are the words with a name, nearest first."""

    memory: Memory
    heaps: Heaps | None
    places: Places
    held: Sequence[Held]
    regions: Callable[[int], Sequence[Region]]
    """What is searched, nearest to an address first."""
    limits: AliasLimits
    dropped: list[Dropped] = msgspec.field(default_factory=list)

    def run(self, targets: Sequence[Target]) -> list[Found]:
        """All aliases of ``targets``, level by level; ``dropped`` then says what is
        not among them."""
        found: list[Found] = []
        known = TargetMap(targets)
        wanted = known
        for level in range(1, self.limits.levels + 1):
            if not wanted.targets:
                break
            at_level = list(self._level(wanted, level))
            found += at_level
            wanted = TargetMap()
            for target in self._holders(at_level):
                if len(wanted.targets) < _MOST_BLOCKS and known.add(target):
                    wanted.add(target)
        return found

    def _level(self, targets: TargetMap, level: int) -> Iterator[Found]:
        named, covered = self._named(targets, level)
        yield from named
        near = targets.targets[0].start
        search = search_words(
            self.memory, self.regions(near), targets, self.limits.bytes_per_level
        )
        words = [word for word in search.words if word.address not in covered]
        # Finding the block that a word lies in takes a walk through the heap.
        placed = words[:_MOST_PLACED]
        room = self.limits.kept // 2
        for word in placed:
            target = targets.of(word.value)
            for found in () if target is None else self._of_word(word, target, level):
                if room > 0:
                    yield found
                room -= 1
        left_out = len(words) - len(placed) + max(-room, 0)
        self._tell(search, left_out, level)

    def _named(self, targets: TargetMap, level: int) -> tuple[list[Found], set[int]]:
        """Variables and registers, and the addresses that those explain."""
        found: list[Found] = []
        covered: set[int] = set()
        registers: set[tuple[int | None, str, int]] = set()
        for held in self.held:
            target = targets.of(held.value)
            if target is None:
                continue
            # A register that a callee did not touch is the caller's variable.
            place = held.tid, _register(held), held.value
            again = held.address in covered or (place in registers and bool(place[1]))
            if held.is_pointer:
                found.append(self._of_held(held, target, level, again))
            registers.add(place)
            if held.address is not None:
                covered.add(held.address)
        return found, covered

    def _of_held(self, held: Held, target: Target, level: int, again: bool) -> Found:
        variable = held.variable
        alias = Alias(
            held.holder,
            held.name,
            held.value,
            held.value - target.start,
            level,
            None if variable is None else variable.type,
            held.address,
            held.tid,
            held.frame,
        )
        placed = self._placed(held.address)
        block = None if placed is None else placed.block
        return Found(alias, target, held, block, again)

    def _placed(self, address: int | None) -> Placement | None:
        if address is None or self.heaps is None:
            return None
        return self.heaps.place(address)

    def _of_word(self, word: Word, target: Target, level: int) -> Iterator[Found]:
        place = self.places.of(word.address)
        if self._is_allocators(place, word, target):
            return
        alias = Alias(
            place.holder,
            place.name,
            word.value,
            word.value - target.start,
            level,
            None,
            word.address,
            place.tid,
            place.frame,
        )
        placed = place.placement
        yield Found(alias, target, None, None if placed is None else placed.block)

    def _is_allocators(self, place: Place, word: Word, target: Target) -> bool:
        """Whether an allocator keeps the word for itself: lists of free blocks."""
        placed, block = place.placement, target.block
        if placed is not None:
            if placed.block.state in ("metadata", "top") or placed.offset < 0:
                return True
            if placed.block.state == "free" and block is not None:
                return placed.offset < _LINK_WORDS * self.memory.pointer_size
        # The head of a chunk lies in the last word of the one before it: glibc's bins
        # in main_arena lead there.
        return (
            place.holder == "global"
            and block is not None
            and block.allocator == "glibc"
            and word.value == block.address + block.size - self.memory.pointer_size
        )

    def _holders(self, found: Iterable[Found]) -> Iterator[Target]:
        """The blocks that aliases lie in: what the next level leads to."""
        for one in found:
            block = one.block
            if block is not None and block.state == "live":
                relation = f"which leads to {one.target.description}"
                yield from block_target(block, relation)

    def _tell(self, search: WordSearch, left_out: int, level: int) -> None:
        if search.common:
            reason = f"level {level}: their value stands in memory too often"
            self.dropped.append(Dropped("aliases", search.common, reason))
        if left_out:
            more = "at least so many" if search.more else "words without a name"
            reason = f"level {level}: {more}"
            self.dropped.append(Dropped("aliases", left_out, reason))
        if search.unread:
            size = self.limits.bytes_per_level / (1 << 20)
            reason = f"level {level}: more than {size:g} MiB to search for aliases"
            self.dropped.append(Dropped("memory", search.unread, reason))


def _register(held: Held) -> str:
    """The register that a variable or a plain register is."""
    if held.variable is None:
        return held.name
    return held.variable.location or ""
