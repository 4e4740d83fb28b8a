"""Which pointers of a crash are to be explained, and which lead into freed memory."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import msgspec

from coresnap.analysis.variable_paths import variable_paths

if TYPE_CHECKING:
    from coresnap.analysis.classify.case import Case
    from coresnap.analysis.heap.heaps import Placement

__all__ = [
    "FIRST_POINTER",
    "Holder",
    "Pointer",
    "Suspect",
    "freed_holders",
    "is_inside_freed",
    "is_telling",
    "pointers",
    "suspects",
]

FIRST_POINTER = 0x1_0000
"""No smaller number is a pointer: vm.mmap_min_addr is 64 KiB."""
_FRAMES = 8
"""Frames of the crashed thread whose variables are looked at, innermost first."""
_PATHS = 20_000
_HOLDERS = 64
_RED_ZONE = 128
"""Bytes below the stack pointer that a leaf function may use (psABI of x86-64)."""
_STACK_BYTES = 4096


class Suspect(msgspec.Struct, frozen=True):
    """A number that the failed access was made with."""

    name: str
    """``rax``, or ``pc`` where the access was to fetch an instruction."""
    value: int


class Pointer(msgspec.Struct, frozen=True):
    """A variable or register of the crashed thread that may be a pointer."""

    name: str
    """``list->head of main``, ``rbx``."""
    value: int
    frame: int | None
    """Index in the thread's frames; None for a register."""
    address: int | None = None
    """Where it is stored; None for a register."""


class Holder(msgspec.Struct, frozen=True):
    """Something in the crashed thread that points into a heap block."""

    name: str
    """``list->head of main``, ``rbx``."""
    value: int
    placement: Placement
    frame: int | None
    """Index in the thread's frames; None for a register."""

    def __str__(self) -> str:
        return f"{self.name} = {self.value:#x}"


def suspects(case: Case) -> Iterator[Suspect]:
    """Yield the registers of the failed access's address, the base first."""
    access = case.access
    if access is None:
        return
    if access.kind == "execute" and access.address is not None:
        yield Suspect("pc", access.address)
    for name in access.registers:
        value = case.registers.get(name)
        if value is not None:
            yield Suspect(name, value)


def is_telling(value: int, pointer_size: int) -> bool:
    """Whether an equal number elsewhere is more than chance: no small number, of
    either sign."""
    return FIRST_POINTER <= value < (1 << 8 * pointer_size) - FIRST_POINTER


def pointers(case: Case) -> Iterator[Pointer]:
    """Yield what may be a pointer in the crashed thread, variables first."""
    for index, frame in enumerate(case.frames[: case.failed_frame + _FRAMES]):
        of = f" of {frame.function}" if frame.function else ""
        for path, variable in variable_paths(frame.variables, _PATHS):
            if type(variable.value) is int and variable.value >= FIRST_POINTER:
                yield Pointer(path + of, variable.value, index, variable.address)
    for name, value in case.registers.items():
        if value >= FIRST_POINTER:
            yield Pointer(name, value, None)
    yield from _stack_words(case)


def _stack_words(case: Case) -> Iterator[Pointer]:
    """What the failed code's own frame holds: all that there is of its variables where
    nothing describes them."""
    failed = case.fault.frame if case.fault is not None else 0
    if not case.stacks or failed >= len(case.stacks[0].frames):
        return
    frame = case.stacks[0].frames[failed]
    start = frame.registers.get(case.core.architecture.stack_pointer)
    if start is None or frame.cfa is None:
        return
    start -= _RED_ZONE
    size = min(frame.cfa - start, _STACK_BYTES)
    for address, value in case.core.memory.read_words(start, size):
        if value >= FIRST_POINTER:
            yield Pointer(f"the stack word at {address:#x}", value, None, address)


def freed_holders(case: Case) -> list[Holder]:
    """What of the crashed thread leads into free heap blocks, variables first."""
    found: list[Holder] = []
    seen: set[int] = set()
    if case.heaps is None:
        return found
    for one in case.pointers:
        if one.value in seen:
            continue
        seen.add(one.value)
        placement = case.heaps.place(one.value)
        if placement is not None and is_inside_freed(placement):
            found.append(Holder(one.name, one.value, placement, one.frame))
            if len(found) >= _HOLDERS:
                break
    return found


def is_inside_freed(placement: Placement) -> bool:
    """Whether an address lies in a block that was freed, not in a header or behind."""
    block = placement.block
    return block.state == "free" and 0 <= placement.offset < max(block.size, 1)
