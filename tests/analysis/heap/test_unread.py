"""Allocators that are there, but whose memory is not."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest

from coresnap.analysis.heap.find import find_heaps
from coresnap.elfcore.corefile import open_core
from heap.preloaded import Library, each_library
from heap.truth import crash

pytestmark = [pytest.mark.compiler, pytest.mark.core_pattern]


@each_library
def test_a_loaded_library_without_its_memory_is_named(
    library: Library, block_mistakes: Path, core_directory: Path
) -> None:
    path, _ = crash([block_mistakes], core_directory, library.environment)
    whole = path.read_bytes()
    path.write_bytes(whole[: memory_offset(whole)])
    with open_core(path) as core:
        heaps = find_heaps(core)
        name = library.allocator
        (report,) = (one for one in heaps.reports() if one.name == name)
        assert (report.live_blocks, report.freed, report.damage) == (0, (), ())
        assert f"has {name}, but the core does not show" in report.notes[0]
        assert all(heaps.place(m.start) is None for m in core.mappings)


def memory_offset(core: bytes) -> int:
    """Where headers and notes end, and the first mapping's memory begins."""
    (table,) = struct.unpack_from("<Q", core, 32)
    (count,) = struct.unpack_from("<H", core, 56)
    headers = [struct.unpack_from("<IIQ", core, table + 56 * n) for n in range(count)]
    return int(min(offset for kind, _, offset in headers if kind == 1))
