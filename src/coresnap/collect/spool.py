"""The spool: ``pending/<id>``, ``assets/<id>`` and ``sending/<id>`` of each archive.

An archive is an id with a core, a snapshot, or the record of a crash alone. Core and
snapshot get their names in one step after they are complete and on the disk, so what
has a name is whole. The helper names the assets early and locks them until it is done:
locked and without a core they tell of a process that is being dumped, unlocked of one
whose core never came. Everything goes through held directory descriptors; nothing that
is not a plain file with one name is opened, and nothing is followed (reference: capture
rules R4, R7).
"""

from __future__ import annotations

import errno
import json
import os
import re
import stat
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Any

from coresnap.backends import crash_record
from coresnap.collect.assets import read_member
from coresnap.collect.parts import (
    ID,
    Held,
    Part,
    Usage,
    create_spool,
    is_plain,
    make_id,
    own,
    share,
)
from coresnap.collect.temporary_file import PREFIX, TemporaryFile, storage_error
from coresnap.crash import Archive, Crash, Stage
from coresnap.errors import (
    CoresnapError,
    InputError,
    MissingError,
    StorageError,
    UsageError,
)

__all__ = [
    "Held",
    "Part",
    "Spool",
    "TemporaryFile",
    "Usage",
    "create_spool",
    "make_id",
    "storage_error",
]

_BLOCK = 512  # st_blocks, whatever the filesystem's block size (POSIX sys/stat.h)
_OPEN_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
# O_NONBLOCK: a FIFO planted under an id must not hang us (CVE-2021-25684).
_OPEN_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_HELD_SEARCHED = 1000
_COPIES = ("file", "import", "stream")
"""Ways of a capture whose source stays until the core has its name."""

_Parts = dict[Part, os.stat_result | None]


class Spool:
    """Reads and changes the spool at ``directory``; close it, or use ``with``."""

    def __init__(self, directory: Path) -> None:
        """Open the spool. Raises MissingError, AccessError or StorageError."""
        self.directory = directory
        self._directories: dict[Part, int] = {}
        try:
            for part in Part:
                self._directories[part] = os.open(directory / part, _OPEN_DIRECTORY)
        except OSError as error:
            self.close()
            raise _opening_error(directory, error) from error

    def __enter__(self) -> Spool:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the directories."""
        for fd in self._directories.values():
            os.close(fd)
        self._directories = {}

    def path(self, part: Part, archive_id: str) -> Path:
        """Return where a part of an archive is, for programs and people."""
        return self.directory / part / archive_id

    # --- read -----------------------------------------------------------------

    def archives(self) -> list[Archive]:
        """Return all archives, oldest first."""
        # In this order: a core goes only after its snapshot has come.
        parts = {part: dict(self._files(part)) for part in Part}
        ids = set().union(*parts.values())
        found = (self._archive(i, {p: parts[p].get(i) for p in Part}) for i in ids)
        archives = [archive for archive in found if archive is not None]
        return sorted(archives, key=lambda archive: (archive.time, archive.id))

    def archive(self, archive_id: str) -> Archive | None:
        """Return one archive; None if there is none, or half of one."""
        return self._archive(archive_id, self._parts(archive_id))

    def _parts(self, archive_id: str) -> _Parts:
        return {part: self._status(part, archive_id) for part in Part}

    def _archive(self, archive_id: str, parts: _Parts) -> Archive | None:
        dumping = False
        if parts[Part.CORE] is None and parts[Part.SNAPSHOT] is None:
            known = self._record(archive_id)
            if known is None:
                return None
            parts, dumping = known
        core, assets, snapshot = (parts[part] for part in Part)
        newest = snapshot or core or assets
        assert newest is not None
        crash = None if assets is None else self.crash(archive_id)
        there = [status for status in parts.values() if status is not None]
        executable = _executable(crash) if crash is not None else ""
        return Archive(
            id=archive_id,
            stage=Stage.SENDING if snapshot else Stage.PENDING,
            application=_application(crash, executable),
            time=crash.time if crash and crash.time > 0 else newest.st_mtime_ns,
            has_core=core is not None,
            has_snapshot=snapshot is not None,
            has_assets=assets is not None,
            size=newest.st_size,
            disk_size=sum(status.st_blocks * _BLOCK for status in there),
            dumping=dumping,
            executable=executable,
            core_disk_size=core.st_blocks * _BLOCK if core is not None else 0,
        )

    def _record(self, archive_id: str) -> tuple[_Parts, bool] | None:
        """Look at assets that seem to be alone: the parts, and whether they grow.

        None if they are gone, or what is left of a copy whose source is still there.
        """
        try:
            fd = self._open(Part.ASSETS, archive_id)
        except CoresnapError:
            return None
        try:
            done = share(fd)
            # Who let go of the lock may have named the core just before.
            parts = self._parts(archive_id)
            if parts[Part.CORE] is not None or parts[Part.SNAPSHOT] is not None:
                return parts, False
            if done and _is_copy(_capture(fd)):
                return None
            return {**parts, Part.ASSETS: os.fstat(fd)}, not done
        finally:
            os.close(fd)

    def crash(self, archive_id: str) -> Crash | None:
        """Return what the OS said about an archive; None if the assets do not say."""
        try:
            fd = self.open(Part.ASSETS, archive_id)
        except CoresnapError:
            return None
        try:
            return crash_record.read_first(fd)
        except (InputError, OSError):
            return None
        finally:
            os.close(fd)

    def capture(self, archive_id: str) -> dict[str, Any]:
        """Return ``capture.json`` of an archive: empty if there is none to read."""
        try:
            fd = self.open(Part.ASSETS, archive_id)
        except CoresnapError:
            return {}
        try:
            return _capture(fd)
        finally:
            os.close(fd)

    def find(self, text: str) -> Archive:
        """Return the archive that ``[STAGE/]PREFIX`` of an id means.

        The id may be written with dashes. Raises UsageError if several fit or it
        makes no sense, MissingError if none does.
        """
        stage, slash, prefix = text.rpartition("/")
        prefix = prefix.replace("-", "").rstrip(".").lower()
        if not re.fullmatch(r"[0-9a-f]{1,32}", prefix):
            raise UsageError(f"{text!r} is not the start of an id")
        if slash and stage not in list(Stage):
            raise UsageError(f"there is no stage {stage!r}: {', '.join(Stage)}")
        ids = self._ids_that_start_with(prefix)
        found = [a for i in sorted(ids) if (a := self.archive(i)) is not None]
        if slash:
            found = [archive for archive in found if archive.stage == stage]
        if not found:
            raise MissingError(
                f"no crash {text} in {self.directory}",
                remedy="`coresnap list -a` shows all.",
            )
        if len(found) > 1:
            ids = {archive.id for archive in found}
            raise UsageError(
                f"{text} is the start of {len(ids)} ids",
                remedy="One of: " + ", ".join(sorted(ids)[:5]),
            )
        return found[0]

    def _ids_that_start_with(self, prefix: str) -> set[str]:
        names = {name for part in Part for name, _ in self._files(part)}
        return {name for name in names if name.startswith(prefix)}

    def usage(self) -> dict[Part, Usage]:
        """Return what each directory holds."""
        return {part: self._usage(part) for part in Part}

    def _usage(self, part: Part) -> Usage:
        # One loop without calls of ours: status and metrics count 10⁵ files in it.
        objects = size = blocks = 0
        directory = self._directories[part]
        is_id, lstat = ID.fullmatch, os.lstat
        for name in self._names(part):
            if not is_id(name):
                continue
            try:
                status = lstat(name, dir_fd=directory)
            except OSError:
                continue
            if is_plain(status):
                objects += 1
                size += status.st_size
                blocks += status.st_blocks
        return Usage(objects, size, blocks * _BLOCK)

    def held(self) -> Held:
        """Say how many processes wait for their dump just now."""
        done = {name for p in (Part.CORE, Part.SNAPSHOT) for name in self._names(p)}
        alone = [
            (status.st_ctime_ns, name)
            for name in self._names(Part.ASSETS)
            if name not in done
            and (status := self._status(Part.ASSETS, name)) is not None
        ]
        # Nobody is held for long, so those that are have the newest assets.
        newest = sorted(alone, reverse=True)[:_HELD_SEARCHED]
        times = [began for began, name in newest if self._is_dumping(name)]
        return Held(len(times), min(times, default=None))

    def _is_dumping(self, archive_id: str) -> bool:
        try:
            fd = self._open(Part.ASSETS, archive_id)
        except CoresnapError:
            return False
        try:
            return not share(fd)
        finally:
            os.close(fd)

    def intruders(self) -> list[str]:
        """Name what is in the spool and cannot be ours: links, FIFOs, directories."""
        found = []
        for part in Part:
            for name in sorted(self._names(part)):
                ours = ID.fullmatch(name) or name.startswith(PREFIX)
                status = self._lstat(part, name)
                if status is not None and not (ours and is_plain(status)):
                    found.append(f"{part}/{name}")
        return found

    def open(self, part: Part, archive_id: str) -> int:
        """Open a part for reading; as long as it is open, it is not evicted.

        Raises MissingError, AccessError or StorageError.
        """
        fd = self._open(part, archive_id)
        share(fd)
        return fd

    def _open(self, part: Part, archive_id: str) -> int:
        where = self.path(part, archive_id)
        try:
            fd = os.open(archive_id, _OPEN_FILE, dir_fd=self._directories[part])
        except FileNotFoundError as error:
            raise MissingError(f"{where} is not there") from error
        except OSError as error:
            raise storage_error(f"cannot open {where}", error) from error
        if not is_plain(os.fstat(fd)):
            os.close(fd)
            raise StorageError(f"{where} is not a plain file with one name")
        return fd

    def _names(self, part: Part) -> list[str]:
        try:
            return os.listdir(self._directories[part])
        except OSError as error:
            raise storage_error(
                f"cannot list {self.directory / part}", error
            ) from error

    def _files(self, part: Part) -> Iterator[tuple[str, os.stat_result]]:
        for name in self._names(part):
            status = self._status(part, name)
            if status is not None:
                yield name, status

    def _status(self, part: Part, name: str) -> os.stat_result | None:
        if not ID.fullmatch(name):
            return None
        status = self._lstat(part, name)
        return status if status is not None and is_plain(status) else None

    def _lstat(self, part: Part, name: str) -> os.stat_result | None:
        try:
            return os.lstat(name, dir_fd=self._directories[part])
        except OSError:
            return None

    # --- change ---------------------------------------------------------------

    def create(self, part: Part) -> TemporaryFile:
        """Begin a part that has no name until it is committed."""
        try:
            return TemporaryFile(self._directories[part])
        except OSError as error:
            where = self.directory / part
            raise storage_error(f"cannot create a file in {where}", error) from error

    def commit(
        self, part: Part, file: TemporaryFile, archive_id: str, *, replace: bool = False
    ) -> None:
        """Give ``file`` its place in an archive; after this it cannot be lost."""
        try:
            file.commit(archive_id, replace=replace)
        except OSError as error:
            where = self.path(part, archive_id)
            raise storage_error(f"cannot commit {where}", error) from error

    def remove(self, part: Part, archive_id: str) -> bool:
        """Remove a part; False if it was not there."""
        try:
            os.unlink(archive_id, dir_fd=self._directories[part])
        except FileNotFoundError:
            return False
        except OSError as error:
            where = self.path(part, archive_id)
            raise storage_error(f"cannot remove {where}", error) from error
        return True

    def evict(self, part: Part, archive_id: str) -> bool:
        """Remove a part unless somebody reads or writes it; False if so.

        Raises AccessError or StorageError.
        """
        try:
            fd = self._open(part, archive_id)
        except MissingError:
            return True
        try:
            if not own(fd):
                return False
            self.remove(part, archive_id)
            return True
        finally:
            os.close(fd)

    def leftovers(self, older_than: float) -> list[tuple[Part, str]]:
        """Name unfinished files and copies, last changed before a time.

        ``older_than`` is in seconds since the epoch. The record of a crash without a
        core is no leftover: it is all that there will ever be.
        """
        found = []
        for part in Part:
            for name in self._names(part):
                status = self._lstat(part, name)
                if status is None or not stat.S_ISREG(status.st_mode):
                    continue
                if status.st_mtime >= older_than:
                    continue
                if name.startswith(PREFIX) or (
                    part is Part.ASSETS and self._is_orphan(name, status)
                ):
                    found.append((part, name))
        return found

    def _is_orphan(self, name: str, status: os.stat_result) -> bool:
        is_ours = ID.fullmatch(name) and is_plain(status)
        return bool(is_ours) and self.archive(name) is None


def _capture(fd: int) -> dict[str, Any]:
    try:
        record = json.loads(read_member(fd, "capture.json") or b"{}")
    except (OSError, ValueError, RecursionError):
        return {}
    return record if isinstance(record, dict) else {}


def _is_copy(capture: dict[str, Any]) -> bool:
    """Say whether a core was to come from a file that is still there."""
    return capture.get("way") in _COPIES and capture.get("rung") != "record"


def _executable(crash: Crash) -> str:
    if crash.path is not None:
        return crash.path
    # The kernel writes '!' for '/' in %E (fs/coredump.c, cn_print_exe_file).
    path = crash.executable or ""
    return path if "/" in path else path.replace("!", "/")


def _application(crash: Crash | None, executable: str) -> str:
    command = crash.command if crash is not None else None
    return executable.rpartition("/")[2] or command or "?"


def _opening_error(directory: Path, error: OSError) -> CoresnapError:
    if error.errno in (errno.ENOENT, errno.ENOTDIR, errno.ELOOP):
        return MissingError(
            f"no spool at {directory}: {error.strerror}",
            remedy="`coresnap install` creates it.",
        )
    return storage_error(f"cannot open the spool {directory}", error)
