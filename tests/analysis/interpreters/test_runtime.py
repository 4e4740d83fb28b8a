"""Which processes hold a CPython that can be read, and what is said of the others."""

from __future__ import annotations

import re
import struct
import subprocess
import sys
from pathlib import Path

import pytest

import corewriter as w
from coresnap.analysis.interpreters.presence import PYTHON_NAME
from coresnap.analysis.interpreters.threads import Interpreted, interpreted_threads
from coresnap.analysis.source import SourceReader
from coresnap.elfcore.corefile import open_core
from coresnap.model import Thread, UnwindEnd

BASE, DATA = 0x7F0000000000, 0x7F0000010000
TID = 77


@pytest.mark.parametrize(
    ("name", "version"),
    [
        ("python3.12", ("3", "12")),
        ("python3", (None, None)),
        ("python", (None, None)),
        ("libpython3.9.so.1.0", ("3", "9")),
        ("libpython3.13t.so.1.0", ("3", "13")),
        ("python3.11-dbg", ("3", "11")),
        ("python3.11 (deleted)", ("3", "11")),
    ],
)
def test_the_names_of_cpython_are_known(
    name: str, version: tuple[str | None, str | None]
) -> None:
    match = re.fullmatch(PYTHON_NAME, name)
    assert match is not None
    assert match.groups() == version


@pytest.mark.parametrize("name", ["libc.so.6", "pythonista", "ipython3", "libpy.so"])
def test_other_names_are_not(name: str) -> None:
    assert re.fullmatch(PYTHON_NAME, name) is None


def interpreted(tmp_path: Path, library: str, data: bytes) -> Interpreted:
    """A core of one thread whose only module has ``data``, and no file."""
    image = w.write_module(
        segments=[
            w.Segment(0, flags=w.PF_R, memory_size=0x1000),
            w.Segment(0x10000, data, flags=w.PF_R | w.PF_W),
        ],
        build_id=b"\x11" * 20,
    )
    files = [
        (BASE, BASE + 0x1000, 0, library.encode()),
        (DATA, DATA + 0x1000, 1, library.encode()),
    ]
    core = w.write_core(
        notes=[
            w.prstatus(w.X86_64, tid=TID, signal=11, registers={}),
            w.mapped_files(w.X86_64, files),
            w.auxv(w.X86_64, {}),
        ],
        segments=[
            w.Segment(BASE, image[:0x1000], flags=w.PF_R),
            w.Segment(DATA, data.ljust(0x1000, b"\0"), flags=w.PF_R | w.PF_W),
        ],
    )
    path = tmp_path / "core"
    path.write_bytes(core)
    thread = Thread(TID, crashed=True, end=UnwindEnd.NO_RULE)
    with open_core(path, sysroot=tmp_path) as opened:
        return interpreted_threads(opened, [thread], SourceReader())


def table(version: int, *, free_threaded: bool = False, fill: int = 0) -> bytes:
    """The start of a ``_PyRuntime`` that says what it is."""
    head = b"xdebugpy" + struct.pack("<QQ", version << 16, free_threaded)
    return head + struct.pack("<Q", fill) * 100


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (table(0x030D, free_threaded=True), "CPython 3.13 without GIL"),
        (table(0x0363), "CPython 3.99 is not known"),
        (table(0x030D, fill=1 << 40), "is damaged"),
        (b"nothing", "no CPython found"),
    ],
)
def test_a_cpython_that_is_not_read_is_told(
    tmp_path: Path, data: bytes, said: str
) -> None:
    found = interpreted(tmp_path, "/usr/lib/libpython3.13.so.1.0", data)
    assert [note.step for note in found.notes] == ["interpreters"]
    assert said in found.notes[0].message
    assert found.threads[0].frames == ()


def test_a_program_without_python_is_not_looked_at(tmp_path: Path) -> None:
    found = interpreted(tmp_path, "/usr/lib/libother.so", table(0x030D))
    assert found.notes == ()
    assert found.version is None


def test_lists_of_threads_that_never_end_are_cut(tmp_path: Path) -> None:
    # All offsets are 0x400, so that every list leads back to itself.
    data = table(0x030D, fill=0x400).ljust(0x400, b"\0") + struct.pack("<Q", DATA)
    found = interpreted(tmp_path, "/usr/lib/libpython3.13.so.1.0", data)
    assert found.version == "3.13.0"
    assert "Python threads are missing" in found.notes[0].message


def test_the_reader_of_python_is_loaded_for_python_only() -> None:
    script = (
        "import sys, coresnap.analysis.interpreters.threads;"
        "print([m for m in sys.modules if 'cpython' in m])"
    )
    run = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert run.stdout.strip() == "[]"
