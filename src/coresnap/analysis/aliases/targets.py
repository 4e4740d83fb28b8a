"""The memory that a fault is about: what other pointers are compared with.

It is the block that a register of the failed access points into, the block whose link
word such a register holds, the object that the bad pointer was loaded from, and the
block that a conclusion speaks of. Where there is no block, it is the pointer itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import msgspec

from coresnap.analysis.aliases.operands import Operand
from coresnap.analysis.classify.case import Case
from coresnap.analysis.classify.freed_pointer import freed_pointer
from coresnap.analysis.classify.suspects import FIRST_POINTER
from coresnap.analysis.variable_paths import variable_paths
from coresnap.model import Block, Classifier

__all__ = ["Target", "block_target", "describe_block", "find_targets"]

_ABOUT_BLOCKS = frozenset(
    {
        *("use-after-free", "double-free", "invalid-free", "heap.overflow"),
        *("stale-pointer", "type-violation", "uninitialised"),
    }
)
"""Conclusions whose address is that of a block, or in one."""
_MOST_MARGIN = 4096
_MOST_TARGETS = 16
_MOST_SLOTS = 4
_POINTER_BITS = 56
"""Of an address, whatever the machine: LA57 has 56, aarch64 at most 52."""


class Target(msgspec.Struct, frozen=True):
    """A span of addresses that pointers may lead to."""

    start: int
    end: int
    description: str
    """``the freed 24-byte block at 0x…``, ``0x…``: what follows ``points into``."""
    relation: str
    """What it has to do with the fault: ``as the faulting rax does``."""
    pointer: int
    """The address in it that the fault has to do with."""
    block: Block | None = None


def find_targets(
    case: Case, pointers: Sequence[Operand], concluded: Iterable[Classifier]
) -> tuple[Target, ...]:
    """The memory that ``case`` is about, most certain first, disjoint.

    ``pointers`` are the failed access's. Nothing where no memory access failed and
    nobody speaks of a block.
    """
    disjoint: list[Target] = []
    for target in _candidates(case, pointers, concluded):
        if all(target.end <= o.start or o.end <= target.start for o in disjoint):
            disjoint.append(target)
        if len(disjoint) == _MOST_TARGETS:
            break
    return tuple(disjoint)


def _candidates(
    case: Case, pointers: Sequence[Operand], concluded: Iterable[Classifier]
) -> Iterator[Target]:
    for pointer in pointers:
        yield from _pointed_block(case, pointer)
    for pointer in pointers:
        yield from _source_blocks(case, pointer)
    yield from _freed_blocks(case)
    for classifier in concluded:
        yield from _concluded_block(case, classifier)
    for pointer in pointers:
        yield from _pointer_itself(case, pointer)


def _pointed_block(case: Case, pointer: Operand) -> Iterator[Target]:
    if case.heaps is None or pointer.value < FIRST_POINTER:
        return
    block = _block_at(case, pointer.value)
    if block is not None:
        relation = f"as the faulting {pointer.name} does"
        yield from block_target(block, relation, pointer.value)
    linked = case.heaps.linked(pointer.value)
    if linked is not None:
        yield from block_target(
            linked, f"whose link word the faulting {pointer.name} holds"
        )


def _freed_blocks(case: Case) -> Iterator[Target]:
    """What the allocator was asked to free when it gave up."""
    if case.heaps is None:
        return
    for message in case.messages:
        pointer = freed_pointer(case, message)
        placed = None if pointer is None else case.heaps.place(pointer)
        if placed is not None:
            yield from block_target(placed.block, "which was to be freed")


def _concluded_block(case: Case, classifier: Classifier) -> Iterator[Target]:
    if case.heaps is None or classifier.name not in _ABOUT_BLOCKS:
        return
    if classifier.address is not None:
        placed = case.heaps.place(classifier.address)
        if placed is not None:
            yield from block_target(
                placed.block, f"which the {classifier.name} is about"
            )


def _source_blocks(case: Case, pointer: Operand) -> Iterator[Target]:
    """The objects that the bad pointer may have been loaded from."""
    if pointer.slot is None:
        slots = _slots(case, pointer)
    else:
        slots = [pointer.slot]
        owner = _block_at(case, pointer.owner)
        if owner is not None and not _holds(owner, pointer.slot):
            # The object was taken for a larger one: the slot is somebody else's.
            relation = f"behind which the faulting {pointer.name} was loaded from"
            yield from block_target(owner, relation, pointer.owner)
            return
    for slot in slots:
        block = _block_at(case, slot)
        if block is not None:
            relation = f"which the faulting {pointer.name} was loaded from"
            yield from block_target(block, relation, slot)


def _block_at(case: Case, address: int | None) -> Block | None:
    """The block that holds an address, if it is not behind its end or in its header."""
    if address is None or case.heaps is None:
        return None
    placed = case.heaps.place(address)
    return placed.block if placed and _holds(placed.block, address) else None


def _holds(block: Block, address: int) -> bool:
    return block.address <= address < block.address + max(block.size, 1)


def _slots(case: Case, pointer: Operand) -> list[int]:
    """Where it may have come from: the failed function's pointers of this value."""
    found: dict[int, None] = {}
    for frame in case.frames[case.failed_frame :]:
        for _, variable in variable_paths(frame.variables):
            address, is_pointer = variable.address, variable.type.endswith(("*", "&"))
            if variable.value == pointer.value and is_pointer and address is not None:
                found[address] = None
        if not frame.inline:
            break
    # Of many null pointers in sight nobody knows which one it was.
    most = _MOST_SLOTS if pointer.value >= FIRST_POINTER else 1
    return list(found) if len(found) <= most else []


def _pointer_itself(case: Case, pointer: Operand) -> Iterator[Target]:
    if not FIRST_POINTER <= pointer.value < 1 << _POINTER_BITS:
        return
    if case.heaps is not None and case.heaps.linked(pointer.value) is not None:
        return  # an allocator's word: nobody points with it
    access = case.access
    margin = 1
    if access is not None:
        margin = max(1, access.width + max(0, access.displacement))
    end = pointer.value + min(margin, _MOST_MARGIN)
    relation = f"as the faulting {pointer.name} does"
    yield Target(pointer.value, end, f"{pointer.value:#x}", relation, pointer.value)


def block_target(
    block: Block, relation: str, pointer: int | None = None
) -> Iterator[Target]:
    """A whole block as a target, of which ``pointer`` (else its start) counts most;
    nothing for what no program points to by itself."""
    if block.state in ("live", "free", "unknown"):
        end = block.address + max(block.size, 1)
        described = f"the {describe_block(block)}"
        near = block.address if pointer is None else pointer
        yield Target(block.address, end, described, relation, near, block)


def describe_block(block: Block) -> str:
    """``freed 24-byte block at 0x…``."""
    state = {"free": "freed ", "live": ""}.get(block.state, "")
    return f"{state}{block.size}-byte block at {block.address:#x}"
