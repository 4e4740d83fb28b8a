"""What the code of a function has done to its frame, up to one instruction."""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum

import msgspec

__all__ = ["Decoder", "Flow", "FrameLayout", "Instruction"]


class Realignment(msgspec.Struct, eq=False):
    """A frame whose stack pointer was rounded down: nobody knows by how much.

    Offsets count from the rounded address. The one way back is a pointer into the
    unrounded part that was saved beyond it.
    """

    depth: int = 0
    bases: dict[int, int] = msgspec.field(default_factory=dict)
    saved: dict[int, int] = msgspec.field(default_factory=dict)
    pointer: tuple[int, int] | None = None
    """Where that pointer is, and its offset from the stack pointer at entry."""

    def copy(self) -> Realignment:
        """One that may change on its own."""
        return Realignment(
            self.depth, self.bases.copy(), self.saved.copy(), self.pointer
        )


class FrameLayout(msgspec.Struct, eq=False):
    """Offsets count from the stack pointer at the function's first instruction."""

    depth: int | None = 0
    """Bytes that the stack pointer is below that; None once nobody can tell."""
    saved: dict[int, int] = msgspec.field(default_factory=dict)
    """Registers whose value at entry is in memory, and at which offset."""
    bases: dict[int, int] = msgspec.field(default_factory=dict)
    """Registers that hold an address in the frame, and its offset."""
    constants: dict[int, int] = msgspec.field(default_factory=dict)
    """Registers that hold a known number: sizes of large frames."""
    outermost: bool = False
    """The frame pointer was zeroed: the ABIs' mark of a stack's end."""
    compared: int | None = None
    """The register that the stack pointer was last compared with."""
    realigned: Realignment | None = None
    repeated: bool = False
    """The register that points to where its old value was saved is saved again: that
    is another function's prologue."""

    def copy(self) -> FrameLayout:
        """One that may change on its own."""
        return FrameLayout(
            self.depth,
            self.saved.copy(),
            self.bases.copy(),
            self.constants.copy(),
            self.outermost,
            self.compared,
            None if self.realigned is None else self.realigned.copy(),
        )

    @property
    def known(self) -> int:
        """How many values are known to be somewhere."""
        realigned = self.realigned
        if realigned is None:
            return len(self.saved)
        inner = len(realigned.saved) + len(realigned.bases)
        return len(self.saved) + inner + (realigned.pointer is not None) + 1

    def realign(self) -> None:
        """The stack pointer is rounded down."""
        self.depth, self.realigned = None, Realignment()

    def grow(self, size: int) -> None:
        """The stack pointer goes down by ``size``, or up."""
        if self.depth is None:
            if self.realigned is not None:
                self.realigned.depth += size
            return
        self.depth += size
        if size < 0:
            for register, offset in list(self.saved.items()):
                if offset < -self.depth:
                    del self.saved[register]

    def save(self, register: int, offset: int) -> None:
        """``register`` is stored at ``offset``; what is stored later is not its value
        at entry."""
        if register in self.saved and self.bases.get(register) == self.saved[register]:
            self.repeated = True
        self.saved.setdefault(register, offset)

    def save_at_stack_pointer(self, register: int, displacement: int) -> None:
        """``register`` is stored at the stack pointer plus ``displacement``."""
        realigned = self.realigned
        if self.depth is not None:
            self.save(register, displacement - self.depth)
        elif realigned is not None:
            offset = displacement - realigned.depth
            if register in self.bases:
                # Only the first: later ones are what calls have made of the register.
                realigned.pointer = realigned.pointer or (offset, self.bases[register])
            else:
                realigned.saved.setdefault(register, offset)

    def store(self, register: int, base: int, displacement: int) -> None:
        """``register`` is stored at a register plus ``displacement``."""
        if base in self.bases:
            self.save(register, self.bases[base] + displacement)

    def set_base(self, register: int, displacement: int) -> None:
        """``register`` becomes the stack pointer plus ``displacement``."""
        if self.depth is None:
            self.bases.pop(register, None)
            if self.realigned is not None:
                self.realigned.bases[register] = displacement - self.realigned.depth
        else:
            self.bases[register] = displacement - self.depth

    def add(self, target: int, source: int, value: int, stack_pointer: int) -> None:
        """``target`` becomes ``source`` plus ``value``; each of them may be the
        ``stack_pointer``, whose number that is."""
        if target == source == stack_pointer:
            self.grow(-value)
        elif target == stack_pointer:
            self.set_stack_pointer(source, value)
        elif source == stack_pointer:
            self.set_base(target, value)
        elif source in self.bases:
            self.bases[target] = self.bases[source] + value
        else:
            self.bases.pop(target, None)

    def set_stack_pointer(self, base: int, displacement: int) -> None:
        """The stack pointer becomes a register plus ``displacement``."""
        offset = self.bases.get(base)
        if offset is None:
            self.depth = None
        elif self.depth is None:
            self.depth = -(offset + displacement)
        else:
            self.grow(-(offset + displacement) - self.depth)


class Flow(Enum):
    """Where execution goes after an instruction."""

    NEXT = "next"
    BRANCH = "next, or to the target"
    JUMP = "to the target, or nobody knows where"
    RETURN = "to the caller"
    CALL = "next, unless what is called does not return"
    PAD = "next, without having done anything"


class Instruction(msgspec.Struct, frozen=True, eq=False):
    """Size in bytes, and what follows."""

    size: int
    flow: Flow = Flow.NEXT
    target: int | None = None


Decoder = Callable[[bytes, int, int, FrameLayout], Instruction | None]
"""(code, position, address of that, layout) to the instruction there, whose effect the
layout has taken; None if the bytes are no instruction that the decoder knows."""
