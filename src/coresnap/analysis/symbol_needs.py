"""What a core needs to be read, and what of it is there."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from pathlib import Path

import msgspec

from coresnap.analysis.debuginfo.files import DebugFiles
from coresnap.analysis.debuginfo.symbol_directory import SymbolDirectory
from coresnap.analysis.fetching import (
    Fetcher,
    missing_files,
    needed_modules,
    open_with_fetched,
)
from coresnap.elfcore.corefile import open_core
from coresnap.elfcore.modulefile import KeptFile
from coresnap.elfcore.modules import LoadedModule
from coresnap.model import Search

__all__ = ["ModuleNeed", "symbol_needs"]


class ModuleNeed(msgspec.Struct, frozen=True):
    """One module of a core, and the files that make it readable."""

    path: str
    """As it was mapped."""
    build_id: str | None
    needed: bool
    """A frame of some thread stands in it."""
    file: str | None
    """The executable or library; None if there is none that fits."""
    debug_file: str | None
    """The file with its debug information."""
    missing: tuple[tuple[str, str], ...]
    """Build-id and kind of what is lacking, in debuginfod's words."""
    searches: tuple[Search, ...]
    """What was looked for, in order."""


def symbol_needs(
    core_path: Path,
    executable: Path | None = None,
    *,
    sysroot: Path | None = None,
    debug_directories: Sequence[Path] = (),
    symbol_directories: Sequence[Path] = (),
    kept: Sequence[KeptFile] = (),
    fetcher: Fetcher | None = None,
) -> list[ModuleNeed]:
    """Look at all modules of a plain core, by address, as ``analyze`` would.

    With a ``fetcher``, what the stacks need is fetched first. Raises as ``open_core``.
    """
    symbols = [SymbolDirectory(directory) for directory in symbol_directories]
    if fetcher is not None:
        symbols.append(fetcher.directory)
    with DebugFiles(debug_directories, sysroot, symbols) as files:
        open_again = functools.partial(
            open_core,
            core_path,
            sysroot=sysroot,
            executable=executable,
            kept=kept,
            stored=files.stored,
        )
        opened = (
            open_again()
            if fetcher is None
            else open_with_fetched(open_again, files, fetcher)
        )
        with opened as core:
            needed = {module.start for module in needed_modules(core, files)}
            # The vdso is in the core.
            return [
                _need(module, files, module.start in needed)
                for module in core.modules
                if module.file is not None or module.elf is None
            ]


def _need(module: LoadedModule, files: DebugFiles, needed: bool) -> ModuleNeed:
    located = files.of(module)
    debug_file = None if located.file is None else located.file.path
    shown = module.kept_as if module.kept_as is not None else module.file
    return ModuleNeed(
        module.path,
        files.build_id_of(module),
        needed,
        None if shown is None else str(shown),
        str(shown if debug_file == module.file else debug_file) if debug_file else None,
        tuple((one.build_id, one.kind) for one in missing_files(module, files)),
        located.searches,
    )
