"""The memory that a fault is about: what other pointers are compared with.

It is the block that a register of the failed access points into, the block whose link
word such a register holds, the object that the bad pointer was loaded from, and the
block that a conclusion speaks of. Where there is no block, it is the pointer itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import msgspec

from coresnap.analysis.classify.case import Case
from coresnap.analysis.classify.freed_pointer import freed_pointer
from coresnap.analysis.classify.suspects import FIRST_POINTER, Suspect, suspects
from coresnap.analysis.variable_paths import variable_paths
from coresnap.model import Block, Classifier

__all__ = ["Target", "block_target", "describe_block", "find_targets"]

_FAULTS = frozenset({"SIGSEGV", "SIGBUS"})
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
    block: Block | None = None


def find_targets(case: Case, concluded: Iterable[Classifier]) -> tuple[Target, ...]:
    """The memory that ``case`` is about, most certain first, disjoint.

    Nothing where no memory access failed and nobody speaks of a block.
    """
    disjoint: list[Target] = []
    for target in _candidates(case, concluded):
        if all(target.end <= o.start or o.end <= target.start for o in disjoint):
            disjoint.append(target)
        if len(disjoint) == _MOST_TARGETS:
            break
    return tuple(disjoint)


def _candidates(case: Case, concluded: Iterable[Classifier]) -> Iterator[Target]:
    pointers = _bad_pointers(case)
    for pointer in pointers:
        yield from _pointed_block(case, pointer)
    yield from _freed_blocks(case)
    for classifier in concluded:
        yield from _concluded_block(case, classifier)
    for pointer in pointers:
        yield from _source_blocks(case, pointer)
    for pointer in pointers:
        yield from _pointer_itself(case, pointer)


def _bad_pointers(case: Case) -> Sequence[Suspect]:
    """Registers that the failed access was made of, the base first."""
    signal = case.signal
    if signal is None or case.fault_address is None:
        return ()
    if case.access is None:
        is_fault = signal.name in _FAULTS and signal.sender_pid is None
        return (Suspect("address", case.fault_address),) if is_fault else ()
    architecture = case.core.architecture
    own = architecture.stack_pointer, architecture.program_counter
    names = {architecture.register_names.get(number) for number in own}
    return [suspect for suspect in suspects(case) if suspect.name not in names]


def _pointed_block(case: Case, pointer: Suspect) -> Iterator[Target]:
    if case.heaps is None or pointer.value < FIRST_POINTER:
        return
    placed = case.heaps.place(pointer.value)
    if placed is not None and 0 <= placed.offset < max(placed.block.size, 1):
        yield from block_target(placed.block, f"as the faulting {pointer.name} does")
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


def _source_blocks(case: Case, pointer: Suspect) -> Iterator[Target]:
    """The objects that the bad pointer may have been loaded from."""
    if case.heaps is None:
        return
    slots = dict.fromkeys(_slots(case, pointer))
    # Of many null pointers in sight nobody knows which one it was.
    if len(slots) > (_MOST_SLOTS if pointer.value >= FIRST_POINTER else 1):
        return
    for slot in slots:
        placed = case.heaps.place(slot)
        if placed is not None and 0 <= placed.offset < placed.block.size:
            yield from block_target(
                placed.block, f"which the faulting {pointer.name} was loaded from"
            )


def _slots(case: Case, pointer: Suspect) -> Iterator[int]:
    """Addresses of the pointers of the failed function that have this value."""
    for frame in case.frames[case.failed_frame :]:
        for _, variable in variable_paths(frame.variables):
            address, is_pointer = variable.address, variable.type.endswith(("*", "&"))
            if variable.value == pointer.value and is_pointer and address is not None:
                yield address
        if not frame.inline:
            return


def _pointer_itself(case: Case, pointer: Suspect) -> Iterator[Target]:
    if not FIRST_POINTER <= pointer.value < 1 << _POINTER_BITS:
        return
    access = case.access
    margin = 1
    if access is not None:
        margin = max(1, access.width + max(0, access.displacement))
    end = pointer.value + min(margin, _MOST_MARGIN)
    relation = f"as the faulting {pointer.name} does"
    yield Target(pointer.value, end, f"{pointer.value:#x}", relation)


def block_target(block: Block, relation: str) -> Iterator[Target]:
    """A whole block as a target; nothing for what no program points to by itself."""
    if block.state in ("live", "free", "unknown"):
        end = block.address + max(block.size, 1)
        described = f"the {describe_block(block)}"
        yield Target(block.address, end, described, relation, block)


def describe_block(block: Block) -> str:
    """``freed 24-byte block at 0x…``."""
    state = {"free": "freed ", "live": ""}.get(block.state, "")
    return f"{state}{block.size}-byte block at {block.address:#x}"
