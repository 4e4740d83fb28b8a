"""devd's word that a core was written, in each form that a FreeBSD has given it.

One record is one event: ``!system=kernel subsystem=signal type=coredump comm=… core=…``
10.4 and 11 write paths as they are, 12 and later put them in quotes with ``"`` and
``\\`` escaped (sys/kern/subr_bus.c, devctl_safe_quote_sb), 15 adds jid, pid, ppid and
signo (sys/kern/coredump_vnode.c). Everything in it but the numbers is chosen by whoever
crashed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import attrs

__all__ = ["CoredumpEvent", "read_event"]

_WORD = re.compile(rb'([a-zA-Z0-9_]+)=("(?:[^"\\]|\\.)*"|[^ "]*)(?: |$)', re.DOTALL)
_ESCAPED = re.compile(rb"\\(.)", re.DOTALL)
_UNQUOTED = re.compile(rb"comm=(/.*?) core=(/[^\"]*)")
_KIND = {b"system": b"kernel", b"subsystem": b"signal", b"type": b"coredump"}
_NUMBER = re.compile(rb"[0-9]{1,10}")


@attrs.frozen
class CoredumpEvent:
    """A core that is complete. None for what this version of FreeBSD does not say."""

    core: bytes
    """Absolute path, in the jail's root if there is a jail."""
    executable: bytes | None
    """Absolute path."""
    jid: int | None = None
    pid: int | None = None
    signal: int | None = None


def read_event(record: bytes) -> CoredumpEvent | None:
    """Return the core that a record of devd's socket tells of; None if of none.

    A record is one event. It is not cut into lines: a path may hold a newline, and
    what a user put behind that would pass for an event of its own.
    """
    if not record.startswith(b"!"):
        return None
    line = record[1:].removesuffix(b"\n")
    words = dict(_words(line))
    if any(words.get(key) != value for key, value in _KIND.items()):
        return None
    if b'core="' not in line:
        # Nothing tells a space of a path from one between words; the kernel wrote
        # nothing behind the core's path then.
        match = _UNQUOTED.search(line)
        return CoredumpEvent(match[2], match[1]) if match is not None else None
    core = words.get(b"core", b"")
    if not core.startswith(b"/"):
        return None
    return CoredumpEvent(
        core=core,
        executable=words.get(b"comm") or None,
        jid=_number(words.get(b"jid")),
        pid=_number(words.get(b"pid")),
        signal=_number(words.get(b"signo")),
    )


def _words(line: bytes) -> Iterator[tuple[bytes, bytes]]:
    at = 0
    while (match := _WORD.match(line, at)) is not None and match.end() > at:
        name, value = match.groups()
        if value.startswith(b'"'):
            value = _ESCAPED.sub(rb"\1", value[1:-1])
        yield name, value
        at = match.end()


def _number(text: bytes | None) -> int | None:
    return int(text) if text is not None and _NUMBER.fullmatch(text) else None
