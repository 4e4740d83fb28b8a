"""What went wrong, and by which signs: conclusions and what they rest on."""

from __future__ import annotations

import msgspec

__all__ = [
    "Access",
    "Alias",
    "Allocator",
    "Block",
    "Classifier",
    "HeapDamage",
    "Instruction",
    "QualityPart",
]


class Classifier(msgspec.Struct, frozen=True, omit_defaults=True):
    """A conclusion, how sure it is, and what a person can check."""

    name: str
    confidence: str
    """``certain``, ``strong``, ``probable`` or ``hint``."""
    evidence: tuple[str, ...]
    tid: int | None = None
    address: int | None = None
    frame: int | None = None
    """Index in the thread's frames of the one that it speaks of."""
    rule: str = ""
    """Which rule of ``docs/classifiers.md`` concluded it."""
    summary: str = ""
    """What the program did, in plain words and without subject or full stop: ``wrote 1
    byte to freed memory``. Empty if the name says all."""


class Access(msgspec.Struct, frozen=True, omit_defaults=True):
    """One memory access of an instruction."""

    kind: str
    """``read``, ``write`` (also read and write) or ``execute``."""
    width: int
    """Bytes; 0 if nobody can say."""
    expression: str
    """Operand as the assembler writes it: ``[rax + 8]``."""
    registers: tuple[str, ...] = ()
    """Registers that the address is made of, the base first."""
    displacement: int = 0
    address: int | None = None
    """Recomputed from the registers of the fault; None if one of them is not known."""


class Instruction(msgspec.Struct, frozen=True, omit_defaults=True):
    """The instruction that faulted."""

    address: int
    text: str
    """``mov qword ptr [rax + 8], rdx``; ``(bad)`` for bytes that are no instruction,
    ``(no code)`` where control went to memory that cannot be executed."""
    data: bytes
    """Its own bytes; of what is no instruction those that stand there, at most 16."""
    accesses: tuple[Access, ...] = ()
    fault: int | None = None
    """Index in ``accesses`` of the one that failed; None if none of them explains the
    fault."""


class Block(msgspec.Struct, frozen=True, omit_defaults=True):
    """A block of memory that an allocator manages."""

    address: int
    """What malloc returned, or would return."""
    size: int
    """Usable bytes."""
    state: str
    """``live``, ``free``, ``top`` (never handed out, or merged back into what was
    not), ``metadata`` (the allocator's own), or ``unknown``."""
    allocator: str
    """``glibc``, ``jemalloc``, ``tcmalloc``, ``mimalloc``."""
    free_list: str | None = None
    """Where a free block waits: ``tcache of thread 7``, ``fastbin 32``, …"""
    arena: str | None = None
    preview: bytes = b""
    """Its first bytes, at most 64."""


class HeapDamage(msgspec.Struct, frozen=True, omit_defaults=True):
    """A place where an allocator's own data contradicts itself."""

    address: int
    """Of the first bad word."""
    what: str
    """What is wrong, with the numbers: ``size 0x4141414141414141 of a chunk …``."""
    allocator: str
    overrun: Block | None = None
    """The block before it, whose owner probably wrote too far."""
    data: bytes = b""
    """The bytes that were written there, at most 64."""
    kind: str = "header"
    """``header`` (of a block), ``link`` (of a free block to the next), ``twice`` (a
    block that is free two times), ``count`` (lists and counters disagree), ``key`` (the
    mark of a freed block was overwritten)."""
    doubt: str = ""
    """Why it may be no damage: another thread was changing the heap just then."""


class Allocator(msgspec.Struct, frozen=True, omit_defaults=True):
    """One allocator's heap as a whole."""

    name: str
    """As in ``Block.allocator``."""
    version: str | None = None
    """``2.36``; a range where layouts alone tell: ``2.32–2.41``."""
    found_by: str = ""
    """``symbols``, ``dynamic symbols`` or ``structure``: how its data was found."""
    arenas: int = 0
    live_blocks: int = 0
    live_bytes: int = 0
    free_blocks: int = 0
    free_bytes: int = 0
    mapped_bytes: int = 0
    """Bytes it got from the system."""
    damage: tuple[HeapDamage, ...] = ()
    freed: tuple[Block, ...] = ()
    """Freed blocks, the most recent first as far as the lists tell; at most 64."""
    notes: tuple[str, ...] = ()
    """What could not be read, and what is not known of this allocator."""


class Alias(msgspec.Struct, frozen=True, omit_defaults=True):
    """One place that holds a pointer into the memory of the fault."""

    holder: str
    """``variable``, ``register``, ``stack``, ``global``, ``tls`` or ``heap``."""
    name: str
    """``list->head``, ``rbx``; empty for a word nobody named."""
    value: int
    """The pointer."""
    offset: int
    """``value`` minus the start of what it leads to."""
    level: int = 1
    """1: leads to the memory of the fault; 2: to a block with one of level 1; …"""
    type: str | None = None
    """Declared type of the holder."""
    address: int | None = None
    """Where the holder lives; None for a register."""
    tid: int | None = None
    frame: int | None = None
    """Index in the thread's frames."""
    remark: str | None = None
    """``stale`` or ``type conflict``, with the reason."""


class QualityPart(msgspec.Struct, frozen=True, omit_defaults=True):
    """One part of the quality score."""

    name: str
    weight: int
    """Points that it is worth at most; all parts together 100."""
    value: float
    """0–1: how much of that it got."""
    reason: str = ""
    """What it lost the rest by; empty if nothing."""
    remedy: str = ""
    """What would raise it; empty if nothing can."""
