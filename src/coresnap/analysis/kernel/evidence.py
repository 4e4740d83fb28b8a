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


def pack_evidence(evidence: Evidence) -> dict[str, bytes]:
    """Return the members."""
    rest = msgspec.structs.replace(evidence, message_buffer="")
    said = evidence.message_buffer.encode("utf-8", "backslashreplace")
    return {DUMP: msgspec.json.encode(rest), MESSAGES: said[-_MESSAGES_LIMIT:]}


def unpack_evidence(assets: Mapping[str, bytes]) -> Evidence | None:
    """Return what the members hold; None where there are none that make sense."""
    try:
        found = msgspec.json.decode(assets.get(DUMP, b""), type=Evidence)
    except (msgspec.DecodeError, RecursionError):
        return None
    said = assets.get(MESSAGES, b"").decode("utf-8", "backslashreplace")
    return msgspec.structs.replace(found, message_buffer=said)
