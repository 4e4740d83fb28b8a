"""Writes FreeBSD cores from scratch: the counterpart of the reader of FreeBSD's notes.

Imports nothing from coresnap, so that no mistake is made twice. Layouts: FreeBSD's
``sys/sys/procfs.h``, ``sys/sys/ptrace.h``, ``sys/sys/user.h``, ``sys/sys/signal.h`` and
``machine/reg.h``; the order of the notes is that of ``sys/kern/imgact_elf.c``.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Mapping, Sequence

import attrs

EM_386, EM_ARM, EM_X86_64, EM_AARCH64, EM_RISCV = 3, 40, 62, 183, 243
ELFOSABI_FREEBSD, ET_CORE, PN_XNUM = 9, 4, 0xFFFF
PT_LOAD, PT_NOTE = 1, 4
PF_X, PF_W, PF_R = 1, 2, 4
VM_PROT_READ, VM_PROT_WRITE, VM_PROT_EXECUTE = 1, 2, 4
PAGE = 4096

NT_PRSTATUS, NT_FPREGSET, NT_PRPSINFO, NT_THRMISC = 1, 2, 3, 7
NT_PROCSTAT_PROC, NT_PROCSTAT_FILES, NT_PROCSTAT_VMMAP = 8, 9, 10
NT_PROCSTAT_GROUPS, NT_PROCSTAT_UMASK, NT_PROCSTAT_RLIMIT = 11, 12, 13
NT_PROCSTAT_OSREL, NT_PROCSTAT_PSSTRINGS, NT_PROCSTAT_AUXV = 14, 15, 16
NT_PTLWPINFO, NT_PROCSTAT_KQUEUES = 17, 18
NT_X86_SEGBASES, NT_X86_XSTATE = 0x200, 0x202
NT_ARM_VFP, NT_ARM_TLS, NT_ARM_ADDR_MASK = 0x400, 0x401, 0x406

PL_EVENT_SIGNAL, PL_FLAG_SI = 1, 0x20
KINFO_FILE_SIZE, KINFO_VMENTRY_SIZE = 1392, 1160
KVME_TYPE_DEFAULT, KVME_TYPE_VNODE, KVME_TYPE_SWAP, KVME_TYPE_PHYS = 1, 2, 3, 5
RELEASE_13, RELEASE_14, RELEASE_15 = 1302001, 1400097, 1500068

_AMD64_REGISTERS = """
    r15:Q r14:Q r13:Q r12:Q r11:Q r10:Q r9:Q r8:Q rdi:Q rsi:Q rbp:Q rbx:Q rdx:Q rcx:Q
    rax:Q trapno:I fs:H gs:H err:I es:H ds:H rip:Q cs:Q rflags:Q rsp:Q ss:Q
"""
_I386_REGISTERS = """
    fs:I es:I ds:I edi:I esi:I ebp:I isp:I ebx:I edx:I ecx:I eax:I trapno:I err:I eip:I
    cs:I eflags:I esp:I ss:I gs:I
"""
_ARM64_REGISTERS = [*(f"x{n}:Q" for n in range(31)), "sp:Q", "elr:Q", "spsr:Q"]
_ARM_REGISTERS = [*(f"r{n}:I" for n in range(13)), *["sp:I", "lr:I", "pc:I", "cpsr:I"]]
_RISCV_REGISTERS = """
    ra:Q sp:Q gp:Q tp:Q t0:Q t1:Q t2:Q t3:Q t4:Q t5:Q t6:Q s0:Q s1:Q s2:Q s3:Q s4:Q s5:Q
    s6:Q s7:Q s8:Q s9:Q s10:Q s11:Q a0:Q a1:Q a2:Q a3:Q a4:Q a5:Q a6:Q a7:Q sepc:Q
    sstatus:Q
"""

Fields = Mapping[int, tuple[str, int | bytes]]
"""Offset in a record to the ``struct`` code and value of what stands there."""


@attrs.frozen
class Target:
    """Whose core it is. All of FreeBSD's machines here are little-endian."""

    machine: int
    bits: int
    registers: tuple[tuple[str, str], ...]
    """struct reg: name and ``struct`` code of each register, in order."""
    float_size: int
    """Bytes of struct fpreg."""
    vectors: int
    """Offset of the first vector register in it."""
    process_size: int
    """Bytes of struct kinfo_proc."""

    def pack(self, codes: str, *values: int | bytes) -> bytes:
        """``struct.pack``, where ``P`` is an unsigned long of the target."""
        return struct.pack("<" + codes.replace("P", self.wide), *values)

    @property
    def wide(self) -> str:
        return "Q" if self.bits == 64 else "I"

    @property
    def word(self) -> int:
        return self.bits // 8

    @property
    def header_size(self) -> int:
        return 64 if self.bits == 64 else 52

    @property
    def segment_header_size(self) -> int:
        return 56 if self.bits == 64 else 32


def _registers(words: Iterable[str]) -> tuple[tuple[str, str], ...]:
    pairs = (word.split(":") for word in words)
    return tuple((name, code) for name, code in pairs)


AMD64 = Target(EM_X86_64, 64, _registers(_AMD64_REGISTERS.split()), 512, 160, 1088)
I386 = Target(EM_386, 32, _registers(_I386_REGISTERS.split()), 176, 0, 768)
ARM64 = Target(EM_AARCH64, 64, _registers(_ARM64_REGISTERS), 528, 0, 1088)
ARM = Target(EM_ARM, 32, _registers(_ARM_REGISTERS), 148, 0, 816)
RISCV64 = Target(EM_RISCV, 64, _registers(_RISCV_REGISTERS.split()), 520, 0, 1088)


@attrs.frozen
class Segment:
    """Bytes at an address; ``memory_size`` beyond them is left out of the core."""

    address: int
    data: bytes = b""
    flags: int = PF_R | PF_W
    memory_size: int | None = None


# --- notes of a thread ------------------------------------------------------


def note(kind: int, description: bytes, owner: bytes = b"FreeBSD") -> bytes:
    name = owner + b"\0"
    head = struct.pack("<III", len(name), len(description), kind)
    return head + _padded(name, 4) + _padded(description, 4)


def _padded(data: bytes, align: int) -> bytes:
    return data + bytes(-len(data) % align)


def prstatus(
    target: Target,
    *,
    tid: int,
    registers: Mapping[str, int],
    signal: int = 0,
    osreldate: int = RELEASE_13,
) -> bytes:
    """prstatus_t; ``signal`` is the process's and the same in every thread."""
    unknown = set(registers) - {name for name, _ in target.registers}
    assert not unknown, unknown
    codes = "".join(code for _, code in target.registers)
    body = target.pack(codes, *(registers.get(n, 0) for n, _ in target.registers))
    start = _padded(target.pack("i", 1), target.word)
    sizes = target.word * 3
    ids = target.pack("iii", osreldate, signal, tid)
    head_size = -(-(len(start) + sizes + len(ids)) // target.word) * target.word
    total = head_size + len(body)
    head = start + target.pack("PPP", total, len(body), target.float_size) + ids
    return note(NT_PRSTATUS, _padded(head, target.word) + body)


def fpregset(target: Target, vectors: Mapping[int, int] | None = None) -> bytes:
    """struct fpreg: FXSAVE on amd64, q0 … q31 on arm64; FSAVE, without xmm, on i386."""
    return note(NT_FPREGSET, _vector_area(target, target.float_size, vectors or {}))


def xstate(
    target: Target, vectors: Mapping[int, int] | None = None, size: int = 2696
) -> bytes:
    """A raw XSAVE area with its XCR0 at 464; xmm registers at 160, also on i386."""
    area = bytearray(_vector_area(attrs.evolve(target, vectors=160), size, vectors))
    struct.pack_into("<Q", area, 464, 0x7)
    return note(NT_X86_XSTATE, bytes(area))


def _vector_area(target: Target, size: int, vectors: Mapping[int, int] | None) -> bytes:
    area = bytearray(size)
    for index, value in (vectors or {}).items():
        start = target.vectors + 16 * index
        area[start : start + 16] = value.to_bytes(16, "little")
    return bytes(area)


def thrmisc(name: bytes) -> bytes:
    return note(NT_THRMISC, name.ljust(20, b"\0")[:20] + bytes(4))


def siginfo(
    target: Target,
    *,
    number: int,
    code: int,
    address: int = 0,
    sender: tuple[int, int] = (0, 0),
    status: int = 0,
    value: int = 0,
    trap: int = 0,
) -> bytes:
    """siginfo_t, where each field has a place of its own; 80 or 64 bytes."""
    head = target.pack("iiiiIi", number, 0, code, *sender, status)
    body = target.pack("PPi", address, value, trap)
    return (head + body).ljust(80 if target.bits == 64 else 64, b"\0")


def lwpinfo(
    target: Target,
    *,
    tid: int,
    name: bytes = b"",
    signal: bytes | None = None,
    event: int | None = None,
    size: int | None = None,
) -> bytes:
    """struct ptrace_lwpinfo behind an int that is its size.

    ``signal`` is what ``siginfo`` made; the other threads have none. ``size`` as of
    another release: up to 10.1 it is 8 less.
    """
    whole = 160 if target.bits == 64 else 140
    flags = PL_FLAG_SI if signal is not None else 0
    event = (PL_EVENT_SIGNAL if signal is not None else 0) if event is None else event
    body = target.pack("iii", tid, event, flags) + bytes(32)
    body = _padded(body, target.word)
    body += signal if signal is not None else bytes(80 if target.bits == 64 else 64)
    body += name.ljust(20, b"\0")[:20]
    body = body.ljust(whole, b"\0")
    wanted = whole if size is None else size
    body = body.ljust(wanted, b"\0")[:wanted]
    return note(NT_PTLWPINFO, target.pack("i", wanted) + body)


def segbases(target: Target, fs: int = 0, gs: int = 0) -> bytes:
    """struct segbasereg. An amd64 kernel writes it twice for a 32-bit process."""
    return note(NT_X86_SEGBASES, target.pack("PP", fs, gs))


def arm_tls(target: Target, address: int) -> bytes:
    return note(NT_ARM_TLS, target.pack("P", address))


def arm_vfp(registers: Mapping[int, int]) -> bytes:
    """mcontext_vfp_t: d0 … d31, then fpscr."""
    words = [registers.get(index, 0) for index in range(32)]
    return note(NT_ARM_VFP, struct.pack("<32QI", *words, 0))


def arm_address_mask(code: int, data: int) -> bytes:
    """struct arm64_addr_mask: the bits that are **no** part of an address."""
    return note(NT_ARM_ADDR_MASK, struct.pack("<QQ", code, data))


def thread(
    target: Target,
    *,
    tid: int,
    registers: Mapping[str, int],
    name: bytes = b"prog",
    signal: int = 0,
    info: bytes | None = None,
    bases: tuple[int, int] = (0, 0),
    vectors: Mapping[int, int] | None = None,
    osreldate: int = RELEASE_13,
) -> list[bytes]:
    """All notes of one thread, in the kernel's order."""
    notes = [
        prstatus(
            target, tid=tid, registers=registers, signal=signal, osreldate=osreldate
        ),
        fpregset(target, vectors if target.machine != EM_386 else None),
        thrmisc(name),
        lwpinfo(target, tid=tid, name=name, signal=info),
    ]
    if target.machine in (EM_386, EM_X86_64):
        times = 2 if target.machine == EM_386 else 1
        notes += [segbases(target, *bases)] * times
        notes.append(xstate(target, vectors))
    if target.machine == EM_AARCH64:
        notes.append(arm_tls(target, bases[0]))
    return notes


# --- notes of the process ---------------------------------------------------


def prpsinfo(
    target: Target,
    *,
    pid: int | None,
    command: bytes = b"prog",
    arguments: bytes = b"./prog arg",
) -> bytes:
    """prpsinfo_t; ``pid`` None as 10.1 and 11.0 wrote it: 0, or not there on i386."""
    whole = 120 if target.bits == 64 else (108 if pid is None else 112)
    head = _padded(target.pack("i", 1), target.word) + target.pack("P", whole)
    body = command.ljust(17, b"\0")[:17] + arguments.ljust(81, b"\0")[:81]
    data = _padded(head + body, 4)
    data += target.pack("i", pid or 0) if target.bits == 64 or pid is not None else b""
    return note(NT_PRPSINFO, data.ljust(whole, b"\0"))


def procstat(kind: int, structure_size: int, data: bytes = b"") -> bytes:
    """A note of libprocstat: an int that is the size of the structure, then those."""
    return note(kind, struct.pack("<i", structure_size) + data)


def auxv(target: Target, entries: Mapping[int, int], *, end: bool = True) -> bytes:
    data = b"".join(target.pack("PP", kind, value) for kind, value in entries.items())
    if end:
        data += target.pack("PP", 0, 0)
    return procstat(NT_PROCSTAT_AUXV, 2 * target.word, data)


def groups(*ids: int) -> bytes:
    return procstat(NT_PROCSTAT_GROUPS, 4, struct.pack(f"<{len(ids)}I", *ids))


def umask(mask: int) -> bytes:
    return procstat(NT_PROCSTAT_UMASK, 2, struct.pack("<H", mask))


def osrel(version: int) -> bytes:
    return procstat(NT_PROCSTAT_OSREL, 4, struct.pack("<i", version))


def psstrings(target: Target, address: int) -> bytes:
    """The address of struct ps_strings."""
    return procstat(NT_PROCSTAT_PSSTRINGS, target.word, target.pack("P", address))


def rlimits(limits: Sequence[tuple[int, int]]) -> bytes:
    """Current and most; 13 of them in 9 and 10, 15 in 11 to 14, 16 in 15."""
    data = b"".join(struct.pack("<qq", *limit) for limit in limits)
    return procstat(NT_PROCSTAT_RLIMIT, len(data), data)


def record(size: int, fields: Fields) -> bytes:
    """``size`` bytes with values at offsets, each with its ``struct`` code."""
    data = bytearray(size)
    for offset, (code, value) in fields.items():
        struct.pack_into(f"<{code}", data, offset, value)
    return bytes(data)


def packed_record(
    size: int,
    fields: Fields,
    path: bytes,
    path_offset: int,
    *,
    packed: bool = True,
) -> bytes:
    """A record that ends with its path, as kern.coredump_pack_* make it shorter.

    The first int of a record is its own length, a multiple of 8 when packed.
    """
    data = bytearray(record(size, fields))
    data[path_offset : path_offset + len(path) + 1] = path + b"\0"
    length = -(-(path_offset + len(path) + 1) // 8) * 8 if packed else size
    struct.pack_into("<i", data, 0, length)
    return bytes(data[:length])


def vm_entry(
    start: int,
    end: int,
    *,
    protection: int = VM_PROT_READ | VM_PROT_WRITE,
    kind: int = KVME_TYPE_SWAP,
    flags: int = 0,
    offset: int = 0,
    path: bytes = b"",
    packed: bool = True,
) -> bytes:
    """struct kinfo_vmentry; ``protection`` has other bits than a program header."""
    fields: Fields = {
        4: ("i", kind),
        8: ("Q", start),
        16: ("Q", end),
        24: ("Q", offset),
        44: ("i", flags),
        56: ("i", protection),
    }
    return packed_record(KINFO_VMENTRY_SIZE, fields, path, 136, packed=packed)


def vmmap(entries: Sequence[bytes], padding: int = 0) -> bytes:
    """``padding`` zero bytes: the kernel may reserve more than it then writes."""
    data = b"".join(entries) + bytes(padding)
    return procstat(NT_PROCSTAT_VMMAP, KINFO_VMENTRY_SIZE, data)


def file_entry(
    descriptor: int,
    kind: int,
    *,
    flags: int = 1,
    offset: int = 0,
    path: bytes = b"",
    fields: Fields | None = None,
    packed: bool = True,
) -> bytes:
    """struct kinfo_file; ``fields`` are those of its union, by their offsets."""
    common: Fields = {
        4: ("i", kind),
        8: ("i", descriptor),
        12: ("i", 1),
        16: ("i", flags),
        24: ("q", offset),
    }
    every = {**common, **(fields or {})}
    return packed_record(KINFO_FILE_SIZE, every, path, 368, packed=packed)


def files(entries: Sequence[bytes], padding: int = 0) -> bytes:
    data = b"".join(entries) + bytes(padding)
    return procstat(NT_PROCSTAT_FILES, KINFO_FILE_SIZE, data)


def process_entry(target: Target, fields: Fields) -> bytes:
    """struct kinfo_proc of one thread; the first int is its size."""
    size = target.process_size
    return record(size, {0: ("i", size), **fields})


def processes(target: Target, entries: Sequence[bytes]) -> bytes:
    return procstat(NT_PROCSTAT_PROC, target.process_size, b"".join(entries))


# --- files ------------------------------------------------------------------


def write_core(
    target: Target = AMD64,
    *,
    notes: Sequence[bytes] = (),
    segments: Sequence[Segment] = (),
    extended_count: bool = False,
    header: Mapping[str, int] | None = None,
) -> bytes:
    """A core as FreeBSD's kernel lays it out: headers, notes, then memory by pages.

    ``extended_count`` writes the count of segments as the kernel does from PN_XNUM on:
    the only section header stands behind the program headers. ``header`` overrides
    fields of the ELF header (``osabi``, ``phoff``, ``phnum``, ``machine``, …).
    """
    joined = b"".join(notes)
    count = len(segments) + 1
    tables = target.header_size + count * target.segment_header_size
    sections = _count_section(target, count) if extended_count else b""
    notes_start = tables + len(sections)
    position = -(-(notes_start + len(joined)) // PAGE) * PAGE
    headers = [_segment_header(target, PT_NOTE, PF_R, notes_start, 0, len(joined), 0)]
    body = bytearray()
    for segment in segments:
        size = len(segment.data)
        memory = size if segment.memory_size is None else segment.memory_size
        place = position + len(body)
        headers.append(
            _segment_header(
                target, PT_LOAD, segment.flags, place, segment.address, size, memory
            )
        )
        body += _padded(segment.data, PAGE)
    fields = {"phnum": count}
    if extended_count:
        fields = {"phnum": PN_XNUM, "shoff": tables, "shnum": 1}
    start = _elf_header(target, fields | dict(header or {}))
    whole = start + b"".join(headers) + sections + joined
    return whole.ljust(position, b"\0") + bytes(body)


def damaged(core: bytes, changes: Mapping[int, bytes]) -> bytes:
    """The core with other bytes at some offsets; beyond its end nothing changes."""
    data = bytearray(core)
    for offset, change in changes.items():
        part = change[: max(0, len(data) - offset)]
        data[offset : offset + len(part)] = part
    return bytes(data)


def _elf_header(target: Target, fields: Mapping[str, int]) -> bytes:
    osabi = fields.get("osabi", ELFOSABI_FREEBSD)
    ident = bytes([*b"\x7fELF", target.bits // 32, 1, 1, osabi]).ljust(16, b"\0")
    return ident + target.pack(
        "HHIPPPIHHHHHH",
        fields.get("type", ET_CORE),
        fields.get("machine", target.machine),
        1,
        0,
        fields.get("phoff", target.header_size),
        fields.get("shoff", 0),
        0,
        target.header_size,
        target.segment_header_size,
        fields["phnum"],
        64 if target.bits == 64 else 40,
        fields.get("shnum", 0),
        0,
    )


def _segment_header(
    target: Target,
    kind: int,
    flags: int,
    offset: int,
    address: int,
    file_size: int,
    memory_size: int,
) -> bytes:
    align = PAGE if kind == PT_LOAD else 4
    sizes = (file_size, memory_size)
    if target.bits == 64:
        return target.pack("IIPPPPPP", kind, flags, offset, address, 0, *sizes, align)
    return target.pack("IPPPPPII", kind, offset, address, 0, *sizes, flags, align)


def _count_section(target: Target, count: int) -> bytes:
    """Section header 0: sh_info is the number of program headers."""
    return target.pack("IIPPPPIIPP", 0, 0, 0, 0, 0, 0, 0, count, 0, 0)
