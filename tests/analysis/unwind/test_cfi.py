"""CIEs and FDEs of every make, and where an address finds its own."""

from __future__ import annotations

import pytest
from cfiwriter import ABSOLUTE, Frames, Function, uleb
from hypothesis import given, settings
from hypothesis import strategies as st

import corewriter as w
from coresnap.analysis.expression.numbers import DecodeError
from coresnap.analysis.unwind.cfi import CallFrameSection
from coresnap.analysis.unwind.pointer_encoding import PointerReader, fixed_size
from coresnap.analysis.unwind.sections import ModuleCfi, debug_file_cfi, module_cfi
from coresnap.elfcore.elffile import ElfFile
from coresnap.elfcore.elfheader import ProgramHeader
from coresnap.elfcore.memory import Memory
from coresnap.elfcore.modules import LoadedModule

FUNCTIONS = [Function(0x1000, 16), Function(0x1100, 32), Function(0x1080, 8)]


def index_of(
    data: bytes, address: int = 0x8000, *, debug: bool = False
) -> list[object]:
    reader = PointerReader(data, address, 8, "little")
    section = CallFrameSection(reader, 0, len(data), debug=debug)
    return [(start, end) for start, end, _ in section.index]


SORTED = [(0x1000, 0x1010), (0x1080, 0x1088), (0x1100, 0x1120)]


@pytest.mark.parametrize(
    "frames",
    [
        Frames(0x8000, FUNCTIONS),
        Frames(0x8000, FUNCTIONS, version=3),
        Frames(0x8000, FUNCTIONS, augmentation=b"zRB"),
        Frames(0x8000, FUNCTIONS, augmentation=b"", encoding=ABSOLUTE),
        Frames(0x8000, FUNCTIONS, encoding=ABSOLUTE),
    ],
    ids=str,
)
def test_eh_frame_lists_its_functions_by_address(frames: Frames) -> None:
    assert index_of(frames.eh_frame(0x8000)[0]) == SORTED


@pytest.mark.parametrize("version", [1, 3, 4])
def test_debug_frame_lists_its_functions_by_address(version: int) -> None:
    frames = Frames(0, FUNCTIONS, augmentation=b"", encoding=ABSOLUTE, version=version)
    assert index_of(frames.debug_frame(), 0, debug=True) == SORTED


def test_personality_and_language_data_are_skipped() -> None:
    body = bytes(4) + b"\x01zPLR\0" + b"\x01\x78\x10"
    body += uleb(7) + b"\x9b" + bytes(4) + b"\x1b" + b"\x1b" + b"\x0c\x07\x08\x90\x01"
    body += bytes(-len(body) % 4)
    cie = len(body).to_bytes(4, "little") + body
    at = len(cie) + 4
    fde = at.to_bytes(4, "little")
    fde += (0x1000 - (0x8000 + at + 4) & 0xFFFFFFFF).to_bytes(4, "little")
    fde += (64).to_bytes(4, "little") + b"\x04" + bytes(4)
    fde += bytes(-len(fde) % 4)
    data = cie + len(fde).to_bytes(4, "little") + fde
    assert index_of(data) == [(0x1000, 0x1040)]


def test_signal_frames_are_marked() -> None:
    data, places = Frames(0x8000, FUNCTIONS, augmentation=b"zRS").eh_frame(0x8000)
    section = CallFrameSection(PointerReader(data, 0x8000, 8, "little"), 0, len(data))
    assert section.fde_at(places[0] - 0x8000).cie.signal_frame


@pytest.mark.parametrize("size", range(0, 100, 3))
def test_a_cut_section_gives_what_is_whole(size: int) -> None:
    data = Frames(0x8000, FUNCTIONS).eh_frame(0x8000)[0]
    found = index_of(data[:size])
    assert set(found) <= set(SORTED)


@pytest.mark.parametrize("augmentation", [b"q", b"armcc+", b"z" * 40], ids=repr)
def test_unknown_augmentations_lose_their_functions_only(augmentation: bytes) -> None:
    good, places = Frames(0x8000, FUNCTIONS).eh_frame(0x8000)
    bad = Frames(0x8000, FUNCTIONS, augmentation=augmentation).eh_frame(0x8000)[0]
    shifted = Frames(0x8000 + len(bad) - 4, FUNCTIONS)
    data = bad[:-4] + shifted.eh_frame(shifted.address)[0]
    assert len(places) == 3
    assert good != bad
    assert index_of(data) == SORTED


@given(st.integers(0, 150), st.binary(min_size=1, max_size=8))
@settings(max_examples=300)
def test_no_damage_makes_it_fail_otherwise(at: int, junk: bytes) -> None:
    data = bytearray(Frames(0x8000, FUNCTIONS).eh_frame(0x8000)[0])
    data[at : at + len(junk)] = junk
    index_of(bytes(data))


# --- pointers -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("encoding", "data", "expected"),
    [
        (0x00, b"\x78\x56\0\0\0\0\0\0", 0x5678),
        (0x02, b"\x78\x56", 0x5678),
        (0x03, b"\x78\x56\0\0", 0x5678),
        (0x04, b"\x78\x56\0\0\0\0\0\0", 0x5678),
        (0x0A, b"\xfe\xff", 2**64 - 2),
        (0x0B, b"\xfe\xff\xff\xff", 2**64 - 2),
        (0x01, b"\x80\x01", 128),
        (0x09, b"\x7f", 2**64 - 1),
        (0x1B, b"\xfe\xff\xff\xff", 0x8000 - 2),
        (0x2B, b"\x10\0\0\0", 0x10010),
        (0x3B, b"\x10\0\0\0", 0x20010),
        (0x4B, b"\x10\0\0\0", 0x30010),
        (0x50, b"\x78\x56\0\0\0\0\0\0", 0x5678),
        (0x1B, bytes(4), 0),
    ],
)
def test_every_pointer_encoding(encoding: int, data: bytes, expected: int) -> None:
    reader = PointerReader(data, 0x8000, 8, "little", text=0x10000, base=0x20000)
    assert reader.read(0, encoding, function=0x30000) == (expected, len(data))


@pytest.mark.parametrize("encoding", [0x05, 0x0D, 0x6B, 0x07])
def test_unknown_pointer_encodings_are_refused(encoding: int) -> None:
    reader = PointerReader(b"\1" * 16, 0, 8, "little")
    with pytest.raises(DecodeError):
        reader.read(0, encoding)


def test_only_some_encodings_have_a_fixed_size() -> None:
    sizes = {0x00: 8, 0x03: 4, 0x0B: 4, 0x02: 2, 0x0C: 8, 0x01: None, 0x09: None}
    assert {e: fixed_size(e, 8) for e in sizes} == sizes


# --- modules ------------------------------------------------------------------


def module_of(elf: ElfFile | None, image: ElfFile | None = None) -> LoadedModule:
    return LoadedModule("lib", 0, 0x10000, 0x500000, None, None, None, None, elf, image)


def nothing() -> Memory:
    return Memory(memoryview(b""), [], 8, "little")


def elf_with_table(data: bytes, size: int) -> ElfFile:
    segments = [
        w.Segment(0, flags=w.PF_R, memory_size=0x800),
        w.Segment(0x1000, bytes(0x200), flags=w.PF_R | w.PF_X),
        w.Segment(0x8000, data, flags=w.PF_R),
        w.Segment(0x8000, data[:size], flags=w.PF_R, type=w.PT_GNU_EH_FRAME),
    ]
    return ElfFile(w.write_module(segments=segments))


def found(cfi: ModuleCfi, address: int) -> tuple[int, int] | None:
    pair = cfi.find(address)
    return None if pair is None else (pair[0].start, pair[0].end)


def assert_finds_all(cfi: ModuleCfi) -> None:
    for start, end in SORTED:
        assert found(cfi, start) == (start, end)
        assert found(cfi, end - 1) == (start, end)
        assert found(cfi, end) is None
    assert found(cfi, 0xFFF) is None


def test_the_search_table_is_used_where_there_is_one() -> None:
    elf = elf_with_table(*Frames(0x8000, FUNCTIONS).with_table())
    cfi = module_cfi(module_of(elf), nothing())
    assert cfi.table is not None
    assert_finds_all(cfi)


def test_without_a_table_eh_frame_is_indexed() -> None:
    frames = Frames(0x8000, FUNCTIONS)
    data, size = frames.with_table()
    without = data[:2] + b"\xff\xff" + data[4:]
    assert_finds_all(module_cfi(module_of(elf_with_table(without, size)), nothing()))
    section = w.Section(".eh_frame", frames.eh_frame(0x8000)[0], address=0x8000)
    elf = ElfFile(w.write_module(sections=[section]))
    assert_finds_all(module_cfi(module_of(elf), nothing()))


def test_debug_frame_serves_from_the_file_or_from_its_debug_file() -> None:
    frames = Frames(0, FUNCTIONS, augmentation=b"", encoding=ABSOLUTE)
    section = w.Section(".debug_frame", frames.debug_frame())
    debug = ElfFile(w.write_module(sections=[section]))
    assert_finds_all(module_cfi(module_of(debug), nothing()))
    plain = ElfFile(w.write_module())
    assert_finds_all(debug_file_cfi(debug))
    assert module_cfi(module_of(plain), nothing()).find(0x1000) is None


def test_a_module_without_a_file_is_read_from_the_cores_memory() -> None:
    elf = elf_with_table(*Frames(0x8000, FUNCTIONS).with_table())
    shifted = [
        ProgramHeader(
            p.type, p.flags, p.offset, p.vaddr + 0x500000, p.filesz, p.memsz, p.align
        )
        for p in elf.loads
    ]
    memory = Memory(elf.data, shifted, 8, "little")
    image = ElfFile(bytes(elf.data[:0x800]))
    assert_finds_all(module_cfi(module_of(None, image), memory))


def test_a_table_that_lies_about_its_size_is_bounded() -> None:
    data, size = Frames(0x8000, FUNCTIONS).with_table()
    lying = data[:8] + b"\xff\xff\xff\xff" + data[12:]
    cfi = module_cfi(module_of(elf_with_table(lying, size)), nothing())
    assert cfi.table is not None
    assert cfi.table.count == 3
    assert_finds_all(cfi)
