"""What was fetched from debuginfod servers, kept as their other clients keep it.

``BUILDID/debuginfo`` and ``BUILDID/executable`` below one directory, shared with
elfutils and gdb: debuginfod_find_debuginfo(3), "CACHE". An empty file says that no
server had it; it counts for ``cache_miss_s`` seconds. What nobody has used for
``max_unused_age_s`` seconds goes, looked at every ``cache_clean_interval_s`` seconds:
files of these names hold the numbers.
"""

from __future__ import annotations

import contextlib
import os
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec

from coresnap.analysis.debuginfo.symbol_directory import Kind, is_build_id
from coresnap.analysis.debuginfo.symbol_index import cache_home

__all__ = ["DebuginfodCache", "default_cache"]

_MISS_SECONDS = 600
_CLEAN_SECONDS = 86_400
_UNUSED_SECONDS = 604_800
_LEFTOVER_SECONDS = 86_400
"""Age of an unfinished file that nobody will finish."""
_NUMBER_LIMIT = 32


def default_cache() -> Path:
    """Where elfutils looks: ``DEBUGINFOD_CACHE_PATH``, or in the user's cache."""
    given = os.environ.get("DEBUGINFOD_CACHE_PATH", "")
    if given:
        return Path(given).absolute()
    return (cache_home() or Path("/.cache")) / "debuginfod_client"


class DebuginfodCache(msgspec.Struct, frozen=True):
    """One directory of fetched files."""

    directory: Path

    def path(self, build_id: str, kind: Kind) -> Path:
        """Where a file is kept."""
        return self.directory / build_id / kind

    def has(self, build_id: str, kind: Kind) -> bool:
        """Whether the file was fetched."""
        try:
            return self.path(build_id, kind).stat().st_size > 0
        except OSError:
            return False

    def missed_until(self, build_id: str, kind: Kind) -> float | None:
        """Until when no server needs to be asked, in seconds since the epoch.

        None if it was not asked for, or too long ago.
        """
        path = self.path(build_id, kind)
        try:
            status = path.stat()
        except OSError:
            return None
        until = status.st_mtime + self._number("cache_miss_s", _MISS_SECONDS)
        if status.st_size or time.time() >= until:
            return None
        return until

    def remember_miss(self, build_id: str, kind: Kind) -> None:
        """Note that no server has it; not if that cannot be written."""
        path = self.path(build_id, kind)
        with contextlib.suppress(OSError):
            self._prepare(path.parent)
            path.unlink(missing_ok=True)
            os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))

    @contextlib.contextmanager
    def adding(self, build_id: str, kind: Kind) -> Iterator[Addition]:
        """Yield a file to fill; without ``keep`` it is gone afterwards.

        Raises OSError if the directory cannot be written.
        """
        path = self.path(build_id, kind)
        self._prepare(path.parent)
        descriptor, name = tempfile.mkstemp(prefix=f"{kind}.", dir=path.parent)
        temporary = Path(name)
        try:
            with open(descriptor, "wb") as stream:
                yield Addition(temporary, path, stream.write, stream.flush, descriptor)
        finally:
            temporary.unlink(missing_ok=True)
            with contextlib.suppress(OSError):
                path.parent.rmdir()  # if nothing is in it

    def _prepare(self, directory: Path) -> None:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)

    def _number(self, name: str, default: int) -> int:
        try:
            with open(self.directory / name) as stream:
                return int(stream.read(_NUMBER_LIMIT))
        except (OSError, ValueError):
            return default

    def clean(self) -> None:
        """Remove what nobody has used for long; most calls find nothing to do."""
        mark = self.directory / "cache_clean_interval_s"
        interval = self._number(mark.name, _CLEAN_SECONDS)
        now = time.time()
        with contextlib.suppress(OSError):
            if not mark.exists():
                mark.write_text(str(interval))
            elif now - mark.stat().st_mtime >= interval:
                os.utime(mark)
                self._remove_unused(now)

    def _remove_unused(self, now: float) -> None:
        age = self._number("max_unused_age_s", _UNUSED_SECONDS)
        for directory in self.directory.iterdir():
            if not is_build_id(directory.name) or directory.is_symlink():
                continue
            for file in directory.iterdir():
                status = file.lstat()
                unused = now - max(status.st_atime, status.st_mtime)
                is_leftover = file.name.startswith(("debuginfo.", "executable."))
                if unused >= (min(age, _LEFTOVER_SECONDS) if is_leftover else age):
                    file.unlink(missing_ok=True)
            with contextlib.suppress(OSError):
                directory.rmdir()


class Addition(msgspec.Struct, frozen=True):
    """A file on its way into the cache."""

    temporary: Path
    path: Path
    write: Callable[[bytes], object]
    _flush: Callable[[], object]
    _descriptor: int

    def flush(self) -> None:
        """Let others see what was written."""
        self._flush()

    def keep(self) -> Path:
        """Give it its name, with all of its bytes on the disk."""
        self._flush()
        os.fchmod(self._descriptor, 0o400)
        os.fsync(self._descriptor)
        os.replace(self.temporary, self.path)
        return self.path
