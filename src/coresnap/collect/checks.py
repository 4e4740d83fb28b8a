"""Does a core belong to the crash that it is filed under?

The handler compares what it can while the process waits and leaves its verdicts in
``capture.json``. What takes time is compared here, off the crash path: the core's
headers and notes, for archives that came without a handler, and the executable's
build-id. A failed check is a note; the core is kept whatever they say.
"""

from __future__ import annotations

import io
import json
import struct
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, BinaryIO

from elftools.common.exceptions import ELFError
from elftools.construct import ConstructError
from elftools.elf.elffile import ELFFile
from elftools.elf.segments import NoteSegment

from coresnap.backends import crash_record
from coresnap.crash import Crash
from coresnap.errors import InputError
from coresnap.model import Note

__all__ = ["capture_notes", "core_notes", "run_checks"]

_SEGMENT_LIMIT = 20_000
"""pyelftools takes a second for these; a core with more goes unchecked here."""
_NOTE_LIMIT = 16 << 20
_HEADER_LIMIT = 64 << 10
_DAMAGED = (
    ELFError,
    ConstructError,
    struct.error,
    ValueError,
    KeyError,
    AttributeError,
    AssertionError,
    UnicodeError,
    OverflowError,
    OSError,
)
"""What pyelftools raises on bytes that are not what their headers say."""

_MACHINES = {
    "x86_64": ("EM_X86_64", "EM_386"),
    "amd64": ("EM_X86_64", "EM_386"),
    "i386": ("EM_386",),
    "i686": ("EM_386",),
    "aarch64": ("EM_AARCH64", "EM_ARM"),
    "arm64": ("EM_AARCH64", "EM_ARM"),
    "riscv64": ("EM_RISCV",),
    "ppc64le": ("EM_PPC64",),
    "s390x": ("EM_S390",),
}
"""uname's machine to the machines whose cores its kernel writes."""


def run_checks(core: Path, assets: Mapping[str, bytes]) -> tuple[Note, ...]:
    """Return a note for each check that the core at ``core`` fails."""
    notes = list(capture_notes(assets))
    try:
        with core.open("rb") as stream:
            notes += core_notes(stream, assets)
    except OSError as error:
        notes.append(Note("check.format", f"cannot read the core: {error.strerror}"))
    seen: set[str] = set()
    unique = []
    for note in notes:
        if note.step not in seen:
            unique.append(note)
        seen.add(note.step)
    return tuple(unique)


def capture_notes(assets: Mapping[str, bytes]) -> Iterator[Note]:
    """Turn what the handler found wrong into notes."""
    if not assets:
        yield Note("check.assets", "nothing was kept beside the core")
        return
    record = _json(assets.get("capture.json", b""))
    if record is None:
        yield Note("check.assets", "the assets are incomplete: the handler was cut off")
        return
    if record.get("truncated") is True:
        reason = record.get("cut") or record.get("error") or "it ended early"
        yield Note("check.extents", f"the core is cut: {reason}")
    checks = record.get("checks")
    for check in checks if isinstance(checks, list) else []:
        if isinstance(check, dict) and check.get("result") == "failed":
            message = f"expected {check.get('expected')}, found {check.get('found')}"
            yield Note(f"check.{check.get('name')}", message)


def core_notes(stream: BinaryIO, assets: Mapping[str, bytes]) -> Iterator[Note]:
    """Compare a core with what the OS said about its crash."""
    try:
        elf = ELFFile(stream)
        if elf["e_type"] != "ET_CORE":
            yield Note("check.format", f"not an ELF core but {elf['e_type']}")
            return
        names = assets.get("system/uname", b"").decode("utf-8", "replace").splitlines()
        yield from _check_machine(elf, names[-1] if names else "")
        if elf.num_segments() > _SEGMENT_LIMIT:
            return
        yield from _check_extents(elf, stream)
        yield from _check_notes(elf, stream, assets)
    except _DAMAGED as error:
        yield Note("check.format", f"not a whole ELF core: {error}")


def _check_machine(elf: ELFFile, machine: str) -> Iterator[Note]:
    expected = _MACHINES.get(machine)
    if expected and elf["e_machine"] not in expected:
        yield Note("check.machine", f"{elf['e_machine']} on {machine}")


def _check_extents(elf: ELFFile, stream: BinaryIO) -> Iterator[Note]:
    size = stream.seek(0, io.SEEK_END)
    end = max((s["p_offset"] + s["p_filesz"] for s in elf.iter_segments()), default=0)
    if end > size:
        yield Note("check.extents", f"the core is cut: {size} of {end} bytes are there")


def _check_notes(
    elf: ELFFile,
    stream: BinaryIO,
    assets: Mapping[str, bytes],
) -> Iterator[Note]:
    crash = _crash(assets)
    files: list[tuple[int, int, str]] = []
    for segment in _note_segments(elf, _NOTE_LIMIT):
        first = True
        for note in segment.iter_notes():
            if note["n_type"] == "NT_PRSTATUS" and first and crash is not None:
                first = False
                yield from _check_signal(note["n_descdata"], crash)
            elif note["n_type"] == "NT_PRPSINFO" and crash is not None:
                yield from _check_pid(note["n_desc"], crash, assets)
            elif note["n_type"] == "NT_FILE":
                files = _mapped_files(note["n_desc"])
    if files:
        yield from _check_build_id(elf, stream, files, assets)


def _note_segments(elf: ELFFile, limit: int) -> Iterator[NoteSegment]:
    for segment in elf.iter_segments("PT_NOTE"):
        if isinstance(segment, NoteSegment) and segment["p_filesz"] <= limit:
            yield segment


def _check_signal(status: bytes, crash: Crash) -> Iterator[Note]:
    # struct elf_prstatus, include/linux/elfcore.h: pr_cursig behind three ints.
    if len(status) < 14 or not crash.signal:
        return
    (signal,) = struct.unpack_from("<h", status, 12)
    if signal != crash.signal:
        message = f"expected {crash.signal}, found {signal}"
        yield Note("check.signal", message)


def _check_pid(
    info: Mapping[str, Any], crash: Crash, assets: Mapping[str, bytes]
) -> Iterator[Note]:
    # The kernel writes the pid as the process sees it, the OS said the global one.
    names = {crash.pid, *_pids_in_namespaces(assets)}
    if crash.pid and info["pr_pid"] not in names:
        yield Note("check.pid", f"expected {crash.pid}, found {info['pr_pid']}")


def _pids_in_namespaces(assets: Mapping[str, bytes]) -> set[int]:
    for line in assets.get("process/status", b"").splitlines():
        if line.startswith(b"NSpid:"):
            return {int(word) for word in line.split()[1:] if word.isdigit()}
    return set()


def _mapped_files(note: Mapping[str, Any]) -> list[tuple[int, int, str]]:
    page = note["page_size"]
    entries = zip(note["Elf_Nt_File_Entry"], note["filename"], strict=False)
    return [
        (entry["vm_start"], entry["page_offset"] * page, _text(name))
        for entry, name in entries
    ]


def _check_build_id(
    elf: ELFFile,
    stream: BinaryIO,
    files: list[tuple[int, int, str]],
    assets: Mapping[str, bytes],
) -> Iterator[Note]:
    executable = _text(assets.get("process/exe", b"")) or files[0][2]
    starts = [s for s, offset, name in files if name == executable and offset == 0]
    in_core = _build_id_in_core(elf, stream, min(starts)) if starts else None
    in_file = _build_id_of_file(Path(executable))
    if in_core and in_file and in_core != in_file:
        message = f"{executable} is another build: {in_file} now, {in_core} then"
        yield Note("check.build-id", message)


def _build_id_in_core(elf: ELFFile, stream: BinaryIO, address: int) -> str | None:
    for segment in elf.iter_segments("PT_LOAD"):
        start, size = segment["p_vaddr"], segment["p_filesz"]
        if start <= address < start + size:
            stream.seek(segment["p_offset"] + address - start)
            image = stream.read(min(_HEADER_LIMIT, start + size - address))
            return _build_id(io.BytesIO(_without_sections(image)))
    return None


def _without_sections(image: bytes) -> bytes:
    """Return a mapped ELF header that no longer claims sections, which are not mapped.

    pyelftools reads them first and gives up. Offsets: System V gABI, ELF header.
    """
    is_64_bit = image[4:5] == b"\2"
    shoff, size, shnum = (40, 8, 60) if is_64_bit else (32, 4, 48)
    head = bytearray(image)
    head[shoff : shoff + size] = bytes(size)
    head[shnum : shnum + 4] = bytes(4)  # e_shnum, e_shstrndx
    return bytes(head)


def _build_id_of_file(path: Path) -> str | None:
    try:
        # A device or FIFO under the name of a program would never end.
        if not path.is_file():
            return None
        with path.open("rb") as stream:
            return _build_id(stream)
    except OSError:
        return None


def _build_id(stream: BinaryIO) -> str | None:
    try:
        elf = ELFFile(stream)
        for segment in _note_segments(elf, _HEADER_LIMIT):
            for note in segment.iter_notes():
                if note["n_type"] == "NT_GNU_BUILD_ID":
                    return str(note["n_desc"])
    except _DAMAGED:
        return None
    return None


def _crash(assets: Mapping[str, bytes]) -> Crash | None:
    try:
        return crash_record.decode(assets.get(crash_record.NAME, b""))
    except InputError:
        return None


def _json(data: bytes) -> dict[str, Any] | None:
    try:
        value = json.loads(data)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def _text(data: bytes) -> str:
    return data.decode("utf-8", "surrogateescape")
