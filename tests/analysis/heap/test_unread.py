"""Allocators that are there, but whose memory is not."""

from __future__ import annotations

import ctypes.util
import struct
from collections.abc import Callable
from pathlib import Path

import pytest

from coresnap.analysis.heap.find import find_heaps
from coresnap.elfcore.corefile import open_core
from heap.truth import crash

pytestmark = [pytest.mark.compiler, pytest.mark.core_pattern]

LIBRARIES = {
    "jemalloc": "jemalloc",
    "tcmalloc": "tcmalloc_minimal",
    "mimalloc": "mimalloc",
}
CompileProgram = Callable[..., Path]


@pytest.mark.parametrize("allocator", LIBRARIES)
def test_a_loaded_library_without_its_memory_is_named(
    allocator: str, compile_program: CompileProgram, core_directory: Path
) -> None:
    library = ctypes.util.find_library(LIBRARIES[allocator])
    if library is None:
        pytest.skip(f"the library of {allocator} is not installed")
    program = compile_program("block_mistakes.c", "-O0", "-g")
    path, _ = crash([program], core_directory, {"LD_PRELOAD": library})
    whole = path.read_bytes()
    path.write_bytes(whole[: memory_offset(whole)])
    with open_core(path) as core:
        heaps = find_heaps(core)
        (report,) = (one for one in heaps.reports() if one.name == allocator)
        assert (report.live_blocks, report.freed, report.damage) == (0, (), ())
        assert f"has {allocator}, but the core does not show" in report.notes[0]
        assert all(heaps.place(m.start) is None for m in core.mappings)


def memory_offset(core: bytes) -> int:
    """Where headers and notes end, and the first mapping's memory begins."""
    (table,) = struct.unpack_from("<Q", core, 32)
    (count,) = struct.unpack_from("<H", core, 56)
    headers = [struct.unpack_from("<IIQ", core, table + 56 * n) for n in range(count)]
    return int(min(offset for kind, _, offset in headers if kind == 1))
