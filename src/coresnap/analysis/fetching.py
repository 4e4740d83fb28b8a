"""Fetching what the stacks of a core need from servers, before the core is analysed.

Only modules that frames stand in are asked for. Without a module's executable its
callers may not be found, so that each answer may show more modules: the stacks are
walked again until nothing new comes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Protocol

from coresnap.analysis.debuginfo.files import DebugFiles
from coresnap.analysis.debuginfo.symbol_directory import SymbolDirectory, is_build_id
from coresnap.analysis.debuginfo.wanted import Fetched, Wanted
from coresnap.elfcore.corefile import CoreFile
from coresnap.elfcore.modules import LoadedModule

__all__ = ["Fetcher", "missing_files", "needed_modules", "open_with_fetched"]

_ROUNDS = 4
_THREADS = 256
_FRAMES = 512
_MODULES = 128
"""Asked for in one round: a process may map thousands of files."""


class Fetcher(Protocol):
    """Somebody who gets files by build-id, and puts them into a directory."""

    @property
    def directory(self) -> SymbolDirectory:
        """Where what was fetched is found."""

    def fetch(self, wanted: Sequence[Wanted]) -> Mapping[Wanted, Fetched]:
        """Fetch what is not there yet; says for each what came of it."""


def open_with_fetched(
    open_again: Callable[[], CoreFile], files: DebugFiles, fetcher: Fetcher
) -> CoreFile:
    """Open a core whose modules' files have been fetched as far as they can be.

    ``open_again`` opens the core with what is in ``files`` at that time.
    """
    core = open_again()
    for _ in range(_ROUNDS):
        wanted = {
            one: module
            for module in needed_modules(core, files)
            for one in missing_files(module, files)
            if one not in files.asked
        }
        if not wanted:
            break
        found = fetcher.fetch(list(wanted))
        for one, module in wanted.items():
            files.asked[one] = found[one].searches
            files.forget(module)
        if all(fetched.path is None for fetched in found.values()):
            break
        core.close()
        core = open_again()
    return core


def missing_files(module: LoadedModule, files: DebugFiles) -> Iterator[Wanted]:
    """What a server may have that would make a module readable."""
    build_id = files.build_id_of(module)
    if build_id is None or not is_build_id(build_id):
        return
    if module.elf is None:
        yield Wanted(build_id, "executable")
    located = files.of(module)
    if located.file is None and located.unavailable is None:
        yield Wanted(build_id, "debuginfo")
    elif located.alternate_build_id is not None:
        yield Wanted(located.alternate_build_id, "debuginfo")


def needed_modules(core: CoreFile, files: DebugFiles) -> list[LoadedModule]:
    """The modules that the core's threads stand in, those of the crashed thread first.

    The vdso is left out: it is read from the core.
    """
    from coresnap.analysis.unwind.unwinder import Unwinder

    unwinder = Unwinder(
        core,
        debug_file=files.separate_elf,
        frame_limit=_FRAMES,
        to_the_end=False,
    )
    found: dict[int, LoadedModule] = {}
    if core.executable is not None:
        found[core.executable.start] = core.executable
    for thread in core.threads[:_THREADS]:
        for frame in unwinder.unwind(thread.registers).frames:
            module = frame.module
            if module is not None and not (module.elf and module.file is None):
                found.setdefault(module.start, module)
        if len(found) >= _MODULES:
            break
    return list(found.values())[:_MODULES]
