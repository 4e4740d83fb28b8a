"""A FreeBSD kernel that answers only what a real one answered.

Settings are those that a FreeBSD 13.2 had by default; they can be set, as there. The
processes are the dead ones of the corpus' cores: what their notes hold are the very
structures that sysctl(3) would have returned. Everything else it does not know.
"""

from __future__ import annotations

import mmap
import os
import struct
from collections.abc import Iterator, Mapping
from pathlib import Path

import attrs

from coresnap.backends.freebsd_sysctl import COREFILE, ProcessFact
from coresnap.errors import CaptureError, MissingError

PROC, FILES, RLIMIT, PSSTRINGS = 8, 9, 13, 15


@attrs.define
class RecordedKernel:
    """``FreeBSDKernel`` over recorded bytes."""

    settings: dict[str, str]
    facts: dict[tuple[ProcessFact, int], bytes] = attrs.field(factory=dict)
    limits: dict[int, bytes] = attrs.field(factory=dict)
    """NT_PROCSTAT_RLIMIT's array of struct rlimit, by pid."""
    roots: dict[int, str] = attrs.field(factory=dict)
    """Of jails, by jid; none ran where the corpus was made."""
    written: list[str] = attrs.field(factory=list)

    def read(self, name: str) -> str | None:
        return self.settings.get(name)

    def write(self, name: str, value: str) -> None:
        if name not in self.settings:
            raise CaptureError(f"this kernel has no {name}")
        if name != COREFILE:
            int(value)
        self.written.append(name)
        self.settings[name] = value

    def process(self, fact: ProcessFact, pid: int, *more: int) -> bytes:
        if fact is ProcessFact.LIMIT and pid in self.limits:
            (which,) = more
            return self.limits[pid][16 * which : 16 * which + 16]
        if (fact, pid) not in self.facts:
            raise MissingError(f"there is no process {pid}")
        return self.facts[fact, pid]

    def jails(self) -> Mapping[int, str]:
        return self.roots

    def bury(self, core: Path) -> int:
        """Let the process of a 64-bit core be known, and return its pid."""
        with core.open("rb") as stream:
            data = mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ)
        notes = dict(reversed([(kind, desc) for kind, desc in _notes(data)]))
        process = notes[PROC][4:1092]
        pid = int(struct.unpack_from("<i", process, 72)[0])
        self.facts[ProcessFact.PROCESS, pid] = process
        self.facts[ProcessFact.PATH, pid] = _text_file(notes[FILES]) + b"\0"
        arguments = _arguments(data, notes[PSSTRINGS])
        self.facts[ProcessFact.ARGUMENTS, pid] = arguments
        self.limits[pid] = notes[RLIMIT][4:]
        return pid


def recorded_kernel(corpus: Path) -> RecordedKernel:
    """Return the kernel of ``corpus``, the directory of all corpora."""
    text = (corpus / "freebsd" / "sysctl-defaults.txt").read_text()
    lines = (line.split(": ", 1) for line in text.splitlines())
    return RecordedKernel(dict((name, value) for name, value in lines))


def _segments(data: mmap.mmap) -> Iterator[tuple[int, int, int, int]]:
    """Yield type, offset, address and size of each program header (ELF64)."""
    (start,) = struct.unpack_from("<Q", data, 32)
    (count,) = struct.unpack_from("<H", data, 56)
    for at in range(start, start + 56 * count, 56):
        kind, _, offset, address, _, size = struct.unpack_from("<IIQQQQ", data, at)
        yield kind, offset, address, size


def _notes(data: mmap.mmap) -> Iterator[tuple[int, bytes]]:
    for kind, offset, _, size in _segments(data):
        if kind != 4:
            continue
        at, end = offset, offset + size
        while at < end:
            name, length, number = struct.unpack_from("<III", data, at)
            at += 12 + (name + 3 & ~3)
            yield number, data[at : at + length]
            at += length + 3 & ~3


def _memory(data: mmap.mmap, address: int, size: int) -> bytes:
    for kind, offset, start, length in _segments(data):
        if kind == 1 and start <= address < start + length:
            at = offset + address - start
            return data[at : at + size]
    raise ValueError(f"{address:#x} is not in the core")


def _text_file(files: bytes) -> bytes:
    """Return the path of the record with kf_fd -5 (text)."""
    at = 4
    while at < len(files):
        size, _, fd = struct.unpack_from("<iii", files, at)
        if fd == -5:
            return files[at + 368 : at + size].split(b"\0")[0]
        at += size
    raise ValueError("no text file")


def _arguments(data: mmap.mmap, note: bytes) -> bytes:
    """Follow struct ps_strings to what sysctl's KERN_PROC_ARGS returns."""
    (place,) = struct.unpack_from("<Q", note, 4)
    argv, count = struct.unpack("<Qi", _memory(data, place, 12))
    words = struct.unpack(f"<{count}Q", _memory(data, argv, 8 * count))
    texts = (_memory(data, word, 4096).split(b"\0")[0] for word in words)
    return b"".join(text + b"\0" for text in texts)


def drop(directory: Path, name: str, data: bytes, uid: int | None = None) -> Path:
    """Write a file as the kernel does: mode 0600, its owner the process's."""
    path = directory / name
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600)
    with open(fd, "wb") as stream:
        stream.write(data)
        if uid is not None:
            os.fchown(stream.fileno(), uid, -1)
    return path
