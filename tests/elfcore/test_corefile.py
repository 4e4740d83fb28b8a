"""open_core: threads, process, signal and modules of cores of every make."""

from __future__ import annotations

import csv
import importlib.util
import json
import os
import re
import resource
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import coresnap
import corewriter as w
from conftest import CORPUS, CompileProgram, Corpus, KernelCore
from coresnap.elfcore.corefile import CoreFile, open_core
from coresnap.errors import AccessError, CoreFormatError, MissingError

TARGETS = {"x86-64": w.X86_64, "i386": w.I386, "aarch64": w.AARCH64}
PROGRAM_COUNTER = {"x86-64": "rip", "i386": "eip", "aarch64": "pc"}


def write(tmp_path: Path, data: bytes, name: str = "core") -> Path:
    path = tmp_path / name
    path.write_bytes(data)
    return path


def simple_notes(target: w.Target, *, pc: str = "rip") -> list[bytes]:
    return [
        w.prstatus(target, tid=7, signal=11, registers={pc: 0x1234}),
        w.prpsinfo(target, pid=5),
        w.siginfo(target, number=11, code=1, address=0xDEAD),
        w.auxv(target, {6: 4096, 9: 0x400123}),
        w.mapped_files(target, [(0x400000, 0x402000, 1, b"/bin/prog")]),
        w.prstatus(target, tid=5, registers={pc: 0x5678}),
    ]


SIMPLE = w.write_core(
    notes=simple_notes(w.X86_64),
    segments=[
        w.Segment(0x400000, flags=w.PF_R | w.PF_X, memory_size=0x2000),
        w.Segment(0x7FFF0000, b"stack" * 100),
    ],
)


# --- what a core says ---------------------------------------------------------


@pytest.mark.parametrize("name", TARGETS)
def test_threads_process_signal_and_files_are_read(tmp_path: Path, name: str) -> None:
    target = TARGETS[name]
    notes = simple_notes(target, pc=PROGRAM_COUNTER[name])
    segments = [w.Segment(0x7FFF0000, b"stack" * 100)]
    path = write(tmp_path, w.write_core(target, notes=notes, segments=segments))
    with open_core(path) as core:
        assert core.architecture.name == name
        assert core.system == "Linux"
        pc = core.architecture.program_counter
        assert [(t.tid, t.signal, t.registers[pc]) for t in core.threads] == [
            (7, 11, 0x1234),
            (5, 0, 0x5678),
        ]
        assert [t.name for t in core.threads] == [None, "prog"]
        process = core.process
        assert (process.pid, process.command, process.uid) == (5, "prog", 1000)
        assert process.arguments == "./prog arg"
        assert core.signal is not None
        assert (core.signal.number, core.signal.code) == (11, 1)
        assert core.signal.address == 0xDEAD
        assert core.auxv == {6: 4096, 9: 0x400123}
        (file,) = core.mapped_files
        assert (file.start, file.offset, file.path) == (0x400000, 4096, b"/bin/prog")
        assert core.memory.read(0x7FFF0005, 5) == b"stack"
        assert core.notes_to_reader == ()
        assert not core.truncated


def test_every_register_is_where_the_kernel_put_it(tmp_path: Path) -> None:
    for name, target in TARGETS.items():
        slots = w.USER_REGISTERS[target.machine]
        values = {slot: 0x1000 + index for index, slot in enumerate(slots)}
        notes = [w.prstatus(target, tid=1, registers=values)]
        path = write(tmp_path, w.write_core(target, notes=notes), name)
        with open_core(path) as core:
            names = core.architecture.register_names
            found = {names[n]: v for n, v in core.threads[0].registers.items()}
        spelled = {"eflags": "rflags", "fs_base": "fs.base", "gs_base": "gs.base"}
        if name != "x86-64":
            spelled = {}
        expected = {spelled.get(k, k): v for k, v in values.items()}
        for unnamed in ("orig_rax", "orig_eax", "pstate"):
            expected.pop(unnamed, None)
        assert found == expected


def test_vector_registers_are_kept_as_wide_integers(tmp_path: Path) -> None:
    fxsave = bytearray(512)
    fxsave[160:176] = bytes(range(16))
    fxsave[400:416] = bytes(range(16, 32))
    notes = [
        w.prstatus(w.X86_64, tid=1, registers={}),
        w.note(w.X86_64, b"CORE", w.NT_PRFPREG, bytes(fxsave)),
    ]
    with open_core(write(tmp_path, w.write_core(notes=notes))) as core:
        registers = core.threads[0].registers
        assert registers[17] == int.from_bytes(bytes(range(16)), "little")
        assert registers[32] == int.from_bytes(bytes(range(16, 32)), "little")
        assert 17 not in core.architecture.general_registers


def test_double_registers_of_arm_are_kept(tmp_path: Path) -> None:
    doubles = {index: (index + 1) << 56 | index for index in range(32)}
    area = w.ARM.pack("32QI", *doubles.values(), 0)
    notes = [
        w.prstatus(w.ARM, tid=1, registers={"pc": 0x1234}),
        w.note(w.ARM, b"LINUX", 0x400, area),
    ]
    with open_core(write(tmp_path, w.write_core(w.ARM, notes=notes))) as core:
        numbers, registers = core.architecture.numbers, core.threads[0].registers
        assert {n: registers[numbers[f"d{n}"]] for n in doubles} == doubles
        assert registers[numbers["pc"]] == 0x1234


def test_the_bits_that_authenticate_return_addresses_are_known(tmp_path: Path) -> None:
    mask = w.AARCH64.pack("PP", 0x7F << 55, 0x7F << 48)
    notes = [
        *simple_notes(w.AARCH64, pc="pc"),
        w.note(w.AARCH64, b"LINUX", 0x406, mask),
    ]
    with open_core(write(tmp_path, w.write_core(w.AARCH64, notes=notes))) as core:
        assert core.facts.code_mask == (1 << 64) - 1 - (0x7F << 48)
    plain = w.write_core(w.AARCH64, notes=notes[:-1])
    with open_core(write(tmp_path, plain, "plain")) as core:
        assert core.facts.code_mask is None
        assert core.architecture.code_mask == (1 << 48) - 1


def test_a_thread_that_alone_has_a_signal_comes_first(tmp_path: Path) -> None:
    notes = [
        w.prstatus(w.X86_64, tid=1, registers={}),
        w.prstatus(w.X86_64, tid=2, signal=6, registers={}),
    ]
    with open_core(write(tmp_path, w.write_core(notes=notes))) as core:
        assert [t.tid for t in core.threads] == [2, 1]
        assert core.signal is not None
        assert (core.signal.number, core.signal.code) == (6, None)


def test_a_core_of_a_live_process_has_no_signal(tmp_path: Path) -> None:
    notes = [w.prstatus(w.X86_64, tid=1, registers={})]
    with open_core(write(tmp_path, w.write_core(notes=notes))) as core:
        assert core.signal is None


def test_a_sender_is_read_from_the_same_bytes_as_an_address(tmp_path: Path) -> None:
    notes = [
        *simple_notes(w.X86_64)[:1],
        w.siginfo(w.X86_64, number=6, code=-6, sender=(4321, 1000)),
    ]
    with open_core(write(tmp_path, w.write_core(notes=notes))) as core:
        assert core.signal is not None
        assert (core.signal.sender_pid, core.signal.sender_uid) == (4321, 1000)


def test_mappings_name_files_stack_and_vdso(tmp_path: Path) -> None:
    notes = [
        w.prstatus(w.X86_64, tid=1, registers={}),
        w.auxv(w.X86_64, {25: 0x7FFF0008, 33: 0x7FFE0000}),
        w.mapped_files(w.X86_64, [(0x1000, 0x3000, 4, b"/lib/a\xff")]),
    ]
    data = w.write_core(
        notes=notes,
        segments=[
            w.Segment(0x1000, b"x" * 10, flags=w.PF_R | w.PF_X, memory_size=0x2000),
            w.Segment(0x7FFE0000, b"v" * 10, flags=w.PF_R),
            w.Segment(0x7FFF0000, b"s" * 64),
        ],
    )
    with open_core(write(tmp_path, data)) as core:
        found = [(m.path, m.permissions, m.offset, m.stored) for m in core.mappings]
    assert found == [
        ("/lib/a\\xff", "r-x", 4 * 4096, 10),
        ("[vdso]", "r--", None, 10),
        ("[stack]", "rw-", None, 64),
    ]


def test_a_count_of_segments_beyond_16_bits_is_read(tmp_path: Path) -> None:
    segments = [w.Segment(0x1000000 + n * 0x1000) for n in range(0x10000)]
    data = w.write_core(
        notes=simple_notes(w.X86_64), segments=segments, extended_count=True
    )
    with open_core(write(tmp_path, data)) as core:
        assert core.notes_to_reader == ()
        assert len(core.threads) == 2


def test_a_sparse_core_of_four_gigabytes_costs_nothing(tmp_path: Path) -> None:
    big = 4 << 30
    data = bytearray(SIMPLE)
    # The last segment header: its sizes become 4 GiB, the file gets that hole.
    at = 64 + 2 * 56 + 32
    data[at : at + 16] = w.X86_64.pack("PP", big, big)
    path = write(tmp_path, bytes(data))
    os.truncate(path, len(SIMPLE) + big)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with open_core(path) as core:
        assert core.memory.read(0x7FFF0000 + big - 16, 16) == bytes(16)
        assert not core.truncated
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 64 << 10


# --- bad input ----------------------------------------------------------------


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "is empty"),
        (b"\x7f", "not an ELF file"),
        (b"#!/bin/sh\n" * 20, "not an ELF file"),
        (SIMPLE[:20], "ends within its ELF header"),
        (SIMPLE[:64], "ends before its first program header"),
        (b"\x28\xb5\x2f\xfd" + bytes(100), "compressed with zstd"),
        (b"\x1f\x8b" + bytes(100), "compressed with gzip"),
        (w.write_module(), "executable or library"),
        (w.write_core(kind=1), "not a core"),
    ],
)
def test_what_is_no_core_is_refused_in_a_sentence(
    tmp_path: Path, data: bytes, message: str
) -> None:
    with pytest.raises(CoreFormatError, match=message) as caught:
        open_core(write(tmp_path, data))
    assert caught.value.remedy


def test_missing_and_special_files_are_refused(tmp_path: Path) -> None:
    with pytest.raises(MissingError):
        open_core(tmp_path / "nothing")
    with pytest.raises(CoreFormatError, match="directory"):
        open_core(tmp_path)
    with pytest.raises(CoreFormatError, match="regular file"):
        open_core("/dev/zero")


def test_a_core_that_we_may_not_read_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write(tmp_path, SIMPLE)

    def refuse(*_: object) -> int:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "open", refuse)
    with pytest.raises(AccessError):
        open_core(path)


def test_a_core_cut_anywhere_is_read_as_far_as_it_goes(tmp_path: Path) -> None:
    refused = 0
    for size in range(0, len(SIMPLE.rstrip(b"\0")), 13):
        path = write(tmp_path, SIMPLE[:size])
        try:
            core = open_core(path)
        except CoreFormatError:
            refused = size
            continue
        with core:
            assert core.truncated
            assert any("truncated" in n.message for n in core.notes_to_reader)
            core.memory.read_some(0x7FFF0000, 500)
    assert refused < 64 + 2 * 56


def _lying(**fields: int) -> bytes:
    return w.write_core(
        notes=simple_notes(w.X86_64),
        segments=[w.Segment(0x7FFF0000, b"stack" * 100)],
        header=fields,
    )


@pytest.mark.parametrize(
    "data",
    [
        _lying(phnum=60000),
        _lying(phnum=0),
        _lying(phnum=0xFFFF),
        _lying(phoff=1 << 40),
        _lying(phoff=2**64 - 16),
        _lying(type=w.ET_EXEC),
        _lying(machine=0xFEED),
        _lying(machine=w.EM_AARCH64),
    ],
)
def test_a_header_that_lies_costs_a_note_and_nothing_else(
    tmp_path: Path, data: bytes
) -> None:
    with open_core(write(tmp_path, data)) as core:
        assert [t.tid for t in core.threads] == [7, 5]
        assert core.threads[0].registers[16] == 0x1234
        assert core.memory.read(0x7FFF0000, 5) == b"stack"
        assert core.notes_to_reader


@pytest.mark.parametrize("byte", [4, 5])
def test_a_wrong_class_or_byte_order_is_seen_through(tmp_path: Path, byte: int) -> None:
    data = bytearray(SIMPLE)
    for value in (3 - data[byte], 77):
        data[byte] = value
        with open_core(write(tmp_path, bytes(data))) as core:
            assert [t.tid for t in core.threads] == [7, 5]
            assert "byte order" in core.notes_to_reader[0].message


@pytest.mark.parametrize("count", [0, 2, 3, 2**63 - 1])
def test_a_lying_count_of_mapped_files_is_corrected(tmp_path: Path, count: int) -> None:
    files = [(0x1000 * n, 0x1000 * n + 0x1000, n, b"/lib/%d" % n) for n in range(1, 7)]
    notes = [
        w.prstatus(w.X86_64, tid=1, registers={}),
        w.mapped_files(w.X86_64, files, count=count),
    ]
    with open_core(write(tmp_path, w.write_core(notes=notes))) as core:
        assert [f.path for f in core.mapped_files] == [f[3] for f in files]
        assert "6 are there" in core.notes_to_reader[0].message


@pytest.mark.parametrize(
    ("at", "value"), [(0, 0xFFFFFFFF), (4, 20), (4, 0xFFFFFFF0)], ids=str
)
def test_a_damaged_note_header_hides_no_other_note(
    tmp_path: Path, at: int, value: int
) -> None:
    data = bytearray(SIMPLE)
    first = 64 + 3 * 56
    data[first + at : first + at + 4] = value.to_bytes(4, "little")
    with open_core(write(tmp_path, bytes(data))) as core:
        assert [t.tid for t in core.threads] == [7, 5]
        assert core.threads[0].registers[16] == 0x1234
        assert core.process.pid == 5


@given(
    st.lists(st.tuples(st.integers(0, 1600), st.binary(min_size=1, max_size=8))),
)
@settings(max_examples=300, deadline=None)
def test_r13_no_damage_to_headers_and_notes_raises_anything_else(
    tmp_path_factory: pytest.TempPathFactory, damage: list[tuple[int, bytes]]
) -> None:
    data = bytearray(SIMPLE)
    for at, junk in damage:
        data[at : at + len(junk)] = junk
    path = tmp_path_factory.getbasetemp() / "damaged"
    path.write_bytes(bytes(data))
    try:
        core = open_core(path)
    except CoreFormatError:
        return
    with core:
        for mapping in core.mappings:
            core.memory.read_some(mapping.start, 64)


# --- real cores ---------------------------------------------------------------


def _expected() -> list[dict[str, Any]]:
    path = CORPUS / "linux" / "expected.json"
    if not path.exists():
        return []
    cores: list[dict[str, Any]] = json.loads(path.read_text())["cores"]
    return cores


def _open_expected(corpus: Corpus, facts: dict[str, Any]) -> CoreFile:
    companions = [corpus.path(f"linux/{c['file']}") for c in facts["companions"]]
    return open_core(
        corpus.path(f"linux/{facts['file']}"),
        executable=companions[0] if companions else None,
    )


@pytest.mark.corpus
@pytest.mark.parametrize("facts", _expected(), ids=lambda facts: facts["file"])
def test_real_cores_say_what_is_known_about_them(
    corpus: Corpus, facts: dict[str, Any]
) -> None:
    with _open_expected(corpus, facts) as core:
        assert core.notes_to_reader == ()
        assert sorted(t.tid for t in core.threads) == sorted(
            facts["tids_in_note_order"]
        )
        assert core.threads[0].tid == facts["crashing_tid"]
        assert core.process.pid == facts["pid"]
        assert core.process.command == facts["process_name"]
        assert core.process.arguments == (facts["args"].rstrip() or None)
        assert core.signal is not None
        assert core.signal.number == facts["signal"]
        assert len(core.mapped_files) == (facts["nt_file_entries"] or 0)
        if facts["siginfo"] is not None:
            assert core.signal.code == facts["siginfo"]["code"]
            if "addr" in facts["siginfo"]:
                assert core.signal.address == int(facts["siginfo"]["addr"], 16)
        if facts["companions"]:
            assert core.executable is not None or not core.auxv
            assert any(m.file is not None for m in core.modules)


REGISTER_LINE = re.compile(
    r"([a-z][a-z0-9_.]*): +(-?\d+\b|0x[0-9a-f]+)(?=  |\n|$|,| [a-z])"
)


@pytest.mark.corpus
@pytest.mark.parametrize("facts", _expected(), ids=lambda facts: facts["file"])
def test_registers_equal_the_notes_text(corpus: Corpus, facts: dict[str, Any]) -> None:
    text = (CORPUS / "linux" / facts["notes_text"]).read_text()
    with _open_expected(corpus, facts) as core:
        bits = 8 * core.architecture.pointer_size
        by_tid = {t.tid: t for t in core.threads}
        for part in re.split(r"\n  CORE +\d+  PRSTATUS\n", text)[1:]:
            body = re.split(r"\n  [A-Z]", part)[0]
            tid = re.search(r"  pid: (\d+)", body)
            assert tid is not None
            registers = by_tid[int(tid[1])].registers
            checked = 0
            for name, value in REGISTER_LINE.findall(body):
                number = core.architecture.numbers.get(name)
                if number in registers:
                    mask = (
                        1 << max(bits, 64 if core.architecture.is_x86 else bits)
                    ) - 1
                    expected = int(value, 0) & mask
                    if core.architecture.name in ("i386", "arm", "m68k"):
                        expected &= 0xFFFFFFFF
                    assert registers[number] == expected, name
                    checked += 1
            assert checked >= 16


def _mutations(corpus: Corpus, directory: Path) -> dict[str, Path]:
    script = CORPUS / "linux" / "mkcorrupt" / "mkcorrupt.py"
    spec = importlib.util.spec_from_file_location("mkcorrupt", script)
    assert spec is not None
    base = corpus.path("linux/elfutils/testfiledwarfinlines.core")
    import subprocess
    import sys

    subprocess.run(
        [sys.executable, "-B", script, base, directory],
        check=True,
        capture_output=True,
    )
    return {p.name.split(".")[-2]: p for p in directory.iterdir()}


HEADER_ONLY = {"empty", "one-byte", "trunc-ehdr"}
NO_THREADS = {"trunc-phdrs"}


@pytest.mark.corpus
def test_damaged_cores_are_opened_where_anything_is_left(
    corpus: Corpus, tmp_path: Path
) -> None:
    mutations = _mutations(corpus, tmp_path)
    with (CORPUS / "linux" / "mkcorrupt" / "PEERS.tsv").open() as peers:
        known = {row["mutation"] for row in csv.DictReader(peers, delimiter="\t")}
    assert known - {"(unchanged)"} == mutations.keys()
    for name, path in mutations.items():
        if name in HEADER_ONLY:
            with pytest.raises(CoreFormatError):
                open_core(path)
            continue
        with open_core(path) as core:
            tids = [t.tid for t in core.threads]
            assert tids == ([] if name in NO_THREADS else [13654]), name


@pytest.mark.core_pattern
@pytest.mark.compiler
def test_a_core_of_this_kernel_is_complete(
    compile_program: CompileProgram, kernel_core: KernelCore
) -> None:
    program = compile_program("deep.c", "-O1", "-g", libraries=["-pthread"])
    path = kernel_core([program, "3", "5"])
    with coresnap.open_core(path) as core:
        assert core.notes_to_reader == ()
        assert len(core.threads) == 4
        assert core.threads[0].tid == core.process.pid
        assert core.executable_path == str(program)
        assert all(m.problem is None for m in core.modules)
        assert all(m.build_id for m in core.modules)
        assert "[vdso]" in [m.path for m in core.modules]
        text = core.executable
        assert text is not None
        assert text.elf is not None
        entry = text.elf.header.entry
        # Text is not in the core, and comes from the file.
        (load,) = [p for p in text.elf.loads if p.vaddr <= entry < p.vaddr + p.filesz]
        offset = entry - load.vaddr + load.offset
        assert (
            core.memory.read(text.load_bias + entry, 16)
            == program.read_bytes()[offset : offset + 16]
        )
