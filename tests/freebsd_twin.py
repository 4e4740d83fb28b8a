"""Writes a Linux core of x86-64 again as FreeBSD's kernel would have written it.

Memory, registers and files are those of the real core; notes, numbers, codes and what
is left out are FreeBSD's. Imports nothing from coresnap, so that no mistake is made
twice. Layouts of Linux: ``include/uapi/linux/elfcore.h``, ``fs/binfmt_elf.c``; numbers
of FreeBSD: ``sys/sys/signal.h`` and ``sys/amd64/amd64/trap.c``.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from pathlib import Path

import attrs

import corewriter
import freebsd_corewriter as w

__all__ = ["write_twin"]

_NT_XSTATE = 0x202
_AT_SYSINFO_EHDR, _AT_RANDOM, _AT_EXECFN = 33, 25, 31
_AT_EXECPATH, _AT_OSRELDATE = 15, 18
_SI_KERNEL, _SI_TKILL = 128, -6
_BUS_OBJERR, _ILL_PRVOPC, _SEGV_ACCERR = 3, 5, 2
_T_PRIVINFLT, _T_BPTFLT, _T_PROTFLT, _T_PAGEFLT, _T_DIVIDE = 1, 3, 9, 12, 18
_SIGILL, _SIGTRAP, _SIGABRT, _SIGBUS, _SIGFPE, _SIGSEGV = 4, 5, 6, 7, 8, 11
_FREEBSD_SIGBUS = 10
_NUMBERS = {7: 10, 10: 30, 12: 31, 17: 20, 18: 19, 19: 17, 20: 18, 23: 16, 31: 12}
_GROWS_DOWN, _GUARD, _COPY_ON_WRITE = 0x20, 9, 1
_SHARED = 0x7FFF_FFFF_F000
_SIGCODE = bytes.fromhex("ff1424488d7c24106a0048c7c0a10100000f05f4ebfd")
"""The page that the kernel shares with programs, and how it calls a handler."""
_MOST_STACK = 512 << 20
"""kern.maxssiz of amd64: so much is reserved for the main stack."""


@attrs.frozen
class _Load:
    flags: int
    start: int
    end: int
    data: bytes
    path: bytes = b""
    offset: int = 0


@attrs.frozen
class _Notes:
    """What is in the Linux core: (type, description)."""

    notes: Sequence[tuple[int, bytes]]

    def first(self, kind: int) -> bytes:
        return next(data for type_, data in self.notes if type_ == kind)

    def threads(self) -> list[list[tuple[int, bytes]]]:
        """Notes of each thread, its NT_PRSTATUS first."""
        found: list[list[tuple[int, bytes]]] = []
        for kind, data in self.notes:
            if kind == corewriter.NT_PRSTATUS:
                found.append([])
            if found:
                found[-1].append((kind, data))
        return found


def write_twin(core: Path, path: Path) -> Path:
    """Write the twin of the core at ``core`` to ``path``."""
    data = core.read_bytes()
    notes = _Notes(list(_read_notes(data)))
    auxv = dict(struct.iter_unpack("<QQ", notes.first(corewriter.NT_AUXV)))
    loads = _loads(data, notes.first(corewriter.NT_FILE), auxv[_AT_SYSINFO_EHDR])
    stack = next(one for one in loads if one.start <= auxv[_AT_RANDOM] < one.end)
    loads.remove(stack)
    stack = attrs.evolve(stack, data=_with_frames(stack.data))
    loads = sorted([*loads, stack], key=lambda one: one.start)
    guard = _guard(loads, stack)
    code = _SIGCODE.ljust(w.PAGE, b"\0")
    loads.append(_Load(w.PF_R | w.PF_X, _SHARED, _SHARED + w.PAGE, code))
    segments = [
        w.Segment(one.start, one.data, one.flags) for one in loads if _is_dumped(one)
    ]
    written = [_process(notes), *_threads(notes, guard), *_rest(loads, stack, guard)]
    kept = {kind: value for kind, value in auxv.items() if kind < 10}
    kept |= {_AT_EXECPATH: auxv[_AT_EXECFN], _AT_OSRELDATE: w.RELEASE_14}
    written.append(w.auxv(w.AMD64, kept))
    path.write_bytes(w.write_core(w.AMD64, notes=written, segments=segments))
    return path


# --- the Linux core -----------------------------------------------------------


def _headers(data: bytes) -> Iterator[tuple[int, ...]]:
    start, count = (
        *struct.unpack_from("<Q", data, 32),
        *struct.unpack_from("<H", data, 56),
    )
    for index in range(count):
        yield struct.unpack_from("<IIQQQQQQ", data, start + 56 * index)


def _read_notes(data: bytes) -> Iterator[tuple[int, bytes]]:
    for kind, _, offset, _, _, size, _, _ in _headers(data):
        at, end = offset, offset + size if kind == w.PT_NOTE else offset
        while at < end:
            owner, length, type_ = struct.unpack_from("<III", data, at)
            at += 12 + owner + -owner % 4
            yield type_, data[at : at + length]
            at += length + -length % 4


def _loads(data: bytes, table: bytes, vdso: int) -> list[_Load]:
    count, page = struct.unpack_from("<QQ", table)
    names = table[16 + 24 * count :].split(b"\0")
    files = {
        start: (names[index], offset * page)
        for index, (start, _, offset) in enumerate(
            struct.iter_unpack("<QQQ", table[16 : 16 + 24 * count])
        )
    }
    found = []
    for kind, flags, offset, address, _, size, memory, _ in _headers(data):
        if kind != w.PT_LOAD or address == vdso:
            continue
        path, start = files.get(address, (b"", 0))
        content = data[offset : offset + size]
        found.append(_Load(flags, address, address + memory, content, path, start))
    return found


# --- signals that were handled ------------------------------------------------

_SIGCONTEXT = (
    *("r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15", "rdi", "rsi", "rbp"),
    *("rbx", "rdx", "rax", "rcx", "rsp", "rip", "eflags", "segments", "err"),
    *("trapno", "oldmask", "cr2"),
)
_MCONTEXT = {
    "rdi": 8,
    "rsi": 16,
    "rdx": 24,
    "rcx": 32,
    "r8": 40,
    "r9": 48,
    "rax": 56,
    "rbx": 64,
    "rbp": 72,
    **{f"r{number}": 80 + 8 * (number - 10) for number in range(10, 16)},
    "cr2": 136,
    "err": 152,
    "rip": 160,
    "eflags": 176,
    "rsp": 184,
}
_LINUX_PAGE_FAULT, _LINUX_SIGINFO, _LINUX_CODE_SEGMENT = 14, 304, 0x33


def _with_frames(data: bytes) -> bytes:
    """A stack with a frame of FreeBSD's in place of each of Linux's that is of a page
    fault; it takes less room."""
    found = bytearray(data)
    for start in range(16, len(data) - 976, 16):
        context = struct.unpack_from(f"<{len(_SIGCONTEXT)}Q", data, start + 40)
        values = dict(zip(_SIGCONTEXT, context, strict=True))
        is_code = values["segments"] & 0xFFFF == _LINUX_CODE_SEGMENT
        if values["trapno"] == _LINUX_PAGE_FAULT and is_code:
            info = data[start + _LINUX_SIGINFO : start + _LINUX_SIGINFO + 24]
            found[start : start + 976] = _frame(values, info)
            found[start - 8 : start] = struct.pack("<Q", _SHARED + 3)
    return bytes(found)


def _frame(values: dict[str, int], linux: bytes) -> bytes:
    """struct sigframe of ``sys/x86/include/sigframe.h``; without a siginfo where Linux
    has none, for a handler that did not ask for it."""
    frame = bytearray(896)
    for name, offset in _MCONTEXT.items():
        struct.pack_into("<Q", frame, 32 + offset, values[name])
    struct.pack_into("<I", frame, 32 + 128, _T_PAGEFLT)
    number, _, code = struct.unpack_from("<iii", linux)
    address = values["cr2"]
    is_there = number == _SIGSEGV and linux[16:] == struct.pack("<Q", address)
    info = w.siginfo(
        w.AMD64, number=number, code=code, address=address, trap=_T_PAGEFLT
    )
    return bytes(frame) + (info if is_there else bytes(80))


# --- what FreeBSD keeps of it -------------------------------------------------


def _is_dumped(load: _Load) -> bool:
    """No text, and nothing of a file that the process did not change."""
    if load.path and (load.flags & w.PF_X or load.data[:4] == b"\x7fELF"):
        return False
    return bool(load.data)


def _guard(loads: Sequence[_Load], stack: _Load) -> tuple[int, int]:
    """What is reserved below the main stack, from behind what else is there."""
    below = max(one.end for one in loads if one.end <= stack.start)
    return max(stack.end - _MOST_STACK, below), stack.start


def _process(notes: _Notes) -> bytes:
    info = notes.first(corewriter.NT_PRPSINFO)
    (pid,) = struct.unpack_from("<i", info, 24)
    command, arguments = (
        info[at : at + n].rstrip(b"\0") for at, n in ((40, 16), (56, 80))
    )
    return w.prpsinfo(w.AMD64, pid=pid, command=command, arguments=arguments.rstrip())


def _threads(notes: _Notes, guard: tuple[int, int]) -> Iterator[bytes]:
    name = notes.first(corewriter.NT_PRPSINFO)[40:56].rstrip(b"\0")
    names = corewriter.USER_REGISTERS[corewriter.EM_X86_64]
    signal = 0
    for index, thread in enumerate(notes.threads()):
        status = thread[0][1]
        (tid,) = struct.unpack_from("<i", status, 32)
        values = dict(zip(names, struct.unpack_from("<27Q", status, 112), strict=True))
        info = None
        if index == 0:
            linux = notes.first(corewriter.NT_SIGINFO)
            signal, info = _siginfo(linux, values["rip"], guard)
        yield from _thread(thread, tid, values, name, signal, info)


def _thread(
    thread: Sequence[tuple[int, bytes]],
    tid: int,
    values: dict[str, int],
    name: bytes,
    signal: int,
    info: bytes | None,
) -> Iterator[bytes]:
    fields = {field for field, _ in w.AMD64.registers}
    registers = {n: value for n, value in values.items() if n in fields}
    registers["rflags"] = values["eflags"]
    yield w.prstatus(
        w.AMD64, tid=tid, registers=registers, signal=signal, osreldate=w.RELEASE_14
    )
    raw = dict(thread)
    yield w.note(w.NT_FPREGSET, raw[corewriter.NT_PRFPREG])
    yield w.thrmisc(name)
    yield w.lwpinfo(w.AMD64, tid=tid, name=name, signal=info)
    yield w.segbases(w.AMD64, values["fs_base"], values["gs_base"])
    if _NT_XSTATE in raw:
        yield w.note(w.NT_X86_XSTATE, raw[_NT_XSTATE])


def _siginfo(linux: bytes, pc: int, guard: tuple[int, int]) -> tuple[int, bytes]:
    """The signal's number, and its siginfo_t."""
    number, _, code = struct.unpack_from("<iii", linux)
    if code <= 0:
        sent = {0: 0x10001, -1: 0x10002, _SI_TKILL: 0x10007}[code]
        told = _NUMBERS.get(number, number)
        sender = struct.unpack_from("<iI", linux, 16)
        return told, w.siginfo(w.AMD64, number=told, code=sent, sender=sender)
    (address,) = struct.unpack_from("<Q", linux, 16)
    if number in (_SIGSEGV, _SIGBUS) and code == _SI_KERNEL:
        told, code, address, trap = _FREEBSD_SIGBUS, _BUS_OBJERR, pc, _T_PROTFLT
    elif number == _SIGBUS:
        told, code, trap = _FREEBSD_SIGBUS, _BUS_OBJERR, _T_PAGEFLT
    elif number == _SIGSEGV:
        in_guard = guard[0] <= address < guard[1]
        told, trap = number, _T_PAGEFLT
        code = _SEGV_ACCERR if in_guard else code
    else:
        told = number
        code, trap = {
            (_SIGFPE, 1): (2, _T_DIVIDE),
            (_SIGILL, 2): (_ILL_PRVOPC, _T_PRIVINFLT),
            (_SIGTRAP, _SI_KERNEL): (1, _T_BPTFLT),
        }[number, code]
    return told, w.siginfo(w.AMD64, number=told, code=code, address=address, trap=trap)


def _rest(
    loads: Sequence[_Load], stack: _Load, guard: tuple[int, int]
) -> Iterator[bytes]:
    """The notes of the process: its mappings, and what else is always there."""
    entries = {guard[0]: w.vm_entry(*guard, protection=0, kind=_GUARD)}
    for one in loads:
        protection = sum(
            right
            for bit, right in ((w.PF_R, 1), (w.PF_W, 2), (w.PF_X, 4))
            if one.flags & bit
        )
        entries[one.start] = w.vm_entry(
            one.start,
            one.end,
            protection=protection,
            kind=w.KVME_TYPE_VNODE if one.path else w.KVME_TYPE_DEFAULT,
            flags=_GROWS_DOWN if one is stack else _COPY_ON_WRITE if one.path else 0,
            offset=one.offset,
            path=one.path,
        )
    yield w.vmmap([entry for _, entry in sorted(entries.items())])
    yield w.umask(0o22)
    yield w.osrel(w.RELEASE_14)
    # In a real one the string table of arguments is there: here any address in it.
    yield w.psstrings(w.AMD64, stack.end - 8)
