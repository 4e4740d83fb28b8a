"""The debug files of a core's modules: opened when asked for, or ahead in threads."""

from __future__ import annotations

import _thread
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from coresnap.analysis.debuginfo.debug_cache import DebugCache
from coresnap.analysis.debuginfo.locate import (
    DebugPlaces,
    Located,
    debug_directories_of,
    locate,
)
from coresnap.analysis.debuginfo.symbol_directory import (
    Kind,
    SymbolDirectory,
    build_id_path,
    is_build_id,
)
from coresnap.analysis.debuginfo.wanted import Wanted
from coresnap.elfcore.elffile import ElfFile, open_elf
from coresnap.errors import AccessError, InputError, MissingError
from coresnap.model import Search

if TYPE_CHECKING:
    from coresnap.elfcore.modules import LoadedModule

__all__ = ["DebugFiles"]

_EXECUTABLES = "usr/lib"
"""Where Fedora and its kin have links to executables, in ``.build-id``."""
_MOST_AHEAD = 8
"""Modules opened ahead: stacks run through a few, a process may map hundreds."""


class _Task:
    """A call in a thread of its own."""

    # ``threading`` waits until each thread runs, for which it needs the interpreter
    # from the one that waits: 0.1 ms, and many of them on a busy machine. And it takes
    # 0.5 ms to import, for nothing else in a small analysis.
    def __init__(
        self, function: Callable[[LoadedModule], None], argument: LoadedModule
    ) -> None:
        self._running = _thread.allocate_lock()
        self._running.acquire()
        _thread.start_new_thread(self._run, (function, argument))

    def _run(
        self, function: Callable[[LoadedModule], None], argument: LoadedModule
    ) -> None:
        try:
            function(argument)
        finally:
            self._running.release()

    def join(self) -> None:
        """Wait for its end; may be repeated."""
        with self._running:
            pass


class DebugFiles:
    """Debug files by module; each is located and opened once.

    ``directories`` are searched before the system's, which stand below ``sysroot``;
    ``symbols`` come last. ``cache`` keeps what was decompressed.
    """

    def __init__(
        self,
        directories: Sequence[Path] = (),
        sysroot: Path | None = None,
        symbols: Sequence[SymbolDirectory] = (),
        cache: DebugCache | None = None,
    ) -> None:
        directories = debug_directories_of(directories, sysroot)
        self.places = DebugPlaces(directories, tuple(symbols), sysroot, cache)
        self.asked: dict[Wanted, tuple[Search, ...]] = {}
        """What servers were asked for, and what they said."""
        self._located: dict[int, Located] = {}
        self._opening: dict[int, _Task] = {}

    def open_ahead(self, modules: Iterable[LoadedModule]) -> None:
        """Start to open the files of modules that will be asked for."""
        # To decompress libc's takes 40 ms, in C, while Python is free to go on.
        for module in modules:
            if len(self._opening) >= _MOST_AHEAD:
                return
            if module.start not in self._opening:
                self._opening[module.start] = _Task(self._open, module)

    def of(self, module: LoadedModule) -> Located:
        """The debug file of a module, or why there is none."""
        self._join(module)
        if module.start not in self._located:
            self._open(module)
        return self._located[module.start]

    def _join(self, module: LoadedModule) -> None:
        task = self._opening.get(module.start)
        if task is not None:
            task.join()

    def separate_elf(self, module: LoadedModule) -> ElfFile | None:
        """The debug file as ELF, where it is another file than the module's own."""
        file = self.of(module).file
        if file is None or file.path == module.file:
            return None
        try:
            return open_elf(file.path)
        except (AccessError, InputError, MissingError):
            return None  # libdw could read it, so it went away just now

    def stored(self, build_id: str) -> Iterator[tuple[str, Path]]:
        """Where the executable or library with a build-id may be."""
        if not is_build_id(build_id):
            return
        own = (self.places.sysroot or Path("/")) / _EXECUTABLES
        for directory in (*self.places.directories, own):
            yield "build-id", directory / build_id_path(build_id, "executable")
        for symbols in self.places.symbols:
            for path in symbols.candidates(build_id, "executable"):
                yield symbols.what, path

    def forget(self, module: LoadedModule) -> None:
        """Close a module's debug file: it is located again when it is asked for."""
        self._join(module)
        located = self._located.pop(module.start, None)
        if located is not None and located.file is not None:
            located.file.close()

    def _open(self, module: LoadedModule) -> None:
        build_id = self.build_id_of(module)
        earlier = self._with_asked(module.searches, build_id, "executable")
        located = locate(module.file, build_id, self.places, earlier)
        log = located.log.searches
        log[:] = self._with_asked(log, build_id, "debuginfo")
        for alternate in filter(None, (located.alternate_build_id,)):
            log[:] = self._with_asked(log, alternate, "debuginfo")
        self._located[module.start] = located

    def _with_asked(
        self, searches: Sequence[Search], build_id: str | None, kind: Kind
    ) -> list[Search]:
        """Add what servers said, before what of theirs is used."""
        asked = self.asked.get(Wanted(build_id, kind), ()) if build_id else ()
        kept = f"/{build_id}/{kind}"
        before = (
            index
            for index, search in enumerate(searches)
            if search.what == "debuginfod" and search.place.endswith(kept)
        )
        at = next(before, len(searches))
        return [*searches[:at], *asked, *searches[at:]]

    def build_id_of(self, module: LoadedModule) -> str | None:
        """As the core has it; else that of the file: then nothing else is known."""
        if module.build_id is None and module.elf is not None:
            return module.file_build_id
        return module.build_id

    def __enter__(self) -> DebugFiles:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def close(self) -> None:
        """Release the files; every handle becomes invalid. May be repeated."""
        for task in self._opening.values():
            task.join()
        for located in self._located.values():
            if located.file is not None:
                located.file.close()
        self._opening.clear()
        self._located.clear()
