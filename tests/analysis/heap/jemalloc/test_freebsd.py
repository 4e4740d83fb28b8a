"""jemalloc in the libc of FreeBSD 13.2: 5.2.1, without symbols, modules, threads."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

import pytest

from coresnap.analysis.heap.find import find_heaps
from coresnap.elfcore.corefile import open_core

pytestmark = pytest.mark.corpus

CORES = (
    "segv_null/crash.26.0.11",
    "abort/crash.64.0.6",
    "handler/crash.273.0.11",
    "threads/crash.292.0.11",
    "dfree/crash.349.0.6",
    "uaf/crash.387.0.10",
    "static_segv/crash_static.463.0.11",
    "cxx/cxx.501.0.6",
)


class Corpus(Protocol):
    def path(self, name: str) -> Path: ...


@pytest.mark.parametrize("name", CORES)
def test_its_heap_is_found_and_sound(name: str, corpus: Corpus) -> None:
    with open_core(corpus.path(f"freebsd/cores/{name}.fbsdlab.core")) as core:
        (heap,) = find_heaps(core).heaps
        report = heap.report()
        assert (report.name, report.version) == ("jemalloc", "5.1–5.2")
        assert report.live_blocks > 300
        assert report.free_blocks > report.live_blocks
        assert report.damage == ()
        assert not any("cache was found" in note for note in report.notes)


def test_a_freed_block_of_it_waits_in_a_cache(corpus: Corpus) -> None:
    name = "freebsd/cores/uaf/crash.387.0.10.fbsdlab.core"
    with open_core(corpus.path(name)) as core:
        (heap,) = find_heaps(core).heaps
        (block,) = heap.freed()
        assert (block.size, block.free_list) == (8, "tcache, class 8")
        assert block.preview == b"\x5a" * 8
