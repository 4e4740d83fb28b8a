"""Writes variants of a snapshot, with the ids that the documentation's pages show."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import msgspec

from coresnap.snapshot.container import read_snapshot, write_snapshot

FAULTS = (
    ("d78216f5", None, "1.2.3"),
    ("5c2f0e11", None, "1.2.2"),
    ("431991db", "4f1c9a", "1.2.3"),
    ("431991dc", "9b02d1", "1.2.3"),
    ("431991dd", "77e0", "1.2.3"),
    ("431991de", "431991db", "1.2.3"),
    ("00000000000000000000000000000004", None, "1.0"),
)
"""Beginning of the object's id, of the fingerprint (None: its own), the version."""


def main(snapshot: Path, directory: Path) -> None:
    """Write a snapshot for each of ``FAULTS`` into the directory."""
    whole = read_snapshot(snapshot)
    for number, (name, fingerprint, version) in enumerate(FAULTS):
        attributes = {
            **whole.attributes,
            "coresnap.object": name.ljust(32, "0"),
            "hostname": "web-1" if number % 2 else "broadwell",
            "timestamp": int(time.time()) - 60 * number,
            "application.version": version,
            "version": version,
            "cache.used": 4096,
            "customer": "acme",
            "error.type": "segmentation fault",
        }
        changed = msgspec.structs.replace(whole, attributes=attributes)
        if fingerprint is not None:
            group = fingerprint.ljust(64, "0")
            changed = msgspec.structs.replace(changed, fingerprint=group)
        write_snapshot(changed, directory / f"{number}.csnap")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
