"""A client of debuginfod servers: files by build-id, several at a time, checked.

The protocol is debuginfod(8)'s: ``URL/buildid/BUILDID/debuginfo`` and ``…/executable``.
The environment is that of elfutils' own client (debuginfod_find_debuginfo(3)), and so
is the cache. What a server sends is kept only if it has the build-id that was asked
for.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec

from coresnap.analysis.debuginfo.debuginfod_cache import (
    DebuginfodCache,
    default_cache,
)
from coresnap.analysis.debuginfo.search_log import USED
from coresnap.analysis.debuginfo.symbol_directory import SymbolDirectory, is_build_id
from coresnap.analysis.debuginfo.wanted import Fetched, Wanted
from coresnap.elfcore.elffile import open_elf
from coresnap.errors import AccessError, InputError, MissingError, UsageError
from coresnap.model import Search

__all__ = ["Debuginfod", "DebuginfodSettings", "check_url", "fetched_directory"]

WHAT = "debuginfod"
_CONNECTIONS = 4
_TIMEOUT = 90
_TIME_LIMIT = 600
_SIZE_LIMIT = 4 << 30


class DebuginfodSettings(msgspec.Struct, frozen=True):
    """Whom to ask, and how long to wait."""

    urls: tuple[str, ...]
    cache: Path
    timeout: float = _TIMEOUT
    """Seconds in which 100 KiB have to come."""
    time_limit: float = _TIME_LIMIT
    """Seconds for all that one core needs."""
    size_limit: int = _SIZE_LIMIT
    """Bytes of one file."""

    @classmethod
    def from_environment(cls, urls: Sequence[str] | None = None) -> DebuginfodSettings:
        """What the ``DEBUGINFOD_*`` variables say, with ``urls`` instead of theirs.

        Raises ``UsageError`` for a URL that is none.
        """
        if urls is None:
            urls = os.environ.get("DEBUGINFOD_URLS", "").split()
        return cls(
            tuple(map(check_url, urls)),
            default_cache(),
            _number("DEBUGINFOD_TIMEOUT", _TIMEOUT),
            _number("DEBUGINFOD_MAXTIME", _TIME_LIMIT),
            _number("DEBUGINFOD_MAXSIZE", _SIZE_LIMIT),
        )


def check_url(url: str) -> str:
    """The URL without the slash at its end; raises ``UsageError`` if it is none."""
    scheme, _, host = url.partition("://")
    if scheme not in ("http", "https") or not host.strip("/") or not url.isprintable():
        raise UsageError(
            f"{url!r} is not a debuginfod server",
            remedy="Give a URL that begins with http:// or https://.",
        )
    return url.rstrip("/")


def _number(name: str, default: int) -> int:
    text = os.environ.get(name, "")
    value = int(text) if text.isdecimal() and len(text) < 16 else 0
    return value or default


class Debuginfod:
    """Asks servers one after the other; one that does not answer is not asked again."""

    def __init__(self, settings: DebuginfodSettings) -> None:
        self.settings = settings
        self.cache = DebuginfodCache(settings.cache)
        self._down: dict[str, str] = {}

    @property
    def directory(self) -> SymbolDirectory:
        """What was fetched, to be looked through."""
        return fetched_directory(self.settings.cache)

    def fetch(self, wanted: Sequence[Wanted]) -> Mapping[Wanted, Fetched]:
        """Fetch all that is not there yet, several at a time.

        Returns when all is there or the time is over. Never raises for what servers do.
        """
        self.cache.clean()
        round_ = _Round(self, list(dict.fromkeys(wanted)), self.settings.time_limit)
        return round_.run()

    def fetch_one(self, wanted: Wanted, deadline: float) -> Fetched:
        """Fetch one file, unless it is there, or known to be nowhere."""
        if not is_build_id(wanted.build_id):
            return Fetched(None, ())
        if self.cache.has(wanted.build_id, wanted.kind):
            path = self.cache.path(wanted.build_id, wanted.kind)
            return Fetched(path, (Search(WHAT, str(path), USED),))
        until = self.cache.missed_until(wanted.build_id, wanted.kind)
        if until is not None:
            path = self.cache.path(wanted.build_id, wanted.kind)
            text = f"not there (404), remembered until {_clock(until)}"
            return Fetched(None, (Search(WHAT, str(path), text),))
        return self._ask_servers(wanted, deadline)

    def _ask_servers(self, wanted: Wanted, deadline: float) -> Fetched:
        from coresnap.analysis.debuginfo.download import DownloadError, NotThereError

        searches: list[Search] = []
        misses = 0
        for server in self.settings.urls:
            url = f"{server}/buildid/{wanted.build_id}/{wanted.kind}"
            if server in self._down:
                text = f"not asked: the server {self._down[server]}"
                searches.append(Search(WHAT, url, text))
                continue
            try:
                path = self._download(url, wanted, deadline)
            except DownloadError as error:
                searches.append(Search(WHAT, url, str(error)))
                misses += isinstance(error, NotThereError)
                if error.is_down:
                    self._down[server] = str(error)
            except OSError as error:
                text = f"cannot be kept in {self.settings.cache}: {error.strerror}"
                searches.append(Search(WHAT, url, text))
            else:
                return Fetched(path, (*searches, Search(WHAT, url, USED)))
        if misses and misses == len(self.settings.urls):
            self.cache.remember_miss(wanted.build_id, wanted.kind)
        return Fetched(None, tuple(searches))

    def _download(self, url: str, wanted: Wanted, deadline: float) -> Path:
        from coresnap.analysis.debuginfo.download import (
            DownloadError,
            Limits,
            download,
        )

        limits = Limits(self.settings.size_limit, self.settings.timeout, deadline)
        with self.cache.adding(wanted.build_id, wanted.kind) as addition:
            download(url, addition.write, limits)
            addition.flush()
            problem = _check(addition.temporary, wanted.build_id)
            if problem is not None:
                raise DownloadError(problem)
            return addition.keep()


class _Round:
    """One ``fetch``: a few threads that take what is wanted, and a limit of time."""

    def __init__(
        self, client: Debuginfod, wanted: list[Wanted], seconds: float
    ) -> None:
        self._client = client
        self._wanted = wanted
        self._left = list(reversed(wanted))
        self._deadline = time.monotonic() + seconds
        self._seconds = seconds
        self._found: dict[Wanted, Fetched] = {}
        self._lock = threading.Lock()

    def run(self) -> Mapping[Wanted, Fetched]:
        threads = [
            threading.Thread(target=self._work, daemon=True)
            for _ in range(min(_CONNECTIONS, len(self._wanted)))
        ]
        for thread in threads:
            thread.start()
        # A server may drip its headers for ever: then a thread is left behind.
        for thread in threads:
            thread.join(max(0.0, self._deadline - time.monotonic()) + 0.5)
        with self._lock:
            self._left.clear()
            return {
                one: self._found.get(one) or self._late(one) for one in self._wanted
            }

    def _late(self, wanted: Wanted) -> Fetched:
        place = f"{' '.join(self._client.settings.urls)} {wanted.build_id}"
        text = f"given up after {self._seconds:g} seconds"
        return Fetched(None, (Search(WHAT, place, text),))

    def _work(self) -> None:
        while time.monotonic() < self._deadline:
            with self._lock:
                if not self._left:
                    return
                wanted = self._left.pop()
            found = self._client.fetch_one(wanted, self._deadline)
            with self._lock:
                self._found[wanted] = found


def fetched_directory(cache: Path) -> SymbolDirectory:
    """A cache of debuginfod's, to be looked through."""
    return SymbolDirectory(cache, WHAT, is_indexed=False)


def _check(path: Path, build_id: str) -> str | None:
    """What is wrong with what a server sent; None if it is what was asked for."""
    try:
        elf = open_elf(path)
    except (AccessError, InputError, MissingError):
        return "what came is not an ELF file"
    found = elf.build_id
    elf.release()
    if found != build_id:
        return f"what came has build-id {found or 'none'}"
    return None


def _clock(seconds: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(seconds))
