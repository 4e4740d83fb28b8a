"""FreeBSD's notes: owner ``FreeBSD``.

Layouts: ``sys/sys/procfs.h`` (prpsinfo_t), ``sys/sys/user.h`` (struct kinfo_proc),
``sys/sys/elf_common.h`` (AT_*), ``sys/kern/imgact_elf.c``. The NT_PROCSTAT_* notes
begin with an int, the size of the structure that follows. Nearly all sizes and offsets
are the same from 10.1 to 15.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator

import msgspec

from coresnap.elfcore import registers
from coresnap.elfcore.elfheader import ElfHeader
from coresnap.elfcore.facts import (
    CoreFacts,
    MappedFile,
    MappedRegion,
    ProcessInfo,
    StartPlaces,
)
from coresnap.elfcore.note_fields import read_auxv, read_text
from coresnap.elfcore.notes_freebsd_threads import THREAD_NOTES, ThreadNotes
from coresnap.elfcore.notewalk import RawNote
from coresnap.elfcore.registers import Architecture
from coresnap.elfcore.registers_freebsd import prstatus_size

__all__ = ["OWNER", "choose_architecture", "read_facts"]

OWNER = b"FreeBSD"
"""The owner of all notes that this module understands."""

NT_PRSTATUS, NT_PRPSINFO, NT_PROCSTAT_PROC, NT_PROCSTAT_VMMAP = 1, 3, 8, 10
NT_PROCSTAT_PSSTRINGS, NT_PROCSTAT_AUXV, NT_ARM_ADDR_MASK = 15, 16, 0x406
AT_EXECPATH, AT_ENVC, AT_ENVV, AT_PS_STRINGS, AT_KPRELOAD = 15, 30, 31, 32, 34
_SIZE_FIELD = 4
_NAME_SIZE, _ARGUMENTS_SIZE, _COMMAND_SIZE = 17, 81, 20
_KINFO_PROC = {True: (1088, 72, 172, 180, 447), False: (768, 40, 140, 148, 367)}
"""By whether pointers have 8 bytes: size, and offsets of ki_pid, ki_ruid, ki_rgid and
ki_comm."""
_VMENTRY_PATH = 136
_PROTECTIONS = ((1, "r"), (2, "w"), (4, "x"))
_MAPPING_LIMIT = 1 << 20
_OFFSET_MASK = (1 << 63) - 1


def choose_architecture(
    header: ElfHeader, notes: Iterable[RawNote]
) -> tuple[Architecture, str | None]:
    """The architecture whose registers the threads have, and a problem if e_machine
    says something else."""
    sizes = {n.size for n in notes if n.name == OWNER and n.type == NT_PRSTATUS}
    return registers.choose_architecture(header, sizes, prstatus_size)


def read_facts(
    data: memoryview,
    notes: Iterable[RawNote],
    header: ElfHeader,
    architecture: Architecture,
) -> CoreFacts:
    """Interpret the notes of a FreeBSD core."""
    problems: list[str] = []
    threads = ThreadNotes(header, architecture, problems)
    reader = _Reader(data, header, architecture, threads, problems)
    for note in notes:
        if note.name == OWNER:
            reader.take(note)
    return reader.facts()


class _Reader(msgspec.Struct, eq=False):
    data: memoryview
    header: ElfHeader
    architecture: Architecture
    threads: ThreadNotes
    problems: list[str]
    process: ProcessInfo = msgspec.field(default_factory=ProcessInfo)
    owner: ProcessInfo = msgspec.field(default_factory=ProcessInfo)
    auxv: dict[int, int] = msgspec.field(default_factory=dict)
    ps_strings: int | None = None
    mappings: memoryview | None = None
    code_mask: int | None = None

    def take(self, note: RawNote) -> None:
        """Interpret one note; later ones of a kind that comes once are ignored."""
        data = self.data[note.offset : note.offset + note.size]
        content = data[_SIZE_FIELD:]
        if note.type in THREAD_NOTES:
            self.threads.take(note.type, data)
        elif note.type == NT_PRPSINFO and self.process.command is None:
            self.process = _process(data, self.header.pointer_size)
        elif note.type == NT_PROCSTAT_PROC and self.owner.pid is None:
            self.owner = _owner(content, self.header.pointer_size)
        elif note.type == NT_PROCSTAT_AUXV and not self.auxv:
            self.auxv = read_auxv(content, self.header)
        elif note.type == NT_PROCSTAT_PSSTRINGS and self.ps_strings is None:
            self.ps_strings = self._word(content)
        elif note.type == NT_PROCSTAT_VMMAP and self.mappings is None:
            self.mappings = data
        elif note.type == NT_ARM_ADDR_MASK and len(data) >= 16:
            # struct arm64_addr_mask: the bits that are no part of a code address come
            # first, then those of a data address.
            (bits,) = struct.unpack_from("<Q", data)
            self.code_mask = ~bits & self.architecture.pointer_mask

    def facts(self) -> CoreFacts:
        """All that was read, in order."""
        files, regions = self._mappings()
        return CoreFacts(
            self.threads.threads(),
            self._process_info(),
            self.threads.signal(),
            self.auxv,
            files,
            tuple(dict.fromkeys(self.problems)),
            self.code_mask,
            regions,
            self._start_places(),
        )

    def _process_info(self) -> ProcessInfo:
        """PRPSINFO has the arguments, and the pid in some releases; PROC the rest."""
        process, owner = self.process, self.owner
        command = process.command or owner.command
        if owner.command and command and owner.command.startswith(command):
            command = owner.command  # PRPSINFO cuts it three bytes earlier
        return ProcessInfo(
            process.pid or owner.pid,
            owner.uid,
            owner.gid,
            command,
            process.arguments,
        )

    def _start_places(self) -> StartPlaces:
        auxv, word = self.auxv, self.header.pointer_size
        ps_strings = self.ps_strings or auxv.get(AT_PS_STRINGS)
        environment, count = auxv.get(AT_ENVV), auxv.get(AT_ENVC)
        strings = None
        if environment and count is not None:
            # The auxiliary vector and the strings follow the pointers and their NULL.
            strings = environment + (count + 1) * word & self.architecture.pointer_mask
        return StartPlaces(
            vdso=auxv.get(AT_KPRELOAD) or None,
            path=auxv.get(AT_EXECPATH),
            stack=ps_strings,
            strings=strings,
            ps_strings=ps_strings,
        )

    def _mappings(self) -> tuple[tuple[MappedFile, ...], tuple[MappedRegion, ...]]:
        records = list(_mapping_records(self.mappings)) if self.mappings else []
        records.sort(key=lambda record: record[0])
        regions = [MappedRegion(start, end, p) for start, end, _, p, _ in records]
        files = [
            MappedFile(start, end, offset, path)
            for start, end, offset, _, path in records
            if path
        ]
        return tuple(files), tuple(regions)

    def _word(self, data: memoryview) -> int | None:
        word = self.header.pointer_size
        return int.from_bytes(data[:word], "little") if len(data) >= word else None


def _process(data: memoryview, pointer_size: int) -> ProcessInfo:
    """prpsinfo_t; pr_pid came with 10.4 and 12, and is 0 before it."""
    name, numbers = (16, 116) if pointer_size == 8 else (8, 108)
    arguments = name + _NAME_SIZE
    if len(data) < arguments:
        return ProcessInfo()
    end = arguments + _ARGUMENTS_SIZE
    pid = data[numbers : numbers + 4]
    return ProcessInfo(
        int.from_bytes(pid, "little", signed=True) or None if len(pid) == 4 else None,
        command=read_text(data[name:arguments]) or None,
        arguments=read_text(data[arguments:end]).rstrip(" ") or None,
    )


def _owner(data: memoryview, pointer_size: int) -> ProcessInfo:
    """struct kinfo_proc of the first thread: pid, real uid and gid, comm."""
    wide = pointer_size == 8
    size, pid, uid, gid, name = _KINFO_PROC[wide]
    if len(data) < size or struct.unpack_from("<i", data)[0] != size:
        return ProcessInfo()
    return ProcessInfo(
        struct.unpack_from("<i", data, pid)[0],
        struct.unpack_from("<I", data, uid)[0],
        struct.unpack_from("<I", data, gid)[0],
        read_text(data[name : name + _COMMAND_SIZE]) or None,
    )


def _mapping_records(
    data: memoryview,
) -> Iterator[tuple[int, int, int, str, bytes]]:
    """struct kinfo_vmentry: start, end, offset, permissions, path."""
    position, count = _SIZE_FIELD, 0
    while position + _VMENTRY_PATH < len(data) and count < _MAPPING_LIMIT:
        (size,) = struct.unpack_from("<i", data, position)
        if size <= _VMENTRY_PATH:
            return
        record = data[position : position + size]
        start, end, offset = struct.unpack_from("<QQQ", record, 8)
        (protection,) = struct.unpack_from("<i", record, 56)
        permissions = "".join(c if protection & b else "-" for b, c in _PROTECTIONS)
        path = bytes(record[_VMENTRY_PATH:]).partition(b"\0")[0]
        if start < end:
            yield start, end, offset & _OFFSET_MASK, permissions, path
        position += size
        count += 1
