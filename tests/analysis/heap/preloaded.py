"""Allocators that programs get by LD_PRELOAD: Debian's jemalloc 5.3.0, gperftools 2.10,
mimalloc 2.0.9."""

from __future__ import annotations

import ctypes.util
from collections.abc import Callable, Mapping

import attrs
import pytest

from coresnap.analysis.heap.heaps import Heap
from coresnap.analysis.heap.jemalloc.find import find_jemalloc
from coresnap.analysis.heap.mimalloc.find import find_mimalloc
from coresnap.analysis.heap.tcmalloc.find import find_tcmalloc
from coresnap.elfcore.corefile import CoreFile


@attrs.frozen
class Library:
    """A shared library that is an allocator."""

    allocator: str
    """What reports call it."""
    soname: str | None
    """None: it is not installed."""
    package: str
    """Debian's."""
    find: Callable[[CoreFile], Heap | None]

    @property
    def environment(self) -> Mapping[str, str]:
        """What makes a program use it."""
        return {"LD_PRELOAD": str(self.soname)}

    @property
    def is_needed(self) -> pytest.MarkDecorator:
        """Skips a test where the library is not installed."""
        return pytest.mark.skipif(
            self.soname is None, reason=f"{self.package} is not installed"
        )

    def heap(self, core: CoreFile) -> Heap:
        """The heap of a core that has one."""
        found = self.find(core)
        assert found is not None
        return found


@attrs.frozen
class Mistake:
    """The core of tests/cores/block_mistakes.c, and its blocks of 32 bytes."""

    core: CoreFile
    heap: Heap
    block: int
    """The one that it makes the mistake with."""
    other: int


MakeMistake = Callable[[Library, str], Mistake]
"""Runs the program with a library, to make the mistake of that name."""

JEMALLOC = Library(
    "jemalloc", ctypes.util.find_library("jemalloc"), "libjemalloc2", find_jemalloc
)
TCMALLOC = Library(
    "tcmalloc",
    ctypes.util.find_library("tcmalloc_minimal"),
    "libtcmalloc-minimal4",
    find_tcmalloc,
)
MIMALLOC = Library(
    "mimalloc", ctypes.util.find_library("mimalloc"), "libmimalloc2.0", find_mimalloc
)
LIBRARIES = (JEMALLOC, TCMALLOC, MIMALLOC)

each_library = pytest.mark.parametrize(
    "library",
    [pytest.param(one, id=one.allocator, marks=one.is_needed) for one in LIBRARIES],
)
