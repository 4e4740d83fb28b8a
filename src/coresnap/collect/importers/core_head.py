"""What the first bytes of an ELF core say: whose it is, and where it should end.

Only what an archive's ``crash.json`` and ``capture.json`` need; the worker reads cores
for good. Layouts: Linux ``include/uapi/linux/elfcore.h`` and ``fs/binfmt_elf.c``,
FreeBSD ``sys/sys/procfs.h``.
"""

from __future__ import annotations

import itertools
import struct
from collections.abc import Iterable, Iterator, Mapping

import attrs

from coresnap.errors import CoreFormatError

__all__ = ["HEAD_SIZE", "CoreHead", "far_table", "read_head"]

HEAD_SIZE = 8 << 20
"""Bytes looked at: 65,535 program headers and the notes of some thousand threads."""

_ET_CORE = 4
_PT_NOTE = 4
_PN_XNUM = 0xFFFF
_NT_PRSTATUS, _NT_PRPSINFO, _NT_FILE = 1, 3, 0x46494C45
_NT_PROCSTAT_VMMAP = 10
_VMENTRY_HEAD = 136  # of struct kinfo_vmentry, before its path (sys/sys/user.h)
_PC = {(62, True): 184, (3, False): 80, (183, True): 304, (243, True): 296}
"""Offset of the pc in FreeBSD's prstatus_t by e_machine and width: rip, eip, elr, sepc
(machine/reg.h)."""
_LINUX, _FREEBSD = b"CORE", b"FreeBSD"
_ELFOSABI_FREEBSD = 9
_NOTES_LIMIT = 1 << 16
_OWNER_LIMIT = 16
_FILES_LIMIT = 1 << 16
_OFFSET_LIMIT = 1 << 63  # no file is longer (off_t)


@attrs.frozen
class CoreHead:
    """What was found; None for what was not."""

    system: str
    """``Linux`` or ``FreeBSD``."""
    expected_size: int | None = None
    """End of the last segment; None if the program headers are not all there."""
    pid: int | None = None
    tid: int | None = None
    signal: int | None = None
    uid: int | None = None
    gid: int | None = None
    command: str | None = None
    path: str | None = None
    """Of the mapped file that is named as the process is."""
    place: str = ""
    """Where the first thread was, as file and offset; empty if not in a file, or if the
    notes do not say (Linux's do not here)."""


@attrs.define
class _Reader:
    data: bytes
    order: str
    wide: bool
    """Of 64 bits."""

    def number(self, offset: int, code: str) -> int:
        """Read one number; 0 outside the data."""
        size = struct.calcsize("<" + code)
        if not 0 <= offset <= len(self.data) - size:
            return 0
        value: int = struct.unpack_from(self.order + code, self.data, offset)[0]
        return value

    def word(self, offset: int) -> int:
        return self.number(offset, "Q" if self.wide else "I")


def read_head(data: bytes, name: str, table: bytes = b"") -> CoreHead:
    """Read the start of the core called ``name``.

    ``table`` is its program headers where ``far_table`` says that they lie behind
    ``data``; without them only the system is known. Raises CoreFormatError if this is
    no core, or ends before its first program header.
    """
    reader = _reader(data, name)
    system = "FreeBSD" if data[7] == _ELFOSABI_FREEBSD else "Linux"
    place = _far_table(reader)
    if place is not None and not table:
        return CoreHead(system)
    headers, is_whole = _program_headers(reader, table)
    if not headers:
        raise CoreFormatError(
            f"{name} ends before its first program header: nothing can be read"
        )
    end = max(offset + size for _, offset, size in headers)
    head = CoreHead(system, min(end, _OFFSET_LIMIT) if is_whole else None)
    segments = ((offset, size) for kind, offset, size in headers if kind == _PT_NOTE)
    return _with_notes(head, reader, segments)


def far_table(data: bytes, name: str) -> tuple[int, int] | None:
    """Return offset and size of program headers that lie behind ``data``, else None.

    The handler puts them behind everything else when it keeps less than the whole.
    Raises CoreFormatError as ``read_head`` does.
    """
    return _far_table(_reader(data, name))


def _reader(data: bytes, name: str) -> _Reader:
    if data[:4] != b"\x7fELF":
        raise CoreFormatError(
            f"{name} is not an ELF core" if data else f"{name} is empty"
        )
    if len(data) < 16 or data[4] not in (1, 2) or data[5] not in (1, 2):
        raise CoreFormatError(f"{name} is ELF of an unknown class or byte order")
    reader = _Reader(data, "<" if data[5] == 1 else ">", data[4] == 2)
    if reader.number(16, "H") != _ET_CORE:
        raise CoreFormatError(f"{name} is an ELF file, but not a core")
    return reader


def _table_place(reader: _Reader) -> tuple[int, int, int]:
    """Return offset, size of an entry, and count of the program headers."""
    wide = reader.wide
    start = reader.word(32 if wide else 28)
    entry = reader.number(54 if wide else 42, "H")
    count = reader.number(56 if wide else 44, "H")
    return start, max(entry, 56 if wide else 32), count


def _far_table(reader: _Reader) -> tuple[int, int] | None:
    start, entry, count = _table_place(reader)
    is_far = len(reader.data) >= HEAD_SIZE and start >= HEAD_SIZE
    return (start, entry * count) if is_far and start < _OFFSET_LIMIT else None


def _program_headers(
    reader: _Reader, far: bytes
) -> tuple[list[tuple[int, int, int]], bool]:
    """Return type, offset and size of each that is there, and whether all are."""
    start, entry, count = _table_place(reader)
    wide = reader.wide
    if far:
        reader, start = _Reader(far, reader.order, wide), 0
    table: list[tuple[int, int, int]] = []
    while len(table) < count:
        at = start + len(table) * entry
        if at + entry > len(reader.data):
            return table, False
        kind = reader.number(at, "I")
        offset = reader.word(at + (8 if wide else 4))
        size = reader.word(at + (32 if wide else 16))
        if count == _PN_XNUM and kind == _PT_NOTE and offset > start and not far:
            # How many there are stands in a section header at the core's far end. The
            # kernel puts the notes directly behind the table (fs/binfmt_elf.c).
            count = (offset - start) // entry
        table.append((kind, offset, size))
    return table, bool(table)


def _with_notes(
    head: CoreHead, reader: _Reader, segments: Iterable[tuple[int, int]]
) -> CoreHead:
    """Add what the first note of each kind says."""
    first: dict[tuple[bytes, int], tuple[int, int]] = {}
    notes = (note for offset, size in segments for note in _notes(reader, offset, size))
    for owner, kind, at, size in itertools.islice(notes, _NOTES_LIMIT):
        first.setdefault((owner, kind), (at, size))
    owner = _FREEBSD if any(o == _FREEBSD for o, _ in first) else _LINUX
    if owner == _FREEBSD:
        head = attrs.evolve(head, system="FreeBSD")
    if status := first.get((owner, _NT_PRSTATUS)):
        head = _with_status(head, reader, status[0], owner == _FREEBSD)
    if process := first.get((owner, _NT_PRPSINFO)):
        head = _with_process(head, reader, *process, owner == _FREEBSD)
    if owner == _FREEBSD:
        head = attrs.evolve(head, place=_place(reader, first))
    if files := first.get((_LINUX, _NT_FILE)):
        path = _path_of(head.command, _files(reader, *files))
        head = attrs.evolve(head, path=path)
    return head


def _notes(
    reader: _Reader, start: int, size: int
) -> Iterator[tuple[bytes, int, int, int]]:
    """Yield owner, type, offset and size of each note that is whole."""
    at, end = start, min(start + size, len(reader.data))
    while at + 12 <= end:
        name_size = reader.number(at, "I")
        length = reader.number(at + 4, "I")
        kind = reader.number(at + 8, "I")
        content = at + 12 + (name_size + 3 & ~3)
        if content + length > end:
            return
        owner = reader.data[at + 12 : at + 12 + min(name_size, _OWNER_LIMIT)]
        yield owner.rstrip(b"\0"), kind, content, length
        at = content + (length + 3 & ~3)


def _with_status(head: CoreHead, reader: _Reader, at: int, freebsd: bool) -> CoreHead:
    if freebsd:
        signal = reader.number(at + (36 if reader.wide else 20), "i")
        tid = reader.number(at + (40 if reader.wide else 24), "i")
    else:
        signal = reader.number(at + 12, "H")
        tid = reader.number(at + (32 if reader.wide else 24), "i")
    return attrs.evolve(head, signal=signal, tid=max(tid, 0))


def _with_process(
    head: CoreHead, reader: _Reader, at: int, size: int, freebsd: bool
) -> CoreHead:
    if freebsd:
        name, length = at + (16 if reader.wide else 8), 17
        pid_at = at + (116 if reader.wide else 108)
        # pr_pid came with version 1a of the note (FreeBSD 12).
        pid = reader.number(pid_at, "i") if pid_at + 4 <= at + size else 0
        return attrs.evolve(
            head, command=_text(reader.data[name : name + length]), pid=max(pid, 0)
        )
    if reader.wide:
        ids, code, name = at + 16, "I", at + 40
    elif size >= 128:
        ids, code, name = at + 8, "I", at + 32
    else:
        # uids of 16 bits: i386, arm, m68k.
        ids, code, name = at + 8, "H", at + 28
    step = struct.calcsize("<" + code)
    return attrs.evolve(
        head,
        uid=reader.number(ids, code),
        gid=reader.number(ids + step, code),
        pid=max(reader.number(ids + 2 * step, "i"), 0),
        command=_text(reader.data[name : name + 16]),
    )


def _place(reader: _Reader, notes: Mapping[tuple[bytes, int], tuple[int, int]]) -> str:
    """Return file and offset of the first thread's pc; empty outside of files."""
    pc_at = _PC.get((reader.number(18, "H"), reader.wide))
    status = notes.get((_FREEBSD, _NT_PRSTATUS))
    entries = notes.get((_FREEBSD, _NT_PROCSTAT_VMMAP))
    if pc_at is None or status is None or entries is None:
        return ""
    pc = reader.word(status[0] + pc_at)
    at, end = entries[0] + 4, sum(entries)
    for _ in range(_FILES_LIMIT):
        size = reader.number(at, "i")
        if size < _VMENTRY_HEAD or at + size > end:
            return ""
        start, stop = reader.number(at + 8, "Q"), reader.number(at + 16, "Q")
        if start <= pc < stop:
            path = _text(reader.data[at + _VMENTRY_HEAD : at + size])
            offset = pc - start + reader.number(at + 24, "Q")
            return f"{path}+{offset:#x}" if path else ""
        at += size
    return ""


def _files(reader: _Reader, at: int, size: int) -> list[str]:
    """Return the paths of NT_FILE, by address."""
    word = 8 if reader.wide else 4
    count = min(reader.word(at), _FILES_LIMIT)
    names = reader.data[at + 2 * word + count * 3 * word : at + size]
    return [_text(name) for name in names.split(b"\0")[:count]]


def _path_of(command: str | None, paths: list[str]) -> str | None:
    """The executable's path: the kernel cuts the command from it, at 15 bytes."""
    for path in paths:
        name = path.rpartition("/")[2].encode("utf-8", "replace")[:15]
        if command and name.decode("utf-8", "replace") == command:
            return path
    return None


def _text(data: bytes) -> str:
    return data.split(b"\0")[0].decode("utf-8", "replace")
