"""Directories in which files are found by the build-id of what they belong to.

Three layouts, in one directory or in several:

- ``.build-id/xx/yyyy`` and ``.build-id/xx/yyyy.debug``, as distributions have it
  (GDB manual, "Separate Debug Files");
- ``BUILDID/executable`` and ``BUILDID/debuginfo``, as debuginfod's clients keep what
  they have fetched (debuginfod_find_debuginfo(3));
- files under any name, which an index tells the build-ids of.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import msgspec

if TYPE_CHECKING:
    from coresnap.analysis.debuginfo.symbol_index import SymbolIndex

__all__ = ["Kind", "SymbolDirectory", "build_id_path", "is_build_id"]

Kind = Literal["executable", "debuginfo"]
"""What is looked for, in debuginfod's words."""

_DIGITS = "0123456789abcdef"


def is_build_id(text: str) -> bool:
    """Whether ``text`` is one that can be looked for: 3 to 64 bytes in hex digits."""
    return 6 <= len(text) <= 128 and len(text) % 2 == 0 and not text.strip(_DIGITS)


def build_id_path(build_id: str, kind: Kind) -> Path:
    """Where a file stands below a directory that has a ``.build-id``."""
    suffix = ".debug" if kind == "debuginfo" else ""
    return Path(".build-id", build_id[:2], build_id[2:] + suffix)


class SymbolDirectory(msgspec.Struct):
    """One directory; its index is read when the layouts by name have nothing."""

    path: Path
    what: str = "build-id"
    """``Search.what`` of what is found here."""
    is_indexed: bool = True
    """Files under any name are looked for too."""
    _index: SymbolIndex | None = None

    def candidates(self, build_id: str, kind: Kind) -> Iterator[Path]:
        """Paths that are worth a look, whether anything is there or not."""
        if not is_build_id(build_id):
            return
        if self.is_indexed:
            yield self.path / build_id_path(build_id, kind)
        # An empty one says that a server was asked in vain.
        fetched = self.path / build_id / kind
        if _has_content(fetched):
            yield fetched
        if self.is_indexed:
            yield from self.index().paths(build_id)

    def index(self) -> SymbolIndex:
        """The build-ids of all files below."""
        if self._index is None:
            # Not before: most cores are analysed without such a directory.
            from coresnap.analysis.debuginfo.symbol_index import open_index

            self._index = open_index(self.path)
        return self._index


def _has_content(path: Path) -> bool:
    try:
        return path.stat().st_size > 0
    except OSError:
        return False
