"""Linux's notes: owners ``CORE`` and ``LINUX``.

Layouts: ``include/linux/elfcore.h`` (elf_prstatus, elf_prpsinfo and their compat
twins), ``fs/binfmt_elf.c`` (NT_FILE, NT_SIGINFO, NT_AUXV), ``siginfo_t`` of
``include/uapi/asm-generic/siginfo.h``; FXSAVE as in the Intel SDM, volume 1, 10.5.1.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable

import msgspec

from coresnap.elfcore import registers
from coresnap.elfcore.elfheader import ByteOrder, ElfHeader
from coresnap.elfcore.facts import (
    CoreFacts,
    CoreThread,
    MappedFile,
    ProcessInfo,
    SignalInfo,
    StartPlaces,
)
from coresnap.elfcore.note_fields import read_auxv, read_text
from coresnap.elfcore.notewalk import RawNote
from coresnap.elfcore.registers import Architecture

__all__ = [
    "AT_PAGESZ",
    "OWNERS",
    "choose_architecture",
    "prstatus_size",
    "read_facts",
    "read_siginfo",
]

OWNERS = frozenset({b"CORE", b"LINUX"})
"""Note owners that this module understands."""

NT_PRSTATUS, NT_PRFPREG, NT_PRPSINFO, NT_AUXV = 1, 2, 3, 6
NT_FILE, NT_SIGINFO = 0x46494C45, 0x53494749
NT_ARM_PAC_MASK = 0x406
NT_PRXFPREG, NT_X86_XSTATE = 0x46E62B7F, 0x202
NT_386_TLS, NT_ARM_VFP, NT_ARM_TLS = 0x200, 0x400, 0x401
AT_PAGESZ, AT_RANDOM, AT_EXECFN, AT_SYSINFO_EHDR = 6, 25, 31, 33

_FXSAVE_SIZE, _FXSAVE_XMM = 512, 160
_AARCH64_FPSIMD_SIZE = 512
_DEFAULT_PAGE = 4096
_OFFSET_MASK = (1 << 63) - 1
_MAPPED_FILE_LIMIT = 1 << 20
_RANDOM_SIZE = 16


def _short_fields(architecture: Architecture) -> int:
    """Offset of pr_sigpend, behind the signal numbers and their padding."""
    align = architecture.pointer_size
    if architecture.name == "x32":
        align = 4
    return 14 if architecture.prstatus_align == 2 else (14 + align - 1) & -align


def _registers_offset(architecture: Architecture) -> int:
    """Offset of pr_reg: two longs, four pids and four timevals further."""
    word = architecture.pointer_size
    return _short_fields(architecture) + 2 * word + 4 * 4 + 4 * 2 * word


def prstatus_size(architecture: Architecture) -> int:
    """Bytes of elf_prstatus, its last padding included."""
    if architecture.layout is None:
        return 0
    align = max(architecture.layout.slot_size, architecture.pointer_size)
    align = min(align, 8) if architecture.prstatus_align != 2 else 2
    size = _registers_offset(architecture) + architecture.layout.size + 4
    return (size + align - 1) & -align


def choose_architecture(
    header: ElfHeader, notes: Iterable[RawNote]
) -> tuple[Architecture, str | None]:
    """The architecture whose registers the threads have, and a problem if e_machine
    says something else."""
    sizes = {n.size for n in notes if n.name == b"CORE" and n.type == NT_PRSTATUS}
    return registers.choose_architecture(header, sizes, prstatus_size)


def read_facts(
    data: memoryview,
    notes: Iterable[RawNote],
    header: ElfHeader,
    architecture: Architecture,
) -> CoreFacts:
    """Interpret the notes of a Linux core."""
    reader = _Reader(data, header, architecture)
    for note in notes:
        if note.name in OWNERS:
            reader.take(note)
    return reader.facts()


class _Reader(msgspec.Struct, eq=False):
    data: memoryview
    header: ElfHeader
    architecture: Architecture
    threads: list[CoreThread] = msgspec.field(default_factory=list)
    process: ProcessInfo = msgspec.field(default_factory=ProcessInfo)
    signal: SignalInfo | None = None
    auxv: dict[int, int] = msgspec.field(default_factory=dict)
    files: memoryview | None = None
    problems: list[str] = msgspec.field(default_factory=list)
    code_mask: int | None = None

    def take(self, note: RawNote) -> None:
        """Interpret one note; later ones of a kind that comes once are ignored."""
        data = self.data[note.offset : note.offset + note.size]
        if note.type == NT_PRSTATUS and note.name == b"CORE":
            self._status(data)
        elif note.type == NT_PRPSINFO and self.process.pid is None:
            self.process = _process(data, self.header)
        elif note.type == NT_SIGINFO and self.signal is None:
            header = self.header
            self.signal = read_siginfo(data, header.pointer_size, header.byte_order)
        elif note.type == NT_AUXV and not self.auxv:
            self.auxv = read_auxv(data, self.header)
        elif note.type == NT_FILE and self.files is None:
            self.files = data
        elif self.threads and note.type in (NT_386_TLS, NT_ARM_TLS):
            self._thread_pointer(note.type, data)
        elif note.type == NT_ARM_PAC_MASK and len(data) >= 16:
            # struct user_pac_mask: which bits authenticate pointers to data, to code.
            (bits,) = struct.unpack_from(f"{self._prefix}Q", data, 8)
            self.code_mask = ~bits & self.architecture.pointer_mask
        elif self.threads:
            self._vectors(note.type, data)

    def _status(self, data: memoryview) -> None:
        order, arch = self._prefix, self.architecture
        pid_offset = _short_fields(arch) + 2 * arch.pointer_size
        if len(data) < pid_offset + 4:
            self.problems.append("the status note of a thread is cut: no registers")
            return
        (signal,) = struct.unpack_from(f"{order}h", data, 12)
        (tid,) = struct.unpack_from(f"{order}i", data, pid_offset)
        registers = {}
        if arch.layout is not None:
            start = _registers_offset(arch)
            registers = arch.layout.read(data, start, arch.byte_order)
            if len(data) < start + arch.layout.size:
                self.problems.append(f"the status note of thread {tid} is cut")
        self.threads.append(CoreThread(tid, registers, signal))

    def _thread_pointer(self, kind: int, data: memoryview) -> None:
        """Where thread-local storage is counted from, if no plain register says it."""
        arch, registers = self.architecture, self.threads[-1].registers
        numbers = arch.numbers
        if kind == NT_ARM_TLS and "tpidr" in numbers and len(data) >= 8:
            word = bytes(data[:8])
            registers[numbers["tpidr"]] = int.from_bytes(word, arch.byte_order)
        if kind == NT_386_TLS and "gs.base" in numbers:
            # struct user_desc: entry, base, limit, flags; gs selects the entry.
            entry = registers.get(numbers["gs"], 0) >> 3
            rows = struct.iter_unpack("<IIII", data[: len(data) - len(data) % 16])
            for number, base, _, _ in rows:
                if number == entry:
                    registers[numbers["gs.base"]] = base

    def _vectors(self, kind: int, data: memoryview) -> None:
        """Vector and floating point registers: in order, ``width`` bytes each."""
        arch, numbers = self.architecture, self.architecture.numbers
        if arch.is_x86 and kind in (NT_PRFPREG, NT_PRXFPREG, NT_X86_XSTATE):
            family, width, offset, least = "xmm", 16, _FXSAVE_XMM, _FXSAVE_SIZE
        elif kind == NT_PRFPREG and "v0" in numbers:
            family, width, offset, least = "v", 16, 0, _AARCH64_FPSIMD_SIZE
        elif kind == NT_ARM_VFP and arch.name == "arm":
            family, width, offset, least = "d", 8, 0, 32 * 8
        elif kind == NT_PRFPREG and arch.name == "s390x":
            family, width, offset, least = "f", 8, 8, 8 + 16 * 8
        else:
            return
        if len(data) < least:
            return
        registers = self.threads[-1].registers
        index = 0
        while (number := numbers.get(f"{family}{index}")) is not None:
            start = offset + width * index
            value = int.from_bytes(data[start : start + width], arch.byte_order)
            registers[number] = value
            index += 1

    def facts(self) -> CoreFacts:
        """All that was read, in order."""
        return CoreFacts(
            tuple(self._ordered_threads()),
            self.process,
            self.signal or self._signal_of_status(),
            self.auxv,
            self._mapped_files(),
            tuple(dict.fromkeys(self.problems)),
            self.code_mask,
            start=_start_places(self.auxv),
        )

    def _ordered_threads(self) -> list[CoreThread]:
        """The kernel dumps the crashed thread first; others may not."""
        threads = [
            msgspec.structs.replace(t, name=self.process.command)
            if t.tid == self.process.pid
            else t
            for t in self.threads
        ]
        signalled = [t for t in threads if t.signal]
        if len(signalled) == 1 and not threads[0].signal:
            threads.remove(signalled[0])
            threads.insert(0, signalled[0])
        return threads

    def _signal_of_status(self) -> SignalInfo | None:
        for thread in self.threads:
            if thread.signal:
                return SignalInfo(thread.signal)
        return None

    def _mapped_files(self) -> tuple[MappedFile, ...]:
        if self.files is None:
            return ()
        files, problem = _files(self.files, self.header, self.auxv.get(AT_PAGESZ, 0))
        if problem:
            self.problems.append(problem)
        return files

    @property
    def _prefix(self) -> str:
        return ">" if self.header.byte_order == "big" else "<"


def _process(data: memoryview, header: ElfHeader) -> ProcessInfo:
    """elf_prpsinfo: uids are 16 bits wide in the 124-byte form of old 32-bit ABIs."""
    order = ">" if header.byte_order == "big" else "<"
    if header.pointer_size == 8:
        ids, numbers, name = "IIi", 16, 40
    elif len(data) == 124:
        ids, numbers, name = "HHi", 8, 28
    else:
        ids, numbers, name = "IIi", 8, 32
    if len(data) < name + 16:
        return ProcessInfo()
    uid, gid, pid = struct.unpack_from(order + ids, data, numbers)
    arguments = read_text(data[name + 16 : name + 96]).rstrip(" ")
    return ProcessInfo(
        pid,
        uid,
        gid,
        read_text(data[name : name + 16]) or None,
        arguments or None,
    )


def read_siginfo(
    data: memoryview | bytes, pointer_size: int, byte_order: ByteOrder
) -> SignalInfo | None:
    """siginfo_t; the union follows three ints, aligned to a pointer. None if it is cut,
    or there is none."""
    order = ">" if byte_order == "big" else "<"
    union = 16 if pointer_size == 8 else 12
    if len(data) < union + 8:
        return None
    number, _, code = struct.unpack_from(f"{order}iii", data)
    (address,) = struct.unpack_from(
        order + ("Q" if pointer_size == 8 else "I"), data, union
    )
    pid, uid = struct.unpack_from(f"{order}iI", data, union)
    fields = bytes(data[union : union + 32])
    return SignalInfo(number, code, address, pid, uid, fields) if number else None


def _start_places(auxv: dict[int, int]) -> StartPlaces:
    random = auxv.get(AT_RANDOM)
    return StartPlaces(
        vdso=auxv.get(AT_SYSINFO_EHDR) or None,
        path=auxv.get(AT_EXECFN),
        stack=random,
        # create_elf_tables puts the random bytes on the stack behind the strings.
        strings=random + _RANDOM_SIZE if random else None,
    )


def _files(
    data: memoryview, header: ElfHeader, page: int
) -> tuple[tuple[MappedFile, ...], str | None]:
    """NT_FILE: count, page size, count × (start, end, offset in pages), names."""
    word, order = header.pointer_size, ">" if header.byte_order == "big" else "<"
    code = "Q" if word == 8 else "I"
    if len(data) < 2 * word:
        return (), "the list of mapped files is cut"
    claimed, page_size = struct.unpack_from(f"{order}2{code}", data)
    page_size = page_size or page or _DEFAULT_PAGE
    count, problem = claimed, None
    most = min((len(data) - 2 * word) // (3 * word), _MAPPED_FILE_LIMIT)
    if (
        claimed > most
        or data[2 * word + 3 * word * claimed :].tobytes().count(b"\0") != claimed
    ):
        count = _count_by_names(data.tobytes(), 2 * word, 3 * word, most)
        problem = f"{claimed} mapped files are announced, {count} are there"
    start = 2 * word
    end = start + 3 * word * count
    names = data[end:].tobytes().split(b"\0")
    files = [
        # The kernel's loff_t, which a damaged offset may not leave.
        MappedFile(first, last, offset * page_size & _OFFSET_MASK, name)
        for (first, last, offset), name in zip(
            struct.iter_unpack(f"{order}3{code}", data[start:end]), names, strict=False
        )
        if first < last
    ]
    return tuple(sorted(files, key=lambda f: f.start)), problem


def _count_by_names(data: bytes, start: int, entry: int, most: int) -> int:
    """The number of entries with which as many names follow: there is one at most,
    because one more entry leaves fewer bytes for names."""
    low, high = 0, most
    while low < high:
        middle = (low + high) // 2
        if data.count(b"\0", start + entry * middle) > middle:
            low = middle + 1
        else:
            high = middle
    return low
