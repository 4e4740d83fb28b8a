"""ElfFile: everything that lies in the file, nothing that it merely claims."""

from __future__ import annotations

import os
import socket
import zlib
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import corewriter as w
from conftest import CompileProgram
from coresnap.elfcore.elffile import ElfFile, map_file, open_elf, string_at
from coresnap.errors import AccessError, InputError, MissingError

BIG = w.Target(22, 64, "big")
BIG32 = w.Target(4, 32, "big")
TARGETS = [w.X86_64, w.I386, w.AARCH64, BIG, BIG32]


def specimen(target: w.Target = w.X86_64) -> bytes:
    names = b"\0main\0helper@@V1\0"
    symbols = [
        w.symbol(target, name=0, value=0, section=0),
        w.symbol(target, name=1, value=0x1000, size=16),
        w.symbol(target, name=6, value=0x1010, size=8),
    ]
    entry = len(symbols[0])
    return w.write_module(
        target,
        segments=[
            w.Segment(0, flags=w.PF_R, memory_size=0x600),
            w.Segment(0x1000, b"\x90" * 64, flags=w.PF_R | w.PF_X),
        ],
        sections=[
            w.Section(".text", b"\x90" * 64, address=0x1000),
            w.Section(
                ".symtab", b"".join(symbols), 2, link=".strtab", entry_size=entry
            ),
            w.Section(".strtab", names, 3),
            w.Section(
                ".gnu_debuglink",
                b"prog.debug\0\0" + target.pack("I", 0xDEADBEEF),
            ),
        ],
    )


@pytest.mark.parametrize("target", TARGETS, ids=str)
def test_segments_sections_symbols_and_build_id_are_read(target: w.Target) -> None:
    elf = ElfFile(specimen(target))
    assert (elf.pointer_size, elf.byte_order) == (target.word, target.byte_order)
    assert [(p.vaddr, p.flags) for p in elf.loads] == [(0, 4), (0x1000, 5)]
    assert elf.build_id == "11" * 20
    assert elf.debug_link == ("prog.debug", 0xDEADBEEF)
    text = elf.section(".text")
    assert text is not None
    assert bytes(elf.section_data(text)) == b"\x90" * 64
    (table,) = elf.symbol_entries()
    assert not table.dynamic
    assert string_at(table.strings, 6) == "helper@@V1"


def test_a_build_id_is_found_in_a_section_when_no_segment_has_it() -> None:
    note = w.note(w.X86_64, b"GNU", w.NT_GNU_BUILD_ID, b"\xab\xcd")
    data = w.write_module(
        build_id=None,
        segments=[w.Segment(0, memory_size=64)],
        sections=[w.Section(".note.gnu.build-id", note, 7)],
    )
    assert ElfFile(data).build_id == "abcd"
    assert ElfFile(w.write_module(build_id=None)).build_id is None


@pytest.mark.parametrize(
    "field",
    [
        {"phnum": 0xFFFF},
        {"phoff": 2**64 - 16, "phnum": 3},
        {"shnum": 0xFFFF, "shoff": 64},
        {"shnum": 3, "shoff": 2**63},
        {"shnum": 0, "shoff": 64, "shstrndx": 0xFFFF},
        {"phentsize": 1},
        {"shentsize": 0xFFFF, "shoff": 64, "shnum": 9},
    ],
    ids=str,
)
def test_counts_and_offsets_that_lie_cost_only_themselves(
    field: dict[str, int],
) -> None:
    fields = {"phoff": 64, "phnum": 1, **field}
    data = bytearray(specimen())
    head = w._elf_header(w.X86_64, w.ET_DYN, 0, **fields)
    data[: len(head)] = head
    elf = ElfFile(bytes(data))
    assert len(elf.program_headers) < 200
    assert len(elf.sections) < 200
    list(elf.symbol_entries())
    assert elf.header.machine == w.EM_X86_64


def test_compressed_sections_are_inflated_within_bounds() -> None:
    target = w.X86_64
    content = b"frame " * 1000

    def packed(size: int, data: bytes) -> w.Section:
        head = target.pack("IIPP", 1, 0, size, 1)
        return w.Section(".debug_frame", head + data, flags=0x800)

    for section, expected in [
        (packed(len(content), zlib.compress(content)), content),
        (packed(1 << 40, zlib.compress(content)), b""),
        (packed(len(content), b"garbage"), b""),
    ]:
        elf = ElfFile(w.write_module(sections=[section]))
        found = elf.section(".debug_frame")
        assert found is not None
        assert bytes(elf.section_data(found)) == expected


@given(st.binary(max_size=300), st.integers(0, 400))
@settings(max_examples=200)
def test_no_byte_string_makes_it_fail_otherwise(junk: bytes, at: int) -> None:
    data = bytearray(specimen())
    data[16 + at : 16 + at + len(junk)] = junk
    elf = ElfFile(bytes(data))
    assert elf.build_id is None or len(elf.build_id) <= 128
    for table in elf.symbol_entries():
        string_at(table.strings, 1)
    assert elf.debug_link is None or elf.debug_link[0]


def test_every_prefix_is_refused_or_read() -> None:
    data = specimen()
    for size in (*range(70), *range(70, len(data), 37)):
        try:
            elf = ElfFile(data[:size])
        except InputError:
            assert size < 64
            continue
        assert elf.build_id in (None, "11" * 20)
        assert len(elf.sections) < 6 or size == len(data)


def test_only_regular_files_are_opened(tmp_path: Path) -> None:
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(tmp_path / "socket"))
        for path in (fifo, tmp_path, tmp_path / "socket", Path("/dev/null")):
            with pytest.raises(InputError):
                map_file(path)
    with pytest.raises(MissingError):
        map_file(tmp_path / "nothing")
    with pytest.raises(InputError):
        map_file("a\0b")
    with pytest.raises(MissingError):
        map_file(tmp_path / "fifo" / "below")


def test_an_unreadable_file_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "secret"
    path.write_bytes(specimen())

    def refuse(*_: object) -> int:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "open", refuse)
    with pytest.raises(AccessError, match="Permission denied"):
        open_elf(path)


@pytest.mark.compiler
@pytest.mark.elfutils
def test_a_real_program_agrees_with_readelf(compile_program: CompileProgram) -> None:
    import re
    import subprocess

    program = compile_program("simple.c", "-O0", "-g", libraries=["-pthread"])
    run = subprocess.run(
        ["eu-readelf", "-S", "-n", program], capture_output=True, text=True, check=True
    )
    elf = open_elf(program)
    names = re.findall(r"^\[ *\d+\] (\S+)", run.stdout, re.MULTILINE)
    assert [s.name for s in elf.sections if s.name] == [n for n in names if n[0] == "."]
    build_id = re.search(r"Build ID: ([0-9a-f]+)", run.stdout)
    assert build_id is not None
    assert elf.build_id == build_id[1]
