"""NT_PROCSTAT_PROC: one struct kinfo_proc for each thread (``sys/sys/user.h``).

Its size has been the same since 9; what was added took spare room. All its members lie
at multiples of their size, so there is no padding to reckon with. The fields of the
process are the same in each record, those of the thread and the usage are not.
"""

from __future__ import annotations

import functools
import struct
from collections.abc import Iterator

import msgspec

from coresnap.elfcore.elfheader import ElfHeader
from coresnap.elfcore.freebsd_layout import offsets, size
from coresnap.elfcore.note_fields import read_text
from coresnap.elfcore.notes_freebsd_records import SIZE_FIELD
from coresnap.elfcore.process_state import (
    Credentials,
    ProcessState,
    ThreadState,
    Usage,
)

__all__ = ["field_offsets", "read_process", "record_size"]

_CODES = """
    structsize:i pid:i ppid:i pgid:i sid:i siglist:S sigmask:S sigignore:S sigcatch:S
    uid:I ruid:I svuid:I rgid:I svgid:I ngroups:h groups:G
    size:L rssize:l tsize:l dsize:l ssize:l start:T flag:l kiflag:l stat:b nice:b
    oncpu_old:B lastcpu_old:B tdname:17s wmesg:9s login:18s lockname:9s comm:20s
    emul:17s loginclass:18s moretdname:4s oncpu:i lastcpu:i cr_flags:I jid:i
    numthreads:i tid:i pri_level:B rusage:R
"""
"""What is read, and its type: ``L`` and ``l`` a long, ``S`` a sigset_t, ``T`` a struct
timeval, ``R`` a struct rusage, ``G`` the first 16 groups; else as in ``struct``."""
_USAGE_WORDS = 14

_THREAD_LIMIT = 1 << 16
_STATES = {
    1: "idle",
    2: "running",
    3: "sleeping",
    4: "stopped",
    5: "zombie",
    6: "waiting",
    7: "locked",
}
_KI_LOCKBLOCK = 0x1
_P_SUGID = 0x100
_CRED_FLAG_CAPMODE = 0x1
_PROCESSORS_ARE_INTS = 1100000
"""From 11 on; before it, both numbers are single bytes elsewhere."""
_NOWHERE, _NOWHERE_OLD = -1, 255
_NAME_ROOM = 16
_MICROSECONDS = 10**6


class _Layout(msgspec.Struct, frozen=True):
    word: int
    """Bytes of a long."""
    time: int
    """Bytes of struct timeval."""
    offsets: dict[str, tuple[int, str]]
    size: int


def record_size(header: ElfHeader) -> int:
    """Bytes of struct kinfo_proc."""
    return size("kinfo_proc", header)


def field_offsets(header: ElfHeader) -> dict[str, int]:
    """Where the members lie, by their names without ``ki_``."""
    found = offsets("kinfo_proc", header)
    return {
        member.rpartition(".")[2].removeprefix("ki_"): n for member, n in found.items()
    }


def _layout(header: ElfHeader) -> _Layout:
    places = field_offsets(header)
    members = (member.split(":") for member in _CODES.split())
    return _Layout(
        word=header.pointer_size,
        time=size("timeval", header),
        offsets={name: (places[name], code) for name, code in members},
        size=record_size(header),
    )


class _Record(msgspec.Struct, eq=False):
    layout: _Layout
    data: memoryview

    def number(self, name: str) -> int:
        offset, code = self.layout.offsets[name]
        if code in "Ll":
            wide = self.layout.word == 8
            code = ("Q" if wide else "I") if code == "L" else ("q" if wide else "i")
        number: int = struct.unpack_from("<" + code, self.data, offset)[0]
        return number

    def text(self, name: str) -> str:
        offset, code = self.layout.offsets[name]
        return read_text(self.data[offset : offset + int(code[:-1])])

    def signals(self, name: str) -> frozenset[int]:
        offset, _ = self.layout.offsets[name]
        bits = int.from_bytes(self.data[offset : offset + 16], "little")
        return _signals(bits)

    def groups(self) -> tuple[int, ...]:
        offset, _ = self.layout.offsets["groups"]
        count = min(max(self.number("ngroups"), 0), 16)
        return struct.unpack_from(f"<{count}I", self.data, offset)

    def time(self, offset: int) -> float:
        """struct timeval, in seconds."""
        wide = self.layout.time == 16
        seconds, micro = struct.unpack_from("<qi" if wide else "<ii", self.data, offset)
        return float(seconds + micro / _MICROSECONDS)

    def usage(self) -> Usage:
        """struct rusage of the thread."""
        offset, _ = self.layout.offsets["rusage"]
        time = self.layout.time
        code = "q" if self.layout.word == 8 else "i"
        words = struct.unpack_from(
            f"<{_USAGE_WORDS}{code}", self.data, offset + 2 * time
        )
        return Usage(self.time(offset), self.time(offset + time), *words)


def read_process(
    data: memoryview, header: ElfHeader, release: int | None, problems: list[str]
) -> ProcessState:
    """Read what PROC says of the process and its threads.

    ``data`` is the note's description, with its leading int; ``release`` the kernel's
    ``__FreeBSD_version``, the newest where it is None.
    """
    found = list(_records(data, _layout(header), problems))
    if not found:
        return ProcessState(kernel_release=release)
    first = found[0]
    return ProcessState(
        pid=first.number("pid"),
        parent=first.number("ppid"),
        process_group=first.number("pgid"),
        session=first.number("sid"),
        jail=first.number("jid"),
        command=first.text("comm"),
        login=first.text("login"),
        login_class=first.text("loginclass"),
        emulation=first.text("emul"),
        start_time=first.time(first.layout.offsets["start"][0]),
        nice=first.number("nice"),
        flags=first.number("flag"),
        thread_count=first.number("numthreads"),
        virtual_size=first.number("size"),
        resident_pages=first.number("rssize"),
        text_pages=first.number("tsize"),
        data_pages=first.number("dsize"),
        stack_pages=first.number("ssize"),
        credentials=_credentials(first),
        groups=first.groups(),
        kernel_release=release,
        threads=tuple(_thread(record, release) for record in found),
        ignored=first.signals("sigignore"),
        caught=first.signals("sigcatch"),
    )


def _records(
    data: memoryview, layout: _Layout, problems: list[str]
) -> Iterator[_Record]:
    size = layout.size
    count, rest = divmod(max(len(data) - SIZE_FIELD, 0), size)
    if rest or not count:
        problems.append("the note of the process is cut")
    if count > _THREAD_LIMIT:
        problems.append(f"only {_THREAD_LIMIT} threads of the process's note are read")
    for index in range(min(count, _THREAD_LIMIT)):
        start = SIZE_FIELD + index * size
        record = _Record(layout, data[start : start + size])
        if record.number("structsize") != size:
            problems.append("the note of the process has records of a size unknown")
            return
        yield record


def _credentials(record: _Record) -> Credentials:
    groups = record.groups()
    return Credentials(
        user=record.number("ruid"),
        effective_user=record.number("uid"),
        saved_user=record.number("svuid"),
        group=record.number("rgid"),
        effective_group=groups[0] if groups else record.number("rgid"),
        saved_group=record.number("svgid"),
        is_set_id=bool(record.number("flag") & _P_SUGID),
        is_confined=bool(record.number("cr_flags") & _CRED_FLAG_CAPMODE),
    )


def _thread(record: _Record, release: int | None) -> ThreadState:
    name = record.text("tdname")
    if len(name) == _NAME_ROOM:
        name += record.text("moretdname")
    waits_for = record.text("wmesg")
    if record.number("kiflag") & _KI_LOCKBLOCK:
        waits_for = "*" + record.text("lockname")
    state = record.number("stat")
    processor, last_processor = _processors(record, release)
    return ThreadState(
        tid=record.number("tid"),
        name=name,
        state=_STATES.get(state, str(state)),
        waits_for=waits_for,
        processor=processor,
        last_processor=last_processor,
        # The kernel counts from PZERO (100), procstat(1) and ps(1) too.
        priority=record.number("pri_level"),
        usage=record.usage(),
        pending=record.signals("siglist"),
        blocked=record.signals("sigmask"),
    )


def _processors(record: _Record, release: int | None) -> tuple[int | None, int | None]:
    names = ("oncpu", "lastcpu")
    nowhere = _NOWHERE
    if release is not None and release < _PROCESSORS_ARE_INTS:
        names, nowhere = ("oncpu_old", "lastcpu_old"), _NOWHERE_OLD
    on, last = (record.number(name) for name in names)
    return None if on == nowhere else on, None if last == nowhere else last


@functools.lru_cache(maxsize=512)
def _signals(bits: int) -> frozenset[int]:
    return frozenset(n + 1 for n in range(128) if bits >> n & 1)
