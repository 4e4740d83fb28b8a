"""What a snapshot says of itself, once every byte of it was decoded."""

from __future__ import annotations

import hashlib
import math
import re
from collections.abc import Sequence

import msgspec

from coresnap.errors import SnapshotFormatError
from coresnap.model import Module, Thread
from coresnap.snapshot.container import SnapshotReader, open_snapshot, pack_snapshot
from coresnap.snapshot.escape import printable
from coresnap.snapshot.schema import SECTION_TYPES, Summary, part
from coresnap.snapshot.scrubbing.rules import Rules
from coresnap.snapshot.scrubbing.scrub import scrub, totals
from coresnap.store.accepting.arrival import Arrival
from coresnap.store.fault import Value
from coresnap.store.symbols.missing import ATTRIBUTE as MISSING
from coresnap.store.symbols.missing import missing_symbols

__all__ = ["read_arrival", "read_scrubbed"]

ATTRIBUTES_MAX = 1000
NAME_MAX = 128
TEXT_MAX = 16 * 1024
"""Characters of one value; what is longer is cut."""
_CALLSTACK_MAX = 256
_FRAME_MAX = 1024
_TITLE_FRAMES = 3
_TITLE_MAX = 256
_EARLIEST = 946_684_800
"""2000-01-01: clocks that were never set begin in 1970."""
_LATEST = 1 << 40
"""Seconds: what is beyond is no time of a crash."""
_MEMORY_MAX = 1 << 30


def read_arrival(descriptor: int, digest: str, received: int) -> Arrival:
    """Return what the snapshot in ``descriptor`` says; the descriptor is closed.

    ``digest`` is the SHA-256 of its bytes, ``received`` seconds UTC. Raises
    SnapshotFormatError if a section, or a block of memory, is not what it should be.
    """
    with open_snapshot(descriptor) as reader:
        return _checked(reader, digest, received)


def read_scrubbed(descriptor: int, digest: str, received: int, rules: Rules) -> Arrival:
    """Return the same without what ``rules`` finds; ``body`` is then what is left."""
    with open_snapshot(descriptor) as reader:
        arrival = _checked(reader, digest, received)
        changed, findings = scrub(reader.snapshot(), rules)
    if not findings:
        return arrival
    summary: Summary = part(changed, "summary")
    told = _arrival(summary, changed.threads, changed.modules, digest, received)
    return msgspec.structs.replace(
        told,
        size=arrival.size,
        object=arrival.object,
        scrubbed=tuple(sorted(totals(findings))),
        body=pack_snapshot(changed),
    )


def _checked(reader: SnapshotReader, digest: str, received: int) -> Arrival:
    for name in SECTION_TYPES:
        reader.section(name)
    _read_memory(reader)
    threads, modules = reader.threads.threads, reader.modules.modules
    arrival = _arrival(reader.summary, threads, modules, digest, received)
    return msgspec.structs.replace(arrival, size=reader.size)


def _arrival(
    summary: Summary,
    threads: Sequence[Thread],
    modules: Sequence[Module],
    digest: str,
    received: int,
) -> Arrival:
    missing = missing_symbols(threads, modules)
    attributes = _capped(summary.attributes)
    if summary.quality:
        attributes["quality"] = summary.quality
    if missing:
        attributes[MISSING] = " ".join(one.build_id for one in missing)
    callstack = tuple(
        _clean(frame, _FRAME_MAX) for frame in summary.callstack[:_CALLSTACK_MAX]
    )
    return Arrival(
        object=_object(summary, digest),
        digest=digest,
        size=0,
        time=_time(summary, received),
        fingerprint=_fingerprint(summary),
        title=_title(summary),
        callstack=callstack,
        attributes=attributes,
        missing=missing,
    )


def _read_memory(reader: SnapshotReader) -> None:
    if reader.memory.size > _MEMORY_MAX:
        raise SnapshotFormatError(
            f"the snapshot holds {reader.memory.size} bytes of memory, "
            f"more than {_MEMORY_MAX}"
        )
    reader.memory.check_blocks()


def _object(summary: Summary, digest: str) -> str:
    told = summary.attributes.get("coresnap.object")
    if told is None:
        return digest[:32]
    name = str(told).replace("-", "").lower()
    if not re.fullmatch("[0-9a-f]{32}", name):
        raise SnapshotFormatError("attribute coresnap.object is not 32 hex digits")
    return name


def _fingerprint(summary: Summary) -> str:
    told = summary.fingerprint
    if not told:
        # Nothing but that it crashed is known, as of a record without a core.
        known = summary.attributes.get("application"), summary.attributes.get("signal")
        return hashlib.sha256(repr(("nothing known", *known)).encode()).hexdigest()
    if not re.fullmatch("[0-9a-f]{64}", told):
        raise SnapshotFormatError("the fingerprint is not 64 hex digits")
    return told


def _time(summary: Summary, received: int) -> int:
    told = summary.attributes.get("timestamp")
    if (
        isinstance(told, int | float)
        and math.isfinite(told)
        and _EARLIEST < told < _LATEST
    ):
        return int(told)
    return received


def _title(summary: Summary) -> str:
    program = str(summary.attributes.get("application") or summary.command or "?")
    frames = " ← ".join(summary.callstack[:_TITLE_FRAMES])
    if not frames and summary.signal is not None:
        frames = summary.signal.name
    elif not frames:
        frames = str(summary.attributes.get("kernel.panic", ""))
    return printable(f"{program}: {frames}" if frames else program)[:_TITLE_MAX]


def _capped(attributes: dict[str, Value]) -> dict[str, Value]:
    found: dict[str, Value] = {}
    for name, value in attributes.items():
        if len(found) == ATTRIBUTES_MAX:
            break
        if not name or len(name) > NAME_MAX or not name.isprintable():
            continue
        if isinstance(value, str):
            found[name] = _clean(value, TEXT_MAX)
        elif isinstance(value, int) or math.isfinite(value):
            found[name] = value
    return found


def _clean(text: str, limit: int) -> str:
    # PostgreSQL holds no NUL.
    return text[:limit].replace("\0", "\\0")
