"""The whole of what analysis concluded about one crash."""

from __future__ import annotations

import msgspec

from coresnap.model.process import (
    Dropped,
    Mapping,
    MemoryRange,
    Module,
    Note,
    Signal,
)
from coresnap.model.stacks import Annotation, Thread, Variable
from coresnap.model.verdict import (
    Alias,
    Allocator,
    Block,
    Classifier,
    Instruction,
    QualityPart,
)

__all__ = [
    "Snapshot",
]


class Snapshot(msgspec.Struct, frozen=True):
    """What analysis concluded about one crash; needs nothing else to be read."""

    system: str
    """``Linux`` or ``FreeBSD``: whose numbers the signal and codes are."""
    architecture: str
    """``x86-64``, ``i386``, ``aarch64``, …"""
    pid: int | None
    command: str | None
    """Process name (comm)."""
    arguments: str | None
    """Command line as the core holds it: cut at 80 bytes by the kernel, and so where
    there is no core."""
    signal: Signal | None
    """None for a core of a live process."""
    threads: tuple[Thread, ...] = ()
    """The crashed thread first."""
    modules: tuple[Module, ...] = ()
    """By start address."""
    mappings: tuple[Mapping, ...] = ()
    globals: tuple[Variable, ...] = ()
    classifiers: tuple[Classifier, ...] = ()
    fingerprint: str = ""
    """64 hex digits; equal for the same fault (``docs/fingerprints.md``)."""
    fingerprint_frames: tuple[str, ...] = ()
    """The normalised frames that went into the fingerprint."""
    quality: int = 0
    """0–100: how comprehensible this snapshot is."""
    quality_reason: str = ""
    """The largest deduction, in words."""
    attributes: dict[str, int | float | str] = msgspec.field(default_factory=dict)
    """Queryable facts; see ``docs/attributes.md`` for unit and origin of each."""
    notes: tuple[Note, ...] = ()
    dropped: tuple[Dropped, ...] = ()
    """What budgets left out, most wanted first."""
    truncated: bool = False
    """The core ends before its program headers say it does."""
    core_size: int | None = None
    """Apparent bytes of the core."""
    memory: tuple[MemoryRange, ...] = ()
    """Stacks and surroundings of registers, ascending; for hex views."""
    assets: dict[str, bytes] = msgspec.field(default_factory=dict)
    """``/proc`` files kept by policy: name as in the assets tar to contents."""
    summary: str = ""
    """One paragraph in plain words: what went wrong, the most certain first."""
    instruction: Instruction | None = None
    """What the crashed thread executed; None if it cannot be read, or did not fail."""
    heaps: tuple[Allocator, ...] = ()
    blocks: tuple[Block, ...] = ()
    """Blocks that the fault, its registers and its aliases lie in."""
    aliases: tuple[Alias, ...] = ()
    """What else leads to the memory of the fault, nearest first."""
    annotations: tuple[Annotation, ...] = ()
    callstack: tuple[str, ...] = ()
    """The crashed thread's frames to read: normalised, without machinery."""
    quality_parts: tuple[QualityPart, ...] = ()
