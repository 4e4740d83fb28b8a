"""Threads of a kernel, from a minidump's memory and a kernel's file made for it."""

from __future__ import annotations

import platform
import shutil
import struct
from pathlib import Path

import pytest

import coresnap
import kernel_panics as panics
from coresnap.analysis.debuginfo.libdw_file import unavailable
from coresnap.analysis.kernel.evidence import pack_evidence
from coresnap.analysis.kernel.find_kernel import find_kernel
from coresnap.analysis.kernel.snapshot import snapshot_of_kernel
from coresnap.analysis.record import snapshot_of_record
from coresnap.analysis.session import SearchPlaces, read_kernel
from coresnap.model import Snapshot, Thread, Trust, UnwindEnd
from coresnap.snapshot.container import write_snapshot
from coresnap.views.cli.explain import make_fingerprint
from kernel_dumps.builtkernel import Kernel, compile_kernel, stacked_kernel

pytestmark = [
    pytest.mark.skipif(
        unavailable() is not None or shutil.which("gcc") is None, reason="no libdw, gcc"
    ),
    pytest.mark.skipif(
        platform.machine() not in ("x86_64", "amd64"),
        reason="the kernel is made for x86-64",
    ),
]


@pytest.fixture(scope="module")
def kernel_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return compile_kernel(tmp_path_factory.mktemp("kernel"))


def analysed(kernel: Kernel, directory: Path, file: Path | None = None) -> Snapshot:
    dump = directory / "vmcore.0"
    dump.write_bytes(kernel.minidump(panics.PAGE_FAULT))
    return coresnap.analyze(dump, file or kernel.path)


def names(thread: Thread) -> list[str | None]:
    return [frame.function for frame in thread.frames]


def test_the_thread_that_panicked_through_its_trap(
    kernel_file: Path, tmp_path: Path
) -> None:
    snapshot = analysed(stacked_kernel(kernel_file), tmp_path)

    first = snapshot.threads[0]
    assert (first.tid, first.crashed, first.name) == (100064, True, "lab: rx")
    assert names(first) == [
        "doadump",
        "panic",
        "trap_fatal",
        "calltrap",
        "lab_rx",
        "usb_process",
        "fork_exit",
        "fork_trampoline",
    ]
    assert first.end is UnwindEnd.OUTERMOST
    assert first.frames[4].trust is Trust.CONTEXT
    assert first.frames[4].file is not None
    assert first.frames[4].line is not None
    assert first.frames[1].variables[0].name == "text"
    assert snapshot.fingerprint_frames == ("kernel:lab_rx", "kernel:usb_process")
    assert snapshot.attributes["process.threads"] == 3


@pytest.mark.parametrize("options", [(), ("-DSINCE_14",)])
def test_threads_that_slept_and_ran(tmp_path: Path, options: tuple[str, ...]) -> None:
    kernel_file = compile_kernel(tmp_path, *options)

    snapshot = analysed(stacked_kernel(kernel_file), tmp_path)

    by_tid = {thread.tid: thread for thread in snapshot.threads}
    assert by_tid[100063].name == "lab"
    assert by_tid[100003].name == "idle: idle: cpu1"
    for tid in (100063, 100003):
        assert names(by_tid[tid]) == ["mi_switch", "fork_exit", "fork_trampoline"]
        assert not by_tid[tid].crashed
    assert by_tid[100063].registers["rbx"] == 3


def test_modules_that_were_loaded(kernel_file: Path, tmp_path: Path) -> None:
    snapshot = analysed(stacked_kernel(kernel_file), tmp_path)

    assert [(m.path, m.start) for m in snapshot.modules] == [
        (str(kernel_file), 0xFFFFFFFF80200000),
        ("/boot/kernel/lab.ko", 0xFFFFFFFF82160000),
    ]
    assert snapshot.modules[0].symbols == "dwarf"


def test_lists_that_run_in_a_circle_end(kernel_file: Path, tmp_path: Path) -> None:
    kernel = stacked_kernel(kernel_file)
    symbols = kernel.symbols
    kernel.words(symbols["kernel_proc"], symbols["lab_proc"])
    kernel.words(symbols["panicked"] + 8, symbols["sleeping"])
    kernel.words(symbols["lab_ko"] + 8, symbols["lab_ko"])

    snapshot = analysed(kernel, tmp_path)

    assert sorted(thread.tid for thread in snapshot.threads) == [100003, 100063, 100064]


def test_lists_that_lead_nowhere_leave_what_the_kernel_printed(
    kernel_file: Path, tmp_path: Path
) -> None:
    kernel = stacked_kernel(kernel_file)
    kernel.words(kernel.symbols["allproc"], 0xFFFF_FFFF_FFFF_F000)

    snapshot = analysed(kernel, tmp_path)

    assert "trap_pfault" in names(snapshot.threads[0])
    assert len(snapshot.threads) == 1


def test_stacks_that_were_overwritten_end(kernel_file: Path, tmp_path: Path) -> None:
    kernel = stacked_kernel(kernel_file)
    kernel.write(kernel.symbols["stacks"], b"\x41" * 3 * 8192)

    snapshot = analysed(kernel, tmp_path)

    assert names(snapshot.threads[0])[0] == "doadump"
    assert len(snapshot.threads) == 3


def test_a_kernel_without_debug_information(kernel_file: Path, tmp_path: Path) -> None:
    bare = compile_kernel(tmp_path, "-g0")

    snapshot = analysed(stacked_kernel(kernel_file), tmp_path, bare)

    assert any("no debug information" in note.message for note in snapshot.notes)
    assert "lab_rx" in names(snapshot.threads[0])


def test_a_kernel_of_another_machine(kernel_file: Path, tmp_path: Path) -> None:
    data = bytearray(kernel_file.read_bytes())
    struct.pack_into("<H", data, 18, 183)
    other = tmp_path / "kernel"
    other.write_bytes(data)

    snapshot = analysed(stacked_kernel(kernel_file), tmp_path, other)

    assert any("not of the machine" in note.message for note in snapshot.notes)


def test_what_has_no_room_in_a_snapshot_is_left_out(
    kernel_file: Path, tmp_path: Path
) -> None:
    kernel = stacked_kernel(kernel_file)
    lab = kernel.symbols["lab_ko"]
    kernel.words(lab + 40, (1 << 64) - 4096, (1 << 64) - 1)

    snapshot = analysed(kernel, tmp_path)

    assert len(snapshot.modules) == 1
    assert write_snapshot(snapshot, tmp_path / "x.csnap") > 0


def test_threads_travel_without_the_dump(kernel_file: Path, tmp_path: Path) -> None:
    dump = tmp_path / "vmcore.0"
    dump.write_bytes(stacked_kernel(kernel_file).minidump(panics.PAGE_FAULT))
    evidence = read_kernel(dump, SearchPlaces(executable=kernel_file))

    snapshot = snapshot_of_record(pack_evidence(evidence))

    assert snapshot == snapshot_of_kernel(evidence)
    assert len(snapshot.threads) == 3
    assert make_fingerprint(snapshot, ()).digest == snapshot.fingerprint


def test_the_kernel_of_a_dump_is_found_by_its_version(
    kernel_file: Path, tmp_path: Path
) -> None:
    version = "FreeBSD 13.2-RELEASE LAB"
    versions = {"kernel": "FreeBSD 14.0-RELEASE LAB", "kernel.old": version}
    for name, words in versions.items():
        place = tmp_path / name
        place.mkdir()
        option = f'-DVERSION="{words}"'
        compile_kernel(place, option)
    (tmp_path / "modules").mkdir()
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "kernel").write_bytes(b"\x7fELF")

    assert find_kernel(version + "\n  built here", tmp_path) == (
        tmp_path / "kernel.old" / "kernel"
    )
    assert find_kernel("FreeBSD 15.0-RELEASE LAB", tmp_path) is None
    assert find_kernel("", tmp_path) is None
    assert find_kernel(version, tmp_path / "none") is None
