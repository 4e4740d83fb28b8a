"""Snapshots as hosts send them, small and whole."""

from __future__ import annotations

from coresnap.model import Snapshot
from coresnap.snapshot.container import pack_snapshot
from coresnap.store.fault import Value

__all__ = ["make_snapshot"]

_FIELDS: dict[str, object] = {
    "system": "Linux",
    "architecture": "x86-64",
    "pid": 42,
    "command": "simple",
    "arguments": "./simple --verbose",
    "signal": None,
}


def make_snapshot(
    number: int = 1,
    kind: int = 0,
    callstack: tuple[str, ...] = ("program", "main"),
    **attributes: Value,
) -> bytes:
    """Return the file of the ``number``th crash of the ``kind``th bug."""
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
            callstack=callstack,
        )
    )
