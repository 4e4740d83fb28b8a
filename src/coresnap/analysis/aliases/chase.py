"""Follows pointers backwards, level by level: who leads to the fault, who to those."""

from __future__ import annotations

from collections import Counter
from collections.abc import Generator, Iterable, Iterator, Sequence

import msgspec

from coresnap.analysis.aliases.held import Held, NamedWords
from coresnap.analysis.aliases.limits import AliasLimits
from coresnap.analysis.aliases.places import Place, Places
from coresnap.analysis.aliases.regions import LiveRegions
from coresnap.analysis.aliases.spans import TargetMap
from coresnap.analysis.aliases.targets import Target, block_target
from coresnap.analysis.aliases.word_search import Word, search_words
from coresnap.analysis.heap.heaps import Heaps, Placement
from coresnap.elfcore.memory import Memory
from coresnap.model import Alias, Block, Dropped

__all__ = ["Chase", "Found"]

_MOST_BLOCKS = 256
"""Blocks that one level leads to."""
_MOST_OF_VALUE = 128
"""Variables and registers with one value; they are marked, too."""
_MOST_NAMED = 1024
_MOST_PLACED = 1024
"""Words of one level that are looked at one by one."""
_MOST_OF_BLOCK = 8
"""Words that one block holds: a table of pointers is one holder."""
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


class _Named(msgspec.Struct, eq=False):
    """What words with a name lead to the targets of one level."""

    found: list[Found] = msgspec.field(default_factory=list)
    covered: set[int] = msgspec.field(default_factory=set)
    """Addresses of variables, integers included."""
    views: Counter[int] = msgspec.field(default_factory=Counter)
    """How often each value was seen, the same place by many ways included."""
    places: Counter[int] = msgspec.field(default_factory=Counter)
    """At how many places."""

    @property
    def too_many(self) -> int:
        """How many variables were left out, because too many have their value."""
        return sum(
            self.views[value] - _MOST_OF_VALUE
            for value, count in self.places.items()
            if count >= _MOST_OF_VALUE
        )

    def explains(self, word: Word) -> bool:
        """Whether a word of memory is a variable, or has the value of too many."""
        return word.address in self.covered or (
            self.places[word.value] >= _MOST_OF_VALUE
        )


class Chase(msgspec.Struct, eq=False):
    """One search."""

    memory: Memory
    heaps: Heaps | None
    places: Places
    named: NamedWords
    regions: LiveRegions
    limits: AliasLimits
    operands: frozenset[tuple[int | None, int | None, str]] = frozenset()
    """Thread, frame and name of the registers of the failed access, which are no other
    holders of their own values."""
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
        named = self._named(targets, level)
        yield from named.found
        near = targets.targets[0].start
        search = search_words(
            self.memory,
            self.regions.nearest_to(near),
            targets,
            self.limits.bytes_per_level,
        )
        words = [word for word in search.words if not named.explains(word)]
        left_out = yield from self._placed_words(words, targets, level)
        more = "at least so many" if search.more else "words without a name"
        self._tell(left_out, f"level {level}: {more}")
        self._tell(named.too_many, f"level {level}: too many variables hold the same")
        self._tell(search.common, f"level {level}: their value is too common")
        size = self.limits.bytes_per_level / (1 << 20)
        reason = f"level {level}: more than {size:g} MiB to search for aliases"
        self._tell(search.unread, reason, "memory")

    def _placed_words(
        self, words: list[Word], targets: TargetMap, level: int
    ) -> Generator[Found, None, int]:
        """The words that fit, with their places; return how many did not."""
        room = self.limits.kept // 2
        if len(words) > room:
            # A block may be a whole pool: what leads to where the fault was counts.
            words = sorted(words, key=lambda word: _distance(word, targets))
        # Finding the block that a word lies in takes a walk through the heap.
        left_out = max(0, len(words) - _MOST_PLACED)
        of_block: Counter[int] = Counter()
        for word in words[:_MOST_PLACED]:
            target = targets.of(word.value)
            for found in () if target is None else self._of_word(word, target, level):
                holder = found.block.address if found.block is not None else None
                of_block[holder or 0] += holder is not None
                if room > 0 and of_block[holder or 0] <= _MOST_OF_BLOCK:
                    room -= 1
                    yield found
                else:
                    left_out += 1
        return left_out

    def _tell(self, count: int, reason: str, what: str = "aliases") -> None:
        if count:
            self.dropped.append(Dropped(what, count, reason))

    def _named(self, targets: TargetMap, level: int) -> _Named:
        """Variables and registers, and what those explain."""
        named = _Named()
        views = named.views
        registers: set[tuple[int | None, str, int]] = set()
        for held in self.named.within(targets, views, _MOST_OF_VALUE):
            views[held.value] += 1
            # A register that a callee did not touch is the caller's variable.
            place = held.tid, _register(held), held.value
            covered = held.address in named.covered
            again = covered or (place in registers and bool(place[1]))
            named.places[held.value] += not again
            target = targets.of(held.value)
            registers.add(place)
            if held.address is not None:
                named.covered.add(held.address)
            if target is None or not held.is_pointer or self._is_operand(held):
                continue
            if views[held.value] <= _MOST_OF_VALUE and len(named.found) < _MOST_NAMED:
                named.found.append(self._of_held(held, target, level, again))
        return named

    def _is_operand(self, held: Held) -> bool:
        """Whether a register is what the failed access was made with."""
        of_register = held.variable is None
        return of_register and (held.tid, held.frame, held.name) in self.operands

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


def _distance(word: Word, targets: TargetMap) -> int:
    """From where the fault's own pointer leads, of the same target."""
    target = targets.of(word.value)
    return 0 if target is None else abs(word.value - target.pointer)


def _register(held: Held) -> str:
    """The register that a variable or a plain register is."""
    if held.variable is None:
        return held.name
    return held.variable.location or ""
