"""Cores as systemd-coredump stores them: a file, compressed, that tells of its crash.

What it knows stands in extended attributes ``user.coredump.*``, and in the file's name
(systemd ``src/coredump/coredump.c``: fix_xattr, make_filename). The attributes are lost
when a file is copied without care; the name says the most important ones again.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping

from coresnap.collect.importers.source_file import SourceFile
from coresnap.collect.importers.story import Story

__all__ = ["is_stored_by_systemd", "number_of", "read_story"]

_PREFIX = "user.coredump."
_NAME = re.compile(
    r"core\.(?P<comm>.*)\.(?P<uid>\d+)\.[0-9a-f]{32}\.(?P<pid>\d+)\.(?P<timestamp>\d+)"
    r"(\.(zst|lz4|xz))?"
)
_ESCAPE = re.compile(rb"\\x([0-9a-f]{2})")
_MICROSECONDS = 10**14
"""More than this is microseconds, less is seconds: 5138 and 1973 meet here."""
_MOST_DIGITS = 20


def is_stored_by_systemd(source: SourceFile) -> bool:
    """Say whether name or attributes are those of systemd-coredump."""
    return bool(_NAME.fullmatch(source.path.name)) or "pid" in _attributes(source.fd)


def read_story(source: SourceFile) -> Story:
    """Return what attributes and name tell."""
    told = {**_from_name(source.path.name), **_attributes(source.fd)}
    return Story(
        pid=number_of(told.get("pid")),
        signal=number_of(told.get("signal")),
        time=_time(told),
        uid=number_of(told.get("uid")),
        gid=number_of(told.get("gid")),
        core_limit=number_of(told.get("rlimit")),
        path=told.get("exe"),
        command=told.get("comm"),
        hostname=told.get("hostname"),
    )


def number_of(text: str | None) -> int | None:
    """Return a number in decimal digits of at most 64 bits, else None."""
    if text is None or len(text) > _MOST_DIGITS or not text.isascii():
        return None
    if not text.isdigit() or int(text) >= 1 << 64:
        return None
    return int(text)


def _time(told: Mapping[str, str]) -> int | None:
    value = number_of(told.get("timestamp"))
    if value is None:
        return None
    scale = 1000 if value >= _MICROSECONDS else 1_000_000_000
    return value * scale if value * scale < 1 << 63 else None


def _from_name(name: str) -> dict[str, str]:
    match = _NAME.fullmatch(name)
    if match is None:
        return {}
    told = match.groupdict()
    told["comm"] = _ESCAPE.sub(
        lambda escape: bytes.fromhex(escape[1].decode()), os.fsencode(told["comm"])
    ).decode("utf-8", "replace")
    return told


def _attributes(fd: int) -> dict[str, str]:
    """Return the attributes by what follows their prefix."""
    names = getattr(os, "listxattr", None)  # Linux
    value = getattr(os, "getxattr", None)
    if names is None or value is None:
        return {}
    try:
        return {
            name.removeprefix(_PREFIX): value(fd, name).decode("utf-8", "replace")
            for name in names(fd)
            if name.startswith(_PREFIX)
        }
    except OSError:
        return {}
