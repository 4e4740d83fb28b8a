"""The assets tar: what is kept beside a core, read and written without a file system.

Members are read into memory, never extracted. Names are checked against a list and
sizes against limits, because a tar may come from elsewhere (reference: capture rule
R16); what does not fit is left out and named.
"""

from __future__ import annotations

import io
import os
import re
import tarfile
from collections.abc import Mapping

import attrs

from coresnap.errors import InputError

__all__ = ["Assets", "pack_assets", "read_assets"]

MEMBER_LIMIT = 32 << 20
"""Bytes of one member that are read."""
TOTAL_LIMIT = 128 << 20
"""Bytes of all members that are read."""
COUNT_LIMIT = 20_000
"""Members that are read: a process may have thousands of threads."""

_NAME = re.compile(r"(crash|capture)\.json|(process|system)(/[A-Za-z0-9_.-]+){1,4}")


@attrs.frozen
class Assets:
    """What an assets tar holds."""

    members: dict[str, bytes]
    """Name to content, e.g. ``process/status``."""
    problems: tuple[str, ...] = ()
    """What was left out, and why."""


def read_assets(fd: int) -> Assets:
    """Read the tar that ``fd`` is open on, as far as it makes sense.

    A tar that ends early or is damaged gives what came before and a problem. Raises
    InputError if nothing of it is a tar.
    """
    members: dict[str, bytes] = {}
    problems: list[str] = []
    with open(os.dup(fd), "rb") as stream:
        stream.seek(0)
        try:
            _read_members(stream, members, problems)
        except (tarfile.TarError, OSError, EOFError, ValueError, OverflowError) as e:
            if not members:
                raise InputError(f"the assets are not a tar: {e}") from e
            problems.append(f"damaged after {len(members)} members: {e}")
    return Assets(members, tuple(problems))


def _read_members(
    stream: io.BufferedReader, members: dict[str, bytes], problems: list[str]
) -> None:
    total = 0
    # USTAR has no extension headers, so none can claim a huge name.
    with tarfile.open(fileobj=stream, mode="r:", format=tarfile.USTAR_FORMAT) as tar:
        for count, member in enumerate(tar):
            if count >= COUNT_LIMIT:
                problems.append(f"more than {COUNT_LIMIT} members")
                return
            if reason := _why_refused(member, total):
                problems.append(f"{member.name!r} left out: {reason}")
                continue
            content = tar.extractfile(member)
            data = content.read() if content is not None else b""
            if len(data) < member.size:
                problems.append(f"{member.name!r} ends early")
            total += len(data)
            members[member.name] = data


def _why_refused(member: tarfile.TarInfo, total: int) -> str:
    if not member.isreg():
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
