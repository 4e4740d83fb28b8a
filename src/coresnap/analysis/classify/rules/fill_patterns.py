"""Pointers that are nothing but what an allocator fills memory with."""

from __future__ import annotations

from collections.abc import Iterator

from coresnap.analysis.classify.case import Case
from coresnap.analysis.classify.freed_contents import held_word, through_freed
from coresnap.analysis.classify.rule import HINT, PROBABLE, STRONG, Rule
from coresnap.analysis.classify.suspects import (
    Holder,
    Suspect,
    suspects,
)
from coresnap.analysis.classify.words import accessed, block_words
from coresnap.model import Classifier

__all__ = ["RULES"]

_FREED_FILL = {0x5A: "jemalloc", 0xE5: "mozjemalloc"}
"""Byte to who fills freed memory with it: JEMALLOC_FREE_JUNK in jemalloc's
``jemalloc_internal_types.h``, kAllocPoison in ``mozjemalloc.cpp``."""
_UNSET_FILL = 0xA5
_LARGEST_OFFSET = 4096
"""Of a member, added to the pointer before it was used."""
_FILLING = "jemalloc"
"""As in ``Block.allocator``."""


class FreedPattern(Rule):
    """The bad pointer is what an allocator fills freed memory with."""

    names = ("use-after-free",)
    confidence = (STRONG, PROBABLE, HINT)

    def apply(self, case: Case) -> Iterator[Classifier]:
        """Conclude it for jemalloc's 0x5a and mozjemalloc's 0xe5, surely only where one
        of its freed blocks holds the same: other programs write such numbers, too."""
        size = case.core.architecture.pointer_size
        for suspect in [*suspects(case)] or _unnamed(case):
            byte = _repeated(suspect.value, size)
            filler = _FREED_FILL.get(byte or 0)
            if byte is None or filler is None:
                continue
            made = _made_of(suspect, byte, size, f"{filler} fills freed memory with")
            holders = [h for h in case.freed_holders if _is_filled(case, h, byte)]
            if holders:
                block = holders[0].placement.block
                points = f"{holders[0]} points to the {block_words(block)}"
                evidence = (made, points, "which is filled with it")
                sure = STRONG if case.access is not None else PROBABLE
                yield through_freed(case, block, evidence, sure)
            elif case.access is not None and _may_be_here(case, filler):
                yield _alike(case, made)
            return


class UnsetPattern(Rule):
    """The bad pointer is what an allocator fills memory with that it hands out."""

    names = ("uninitialised",)
    confidence = (STRONG, HINT)

    def apply(self, case: Case) -> Iterator[Classifier]:
        """Conclude it for jemalloc's 0xa5, surely only where one of its live blocks
        holds the same."""
        for suspect in suspects(case):
            size = case.core.architecture.pointer_size
            byte = _repeated(suspect.value, size)
            if byte != _UNSET_FILL:
                continue
            holder = _live_holder(case, suspect)
            evidence = [_made_of(suspect, byte, size, "jemalloc fills new memory with")]
            if holder is not None:
                block = block_words(holder.placement.block)
                evidence.append(f"{holder} points to the {block}, which holds it")
            yield Classifier(
                "uninitialised",
                STRONG if holder is not None else HINT,
                tuple(evidence),
                case.tid,
                case.fault_address,
                case.failed_frame,
                summary=f"{accessed(case)} through a pointer that was never set",
            )
            return


def _alike(case: Case, made: str) -> Classifier:
    return Classifier(
        "use-after-free",
        HINT,
        (made,),
        case.tid,
        case.fault_address,
        case.failed_frame,
        summary=f"{accessed(case)} through a pointer that looks like the contents of a "
        "freed block",
    )


def _unnamed(case: Case) -> list[Suspect]:
    """The registers, where neither the kernel names an address nor the code an operand:
    a fill pattern is no address, and that is what the kernel says then."""
    fault = case.fault
    if fault is None or case.access is not None or fault.address is not None:
        return []
    return [Suspect(name, value) for name, value in case.registers.items()]


def _may_be_here(case: Case, filler: str) -> bool:
    """Whether the allocator is in this process; of one that we cannot read, maybe."""
    if case.heaps is None or filler != _FILLING:
        return True
    return any(report.name == filler for report in case.heaps.reports())


def _repeated(value: int, size: int) -> int | None:
    """The byte that all of a pointer is made of, but for a member's offset."""
    byte = value >> 8 * (size - 1)
    return byte if 0 <= value - _pattern(byte, size) < _LARGEST_OFFSET else None


def _pattern(byte: int, size: int) -> int:
    return int.from_bytes(bytes([byte]) * size, "big")


def _made_of(suspect: Suspect, byte: int, size: int, habit: str) -> str:
    offset = suspect.value - _pattern(byte, size)
    plus = f" and {offset:#x}" if offset else ""
    return (
        f"{suspect.name} {suspect.value:#x} is made of the byte {byte:#x}{plus}, "
        f"which {habit}"
    )


def _is_filled(case: Case, holder: Holder, byte: int) -> bool:
    block = holder.placement.block
    if block.allocator != _FILLING:
        return False
    size = case.core.architecture.pointer_size
    data = case.core.memory.read_some(block.address, min(block.size, size))
    return len(data) > 0 and data == bytes([byte]) * len(data)


def _live_holder(case: Case, suspect: Suspect) -> Holder | None:
    if case.heaps is None:
        return None
    for one in case.pointers:
        placement = case.heaps.place(one.value)
        if placement is None or placement.block.state != "live":
            continue
        if placement.block.allocator != _FILLING:
            continue
        if held_word(case, placement.block, [suspect]) is not None:
            return Holder(one.name, one.value, placement, one.frame)
    return None


RULES: tuple[Rule, ...] = (FreedPattern(), UnsetPattern())
