"""What a source tells of a crash beside its core, in the form of the assets."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping

import attrs

__all__ = ["Story", "command_line", "descriptors"]

_DESCRIPTOR = re.compile(rb"^(\d+):(/.*|[a-z_]+:.*|anon_inode:.*)$", re.MULTILINE)


@attrs.frozen
class Story:
    """What is known; None and missing members for what is not."""

    pid: int | None = None
    tid: int | None = None
    signal: int | None = None
    time: int | None = None
    """UTC nanoseconds."""
    uid: int | None = None
    gid: int | None = None
    core_limit: int | None = None
    path: str | None = None
    """Of the executable."""
    command: str | None = None
    hostname: str | None = None
    kind: str | None = None
    """As in ``crash.Crash``."""
    suppressed: int | None = None
    truncated: bool = False
    """Whoever took the core did not take all of it."""
    context: Mapping[str, bytes] = attrs.field(factory=dict)
    """Members of the assets, as the helper names them."""


def command_line(text: str) -> bytes:
    """Turn a command line for people into the form of ``/proc/PID/cmdline``."""
    try:
        words = shlex.split(text)
    except ValueError:
        words = text.split(" ")
    return b"".join(w.encode("utf-8", "surrogateescape") + b"\0" for w in words)


def descriptors(text: bytes) -> bytes:
    """Turn systemd's COREDUMP_OPEN_FDS into the assets' ``process/fd``."""
    found = _DESCRIPTOR.findall(text)
    return b"".join(number + b" " + target + b"\0" for number, target in found)
