"""NT_PROCSTAT_KQUEUES, from 15 on: struct kinfo_knote (``sys/sys/user.h``).

Each is an event that a kqueue was asked for: the queue's descriptor, and the struct
kevent of kevent(2). Their size has been the same in all of 15.
"""

from __future__ import annotations

import struct

import msgspec

from coresnap.elfcore.elfheader import ElfHeader
from coresnap.elfcore.notes_freebsd_records import SIZE_FIELD
from coresnap.elfcore.process_state import WatchedEvent

__all__ = ["count_events", "read_events"]

_LIMIT = 1 << 16
_EM_ARM = 40
_PATH_LIMIT = 1024
"""PATH_MAX."""
_FILTERS = (
    *("read", "write", "aio", "vnode", "proc", "signal", "timer", "procdesc", "fs"),
    *("lio", "user", "sendfile", "empty", "jail", "jaildesc"),
)
"""EVFILT_*, from -1 down."""
_STATUS = (
    (0x1, "active"),
    (0x2, "queued"),
    (0x4, "disabled"),
    (0x8, "detached"),
    (0x10, "kqueue"),
)
_EXTRA_VNODE = 1


class _Layout(msgspec.Struct, frozen=True):
    size: int
    head: struct.Struct
    """Descriptor of the kqueue; ident and filter of its struct kevent."""
    status: int
    """Where status and the kind of what follows them are."""
    path: int


_WIDE = _Layout(1160, struct.Struct("<i4xQh"), 72, 136)
_ARM = _Layout(1160, struct.Struct("<i4xIh"), 72, 136)
_I386 = _Layout(1144, struct.Struct("<iIh"), 60, 120)


def count_events(data: memoryview) -> int | None:
    """How many there are, by the size that leads them; None if it cannot be told."""
    if len(data) < SIZE_FIELD:
        return None
    size = int.from_bytes(data[:SIZE_FIELD], "little")
    count, rest = divmod(len(data) - SIZE_FIELD, size) if size else (0, 1)
    return None if rest else count


def read_events(
    data: memoryview, header: ElfHeader, problems: list[str]
) -> tuple[WatchedEvent, ...]:
    """Read the events in the order of the note.

    ``data`` is the note's description, with its leading int. Records of another size
    than is known are not guessed at.
    """
    layout = _I386 if header.pointer_size == 4 else _WIDE
    layout = _ARM if header.machine == _EM_ARM else layout
    count = max(len(data) - SIZE_FIELD, 0) // layout.size
    if int.from_bytes(data[:SIZE_FIELD], "little") != layout.size:
        if len(data) > SIZE_FIELD:
            problems.append("the note of kqueues has records of a size unknown")
        return ()
    if count > _LIMIT:
        problems.append(f"only {_LIMIT} events of kqueues are read")
    starts = range(
        SIZE_FIELD, SIZE_FIELD + min(count, _LIMIT) * layout.size, layout.size
    )
    return tuple(_event(data[at : at + layout.size], layout) for at in starts)


def _event(record: memoryview, layout: _Layout) -> WatchedEvent:
    kqueue, ident, number = layout.head.unpack_from(record)
    status, extra = struct.unpack_from("<ii", record, layout.status)
    path = None
    if extra == _EXTRA_VNODE:
        text = bytes(record[layout.path : layout.path + _PATH_LIMIT])
        path = text.partition(b"\0")[0] or None
    known = -len(_FILTERS) <= number < 0
    return WatchedEvent(
        kqueue,
        _FILTERS[-number - 1] if known else str(number),
        ident,
        tuple(word for bit, word in _STATUS if status & bit),
        path,
    )
