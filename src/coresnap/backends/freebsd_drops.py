"""The directory that a FreeBSD kernel writes cores into, here and in each jail.

Whoever crashes must be able to create a file there, so everybody can, and everything in
it may be planted. Nothing is followed, only plain files with one name are opened, and
what the kernel would have called otherwise for its owner is left alone (reference:
capture rules R3, R4, R7). In a jail the path leads through what the jail's own root has
made: each component is entered by itself, and no link of it.
"""

from __future__ import annotations

import contextlib
import errno
import itertools
import os
import re
import stat
from collections.abc import Iterator, Sequence, Set
from pathlib import Path
from typing import Protocol

import attrs

from coresnap.backends.freebsd_sysctl import FreeBSDKernel

__all__ = ["NAMES", "Box", "DroppedFile", "LocalBox"]

NAMES = "%P.%U.%S.%N.core"
"""What kern.corefile calls a core: numbers first, what the process chose last."""

_NAME = re.compile(
    r"([0-9]{1,10})\.([0-9]{1,10})\.([0-9]{1,3})\.([^/]*)\.core(?:\.gz|\.zst)?",
    re.DOTALL,
)
_NAMES_LIMIT = 10_000
"""Files looked at in one directory; the others come when these are gone."""
_ENTER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
# O_NONBLOCK: a FIFO that was planted must not hang us (CVE-2021-25684).
_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC


@attrs.frozen
class DroppedFile:
    """What stands in a drop directory, as lstat(2) says it."""

    jid: int
    """0 for the host's directory."""
    place: str
    """The directory's path on the host."""
    name: str
    device: int
    inode: int
    mode: int
    links: int
    uid: int
    size: int
    modified: int
    """UTC nanoseconds."""

    @property
    def path(self) -> str:
        """Where it is on the host."""
        return f"{self.place}/{self.name}"

    @property
    def told(self) -> tuple[int, int, int, str] | None:
        """Pid, uid, signal and command of its name; None if the name is not ours."""
        match = _NAME.fullmatch(self.name)
        if match is None:
            return None
        command = os.fsencode(match[4]).decode("utf-8", "replace")
        return int(match[1]), int(match[2]), int(match[3]), command

    @property
    def is_planted(self) -> bool:
        """The kernel cannot have written it: it writes plain files as their owner."""
        plain = stat.S_ISREG(self.mode) and self.links == 1
        return not plain or (self.told is not None and self.told[1] != self.uid)


class Box(Protocol):
    """All drop directories of this machine. Each call may raise OSError."""

    def files(self, names: Sequence[str] = ()) -> list[DroppedFile]:
        """Return what stands in them, ``names`` in any case."""

    def open(self, file: DroppedFile) -> int:
        """Open it for reading if it is still the file that was listed."""

    def remove(self, file: DroppedFile) -> None:
        """Remove it if it is still the file that was listed."""


@attrs.frozen
class LocalBox:
    """The directories themselves, for a process with the rights to read them."""

    kernel: FreeBSDKernel
    directory: Path
    """The same path here and below the root of each jail."""

    def files(self, names: Sequence[str] = ()) -> list[DroppedFile]:
        """List the host's directory, then those of the jails that have one."""
        wanted = {name for name in names if _is_name(name)}
        found = list(self._files(0, self._host(), wanted))
        for jid, root in self.kernel.jails().items():
            if root != "/":
                with contextlib.suppress(OSError):
                    found += self._files(jid, self._jailed(root), wanted)
        return found

    def _files(
        self,
        jid: int,
        entered: contextlib.AbstractContextManager[tuple[int, str]],
        wanted: Set[str],
    ) -> Iterator[DroppedFile]:
        with entered as (fd, place), os.scandir(fd) as entries:
            # Nobody hides a core behind more files than are looked at.
            first = itertools.islice((e.name for e in entries), _NAMES_LIMIT)
            for name in sorted({*wanted, *first}):
                with contextlib.suppress(FileNotFoundError):
                    status = os.lstat(name, dir_fd=fd)
                    yield _dropped(jid, place, name, status)

    @contextlib.contextmanager
    def _host(self) -> Iterator[tuple[int, str]]:
        fd = os.open(self.directory, _ENTER)
        try:
            yield fd, str(self.directory)
        finally:
            os.close(fd)

    @contextlib.contextmanager
    def _jailed(self, root: str) -> Iterator[tuple[int, str]]:
        with contextlib.ExitStack() as opened:
            fd = os.open("/", _ENTER)
            opened.callback(os.close, fd)
            # Above a jail in a jail, too, its parts are made by a jail's root.
            for part in (*Path(root).parts[1:], *self.directory.parts[1:]):
                fd = os.open(part, _ENTER, dir_fd=fd)
                opened.callback(os.close, fd)
            yield fd, f"{root}{self.directory}"

    def _entered(self, jid: int) -> contextlib.AbstractContextManager[tuple[int, str]]:
        if jid == 0:
            return self._host()
        root = self.kernel.jails().get(jid)
        if root is None:
            raise FileNotFoundError(errno.ENOENT, f"there is no jail {jid} any more")
        return self._jailed(root)

    def open(self, file: DroppedFile) -> int:
        """Open without following; FileNotFoundError if it is another file now."""
        with self._entered(file.jid) as (directory, place):
            fd = os.open(_checked(file.name), _READ, dir_fd=directory)
            now = _dropped(file.jid, place, file.name, os.fstat(fd))
        if _same(now, file) and not now.is_planted:
            return fd
        os.close(fd)
        raise FileNotFoundError(errno.ENOENT, "another file has its place", file.path)

    def remove(self, file: DroppedFile) -> None:
        """Unlink it; nothing if another has its place.

        Between look and unlink only its owner can exchange it (the directory is
        sticky), and loses a file of his own.
        """
        with self._entered(file.jid) as (directory, place):
            name = _checked(file.name)
            now = _dropped(file.jid, place, name, os.lstat(name, dir_fd=directory))
            if _same(now, file):
                os.unlink(name, dir_fd=directory)


def _dropped(jid: int, place: str, name: str, status: os.stat_result) -> DroppedFile:
    return DroppedFile(
        jid=jid,
        place=place,
        name=name,
        device=status.st_dev,
        inode=status.st_ino,
        mode=status.st_mode,
        links=status.st_nlink,
        uid=status.st_uid,
        size=status.st_size,
        modified=status.st_mtime_ns,
    )


def _same(one: DroppedFile, other: DroppedFile) -> bool:
    return (one.device, one.inode, one.uid) == (other.device, other.inode, other.uid)


def _is_name(name: str) -> bool:
    return not ("/" in name or "\0" in name or name in ("", ".", ".."))


def _checked(name: str) -> str:
    if not _is_name(name):
        raise FileNotFoundError(errno.ENOENT, "not the name of a file", name)
    return name
