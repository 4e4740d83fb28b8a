"""The nouns of a snapshot: frozen records that travel through the whole suite.

Conventions: addresses are ints, times are UTC nanoseconds since the epoch, sizes are
bytes. ``None`` means "not known", never "no". A sequence is never ``None``. Every
class that is part of a snapshot is encoded field by field under its own name
(``docs/formats.md``), so a field's name is a wire format.
"""

from __future__ import annotations

from coresnap.model.process import (
    Dropped,
    Mapping,
    MemoryRange,
    Module,
    Note,
    Search,
    Signal,
)
from coresnap.model.snapshot import Snapshot
from coresnap.model.stacks import (
    Annotation,
    Frame,
    Thread,
    Trust,
    UnwindEnd,
    Variable,
    VariableKind,
)
from coresnap.model.verdict import (
    Access,
    Alias,
    Allocator,
    Block,
    Classifier,
    HeapDamage,
    Instruction,
    QualityPart,
)

__all__ = [
    "Access",
    "Alias",
    "Allocator",
    "Annotation",
    "Block",
    "Classifier",
    "Dropped",
    "Frame",
    "HeapDamage",
    "Instruction",
    "Mapping",
    "MemoryRange",
    "Module",
    "Note",
    "QualityPart",
    "Search",
    "Signal",
    "Snapshot",
    "Thread",
    "Trust",
    "UnwindEnd",
    "Variable",
    "VariableKind",
]
