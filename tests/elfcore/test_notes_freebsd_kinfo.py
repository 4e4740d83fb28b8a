"""struct kinfo_proc of each machine and release, whole, cut and hostile."""

from __future__ import annotations

import struct

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

import freebsd_corewriter as w
from coresnap.elfcore.elfheader import ElfHeader, parse_header
from coresnap.elfcore.notes_freebsd_kinfo import (
    field_offsets,
    read_process,
    record_size,
)
from coresnap.elfcore.process_state import ProcessState

TARGETS = {"x86-64": w.AMD64, "i386": w.I386, "arm64": w.ARM64, "riscv64": w.RISCV64}

OFFSETS = {
    "structsize": (0, 0),
    "pid": (72, 40),
    "ppid": (76, 44),
    "tdev_freebsd11": (100, 68),
    "siglist": (104, 72),
    "sigcatch": (152, 120),
    "uid": (168, 136),
    "ruid": (172, 140),
    "svuid": (176, 144),
    "rgid": (180, 148),
    "svgid": (184, 152),
    "ngroups": (188, 156),
    "groups": (192, 160),
    "size": (256, 224),
    "rssize": (264, 228),
    "ssize": (296, 244),
    "xstat": (304, 248),
    "pctcpu": (308, 252),
    "runtime": (328, 272),
    "start": (336, 280),
    "childtime": (352, 288),
    "flag": (368, 296),
    "kiflag": (376, 300),
    "traceflag": (384, 304),
    "stat": (388, 308),
    "nice": (389, 309),
    "oncpu_old": (392, 312),
    "lastcpu_old": (393, 313),
    "tdname": (394, 314),
    "wmesg": (411, 331),
    "login": (420, 340),
    "lockname": (438, 358),
    "comm": (447, 367),
    "emul": (467, 387),
    "loginclass": (484, 404),
    "moretdname": (502, 422),
    "tdev": (560, 480),
    "oncpu": (568, 488),
    "lastcpu": (572, 492),
    "tracer": (576, 496),
    "cr_flags": (588, 508),
    "jid": (592, 512),
    "numthreads": (596, 516),
    "tid": (600, 520),
    "rusage": (608, 528),
    "rusage_ch": (752, 600),
    "sflag": (1072, 760),
    "tdflags": (1080, 764),
}
"""ki_*, where FreeBSD's own compiler puts them: with 64 bits, and on i386."""


def header(target: w.Target) -> ElfHeader:
    return parse_header(w.write_core(target), "core")


def offset(target: w.Target, name: str) -> int:
    return OFFSETS[name][target.bits == 32]


def entry(target: w.Target, **values: tuple[str, int | bytes]) -> bytes:
    codes = {"P": target.wide, "p": target.wide.lower()}
    return w.process_entry(
        target,
        {
            offset(target, name): (codes.get(code, code), value)
            for name, (code, value) in values.items()
        },
    )


def description(target: w.Target, entries: list[bytes]) -> memoryview:
    return memoryview(struct.pack("<i", target.process_size) + b"".join(entries))


def read(
    target: w.Target, entries: list[bytes], release: int | None = None
) -> ProcessState:
    problems: list[str] = []
    data = description(target, entries)
    found = read_process(data, header(target), release, problems)
    assert problems == []
    return found


on_every_target = pytest.mark.parametrize("name", TARGETS)


@on_every_target
def test_members_lie_where_the_compiler_puts_them(name: str) -> None:
    target = TARGETS[name]
    ours = field_offsets(header(target))
    assert {n: ours[n] for n in OFFSETS} == {n: offset(target, n) for n in OFFSETS}
    assert record_size(header(target)) == target.process_size


def test_a_32_bit_arm_has_wide_times() -> None:
    assert record_size(header(w.ARM)) == w.ARM.process_size


@on_every_target
def test_the_process_is_read_from_its_first_thread(name: str) -> None:
    target = TARGETS[name]
    time = "qi" if target.bits == 64 else "ii"
    start = struct.pack(f"<{time}", 1_700_000_000, 250_000)
    record = entry(
        target,
        pid=("i", 77),
        ppid=("i", 76),
        uid=("I", 1001),
        ruid=("I", 1002),
        svuid=("I", 1003),
        rgid=("I", 20),
        svgid=("I", 21),
        ngroups=("h", 2),
        groups=("8s", struct.pack("<II", 5, 6)),
        size=("P", 1 << 20),
        rssize=("p", 10),
        ssize=("p", 32),
        start=(f"{len(start)}s", start),
        flag=("p", 0x100),
        nice=("b", -5),
        login=("9s", b"operator\0"),
        comm=("19s", b"nineteen-characters"),
        emul=("14s", b"FreeBSD ELF64\0"),
        loginclass=("8s", b"daemon\0"),
        cr_flags=("I", 1),
        jid=("i", 12),
        numthreads=("i", 9),
    )
    found = read(target, [record])
    assert (found.pid, found.parent, found.jail, found.nice) == (77, 76, 12, -5)
    assert found.command == "nineteen-characters"
    assert (found.login, found.login_class) == ("operator", "daemon")
    assert found.emulation == "FreeBSD ELF64"
    assert found.start_time == 1_700_000_000.25
    assert (found.virtual_size, found.resident_pages) == (1 << 20, 10)
    assert (found.stack_pages, found.thread_count) == (32, 9)
    assert found.groups == (5, 6)
    ids = found.credentials
    assert ids is not None
    assert (ids.user, ids.effective_user, ids.saved_user) == (1002, 1001, 1003)
    assert (ids.group, ids.effective_group, ids.saved_group) == (20, 5, 21)
    assert ids.is_set_id
    assert ids.is_confined


@on_every_target
def test_each_thread_has_its_own_record(name: str) -> None:
    target = TARGETS[name]
    time = "qi4x" if target.bits == 64 else "ii"
    word = "q" if target.bits == 64 else "i"
    usage = struct.pack(f"<{time}{time}", 3, 500_000, 1, 0)
    usage += struct.pack(f"<14{word}", *range(100, 114))
    first = entry(
        target,
        tid=("i", 100_001),
        stat=("b", 2),
        oncpu=("i", 3),
        lastcpu=("i", 2),
        tdname=("17s", b"sixteen-letters-\0"),
        moretdname=("4s", b"abc\0"),
        rusage=(f"{len(usage)}s", usage),
        siglist=("I", 1 << 14),
    )
    second = entry(
        target,
        tid=("i", 100_002),
        stat=("b", 7),
        oncpu=("i", -1),
        lastcpu=("i", -1),
        tdname=("17s", b"short"),
        moretdname=("4s", b"abc\0"),
        kiflag=("p", 1),
        wmesg=("9s", b"nanslp"),
        lockname=("9s", b"Giant"),
    )
    one, two = read(target, [first, second]).threads
    assert (one.tid, one.name, one.state) == (
        100_001,
        "sixteen-letters-abc",
        "running",
    )
    assert (one.processor, one.last_processor) == (3, 2)
    assert (one.usage.user, one.usage.system) == (3.5, 1.0)
    counts = msgspec.structs.astuple(one.usage)[2:]
    assert counts == tuple(range(100, 114))
    assert one.pending == {15}
    assert (two.name, two.state, two.waits_for) == ("short", "locked", "*Giant")
    assert (two.processor, two.last_processor) == (None, None)


def test_before_11_the_processors_are_bytes_elsewhere() -> None:
    record = entry(
        w.AMD64,
        oncpu_old=("B", 255),
        lastcpu_old=("B", 4),
        oncpu=("i", 0),
        lastcpu=("i", 0),
    )
    (old,) = read(w.AMD64, [record], release=1004000).threads
    assert (old.processor, old.last_processor) == (None, 4)
    (new,) = read(w.AMD64, [record], release=1100122).threads
    assert (new.processor, new.last_processor) == (0, 0)


@pytest.mark.parametrize("count", [-1, 17, 32767])
def test_a_number_of_groups_that_lies_reads_no_more_than_there_are(count: int) -> None:
    record = entry(w.AMD64, ngroups=("h", count), rgid=("I", 3))
    found = read(w.AMD64, [record])
    assert len(found.groups) == (16 if count > 0 else 0)


@on_every_target
def test_a_note_cut_anywhere_gives_the_threads_before(name: str) -> None:
    target = TARGETS[name]
    whole = description(target, [entry(target, tid=("i", n)) for n in (1, 2)])
    for size in range(len(whole)):
        problems: list[str] = []
        found = read_process(whole[:size], header(target), None, problems)
        assert len(found.threads) == max(0, size - 4) // target.process_size
        is_whole = size == 4 + target.process_size
        assert problems == ([] if is_whole else ["the note of the process is cut"])


@pytest.mark.parametrize("size", [0, -1, 1, 1084, 1 << 30])
def test_a_size_of_another_release_is_not_guessed_at(size: int) -> None:
    record = entry(w.AMD64, structsize=("i", size), pid=("i", 7))
    problems: list[str] = []
    data = description(w.AMD64, [record])
    found = read_process(data, header(w.AMD64), None, problems)
    assert found.pid is None
    assert problems == ["the note of the process has records of a size unknown"]


@given(st.binary(min_size=1084, max_size=1084))
def test_no_bytes_of_a_record_raise(data: bytes) -> None:
    whole = memoryview(struct.pack("<ii", 1088, 1088) + data)
    assert len(read_process(whole, header(w.AMD64), None, []).threads) == 1
