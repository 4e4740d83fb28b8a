"""What a snapshot of a kernel is made from, in a form that travels without the dump.

The members stand in the assets of a crash: a spool holds them where the dump itself
stays in /var/crash.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from coresnap.elfcore.vmcore.dump_info import DumpInfo
from coresnap.model import Module, Note, Thread

__all__ = ["DUMP", "MESSAGES", "Evidence", "pack_evidence", "unpack_evidence"]

DUMP = "system/kernel/dump.json"
"""Member with everything but the message buffer."""
MESSAGES = "system/kernel/messages"
"""Member with the message buffer."""
_MESSAGES_LIMIT = 4 << 20
_MEMBER_LIMIT = 24 << 20
"""Bytes: a worker reads no member of more than 32 MiB."""


class Evidence(msgspec.Struct, frozen=True):
    """What was read of one dump."""

    system: str
    """``FreeBSD`` or ``Linux``."""
    kind: str
    """``minidump``, ``full``, ``textdump``, ``info``, ``kdump``."""
    architecture: str
    """Our name; empty if nothing says it."""
    info: DumpInfo = DumpInfo()
    message_buffer: str = ""
    threads: tuple[Thread, ...] = ()
    """Those whose stacks were walked, the one that panicked first."""
    modules: tuple[Module, ...] = ()
    """The kernel and what it had loaded."""
    notes: tuple[Note, ...] = ()
    size: int | None = None
    """Bytes of the dump's file."""
    path: str = ""


def pack_evidence(evidence: Evidence, limit: int = _MEMBER_LIMIT) -> dict[str, bytes]:
    """Return the members, none of them with more than ``limit`` bytes.

    What has no room is left out, with a note: variables of threads that did not panic,
    then their stacks.
    """
    rest = msgspec.structs.replace(evidence, message_buffer="")
    said = evidence.message_buffer.encode("utf-8", "backslashreplace")
    for reduce in (_whole, _without_variables, _crashed_alone):
        packed = msgspec.json.encode(reduce(rest))
        if len(packed) <= limit:
            break
    return {DUMP: packed, MESSAGES: said[-min(_MESSAGES_LIMIT, limit) :]}


def _whole(evidence: Evidence) -> Evidence:
    return evidence


def _without_variables(evidence: Evidence) -> Evidence:
    threads = tuple(t if t.crashed else _bare(t) for t in evidence.threads)
    return _noted(evidence, threads, "variables of threads that did not panic")


def _bare(thread: Thread) -> Thread:
    frames = tuple(
        msgspec.structs.replace(frame, variables=(), source=(), source_start=None)
        for frame in thread.frames
    )
    return msgspec.structs.replace(thread, frames=frames)


def _crashed_alone(evidence: Evidence) -> Evidence:
    threads = tuple(_bare(t) for t in evidence.threads if t.crashed)
    return _noted(evidence, threads, "threads that did not panic")


def _noted(evidence: Evidence, threads: tuple[Thread, ...], what: str) -> Evidence:
    note = Note("kernel", f"{what} were too many to be kept without the dump")
    notes = (*evidence.notes, note)
    return msgspec.structs.replace(evidence, threads=threads, notes=notes)


def unpack_evidence(assets: Mapping[str, bytes]) -> Evidence | None:
    """Return what the members hold; None where there are none that make sense."""
    try:
        found = msgspec.json.decode(assets.get(DUMP, b""), type=Evidence)
    except (msgspec.DecodeError, RecursionError):
        return None
    said = assets.get(MESSAGES, b"").decode("utf-8", "backslashreplace")
    return msgspec.structs.replace(found, message_buffer=said)
