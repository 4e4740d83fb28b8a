"""Writes ELF cores and modules from scratch: the reader's counterpart in the tests.

Imports nothing from coresnap, so that no mistake is made twice. Layouts: System V gABI;
``include/linux/elfcore.h``, ``fs/binfmt_elf.c`` and the ``user_regs_struct`` of each
machine in the kernel.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence

import attrs

EM_386, EM_ARM, EM_X86_64, EM_AARCH64, EM_RISCV = 3, 40, 62, 183, 243
ET_EXEC, ET_DYN, ET_CORE = 2, 3, 4
PT_LOAD, PT_DYNAMIC, PT_NOTE, PT_PHDR, PT_GNU_EH_FRAME = 1, 2, 4, 6, 0x6474E550
NT_PRSTATUS, NT_PRFPREG, NT_PRPSINFO, NT_AUXV = 1, 2, 3, 6
NT_FILE, NT_SIGINFO, NT_GNU_BUILD_ID = 0x46494C45, 0x53494749, 3
PF_X, PF_W, PF_R = 1, 2, 4
PAGE = 4096

_X86_64_REGISTERS = """
    r15 r14 r13 r12 rbp rbx r11 r10 r9 r8 rax rcx rdx rsi rdi orig_rax rip cs
    eflags rsp ss fs_base gs_base ds es fs gs
"""
_I386_REGISTERS = """
    ebx ecx edx esi edi ebp eax ds es fs gs orig_eax eip cs eflags esp ss
"""
_RISCV_REGISTERS = """
    pc ra sp gp tp t0 t1 t2 fp s1 a0 a1 a2 a3 a4 a5 a6 a7
    s2 s3 s4 s5 s6 s7 s8 s9 s10 s11 t3 t4 t5 t6
"""
USER_REGISTERS = {
    EM_X86_64: _X86_64_REGISTERS.split(),
    EM_386: _I386_REGISTERS.split(),
    EM_ARM: [*(f"r{n}" for n in range(13)), "sp", "lr", "pc", "cpsr", "orig_r0"],
    EM_AARCH64: [*(f"x{n}" for n in range(31)), "sp", "pc", "pstate"],
    EM_RISCV: _RISCV_REGISTERS.split(),
}
"""The order in which each kernel dumps the registers."""


@attrs.frozen
class Target:
    """Whose core it is."""

    machine: int = EM_X86_64
    bits: int = 64
    byte_order: str = "little"

    def pack(self, codes: str, *values: int | bytes) -> bytes:
        """``struct.pack``, where ``P`` is an unsigned long of the target."""
        wide = "Q" if self.bits == 64 else "I"
        prefix = "<" if self.byte_order == "little" else ">"
        return struct.pack(prefix + codes.replace("P", wide), *values)

    @property
    def word(self) -> int:
        return self.bits // 8

    @property
    def header_size(self) -> int:
        return 64 if self.bits == 64 else 52

    @property
    def segment_header_size(self) -> int:
        return 56 if self.bits == 64 else 32


X86_64 = Target()
I386 = Target(EM_386, 32)
ARM = Target(EM_ARM, 32)
AARCH64 = Target(EM_AARCH64)
RISCV64 = Target(EM_RISCV)


@attrs.frozen
class Segment:
    """Bytes at an address; ``memory_size`` beyond them is left out of the core."""

    address: int
    data: bytes = b""
    flags: int = PF_R | PF_W
    memory_size: int | None = None
    type: int = PT_LOAD


@attrs.frozen
class Section:
    """A section of a module; ``link`` is the name of another."""

    name: str
    data: bytes = b""
    type: int = 1
    address: int = 0
    link: str = ""
    flags: int = 0
    entry_size: int = 0


# --- notes ------------------------------------------------------------------


def note(target: Target, owner: bytes, kind: int, description: bytes) -> bytes:
    name = owner + b"\0"
    head = target.pack("III", len(name), len(description), kind)
    return head + _padded(name) + _padded(description)


def _padded(data: bytes, align: int = 4) -> bytes:
    return data + bytes(-len(data) % align)


def prstatus(
    target: Target,
    *,
    tid: int,
    registers: Mapping[str, int],
    signal: int = 0,
) -> bytes:
    """elf_prstatus: 2 longs, 4 pids and 4 timevals stand before the registers."""
    head = target.pack("iiih", signal, 0, 0, signal)
    head = _padded(head, target.word)
    head += target.pack("PPiiii", 0, 0, tid, 1, 1, 1) + target.pack("P" * 8, *[0] * 8)
    names = USER_REGISTERS[target.machine]
    unknown = set(registers) - set(names)
    assert not unknown, unknown
    values = [registers.get(name, 0) for name in names]
    body = target.pack("P" * len(names), *values)
    status = head + body + target.pack("i", 0)
    return note(target, b"CORE", NT_PRSTATUS, _padded(status, target.word))


def prpsinfo(
    target: Target,
    *,
    pid: int,
    command: bytes = b"prog",
    arguments: bytes = b"./prog arg ",
    uid: int = 1000,
    gid: int = 100,
) -> bytes:
    head = target.pack("cccc", b"\0", b"R", b"\0", b"\0")
    if target.bits == 64:
        head += bytes(4) + target.pack("PII", 0, uid, gid)
    else:
        head += target.pack("PHH", 0, uid, gid)
    head += target.pack("iiii", pid, 1, 1, 1)
    body = command.ljust(16, b"\0")[:16] + arguments.ljust(80, b"\0")[:80]
    return note(target, b"CORE", NT_PRPSINFO, head + body)


def siginfo(
    target: Target,
    *,
    number: int,
    code: int,
    address: int = 0,
    sender: tuple[int, int] | None = None,
) -> bytes:
    head = _padded(target.pack("iii", number, 0, code), target.word)
    if sender is None:
        head += target.pack("P", address)
    else:
        head += target.pack("iI", *sender)
    return note(target, b"CORE", NT_SIGINFO, head.ljust(128, b"\0"))


def auxv(target: Target, entries: Mapping[int, int], *, end: bool = True) -> bytes:
    data = b"".join(target.pack("PP", kind, value) for kind, value in entries.items())
    if end:
        data += target.pack("PP", 0, 0)
    return note(target, b"CORE", NT_AUXV, data)


def mapped_files(
    target: Target,
    files: Sequence[tuple[int, int, int, bytes]],
    *,
    count: int | None = None,
    page_size: int = PAGE,
) -> bytes:
    """NT_FILE of (start, end, offset in pages, path)."""
    claimed = len(files) if count is None else count
    data = target.pack("PP", claimed, page_size)
    for start, end, offset, _ in files:
        data += target.pack("PPP", start, end, offset)
    data += b"".join(path + b"\0" for *_, path in files)
    return note(target, b"CORE", NT_FILE, data)


# --- files ------------------------------------------------------------------


def write_core(
    target: Target = X86_64,
    *,
    notes: Sequence[bytes] = (),
    segments: Sequence[Segment] = (),
    osabi: int = 0,
    kind: int = ET_CORE,
    extended_count: bool = False,
    header: Mapping[str, int] | None = None,
) -> bytes:
    """A core as the kernel lays it out: headers, notes, then memory by pages.

    ``header`` overrides fields of the ELF header (``phoff``, ``phnum``, …);
    ``extended_count`` writes the count of segments as PN_XNUM does.
    """
    joined = b"".join(notes)
    count = len(segments) + 1
    tables = target.header_size + count * target.segment_header_size
    position = -(-(tables + len(joined)) // PAGE) * PAGE
    headers = [_segment_header(target, PT_NOTE, 0, tables, 0, len(joined), 0)]
    body = bytearray()
    for segment in segments:
        size = len(segment.data)
        headers.append(
            _segment_header(
                target,
                segment.type,
                segment.flags,
                position + len(body),
                segment.address,
                size,
                size if segment.memory_size is None else segment.memory_size,
            )
        )
        body += _padded(segment.data, PAGE)
    fields: dict[str, int] = {"phoff": target.header_size, "phnum": count}
    end = position + len(body)
    if extended_count:
        fields |= {"phnum": 0xFFFF, "shoff": end, "shnum": 1}
        body += _section_header(target, 0, Section(""), 0, 0, info=count)
    fields |= header or {}
    start = _elf_header(target, kind, osabi, **fields)
    return (start + b"".join(headers) + joined).ljust(position, b"\0") + bytes(body)


def write_module(
    target: Target = X86_64,
    *,
    segments: Sequence[Segment] = (),
    sections: Sequence[Section] = (),
    kind: int = ET_DYN,
    build_id: bytes | None = b"\x11" * 20,
    entry: int = 0,
) -> bytes:
    """An executable or library: file offsets equal addresses below 1 MiB.

    The first segment should leave room for the headers. The build-id note lies at
    0x400 of the file.
    """
    notes = []
    if build_id is not None:
        notes = [note(target, b"GNU", NT_GNU_BUILD_ID, build_id)]
    image = bytearray(0x400)
    joined = b"".join(notes)
    _place(image, 0x400, joined)
    headers = []
    for segment in segments:
        offset = segment.address & 0xFFFFF
        _place(image, offset, segment.data)
        size = offset + len(segment.data) if offset == 0 else len(segment.data)
        size = max(size, segment.memory_size or 0) if offset == 0 else size
        headers.append(
            _segment_header(
                target, segment.type, segment.flags, offset, segment.address, size, size
            )
        )
    if notes:
        base = min((s.address for s in segments if s.type == PT_LOAD), default=0)
        headers.append(
            _segment_header(
                target, PT_NOTE, PF_R, 0x400, base + 0x400, len(joined), len(joined)
            )
        )
    fields = {"phoff": target.header_size, "phnum": len(headers), "entry": entry}
    if sections:
        fields |= _append_sections(target, image, sections)
    head = _elf_header(target, kind, 0, **fields) + b"".join(headers)
    assert len(head) <= 0x400
    image[: len(head)] = head
    return bytes(image)


def _place(image: bytearray, offset: int, data: bytes) -> None:
    if len(image) < offset + len(data):
        image.extend(bytes(offset + len(data) - len(image)))
    # Never over what is there already: headers and notes stand at the start.
    for index, byte in enumerate(data):
        if byte:
            image[offset + index] = byte


def _append_sections(
    target: Target, image: bytearray, sections: Sequence[Section]
) -> dict[str, int]:
    named = [Section(""), *sections, Section(".shstrtab", type=3)]
    names = b"".join(section.name.encode() + b"\0" for section in named)
    named[-1] = attrs.evolve(named[-1], data=names)
    places = []
    for section in named:
        image += bytes(-len(image) % 8)
        places.append(len(image))
        image += section.data
    image += bytes(-len(image) % 8)
    start, name = len(image), 0
    for section, place in zip(named, places, strict=True):
        link = next((i for i, s in enumerate(named) if s.name == section.link), 0)
        null = section.name == ""
        kind = attrs.evolve(section, type=0) if null else section
        image += _section_header(target, name, kind, place, 0 if null else link)
        name += len(section.name) + 1
    return {"shoff": start, "shnum": len(named), "shstrndx": len(named) - 1}


def _elf_header(target: Target, kind: int, osabi: int, **fields: int) -> bytes:
    ident = bytes(
        [
            *b"\x7fELF",
            2 if target.bits == 64 else 1,
            1 if target.byte_order == "little" else 2,
            1,
            osabi,
        ]
    ).ljust(16, b"\0")
    section = 64 if target.bits == 64 else 40
    return ident + target.pack(
        "HHIPPPIHHHHHH",
        fields.get("type", kind),
        fields.get("machine", target.machine),
        1,
        fields.get("entry", 0),
        fields["phoff"],
        fields.get("shoff", 0),
        0,
        target.header_size,
        fields.get("phentsize", target.segment_header_size),
        fields["phnum"],
        fields.get("shentsize", section),
        fields.get("shnum", 0),
        fields.get("shstrndx", 0),
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
    if target.bits == 64:
        return target.pack(
            "IIPPPPPP", kind, flags, offset, address, 0, file_size, memory_size, PAGE
        )
    return target.pack(
        "IPPPPPII", kind, offset, address, 0, file_size, memory_size, flags, PAGE
    )


def _section_header(
    target: Target, name: int, section: Section, place: int, link: int, info: int = 0
) -> bytes:
    return target.pack(
        "IIPPPPIIPP",
        name,
        section.type,
        section.flags,
        section.address,
        place,
        len(section.data),
        link,
        info,
        1,
        section.entry_size,
    )


def symbol(
    target: Target,
    *,
    name: int,
    value: int,
    size: int = 0,
    binding: int = 1,
    kind: int = 2,
    section: int = 1,
) -> bytes:
    """Elf32_Sym or Elf64_Sym; ``name`` is an offset in the string table."""
    info = binding << 4 | kind
    if target.bits == 64:
        return target.pack("IBBHPP", name, info, 0, section, value, size)
    return target.pack("IPPBBH", name, value, size, info, 0, section)
