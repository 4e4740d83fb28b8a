"""The copies of executables and libraries that the handler has put beside a core.

They are bytes that somebody else chose, and nothing of them gets a name in a file
system: each is read into memory of its own, which can be opened by path while the
reader lives.
"""

from __future__ import annotations

import contextlib
import os
import tarfile
from collections.abc import Iterator

import attrs

from coresnap.collect.assets import INDEX, MODULE, read_member, walk_headers

__all__ = ["KeptModule", "kept_modules"]

FILE_LIMIT = 64 << 20
"""Bytes of one file that are read, as many as the handler copies."""
TOTAL_LIMIT = 256 << 20
"""Bytes of all files."""
COUNT_LIMIT = 256
_PIECE = 1 << 20
_FIELDS = 5


@attrs.frozen
class KeptModule:
    """One file, in memory."""

    member: str
    """Its name in the assets."""
    path: bytes
    """As ``/proc/PID/maps`` has it; b"" if nobody knows."""
    fd: int

    @property
    def place(self) -> str:
        """Where it can be opened for as long as ``kept_modules`` holds it."""
        return f"/proc/self/fd/{self.fd}"


@contextlib.contextmanager
def kept_modules(fd: int) -> Iterator[tuple[KeptModule, ...]]:
    """Read the modules of the assets tar that ``fd`` is open on, and hold them.

    What is damaged, or does not fit the limits, is left out; so is everything on a
    system without files in memory. Raises OSError if the tar cannot be read.
    """
    with contextlib.ExitStack() as held:
        yield tuple(_read(fd, held))


def _read(fd: int, held: contextlib.ExitStack) -> Iterator[KeptModule]:
    create = vars(os).get("memfd_create")
    if create is None:
        return
    paths = _index(fd)
    total = 0
    for count, (name, size, offset) in enumerate(_copies(fd), 1):
        total += size
        if count > COUNT_LIMIT or total > TOTAL_LIMIT:
            return
        copy = create(name)
        held.callback(os.close, copy)
        _copy(fd, offset, size, copy)
        yield KeptModule(name, paths.get(name, b""), copy)


def _copies(fd: int) -> Iterator[tuple[str, int, int]]:
    """Yield name, size and offset of what may be a module."""
    # One whose writer was cut off ends early: what came before is good.
    with contextlib.suppress(tarfile.TarError):
        for member, offset in walk_headers(fd):
            is_file = member.type in (tarfile.REGTYPE, tarfile.AREGTYPE)
            if MODULE.fullmatch(member.name) and is_file and member.size <= FILE_LIMIT:
                yield member.name, member.size, offset


def _copy(source: int, offset: int, size: int, target: int) -> None:
    while size and (piece := os.pread(source, min(size, _PIECE), offset)):
        os.write(target, piece)
        offset += len(piece)
        size -= len(piece)


def _index(fd: int) -> dict[str, bytes]:
    """Return path by member: ``NUMBER START SIZE MODIFIED PATH`` and a NUL for each."""
    found = {}
    for entry in (read_member(fd, INDEX) or b"").split(b"\0"):
        fields = entry.split(b" ", _FIELDS - 1)
        if len(fields) == _FIELDS and fields[0].isdigit():
            found[f"modules/{fields[0].decode()}"] = fields[-1]
    return found
