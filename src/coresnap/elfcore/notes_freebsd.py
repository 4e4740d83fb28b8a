"""FreeBSD's notes: owner ``FreeBSD``.

Layouts: ``sys/sys/procfs.h`` (prpsinfo_t), ``sys/sys/elf_common.h`` (AT_*),
``sys/kern/imgact_elf.c``. The NT_PROCSTAT_* notes begin with an int, the size of the
structure that follows. Nearly all sizes and offsets are the same from 10.1 to 15.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable

import msgspec

from coresnap.elfcore import registers
from coresnap.elfcore.elfheader import ElfHeader
from coresnap.elfcore.facts import (
    CoreFacts,
    MappedFile,
    ProcessInfo,
    StartPlaces,
)
from coresnap.elfcore.freebsd_layout import offsets
from coresnap.elfcore.note_fields import read_auxv, read_text
from coresnap.elfcore.notes_freebsd_process import read_process_state
from coresnap.elfcore.notes_freebsd_threads import THREAD_NOTES, ThreadNotes
from coresnap.elfcore.notewalk import RawNote
from coresnap.elfcore.process_state import ProcessState
from coresnap.elfcore.registers import Architecture
from coresnap.elfcore.registers_freebsd import prstatus_size

__all__ = ["OWNER", "choose_architecture", "prstatus_size", "read_facts"]

OWNER = b"FreeBSD"
"""The owner of all notes that this module understands."""

NT_PRSTATUS, NT_PRPSINFO, NT_PROCSTAT_PSSTRINGS, NT_PROCSTAT_AUXV = 1, 3, 15, 16
NT_ARM_ADDR_MASK = 0x406
_PROCESS_NOTES = range(8, 19)
"""NT_PROCSTAT_*."""
AT_EXECPATH, AT_OSRELDATE, AT_ENVC, AT_ENVV, AT_PS_STRINGS = 15, 18, 30, 31, 32
AT_TIMEKEEP, AT_KPRELOAD = 22, 34
_SIZE_FIELD = 4
_ARGUMENTS_SIZE = 81


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
    auxv: dict[int, int] = msgspec.field(default_factory=dict)
    ps_strings: int | None = None
    process_notes: dict[int, memoryview] = msgspec.field(default_factory=dict)
    code_mask: int | None = None

    def take(self, note: RawNote) -> None:
        """Interpret one note; later ones of a kind that comes once are ignored."""
        data = self.data[note.offset : note.offset + note.size]
        content = data[_SIZE_FIELD:]
        if note.type in _PROCESS_NOTES:
            self.process_notes.setdefault(note.type, data)
        if note.type in THREAD_NOTES:
            self.threads.take(note.type, data)
        elif note.type == NT_PRPSINFO and self.process.command is None:
            self.process = _process(data, self.header)
        elif note.type == NT_PROCSTAT_AUXV and not self.auxv:
            self.auxv = read_auxv(content, self.header)
        elif note.type == NT_PROCSTAT_PSSTRINGS and self.ps_strings is None:
            self.ps_strings = self._word(content)
        elif note.type == NT_ARM_ADDR_MASK and len(data) >= 16:
            # struct arm64_addr_mask: the bits that are no part of a code address come
            # first, then those of a data address.
            (bits,) = struct.unpack_from("<Q", data)
            self.code_mask = ~bits & self.architecture.pointer_mask

    def facts(self) -> CoreFacts:
        """All that was read, in order."""
        state = read_process_state(
            self.process_notes, self.header, self.auxv.get(AT_OSRELDATE)
        )
        self.problems += state.problems
        found = state.mappings
        files = (MappedFile(m.start, m.end, m.offset, m.path) for m in found if m.path)
        return CoreFacts(
            self.threads.threads(),
            self._process_info(state),
            self.threads.signal(),
            self.auxv,
            tuple(files),
            tuple(dict.fromkeys(self.problems)),
            self.code_mask,
            self._start_places(),
            state,
        )

    def _process_info(self, state: ProcessState) -> ProcessInfo:
        """PRPSINFO has the arguments, and the pid in some releases; PROC the rest."""
        process, owner = self.process, state.credentials
        command = process.command or state.command or None
        if state.command and command and state.command.startswith(command):
            command = state.command  # PRPSINFO cuts it three bytes earlier
        return ProcessInfo(
            process.pid or state.pid,
            owner.user if owner is not None else None,
            owner.group if owner is not None else None,
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
            clock=auxv.get(AT_TIMEKEEP),
        )

    def _word(self, data: memoryview) -> int | None:
        word = self.header.pointer_size
        return int.from_bytes(data[:word], "little") if len(data) >= word else None


def _process(data: memoryview, header: ElfHeader) -> ProcessInfo:
    """prpsinfo_t; pr_pid came with 10.4 and 12, and is 0 before it."""
    places = offsets("prpsinfo", header)
    name, arguments = places["pr_fname"], places["pr_psargs"]
    if len(data) < arguments:
        return ProcessInfo()
    end = arguments + _ARGUMENTS_SIZE
    pid = data[places["pr_pid"] :][:4]
    return ProcessInfo(
        int.from_bytes(pid, "little", signed=True) or None if len(pid) == 4 else None,
        command=read_text(data[name:arguments]) or None,
        arguments=read_text(data[arguments:end]).rstrip(" ") or None,
    )
