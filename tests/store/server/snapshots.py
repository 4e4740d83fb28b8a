"""Snapshots as hosts send them, small and whole."""

from __future__ import annotations

from coresnap.model import Snapshot
from coresnap.snapshot.container import pack_snapshot
from coresnap.store.fault import Value

__all__ = ["make_snapshot", "make_snapshot_of"]

_FIELDS: dict[str, object] = {
    "system": "Linux",
    "architecture": "x86-64",
    "pid": 42,
    "command": "simple",
    "arguments": "./simple --verbose",
    "signal": None,
}


def make_snapshot(number: int = 1, kind: int = 0, **attributes: Value) -> bytes:
    """Return the file of the ``number``th crash of the ``kind``th bug."""
    return make_snapshot_of(("program", "main"), number, kind, **attributes)


def make_snapshot_of(
    frames: tuple[str, ...], number: int, kind: int, **attributes: Value
) -> bytes:
    """The same with another call stack."""
    known: dict[str, Value] = {
        "application": "simple",
        "coresnap.object": f"{number:032x}",
        "hostname": f"host-{number % 3}",
        "timestamp": 1_700_000_000 + number,
    }
    return pack_snapshot(
        Snapshot(
            **_FIELDS,  # type: ignore[arg-type]
            attributes={**known, **attributes},
            fingerprint=f"{kind:064x}",
            callstack=frames,
        )
    )
