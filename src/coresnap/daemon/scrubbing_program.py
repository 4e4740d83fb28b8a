"""Takes secrets out of one snapshot: a program of its own, for it reads hostile bytes.

``python -m coresnap.daemon.scrubbing_program RULES`` reads a snapshot from standard
input and writes what may leave this machine to standard output: the length of a head
(u32, little-endian), the head (JSON, ``Head``), the snapshot. It has no credentials and
bounded memory and time, and is confined as a worker is: no network, no file to change,
no program to start. RULES is JSON of ``snapshot.scrubbing.Rules``.
"""

from __future__ import annotations

import os
import resource
import struct
import sys
import tempfile

import msgspec

from coresnap.backends import confine
from coresnap.errors import CoresnapError

__all__ = ["LENGTH", "Head", "main"]

LENGTH = struct.Struct("<I")
_MEMORY = 2 << 30
_SECONDS = 120


class Head(msgspec.Struct, frozen=True):
    """What the store is asked before the snapshot is sent, and what was taken out."""

    fingerprint: str = ""
    attributes: dict[str, int | float | str] = {}
    scrubbed: dict[str, int] = {}
    error: str = ""
    """Why it cannot be read; nothing follows then."""


def main() -> None:
    """Scrub standard input to standard output."""
    rules_text = sys.argv[1]
    for kind, limit, ceiling in (
        (resource.RLIMIT_AS, _MEMORY, _MEMORY),
        # SIGXCPU comes at the soft limit: SIGKILL alone would be somebody's doing.
        (resource.RLIMIT_CPU, _SECONDS, _SECONDS + 1),
        (resource.RLIMIT_CORE, 0, 0),
    ):
        resource.setrlimit(kind, (limit, ceiling))
    _rehearse(rules_text)
    confine()
    try:
        head, body = _scrubbed(rules_text, 0)
    except CoresnapError as error:
        head, body = Head(error=str(error)), b""
    except MemoryError:
        head, body = Head(error="it takes more memory than snapshots may take"), b""
    encoded = msgspec.json.encode(head)
    with os.fdopen(1, "wb", closefd=False) as output:
        output.write(LENGTH.pack(len(encoded)) + encoded + body)


def _rehearse(rules_text: str) -> None:
    """Scrub a snapshot of our own: all is imported while files can be opened.

    FreeBSD's capability mode takes every path from us.
    """
    from coresnap.model import Snapshot
    from coresnap.snapshot.container import pack_snapshot

    secret = {"process/environ": b"PASSWORD=secret\0"}
    nobody = Snapshot("FreeBSD", "x86-64", 1, "rehearsal", "password=secret", None)
    nobody = msgspec.structs.replace(nobody, assets=secret)
    with tempfile.TemporaryFile() as file:
        file.write(pack_snapshot(nobody))
        file.flush()
        _scrubbed(rules_text, file.fileno())


def _scrubbed(rules_text: str, source: int) -> tuple[Head, bytes]:
    from coresnap.snapshot.container import pack_snapshot, read_snapshot
    from coresnap.snapshot.scrubbing.rules import Rules
    from coresnap.snapshot.scrubbing.scrub import scrub, totals

    rules = msgspec.json.decode(rules_text, type=Rules)
    before = read_snapshot(os.dup(source))
    snapshot, findings = scrub(before, rules) if not rules.is_empty else (before, ())
    if findings:
        body = pack_snapshot(snapshot)
    else:
        os.lseek(source, 0, os.SEEK_SET)
        with os.fdopen(source, "rb", closefd=False) as original:
            body = original.read()
    head = Head(snapshot.fingerprint, snapshot.attributes, totals(findings))
    return head, body


if __name__ == "__main__":
    main()
