"""A program and its core, damaged as the fuzzer says, through the whole analysis.

An input is edits: which build of ``reading.c``, then for each edit the section (or the
core), the place, and the bytes to put there. So a few bytes reach deep into debug
information that stays well-formed elsewhere.
"""

from __future__ import annotations

import atexit
import functools
import os
import re
import shutil
import struct
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import attrs

import coresnap.errors
from coresnap.analysis.session import analyze
from coresnap.elfcore.elffile import open_elf
from coresnap.model import Snapshot
from coresnap.snapshot.text import render
from corewriter import (
    PF_R,
    PF_W,
    PF_X,
    X86_64,
    Segment,
    auxv,
    mapped_files,
    prpsinfo,
    prstatus,
    write_core,
)

__all__ = ["read_damaged"]

_SOURCE = Path(__file__).with_name("reading.c")
_BUILDS = (
    ("-gdwarf-5", "-O1"),
    ("-gdwarf-4", "-O2"),
    ("-gdwarf-5", "-O1", "-fdebug-types-section"),
    ("-gdwarf-2", "-gstrict-dwarf", "-O1"),
    ("-gdwarf-5", "-O1", "-gz"),
)
_SECTIONS = (
    ".debug_info",
    ".debug_abbrev",
    ".debug_loclists",
    ".debug_loc",
    ".debug_rnglists",
    ".debug_ranges",
    ".debug_line",
    ".debug_str",
    ".debug_line_str",
    ".debug_aranges",
    ".debug_types",
    ".eh_frame",
    ".eh_frame_hdr",
    ".symtab",
    ".strtab",
    "",
)
"""By the number in an edit; the empty one is the whole core."""
_FLAGS = {"r": PF_R, "w": PF_W, "x": PF_X, "-": 0}
_EDIT = struct.Struct("<BHB")
_MOST_EDITS = 64
_SECONDS = 10
"""Longest that a reader may take for a program of 10 KiB."""
_OWN_ERRORS = set(coresnap.errors.__all__)


@attrs.frozen
class _Specimen:
    """One build and the core of its process."""

    program: bytes
    core: bytes
    sections: dict[str, tuple[int, int]]
    """Offset and size in the program."""


def read_damaged(data: bytes) -> None:
    """Analyse what the edits make of program and core, and show it.

    Nothing is done where there is no compiler. Raises ``AssertionError`` if a step of
    the analysis failed with anything but an error of coresnap's tree, or took long.
    """
    if not data or shutil.which("cc") is None:
        return
    specimen = _specimen(_BUILDS[data[0] % len(_BUILDS)])
    program, core = bytearray(specimen.program), bytearray(specimen.core)
    for name, place, new in _edits(data[1:]):
        start, size = specimen.sections.get(name, (0, 0))
        target = program
        if not name:
            target, start, size = core, 0, len(core)
        if size:
            at = start + place % size
            target[at : at + len(new)] = new[: start + size - at]
    began = time.monotonic()
    _check(_analyzed(bytes(program), bytes(core)))
    assert time.monotonic() - began < _SECONDS, "it took too long"


def _edits(data: bytes) -> Iterator[tuple[str, int, bytes]]:
    at = 0
    for _ in range(_MOST_EDITS):
        if at + _EDIT.size > len(data):
            return
        section, place, size = _EDIT.unpack_from(data, at)
        at += _EDIT.size
        new = data[at : at + size % 16 + 1]
        at += len(new)
        yield _SECTIONS[section % len(_SECTIONS)], place, new


def _analyzed(program: bytes, core: bytes) -> Snapshot:
    directory = _directory()
    dump = directory / "core"
    (directory / "program").write_bytes(program)
    dump.write_bytes(core)
    return analyze(dump, globals="all")


def _check(snapshot: Snapshot) -> None:
    render(snapshot)
    for note in snapshot.notes:
        kind = re.match(r"(\w+(?:Error|Exception)|\w+Iteration): ", note.message)
        assert kind is None or kind[1] in _OWN_ERRORS, f"{note.step}: {note.message}"


@functools.cache
def _directory() -> Path:
    directory = tempfile.mkdtemp(prefix="cs-reading-")
    atexit.register(shutil.rmtree, directory, ignore_errors=True)
    return Path(directory)


@functools.cache
def _specimen(flags: tuple[str, ...]) -> _Specimen:
    path = _directory() / "program"
    command = ["cc", *flags, "-nostdlib", "-static", "-fno-stack-protector"]
    # Without a build-id: damaged ones are accepted for the program.
    command += ["-Wl,--build-id=none,--eh-frame-hdr", "-o", str(path), str(_SOURCE)]
    path.unlink(missing_ok=True)
    subprocess.run(command, check=True, capture_output=True)
    elf = open_elf(path)
    sections = {one.name: (one.offset, one.size) for one in elf.sections}
    elf.release()
    return _Specimen(path.read_bytes(), _core(path), sections)


def _core(path: Path) -> bytes:
    """Write a core of the program's process, which waits in pause(2)."""
    with subprocess.Popen([path], stdin=subprocess.DEVNULL) as process:
        try:
            directory = Path(f"/proc/{process.pid}")
            words = _system_call(directory)
            stack, pc = int(words[-2], 16), int(words[-1], 16)
            return _core_of(directory, stack, pc)
        finally:
            process.kill()


def _system_call(directory: Path) -> list[str]:
    for _ in range(1000):
        words = (directory / "syscall").read_text().split()
        if words[0] == "34":
            return words
        time.sleep(0.01)
    raise AssertionError("the program does not reach pause(2)")


def _core_of(directory: Path, stack: int, pc: int) -> bytes:
    segments, files = [], []
    program = os.readlink(directory / "exe")
    with (directory / "mem").open("rb", buffering=0) as memory:
        for line in (directory / "maps").read_text().splitlines():
            words = line.split()
            start, end = (int(word, 16) for word in words[0].split("-"))
            name = words[5] if len(words) > 5 else ""
            if name == program:
                page = int(words[2], 16) // 4096
                files.append((start, end, page, os.fsencode(name)))
            if name == "[stack]":
                start = stack & -4096
            if name in (program, "[stack]"):
                memory.seek(start)
                flags = sum(_FLAGS[letter] for letter in words[1][:3])
                contents = memory.read(end - start)
                segments.append(Segment(start, contents, flags=flags))
    pairs = struct.iter_unpack("=QQ", (directory / "auxv").read_bytes())
    vector = {kind: value for kind, value in pairs if kind}
    registers = {"rip": pc, "rsp": stack}
    notes = [
        prstatus(X86_64, tid=7, registers=registers, signal=11),
        prpsinfo(X86_64, pid=7),
        auxv(X86_64, vector),
        mapped_files(X86_64, files),
    ]
    return write_core(X86_64, notes=notes, segments=segments)
