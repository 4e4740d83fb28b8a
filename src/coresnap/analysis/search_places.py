"""Where an analysis looks for what a core does not hold."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from coresnap.analysis.debuginfo.debug_cache import DebugCache
from coresnap.analysis.debuginfo.files import DebugFiles
from coresnap.analysis.debuginfo.symbol_directory import SymbolDirectory
from coresnap.analysis.source_paths import SourcePaths
from coresnap.elfcore.modulefile import KeptFile

if TYPE_CHECKING:
    from coresnap.analysis.fetching import Fetcher

__all__ = ["SearchPlaces"]


class SearchPlaces(msgspec.Struct, frozen=True, eq=False):
    """Executables, debug information and sources: where they are, besides the usual."""

    executable: Path | None = None
    """Used instead of the path that the core records."""
    sysroot: Path | None = None
    """Put before every path that the core, or a file, records."""
    debug_directories: tuple[Path, ...] = ()
    """Searched for separate debug files first."""
    symbol_directories: tuple[Path, ...] = ()
    """Searched by build-id for what is found nowhere else."""
    sources: SourcePaths | None = None
    kept: tuple[KeptFile, ...] = ()
    """Copies of the process's files that the capture made."""
    fetcher: Fetcher | None = None
    """Fetches what is in none of the places, for modules that frames stand in."""
    cache: DebugCache | None = None
    """Of debug information that had to be decompressed."""

    def debug_files(self) -> DebugFiles:
        """The debug files in these places, none of them open yet."""
        symbols = [SymbolDirectory(path) for path in self.symbol_directories]
        if self.fetcher is not None:
            symbols.append(self.fetcher.directory)
        return DebugFiles(self.debug_directories, self.sysroot, symbols, self.cache)
