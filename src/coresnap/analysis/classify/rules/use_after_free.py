"""Use after free: the failed access was made to freed memory, or by what it holds.

The rules compare what the failed access was made with, and nothing else, with the
allocators' own data; numbers that are small, of either sign, are equal to too much.
"""

from __future__ import annotations

from collections.abc import Iterator

from coresnap.analysis.classify.case import Case
from coresnap.analysis.classify.freed_contents import (
    SCANNED,
    held_word,
    through_freed,
)
from coresnap.analysis.classify.rule import HINT, PROBABLE, STRONG, Rule
from coresnap.analysis.classify.sources import base_sources, jump_slot
from coresnap.analysis.classify.suspects import (
    FIRST_POINTER,
    Holder,
    Suspect,
    is_inside_freed,
    is_telling,
    suspects,
)
from coresnap.analysis.classify.words import accessed_at, block_words
from coresnap.model import Block, Classifier

__all__ = ["RULES"]

_PAGE = 4096


class FreedAccess(Rule):
    """The failed access itself was made to a freed heap block."""

    names = ("use-after-free",)
    confidence = (STRONG,)

    def apply(self, case: Case) -> Iterator[Classifier]:
        """Conclude it where the address, or the base it was made of, lies in one."""
        if case.heaps is None or case.fault is None:
            return
        candidates = [*suspects(case)]
        if case.fault_address is not None:
            candidates.append(Suspect("the fault address", case.fault_address))
        for suspect in candidates:
            placement = case.heaps.place(suspect.value)
            if placement is None or not is_inside_freed(placement):
                continue
            block = placement.block
            yield Classifier(
                "use-after-free",
                STRONG,
                (
                    f"{suspect.name} {suspect.value:#x} lies {placement.offset} bytes "
                    f"into the {block_words(block)}",
                ),
                case.tid,
                block.address,
                case.failed_frame,
                summary=f"{accessed_at(case)} freed memory: the {block_words(block)}",
            )
            return


class TracedToFreed(Rule):
    """The code before the failed access loaded its pointer from a freed block."""

    names = ("use-after-free",)
    confidence = (STRONG,)

    def apply(self, case: Case) -> Iterator[Classifier]:
        """Conclude it by following the base register, or the target of a jump, back to
        the memory it came from."""
        if case.heaps is None:
            return
        loads = [(one.slot, str(one)) for one in base_sources(case)]
        slot = jump_slot(case)
        if slot is not None:
            loads.append((slot, f"the target of the jump was read from {slot:#x}"))
        for address, text in loads:
            placement = None if address is None else case.heaps.place(address)
            if placement is None or not is_inside_freed(placement):
                continue
            block = placement.block
            where = (
                f"{address:#x} lies {placement.offset} bytes into the "
                f"{block_words(block)}"
            )
            yield through_freed(case, block, (text, where))
            return


class FreedLink(Rule):
    """The bad pointer is the link word that the allocator wrote into a block when it
    was freed: somebody read the block after that."""

    names = ("use-after-free",)
    confidence = (STRONG,)

    def apply(self, case: Case) -> Iterator[Classifier]:
        """Conclude it where a base, or a pointer of the failed function that leads just
        below the address, is a stored link, mangled as since glibc 2.32."""
        if case.heaps is None:
            return
        for suspect in (*suspects(case), *_just_below(case)):
            if not is_telling(suspect.value, case.core.architecture.pointer_size):
                continue
            block = case.heaps.linked(suspect.value)
            if block is None:
                continue
            holders = [h for h in case.freed_holders if h.placement.block == block]
            evidence = (
                f"{suspect.name} {suspect.value:#x} is the link word of the "
                f"{block_words(block)}",
                *(f"{holder} points there" for holder in holders[:3]),
            )
            yield through_freed(case, block, evidence)
            return


class LoadedFromFreed(Rule):
    """The bad pointer lies in a freed block that the failed code points to: it was
    probably read from there."""

    names = ("use-after-free",)
    confidence = (STRONG, PROBABLE)

    def apply(self, case: Case) -> Iterator[Classifier]:
        """Conclude it where a freed block holds a base; less surely where a variable
        holds the same number and may have been its source."""
        size = case.core.architecture.pointer_size
        bases = [s for s in suspects(case) if is_telling(s.value, size)]
        if case.heaps is None or not bases:
            return
        for holder in case.freed_holders:
            found = held_word(case, holder.placement.block, bases)
            if found is None:
                continue
            suspect, address = found
            block = holder.placement.block
            near = _is_reached(holder, address) and not _has_copy(case, suspect, block)
            evidence = (
                f"{suspect.name} {suspect.value:#x} is the word at {address:#x}, "
                f"{address - block.address} bytes into the {block_words(block)}",
                f"{holder} points there",
            )
            yield through_freed(case, block, evidence, STRONG if near else PROBABLE)
            return


class NearFreedContents(Rule):
    """Where the code is not known: the failed address lies just above a number that a
    freed block holds, to which the failed code's registers or stack lead."""

    names = ("use-after-free",)
    confidence = (PROBABLE,)

    def apply(self, case: Case) -> Iterator[Classifier]:
        """Conclude it from the address that the kernel named, an offset being added."""
        address = case.fault_address
        if case.heaps is None or case.access is not None or address is None:
            return
        if not is_telling(address, case.core.architecture.pointer_size):
            return
        found = _linked_below(case, address) or _held_below(case, address)
        if found is not None:
            block, evidence = found
            yield through_freed(case, block, (evidence,), PROBABLE)


class UnmappedBlock(Rule):
    """The bad pointer looks like a large block that was given back to the system."""

    names = ("use-after-free",)
    confidence = (HINT,)

    def apply(self, case: Case) -> Iterator[Classifier]:
        """Conclude it for a variable that holds the address of 16 bytes into a page
        which nothing is mapped at: glibc's blocks of 128 KiB and more begin so."""
        if case.signal is None or case.signal.code_name != "SEGV_MAPERR":
            return
        memory = case.core.memory
        header = 2 * case.core.architecture.pointer_size
        bases = {suspect.value for suspect in suspects(case)}
        for one in case.pointers:
            value = one.value
            if value not in bases or one.frame is None or value % _PAGE != header:
                continue
            if memory.find_mapping(value) is not None:
                continue
            yield Classifier(
                "use-after-free",
                HINT,
                (
                    f"{one.name} = {value:#x} points {header} bytes into a page where "
                    "nothing is mapped, as malloc's own mappings begin",
                ),
                case.tid,
                value,
                one.frame,
                summary=f"{accessed_at(case)} memory that looks like a large block "
                "which was given back",
            )
            return


def _just_below(case: Case) -> Iterator[Suspect]:
    """Variables of the failed function from which its access may have been reckoned."""
    address = case.fault_address
    if address is None or case.access is None:
        return
    for one in case.pointers:
        if one.frame == case.failed_frame and 0 <= address - one.value < SCANNED:
            yield Suspect(one.name, one.value)


def _linked_below(case: Case, address: int) -> tuple[Block, str] | None:
    """A freed block whose link word a register or stack word holds."""
    if case.heaps is None:
        return None
    for one in case.pointers:
        if not 0 <= address - one.value < SCANNED:
            continue
        block = case.heaps.linked(one.value)
        if block is not None:
            return block, f"{one.name} {one.value:#x} is the link word of the " + (
                f"{block_words(block)}, and {address:#x} lies just above it"
            )
    return None


def _held_below(case: Case, address: int) -> tuple[Block, str] | None:
    """A freed block that something leads to and that holds the number."""
    for holder in case.freed_holders:
        block = holder.placement.block
        size = min(block.size, SCANNED)
        for at, word in case.core.memory.read_words(block.address, size):
            if word >= FIRST_POINTER and 0 <= address - word < SCANNED:
                return block, (
                    f"{holder} points to the {block_words(block)}, which holds "
                    f"{word:#x} at {at:#x}"
                )
    return None


def _has_copy(case: Case, suspect: Suspect, block: Block) -> bool:
    """Whether a variable that is stored elsewhere holds the same number."""
    end = block.address + block.size
    return any(
        one.value == suspect.value
        and one.frame is not None
        and not (one.address is not None and block.address <= one.address < end)
        for one in case.pointers
    )


def _is_reached(holder: Holder, address: int) -> bool:
    """Whether one step from a variable leads to ``address``: ``*p``, ``p->member``."""
    return holder.frame is not None and 0 <= address - holder.value < SCANNED


RULES: tuple[Rule, ...] = (
    FreedAccess(),
    TracedToFreed(),
    FreedLink(),
    LoadedFromFreed(),
    NearFreedContents(),
    UnmappedBlock(),
)
