"""Which C library it is, and what is said where its heap cannot be read."""

from __future__ import annotations

from pathlib import Path

import pytest

import corewriter as w
from conftest import CompileProgram
from coresnap.analysis.debuginfo.files import DebugFiles
from coresnap.analysis.heap.glibc.arenas import find_main_arena
from coresnap.analysis.heap.glibc.find import find_glibc
from coresnap.analysis.heap.glibc.layout import layout_of
from coresnap.analysis.heap.glibc.library import candidates
from coresnap.analysis.heap.glibc.words import Words
from coresnap.elfcore.corefile import CoreFile, open_core
from heap.glibc.blocks import crash

LIBRARY = 0x7F0000000000


def core_with(directory: Path, path: bytes, text: bytes = b"") -> CoreFile:
    """A core of a process with one library, whose text holds something."""
    module = w.write_module(
        segments=[
            w.Segment(0, flags=w.PF_R, memory_size=0x1000),
            w.Segment(0x200000, memory_size=0x1000),
        ]
    )
    data = module[:0x800] + text
    files = [
        (LIBRARY, LIBRARY + 0x1000, 0, path),
        (LIBRARY + 0x200000, LIBRARY + 0x201000, 0x200, path),
    ]
    core = directory / "core"
    core.write_bytes(
        w.write_core(
            notes=[
                w.prstatus(w.X86_64, tid=1, registers={}),
                w.mapped_files(w.X86_64, files),
            ],
            segments=[
                w.Segment(LIBRARY, data.ljust(0x1000, b"\0"), flags=w.PF_R),
                w.Segment(LIBRARY + 0x200000, bytes(0x1000)),
            ],
        )
    )
    return open_core(core)


def test_musl_is_named(tmp_path: Path) -> None:
    core = core_with(tmp_path, b"/lib/ld-musl-x86_64.so.1")
    found = find_glibc(core)

    assert found.heaps == ()
    assert "musl" in found.notes[0].message


@pytest.mark.parametrize(
    ("path", "text"),
    [
        (b"/lib/libc-2.23.so", b""),
        (
            b"/lib/libc.so.6",
            b"GNU C Library (Debian) stable release version 2.23, by Roland.\n",
        ),
    ],
)
def test_an_old_version_is_named(tmp_path: Path, path: bytes, text: bytes) -> None:
    found = find_glibc(core_with(tmp_path, path, text))

    assert found.heaps == ()
    assert "glibc 2.23" in found.notes[0].message


def test_a_library_without_an_arena_is_named(tmp_path: Path) -> None:
    found = find_glibc(core_with(tmp_path, b"/lib/libc.so.6"))

    assert found.heaps == ()
    assert "/lib/libc.so.6" in found.notes[0].message


def test_another_library_is_none_of_ours(tmp_path: Path) -> None:
    found = find_glibc(core_with(tmp_path, b"/lib/libcrypt.so.1"))

    assert (found.heaps, found.notes) == ((), ())


@pytest.mark.compiler
@pytest.mark.core_pattern
class TestRealCores:
    """A program's core, with and without files and symbols of its library."""

    @pytest.fixture
    def core(self, compile_program: CompileProgram, core_directory: Path) -> Path:
        program = compile_program("heap_blocks.c", "-O1", "-w", libraries=["-pthread"])
        return crash([program, "churn", "8"], core_directory)[0]

    def test_the_core_alone_says_the_same(self, core: Path, tmp_path: Path) -> None:
        (whole,) = find_glibc(open_core(core)).heaps
        (alone,) = find_glibc(open_core(core, sysroot=tmp_path)).heaps

        assert whole.report().live_blocks == alone.report().live_blocks
        assert whole.report().freed == alone.report().freed
        assert alone.report().damage == ()
        version = alone.report().version
        assert version is not None
        assert version.startswith("2.")

    def test_symbols_lead_to_an_arena_that_has_no_shape(self, core: Path) -> None:
        opened = open_core(core)
        (library,) = candidates(opened)
        words = Words(opened.memory, layout_of(opened.architecture))
        main = find_main_arena(words, library.data)
        assert main is not None
        ring = words.word(main.bins + 2 * 127 * 8 + 16)
        assert ring == main.bins - main.offset
        (whole,) = find_glibc(opened).heaps
        expected = whole.report()
        # The pointer to itself, wherever it stands: the ring does not close any more.
        data = core.read_bytes().replace(ring.to_bytes(8, "little"), bytes(8))
        core.write_bytes(data)

        broken = open_core(core)
        assert find_glibc(broken).heaps == ()
        files = DebugFiles()
        found = find_glibc(broken, files.separate_elf)
        if not found.heaps:
            pytest.skip("no debug file of libc is installed")
        report = found.heaps[0].report()
        assert report.found_by == "symbols"
        assert report.live_blocks == expected.live_blocks
        assert report.freed == expected.freed
