"""Linux's kernel.core_pattern: who owns it, and what we write into it.

Sources: Documentation/admin-guide/sysctl/kernel.rst and fs/coredump.c (format_corename,
coredump_parse) of Linux 6.18.
"""

from __future__ import annotations

import os
from pathlib import Path

from coresnap.errors import CaptureError

__all__ = [
    "PATTERN_LIMIT",
    "SPECIFIERS",
    "owner_of",
    "pattern_for",
    "program_of",
    "socket_of",
]

PATTERN_LIMIT = 127
"""Bytes; CORENAME_MAX_SIZE is 128 with its NUL."""

SPECIFIERS = "%P %I %s %t %u %g %d %c"
"""What every kernel since 3.12 expands, in the order of native/catch/arguments.h."""

_OWNERS = {
    "systemd-coredump": "systemd-coredump",
    "apport": "apport",
    "abrt-hook-ccpp": "ABRT",
    "minicoredumper": "minicoredumper",
    "memfault-core-handler": "memfaultd",
    "core-dump-composer": "IBM core-dump-handler",
}


def pattern_for(
    handler: Path, settings: Path, *, default_settings: Path, pidfd: bool
) -> str:
    """Return the pattern that pipes every crash into ``handler``.

    Raises CaptureError if it would be longer than the kernel's limit.
    """
    # An unknown specifier is dropped without a word, so the arguments stay positional
    # and %F, which not every kernel knows, is the last before the process's own text.
    numbers = f"{SPECIFIERS} %F" if pidfd else SPECIFIERS
    where = "" if settings == default_settings else f" -c {settings}"
    pattern = f"|{handler}{where} {numbers} -- %E"
    if len(os.fsencode(pattern)) > PATTERN_LIMIT:
        raise CaptureError(
            f"core_pattern would be longer than {PATTERN_LIMIT} bytes: {pattern}",
            remedy="Use shorter paths for [archive] root and handler.",
        )
    if any(c in f"{handler}{settings}" for c in " \t%"):
        raise CaptureError(
            f"core_pattern cannot hold a space or % in a path: {pattern}",
            remedy="Use other paths for [archive] root and handler.",
        )
    return pattern


def program_of(pattern: str) -> str | None:
    """Return the path of the program that ``pattern`` pipes into, if it does."""
    words = pattern[1:].split()
    return words[0] if pattern.startswith("|") and words else None


def socket_of(pattern: str) -> str | None:
    """Return the path of the socket that ``pattern`` sends cores to, if it does."""
    if not pattern.startswith("@"):
        return None
    return pattern.removeprefix("@").removeprefix("@").partition(" ")[0]


def owner_of(pattern: str, handler: Path, door: Path | None = None) -> str:
    """Name who gets the cores under ``pattern``: coresnap, another, or the kernel.

    ``handler`` and ``door`` are our program and our socket.
    """
    if (path := socket_of(pattern)) is not None:
        if door is not None and path == str(door):
            return "coresnap"
        return "systemd-coredump" if "systemd" in path else path
    program = program_of(pattern)
    if program is None:
        return "the kernel"
    if Path(program) == handler:
        return "coresnap"
    name = Path(program).name
    return _OWNERS.get(name, program)
