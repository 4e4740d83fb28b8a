"""Recorded snapshots, and as many crashes as are wanted that look like them."""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Mapping
from pathlib import Path

import msgspec

from coresnap.model import MemoryRange, Snapshot
from coresnap.snapshot.container import pack_snapshot, read_snapshot
from coresnap.store.fault import Value

__all__ = ["fingerprint_of", "is_sure", "recorded_crash"]

_TESTS = Path(__file__).parent.parent
_RECORDINGS = (
    _TESTS / "views" / "web" / "snapshots" / "simple.csnap",
    *(
        _TESTS / "fleet" / "snapshots" / f"{name}.csnap"
        for name in ("freed_twice", "null_pointers", "gives_up")
    ),
)
_FAR = 0x10_0000_0000
"""An address below all memory of the recordings."""
_BLOCK = 1 << 20


def fingerprint_of(kind: int) -> str:
    """Return the fingerprint of the crashes of a kind, 64 hex digits."""
    recorded = _recording(kind % len(_RECORDINGS)).fingerprint
    return hashlib.sha256(f"{recorded} {kind}".encode()).hexdigest()


def is_sure(kind: int) -> bool:
    """Say whether the verdict on a kind's crashes is sure: on two of four."""
    return kind % len(_RECORDINGS) in (0, 1)


def recorded_crash(
    kind: int, attributes: Mapping[str, Value], *, ballast: int = 0
) -> bytes:
    """Return the file of a crash of a kind, with these attributes.

    ``ballast`` is bytes of memory that cannot be compressed, beside what was recorded.
    """
    recorded = _recording(kind % len(_RECORDINGS))
    changed = msgspec.structs.replace(
        recorded,
        attributes={**recorded.attributes, **attributes},
        fingerprint=fingerprint_of(kind),
        memory=(*_ballast(ballast, str(attributes)), *recorded.memory),
    )
    return pack_snapshot(changed)


@functools.cache
def _recording(number: int) -> Snapshot:
    return read_snapshot(_RECORDINGS[number])


def _ballast(size: int, seed: str) -> tuple[MemoryRange, ...]:
    return tuple(
        MemoryRange(
            _FAR + start,
            hashlib.shake_256(f"{seed}{start}".encode()).digest(
                min(_BLOCK, size - start)
            ),
        )
        for start in range(0, size, _BLOCK)
    )
