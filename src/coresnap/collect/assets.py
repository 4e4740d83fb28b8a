"""The assets tar: what is kept beside a core, read and written without a file system.

Members are read into memory, never extracted. Names are checked against a list and
sizes against limits, because a tar may come from elsewhere (reference: capture rule
R16); what does not fit is left out and named. A tar whose writer was killed has no end,
and perhaps half a member: it is read as far as it goes.
"""

from __future__ import annotations

import io
import os
import re
import tarfile
from collections.abc import Iterator, Mapping

import attrs

from coresnap.errors import InputError

__all__ = [
    "INDEX",
    "MODULE",
    "Assets",
    "pack_assets",
    "read_assets",
    "read_member",
    "walk_headers",
]

MEMBER_LIMIT = 32 << 20
"""Bytes of one member that are read."""
TOTAL_LIMIT = 128 << 20
"""Bytes of all members that are read."""
COUNT_LIMIT = 20_000
"""Members that are read: a process may have thousands of threads."""
_PROBLEM_LIMIT = 50
_BLOCK = tarfile.BLOCKSIZE

_NAME = re.compile(
    r"(crash|capture)\.json|(process|system)(/[A-Za-z0-9_.-]+){1,4}|modules/index"
)
MODULE = re.compile(r"modules/[0-9]{1,4}")
"""Names of copies of executables and libraries; ``INDEX`` lists them."""
INDEX = "modules/index"


@attrs.frozen
class Assets:
    """What an assets tar holds."""

    members: dict[str, bytes]
    """Name to content, e.g. ``process/status``."""
    problems: tuple[str, ...] = ()
    """What was left out, and why."""


def read_assets(fd: int) -> Assets:
    """Read the tar that ``fd`` is open on, as far as it makes sense.

    Copies of executables and libraries are passed over: see ``kept_modules``.
    A tar that ends early or is damaged gives what came before and a problem. Raises
    InputError if nothing of it is a tar.
    """
    members: dict[str, bytes] = {}
    problems: list[str] = []
    total = 0
    try:
        for count, (member, offset) in enumerate(walk_headers(fd)):
            if count >= COUNT_LIMIT:
                problems.append(f"more than {COUNT_LIMIT} members")
                break
            if MODULE.fullmatch(member.name):
                continue
            if reason := _why_refused(member, total):
                problems.append(f"{member.name!r} left out: {reason}")
                continue
            data = os.pread(fd, member.size, offset)
            total += len(data)
            if len(data) < member.size:
                size = f"{len(data)} of {member.size} bytes"
                problems.append(f"{member.name!r} ends early: {size}")
            if data or not member.size:
                members[member.name] = data
    except (tarfile.TarError, OSError) as error:
        if not members:
            raise InputError(f"the assets are not a tar: {error}") from error
        problems.append(f"damaged after {len(members)} members: {error}")
    return Assets(members, _shortened(problems))


def read_member(fd: int, name: str) -> bytes | None:
    """Return one member of the tar that ``fd`` is open on; None if it is not there.

    Raises OSError if it cannot be read.
    """
    try:
        for count, (member, offset) in enumerate(walk_headers(fd)):
            if count >= COUNT_LIMIT:
                return None
            if member.name == name and not _why_refused(member, 0):
                return os.pread(fd, member.size, offset)
    except tarfile.TarError:
        return None
    return None


def walk_headers(fd: int) -> Iterator[tuple[tarfile.TarInfo, int]]:
    """Yield the header and the content's offset of each member up to the tar's end.

    Raises tarfile.TarError where the bytes are no header. Not tarfile's own walk: that
    one believes extension headers of any size, and ran for ever on negative ones
    (CVE-2025-8194). The handler writes neither.
    """
    at = 0
    while header := os.pread(fd, _BLOCK, at):
        if header == bytes(_BLOCK):
            return
        member = tarfile.TarInfo.frombuf(header, "utf-8", "surrogateescape")
        if member.size < 0:
            raise tarfile.ReadError("a negative size")
        yield member, at + _BLOCK
        at += _BLOCK + -(-member.size // _BLOCK) * _BLOCK
    raise tarfile.ReadError("it has no end: its writer was cut off")


def _shortened(problems: list[str]) -> tuple[str, ...]:
    more = len(problems) - _PROBLEM_LIMIT
    if more <= 0:
        return tuple(problems)
    return (*problems[:_PROBLEM_LIMIT], f"{more} more problems")


def _why_refused(member: tarfile.TarInfo, total: int) -> str:
    # Not isreg(): that takes sparse members for files, whose size is not their own.
    if member.type not in (tarfile.REGTYPE, tarfile.AREGTYPE):
        return "not a file"
    if not _NAME.fullmatch(member.name) or ".." in member.name:
        return "no name of ours"
    if member.size > MEMBER_LIMIT:
        return f"{member.size} bytes, more than {MEMBER_LIMIT}"
    if total + member.size > TOTAL_LIMIT:
        return f"more than {TOTAL_LIMIT} bytes in all"
    return ""


def pack_assets(members: Mapping[str, bytes], time: int) -> bytes:
    """Return a tar of ``members`` in their order; ``time`` is seconds since the epoch.

    Raises InputError for a name that ``read_assets`` would refuse.
    """
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        for name, data in members.items():
            if not _NAME.fullmatch(name):
                raise InputError(f"{name!r} is no name of an asset")
            member = tarfile.TarInfo(name)
            member.size, member.mtime, member.mode = len(data), max(time, 0), 0o600
            tar.addfile(member, io.BytesIO(data))
    return stream.getvalue()
