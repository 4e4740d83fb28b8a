"""FreeBSD cores: every core of the corpus, and written ones of each machine."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import freebsd_corewriter as w
from conftest import Corpus
from coresnap.collect.plain_core import restored
from coresnap.elfcore.corefile import CoreFile, open_core
from coresnap.elfcore.corelayout import read_layout
from coresnap.elfcore.elffile import map_file
from coresnap.errors import CoreFormatError
from freebsd_cases import FREEBSD, cases

SIGSTOP = 17


def _with_oracle() -> list[dict[str, Any]]:
    told = [case for case in cases() if case.get("oracle")]
    # A 64-bit procstat does not open 32-bit cores; gcore's is of the live process.
    return [c for c in told if c["elf_class"] == 64 and c["pr_cursig"]]


def _section(case: dict[str, Any], option: str) -> list[list[str]]:
    """The lines of one option of procstat(1), in words, without the heading."""
    text = (FREEBSD / case["oracle"]).read_text()
    found = re.search(
        rf"^--- procstat {option} \S+\n(.*?)(?=^---|\Z)", text, re.M | re.S
    )
    return [line.split() for line in found[1].splitlines()[1:]] if found else []


on_every_core = pytest.mark.parametrize("case", cases(), ids=lambda c: c["case"])
on_cores_with_an_oracle = pytest.mark.parametrize(
    "case", _with_oracle(), ids=lambda c: c["case"]
)


# --- the corpus ---------------------------------------------------------------


@pytest.mark.corpus
@on_every_core
def test_real_cores_say_what_is_known_about_them(
    corpus: Corpus, case: dict[str, Any]
) -> None:
    with restored(FREEBSD / case["core"]) as plain, open_core(plain) as core:
        assert core.system == "FreeBSD"
        assert core.size == case["core_size"]
        assert core.architecture.name == (
            "i386" if case["elf_class"] == 32 else "x86-64"
        )
        assert core.process.pid == case["pid"]
        assert core.process.command == case["comm"]
        assert core.process.arguments == case["psargs"]
        assert (core.process.uid, core.process.gid) == (0, 0)
        assert [t.tid for t in core.threads] == case["thread_ids"]
        assert [t.name for t in core.threads] == case["thread_names"]
        pc = core.architecture.program_counter
        assert core.threads[0].registers[pc] == int(case["pc"], 16)
        loads = read_layout(map_file(plain), case["case"]).loads
        assert len(loads) == case["load_segments"]
        assert sum(load.filesz for load in loads) == sum(
            m.stored for m in core.mappings
        )
        assert len(core.facts.regions) == case["note_vmmap_records"]
        assert core.notes_to_reader == ()
        assert not core.truncated


@pytest.mark.corpus
@on_every_core
def test_the_first_thread_alone_has_the_signal_with_its_reason(
    corpus: Corpus, case: dict[str, Any]
) -> None:
    with restored(FREEBSD / case["core"]) as plain, open_core(plain) as core:
        number = case["pr_cursig"]
        rest = [0] * (len(core.threads) - 1)
        assert [t.signal for t in core.threads] == [number, *rest]
        if not number:
            assert case["signal"] == SIGSTOP
            assert core.signal is None  # gcore(1): it was alive
            return
        assert core.signal is not None
        assert core.signal.number == case["signal"]
        assert core.signal.code == case["si_code"]
        assert core.signal.address == int(case["si_addr"], 16)
        assert core.signal.sender_pid == case["si_pid"]
        traps = {"fpe": 18, "ill": 1, "uaf": 9}
        is_trapped = case["si_code"] < 0x10000
        expected = traps.get(case["case"], 12) if is_trapped else None
        assert core.signal.trap == expected


AUXV_NAMES = {
    "AT_PHDR": 3,
    "AT_PHENT": 4,
    "AT_PHNUM": 5,
    "AT_PAGESZ": 6,
    "AT_BASE": 7,
    "AT_FLAGS": 8,
    "AT_ENTRY": 9,
    "AT_EXECPATH": 15,
    "AT_CANARY": 16,
    "AT_CANARYLEN": 17,
    "AT_OSRELDATE": 18,
    "AT_NCPUS": 19,
    "AT_PAGESIZES": 20,
    "AT_PAGESIZESLEN": 21,
    "AT_TIMEKEEP": 22,
    "AT_STACKPROT": 23,
    "AT_EHDRFLAGS": 24,
    "AT_HWCAP": 25,
    "AT_HWCAP2": 26,
    "AT_BSDFLAGS": 27,
    "AT_ARGC": 28,
    "AT_ARGV": 29,
    "AT_ENVC": 30,
    "AT_ENVV": 31,
    "AT_PS_STRINGS": 32,
    "AT_FXRNG": 33,
    "AT_KPRELOAD": 34,
    "AT_USRSTACKBASE": 35,
    "AT_USRSTACKLIM": 36,
}


@pytest.mark.corpus
@on_cores_with_an_oracle
def test_the_auxiliary_vector_is_the_one_that_procstat_reads(
    corpus: Corpus, case: dict[str, Any]
) -> None:
    lines = _section(case, "-x")
    assert lines
    with restored(FREEBSD / case["core"]) as plain, open_core(plain) as core:
        told = {AUXV_NAMES[name]: value for _, _, name, value in lines}
        assert set(core.auxv) == set(told)
        numbers = {k: v for k, v in told.items() if v[0].isdigit()}
        assert core.auxv == {
            **core.auxv,
            **{kind: int(value, 0) for kind, value in numbers.items()},
        }
        start = core.facts.start
        assert (start.path, start.stack) == (core.auxv[15], core.auxv[32])
        assert start.vdso == core.auxv[34]
        assert core.memory.read_string(core.auxv[15], 100) == b"/lab/" + case[
            "comm"
        ].encode("ascii")


@pytest.mark.corpus
@on_cores_with_an_oracle
def test_the_mappings_are_those_that_procstat_lists(
    corpus: Corpus, case: dict[str, Any]
) -> None:
    lines = _section(case, "-v")
    assert lines
    with restored(FREEBSD / case["core"]) as plain, open_core(plain) as core:
        found = [
            (region.start, region.end, region.permissions)
            for region in core.facts.regions
        ]
        assert found == [(int(w[1], 16), int(w[2], 16), w[3]) for w in lines]
        # The pieces by which a stack grew are one mapping.
        grown = case["case"] == "stackoverflow"
        assert (len(core.mappings) < len(found)) == grown
        paths = [w[10] for w in lines if len(w) > 10]
        assert paths
        assert [file.display_path for file in core.mapped_files] == paths
        assert core.executable_path == f"/lab/{case['comm']}"


@pytest.mark.corpus
def test_an_empty_core_says_what_its_kernel_does(corpus: Corpus) -> None:
    path = FREEBSD / "cores/limit64k/crash.581.0.11.fbsdlab.core"
    with pytest.raises(CoreFormatError, match="is empty") as caught:
        open_core(path)
    assert "RLIMIT_CORE" in (caught.value.remedy or "")


@pytest.mark.corpus
def test_registers_lie_where_the_kernel_put_them(corpus: Corpus) -> None:
    """By what the program did: rbp leads to the callers, rsp is below it."""
    name = "freebsd/cores/segv_null/crash.26.0.11.fbsdlab.core"
    with open_core(corpus.path(name)) as core:
        names = core.architecture.register_names
        values = {names[n]: v for n, v in core.threads[0].registers.items()}
        assert values["rip"] == 0x2032B1
        assert values["rsp"] == values["rbp"] - 16
        assert (values["cs"], values["ss"]) == (0x43, 0x3B)
        assert (values["fs"], values["gs"]) == (0x13, 0x1B)
        callers = []
        frame = values["rbp"]
        for _ in range(7):
            callers.append(core.memory.read_word(frame + 8))
            frame = core.memory.read_word(frame)
        assert callers == [*[0x2032A7] * 5, 0x202959, 0x2026F0]
        # The thread's control block points to itself (amd64 ABI, variant II).
        assert core.memory.read_word(values["fs.base"]) == values["fs.base"]


# --- every machine ------------------------------------------------------------

TARGETS = {
    "x86-64": w.AMD64,
    "i386": w.I386,
    "aarch64": w.ARM64,
    "arm": w.ARM,
    "riscv64": w.RISCV64,
}
SPELLED = {"elr": "pc", "sepc": "pc", "cpsr": "spsr"}
UNNAMED = {"trapno", "err", "isp", "spsr", "sstatus"}


def write(tmp_path: Path, data: bytes, name: str = "core") -> Path:
    path = tmp_path / name
    path.write_bytes(data)
    return path


def _pc(target: w.Target) -> str:
    names = {name for name, _ in target.registers}
    return next(n for n in ("rip", "eip", "elr", "sepc", "pc") if n in names)


def _notes(target: w.Target) -> list[bytes]:
    pc = _pc(target)
    info = w.siginfo(target, number=11, code=2, address=0xDEAD0, trap=12)
    return [
        w.prpsinfo(target, pid=42),
        *w.thread(
            target,
            tid=1007,
            registers={pc: 0x1234},
            name=b"worker",
            signal=11,
            info=info,
        ),
        *w.thread(target, tid=1005, registers={pc: 0x5678}, name=b"main", signal=11),
        w.vmmap(
            [
                w.vm_entry(0x400000, 0x402000, protection=5, path=b"/bin/prog"),
                w.vm_entry(0x402000, 0x403000, offset=0x2000, path=b"/bin/prog"),
                w.vm_entry(0x500000, 0x501000, protection=0, kind=9),
                w.vm_entry(0x7FFF0000, 0x7FFF1000),
            ]
        ),
        w.psstrings(target, 0x7FFF0800),
        w.auxv(target, {3: 0x400040, 6: 4096, 9: 0x400123, 15: 0x7FFF0900}),
    ]


def _core(target: w.Target, notes: Sequence[bytes] | None = None) -> bytes:
    segments = [
        w.Segment(0x402000, b"data" * 1024),
        w.Segment(0x7FFF0000, b"stack" + bytes(4091)),
    ]
    return w.write_core(
        target, notes=_notes(target) if notes is None else notes, segments=segments
    )


def _require_simple(core: CoreFile) -> None:
    pc = core.architecture.program_counter
    assert [(t.tid, t.signal, t.name, t.registers[pc]) for t in core.threads] == [
        (1007, 11, "worker", 0x1234),
        (1005, 0, "main", 0x5678),
    ]
    assert (core.process.pid, core.process.command) == (42, "prog")
    assert core.signal is not None
    assert (core.signal.number, core.signal.code, core.signal.trap) == (11, 2, 12)
    assert core.signal.address == 0xDEAD0


@pytest.mark.parametrize("name", TARGETS)
def test_threads_process_signal_and_mappings_are_read(
    tmp_path: Path, name: str
) -> None:
    with open_core(write(tmp_path, _core(TARGETS[name]))) as core:
        assert core.architecture.name == name
        assert core.system == "FreeBSD"
        _require_simple(core)
        assert core.process.arguments == "./prog arg"
        assert core.auxv == {3: 0x400040, 6: 4096, 9: 0x400123, 15: 0x7FFF0900}
        assert [(m.start, m.permissions, m.path) for m in core.mappings] == [
            (0x400000, "r-x", "/bin/prog"),
            (0x402000, "rw-", "/bin/prog"),
            (0x500000, "---", None),
            (0x7FFF0000, "rw-", "[stack]"),
        ]
        assert core.memory.read(0x7FFF0000, 5) == b"stack"
        assert core.notes_to_reader == ()
        assert not core.truncated


@pytest.mark.parametrize("name", TARGETS)
def test_every_register_is_where_the_kernel_put_it(tmp_path: Path, name: str) -> None:
    target = TARGETS[name]
    values = {slot: 0x100 + n for n, (slot, _) in enumerate(target.registers)}
    notes = [w.prstatus(target, tid=1, registers=values)]
    with open_core(write(tmp_path, _core(target, notes))) as core:
        names = core.architecture.register_names
        found = {names[n]: v for n, v in core.threads[0].registers.items()}
    unnamed = UNNAMED | {"cpsr"} if name != "arm" else UNNAMED
    assert found == {
        SPELLED.get(k, k): v for k, v in values.items() if k not in unnamed
    }


@pytest.mark.parametrize(
    ("name", "count"), [("x86-64", 16), ("i386", 8), ("aarch64", 32)]
)
def test_vector_registers_are_kept_as_wide_integers(
    tmp_path: Path, name: str, count: int
) -> None:
    target = TARGETS[name]
    vectors = {index: (index + 1) << 120 | index for index in range(count)}
    notes = w.thread(target, tid=1, registers={}, vectors=vectors)
    with open_core(write(tmp_path, _core(target, notes))) as core:
        numbers, registers = core.architecture.numbers, core.threads[0].registers
        family = "v" if name == "aarch64" else "xmm"
        assert {n: registers[numbers[f"{family}{n}"]] for n in vectors} == vectors


def test_double_registers_of_arm_are_kept(tmp_path: Path) -> None:
    doubles = {index: (index + 1) << 56 | index for index in range(32)}
    notes = [w.prstatus(w.ARM, tid=1, registers={}), w.arm_vfp(doubles)]
    with open_core(write(tmp_path, _core(w.ARM, notes))) as core:
        numbers, registers = core.architecture.numbers, core.threads[0].registers
        assert {n: registers[numbers[f"d{n}"]] for n in doubles} == doubles


@pytest.mark.parametrize(
    ("name", "register", "value"),
    [
        ("x86-64", "fs.base", 0x800AB),
        ("i386", "gs.base", 0x800CD),
        ("aarch64", "tpidr", 0x800AB),
    ],
)
def test_thread_pointers_come_from_their_own_notes(
    tmp_path: Path, name: str, register: str, value: int
) -> None:
    """An amd64 kernel writes the segment bases of a 32-bit process twice."""
    target = TARGETS[name]
    notes = w.thread(target, tid=1, registers={}, bases=(0x800AB, 0x800CD))
    with open_core(write(tmp_path, _core(target, notes))) as core:
        number = core.architecture.numbers[register]
        assert core.threads[0].registers[number] == value


def test_the_bits_that_authenticate_return_addresses_are_known(tmp_path: Path) -> None:
    notes = [*_notes(w.ARM64), w.arm_address_mask(0x7F << 48, 0xFF << 48)]
    with open_core(write(tmp_path, _core(w.ARM64, notes))) as core:
        assert core.facts.code_mask == (1 << 64) - 1 - (0x7F << 48)


# --- releases -----------------------------------------------------------------


def test_before_12_the_signal_is_all_that_a_thread_says(tmp_path: Path) -> None:
    """10.1: no PTLWPINFO, no segment bases, a prpsinfo without a pid."""
    entry: w.Fields = {
        72: ("i", 42),
        172: ("I", 1001),
        180: ("I", 1002),
        447: ("19s", b"prog"),
    }
    notes = [
        w.prpsinfo(w.AMD64, pid=None),
        w.prstatus(
            w.AMD64, tid=1007, registers={"rip": 1}, signal=10, osreldate=1001000
        ),
        w.thrmisc(b"worker"),
        w.prstatus(
            w.AMD64, tid=1005, registers={"rip": 2}, signal=10, osreldate=1001000
        ),
        w.thrmisc(b"main"),
        w.processes(w.AMD64, [w.process_entry(w.AMD64, entry)] * 2),
    ]
    with open_core(write(tmp_path, _core(w.AMD64, notes))) as core:
        assert [(t.tid, t.signal, t.name) for t in core.threads] == [
            (1007, 10, "worker"),
            (1005, 0, "main"),
        ]
        assert core.signal is not None
        assert (core.signal.number, core.signal.code) == (10, None)
        process = core.process
        assert (process.pid, process.uid, process.gid) == (42, 1001, 1002)
        assert core.notes_to_reader == ()


def test_before_12_a_32_bit_prpsinfo_is_shorter(tmp_path: Path) -> None:
    entry: w.Fields = {
        40: ("i", 42),
        140: ("I", 7),
        148: ("I", 8),
        367: ("19s", b"prog"),
    }
    notes = [
        w.prpsinfo(w.I386, pid=None, arguments=b"prog -x"),
        w.prstatus(w.I386, tid=1007, registers={}, signal=6),
        w.processes(w.I386, [w.process_entry(w.I386, entry)]),
    ]
    with open_core(write(tmp_path, _core(w.I386, notes))) as core:
        process = core.process
        assert (process.pid, process.uid, process.gid) == (42, 7, 8)
        assert process.arguments == "prog -x"


def test_a_thread_is_named_by_its_lwpinfo_where_thrmisc_is_missing(
    tmp_path: Path,
) -> None:
    notes = [
        w.prstatus(w.AMD64, tid=7, registers={}, signal=6),
        w.lwpinfo(w.AMD64, tid=7, name=b"worker"),
    ]
    with open_core(write(tmp_path, _core(w.AMD64, notes))) as core:
        assert core.threads[0].name == "worker"


def test_a_long_command_is_the_whole_one_of_the_process_record(tmp_path: Path) -> None:
    entry: w.Fields = {72: ("i", 42), 447: ("19s", b"a-command-of-19-by")}
    notes = [
        w.prpsinfo(w.AMD64, pid=42, command=b"a-command-of-19-"),
        w.processes(w.AMD64, [w.process_entry(w.AMD64, entry)]),
    ]
    with open_core(write(tmp_path, _core(w.AMD64, notes))) as core:
        assert core.process.command == "a-command-of-19-by"


@pytest.mark.parametrize("packed", [True, False])
def test_mapping_records_may_be_packed_and_padded(tmp_path: Path, packed: bool) -> None:
    entries = [
        w.vm_entry(0x1000, 0x2000, path=b"/lib/a" * 30, packed=packed),
        w.vm_entry(0x5000, 0x6000, protection=7, packed=packed),
    ]
    notes = [
        w.prstatus(w.AMD64, tid=1, registers={}),
        w.vmmap(entries, padding=4096),
        w.auxv(w.AMD64, {6: 4096}),
    ]
    with open_core(write(tmp_path, _core(w.AMD64, notes))) as core:
        assert [r.permissions for r in core.facts.regions] == ["rw-", "rwx"]
        assert [f.path for f in core.mapped_files] == [b"/lib/a" * 30]
        assert core.auxv == {6: 4096}


def test_where_the_strings_of_the_start_begin(tmp_path: Path) -> None:
    """Environment pointers, their NULL, the auxiliary vector, then the strings."""
    auxv = {29: 0x7FFF0400, 30: 3, 31: 0x7FFF0420, 34: 0x7FFF05D0}
    notes = [w.prstatus(w.AMD64, tid=1, registers={}), w.auxv(w.AMD64, auxv)]
    with open_core(write(tmp_path, _core(w.AMD64, notes))) as core:
        assert core.facts.start.strings == 0x7FFF0440
        assert core.facts.start.vdso == 0x7FFF05D0


# --- live, damaged and cut cores ----------------------------------------------


def test_a_core_of_a_live_process_has_no_signal(tmp_path: Path) -> None:
    info = w.siginfo(w.AMD64, number=SIGSTOP, code=0)
    notes = w.thread(w.AMD64, tid=7, registers={}, signal=0, info=info)
    with open_core(write(tmp_path, _core(w.AMD64, notes))) as core:
        assert core.signal is None
        assert [t.signal for t in core.threads] == [0]


def test_a_signal_that_somebody_sent_has_no_trap(tmp_path: Path) -> None:
    info = w.siginfo(w.AMD64, number=11, code=0x10001, sender=(99, 1001), trap=12)
    notes = w.thread(w.AMD64, tid=7, registers={}, signal=11, info=info)
    with open_core(write(tmp_path, _core(w.AMD64, notes))) as core:
        assert core.signal is not None
        assert (core.signal.sender_pid, core.signal.sender_uid) == (99, 1001)
        assert core.signal.trap is None


@pytest.mark.parametrize(
    ("number", "code", "trap"), [(5, 1, 3), (5, 4, None), (12, 1, None), (20, 1, None)]
)
def test_only_what_the_processor_trapped_has_a_trap(
    tmp_path: Path, number: int, code: int, trap: int | None
) -> None:
    """TRAP_CAP has a system call in its place, SIGCHLD nothing."""
    info = w.siginfo(w.AMD64, number=number, code=code, trap=3)
    notes = w.thread(w.AMD64, tid=7, registers={}, signal=number, info=info)
    with open_core(write(tmp_path, _core(w.AMD64, notes))) as core:
        assert core.signal is not None
        assert core.signal.trap == trap


def test_a_machine_whose_registers_are_not_known_is_said_to_be_one(
    tmp_path: Path,
) -> None:
    data = w.write_core(notes=_notes(w.AMD64)[:1], header={"machine": 21})
    with open_core(write(tmp_path, data)) as core:
        assert core.process.pid == 42
        told = [note.message for note in core.notes_to_reader]
        assert "registers of ppc64le are not known" in told


def test_a_thread_with_the_siginfo_comes_first(tmp_path: Path) -> None:
    info = w.siginfo(w.AMD64, number=11, code=1)
    notes = [
        *w.thread(w.AMD64, tid=1, registers={}, signal=11),
        *w.thread(w.AMD64, tid=2, registers={}, signal=11, info=info),
    ]
    with open_core(write(tmp_path, _core(w.AMD64, notes))) as core:
        assert [(t.tid, t.signal) for t in core.threads] == [(2, 11), (1, 0)]


def test_more_segments_than_a_header_can_count(tmp_path: Path) -> None:
    count = 0xFFFF + 3
    segments = [w.Segment(0x10000000 + 0x2000 * n) for n in range(count)]
    segments += [w.Segment(0x7FFF0000, b"stack")]
    data = w.write_core(notes=_notes(w.AMD64), segments=segments, extended_count=True)
    with open_core(write(tmp_path, data)) as core:
        _require_simple(core)
        assert core.memory.read(0x7FFF0000, 5) == b"stack"
        assert core.notes_to_reader == ()


@pytest.mark.parametrize("name", TARGETS)
def test_a_core_cut_at_any_note_is_read_as_far_as_it_goes(
    tmp_path: Path, name: str
) -> None:
    target = TARGETS[name]
    whole = _core(target)
    notes = _notes(target)
    start = whole.index(notes[0])
    ends = [start + sum(map(len, notes[:n])) for n in range(len(notes) + 1)]
    cuts = {end + near for end in ends for near in (-1, 0, 1, 13)}
    for size in sorted(cuts):
        with open_core(write(tmp_path, whole[:size])) as core:
            assert core.truncated
            assert any("truncated" in n.message for n in core.notes_to_reader)
            if size >= ends[5]:
                assert core.threads[0].tid == 1007
                assert core.signal is not None


def test_a_core_that_ends_within_its_headers_is_refused(tmp_path: Path) -> None:
    whole = _core(w.AMD64)
    for size in range(64):
        with pytest.raises(CoreFormatError):
            open_core(write(tmp_path, whole[:size]))


@pytest.mark.parametrize(
    "header",
    [
        {"phnum": 60000},
        {"phnum": 0},
        {"phnum": 0xFFFF},
        {"phoff": 1 << 40},
        {"machine": 0xFEED},
        {"machine": w.EM_AARCH64},
        {"osabi": 0},
    ],
    ids=str,
)
def test_a_header_that_lies_costs_a_note_at_most(
    tmp_path: Path, header: dict[str, int]
) -> None:
    segments = [w.Segment(0x7FFF0000, b"stack" + bytes(4091))]
    data = w.write_core(notes=_notes(w.AMD64), segments=segments, header=header)
    with open_core(write(tmp_path, data)) as core:
        assert core.system == "FreeBSD"
        _require_simple(core)
        assert core.memory.read(0x7FFF0000, 5) == b"stack"
        assert bool(core.notes_to_reader) == ("osabi" not in header)


@pytest.mark.parametrize("name", TARGETS)
@pytest.mark.parametrize("value", [20, 0xFFFFFFF0], ids=str)
def test_a_damaged_size_hides_no_other_note(
    tmp_path: Path, name: str, value: int
) -> None:
    target = TARGETS[name]
    whole, notes = _core(target), _notes(target)
    start = whole.index(notes[0])
    pc_note = start + len(notes[0])  # the status of the first thread
    for place in (start, pc_note, whole.index(notes[-1])):
        data = w.damaged(whole, {place + 4: value.to_bytes(4, "little")})
        with open_core(write(tmp_path, data)) as core:
            _require_threads(core)
            assert core.notes_to_reader


def _require_threads(core: CoreFile) -> None:
    pc = core.architecture.program_counter
    assert [t.tid for t in core.threads] == [1007, 1005]
    assert core.threads[0].registers[pc] == 0x1234
    assert core.signal is not None
    assert core.signal.code == 2


def test_a_lost_status_note_is_told(tmp_path: Path) -> None:
    notes = _notes(w.AMD64)
    second = notes.index(w.thrmisc(b"main")) - 2
    del notes[second]
    with open_core(write(tmp_path, _core(w.AMD64, notes))) as core:
        assert [t.tid for t in core.threads] == [1007]
        told = [note.message for note in core.notes_to_reader]
        assert told == ["the status note of thread 1005 is missing"]


@given(
    name=st.sampled_from(sorted(TARGETS)),
    damage=st.lists(st.tuples(st.integers(0, 9000), st.binary(min_size=1, max_size=8))),
    size=st.none() | st.integers(0, 20000),
)
@settings(max_examples=400)
def test_r13_no_damage_to_headers_and_notes_raises_anything_else(
    tmp_path_factory: pytest.TempPathFactory,
    name: str,
    damage: list[tuple[int, bytes]],
    size: int | None,
) -> None:
    data = w.damaged(_core(TARGETS[name]), dict(damage))
    path = tmp_path_factory.getbasetemp() / "damaged-freebsd"
    path.write_bytes(data[:size])
    try:
        core = open_core(path)
    except CoreFormatError:
        return
    with core:
        for mapping in core.mappings:
            core.memory.read_some(mapping.start, 64)
