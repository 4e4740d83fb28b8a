"""Dumps of Linux's kernel: known by their bytes; drgn's objects become ours.

No dump of a real kernel is here. Threads are read through drgn from a core of a
process, whose ``Program``, ``Thread`` and ``StackFrame`` are the same classes.
"""

from __future__ import annotations

import struct
import sys
from pathlib import Path

import pytest

import coresnap
from conftest import CompileProgram, KernelCore
from coresnap.analysis.kernel.linux import drgn_threads, vmcore_words
from coresnap.analysis.kernel.recognition import is_linux_dump
from coresnap.errors import CoreFormatError, UnsupportedSystemError

WORDS = b"OSRELEASE=6.1.0-lab\nPAGESIZE=4096\nCRASHTIME=1795382728\n"


def vmcore(words: bytes = WORDS) -> bytes:
    """The beginning of an ELF dump as kdump writes it, without memory."""
    name = b"VMCOREINFO\0".ljust(12, b"\0")
    note = struct.pack("<III", 11, len(words), 0) + name
    note += words.ljust(-(-len(words) // 4) * 4, b"\0")
    head = b"\x7fELF\x02\x01\x01".ljust(16, b"\0")
    head += struct.pack("<HHIQQQIHHHHHH", 4, 62, 1, 0, 64, 0, 0, 64, 56, 1, 0, 0, 0)
    table = struct.pack("<IIQQQQQQ", 4, 0, 4096, 0, 0, len(note), len(note), 4)
    return (head + table).ljust(4096, b"\0") + note


def test_dumps_are_known_by_their_bytes() -> None:
    assert is_linux_dump(vmcore())
    assert is_linux_dump(b"KDUMP   " + bytes(100))
    assert is_linux_dump(b"makedumpfile\0\0\0\0")
    assert not is_linux_dump(vmcore().replace(b"VMCOREINFO\0", b"VMCORE_OTHR"))
    assert not is_linux_dump(b"VMCOREINFO\0" + bytes(100))
    assert not is_linux_dump(b"")


def test_a_text_in_a_process_is_no_note() -> None:
    data = vmcore()
    at = data.index(b"VMCOREINFO")
    forged = data[: at - 12] + bytes(12) + data[at:]

    assert not is_linux_dump(forged)


def test_what_the_note_says(tmp_path: Path) -> None:
    path = tmp_path / "vmcore"
    path.write_bytes(vmcore())

    assert vmcore_words(path) == {
        "OSRELEASE": "6.1.0-lab",
        "PAGESIZE": "4096",
        "CRASHTIME": "1795382728",
    }


@pytest.mark.parametrize("data", [vmcore(), b"KDUMP   " + bytes(8192)])
def test_without_drgn_the_remedy_is_told(
    data: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "vmcore"
    path.write_bytes(data)
    monkeypatch.setitem(sys.modules, "drgn", None)

    with pytest.raises(UnsupportedSystemError) as caught:
        coresnap.analyze(path)
    assert "drgn" in str(caught.value)
    assert "coresnap[kernel]" in caught.value.remedy


@pytest.mark.parametrize("data", [vmcore(), b"KDUMP   " + bytes(8192)])
def test_what_drgn_cannot_read_is_an_error_of_ours(data: bytes, tmp_path: Path) -> None:
    pytest.importorskip("drgn", reason="drgn is not installed")
    path = tmp_path / "vmcore"
    path.write_bytes(data)

    with pytest.raises(CoreFormatError, match="drgn cannot read"):
        coresnap.analyze(path)


@pytest.mark.compiler
@pytest.mark.core_pattern
def test_drgns_threads_become_ours(
    kernel_core: KernelCore, compile_program: CompileProgram
) -> None:
    drgn = pytest.importorskip("drgn", reason="drgn is not installed")
    program = compile_program("faults.c", "-g", "-O0", libraries=("-lm",))
    core = kernel_core([program, "null-write"])
    read = drgn.Program()
    read.set_core_dump(str(core))
    read.load_debug_info([str(program)])

    threads = list(drgn_threads(read))

    ours = coresnap.analyze(core, program).threads
    assert threads[0].crashed
    assert [t.tid for t in threads] == [t.tid for t in ours]
    theirs = [(f.function, f.line) for f in threads[0].frames if f.file]
    assert theirs[:3] == [(f.function, f.line) for f in ours[0].frames if f.file][:3]
