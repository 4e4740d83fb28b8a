"""What a word of memory is called."""

from __future__ import annotations

import struct
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from coresnap.analysis.aliases.data_symbols import DataSymbols
from coresnap.analysis.aliases.frame_numbers import FrameNumbers
from coresnap.analysis.aliases.held import is_pointer
from coresnap.elfcore.elffile import SymbolEntries, open_elf
from coresnap.model import Frame, Thread, Trust, UnwindEnd, Variable, VariableKind


def thread(*frames: Frame) -> Thread:
    return Thread(1, True, UnwindEnd.OUTERMOST, frames=frames)


def frame(pointer: int | None, *, inline: bool = False, left_out: int = 0) -> Frame:
    pc = 0x1000 + (pointer or 0)
    return Frame(pc, Trust.CFI, stack_pointer=pointer, inline=inline, left_out=left_out)


def test_a_slot_belongs_to_the_frame_whose_stack_pointer_is_below_it() -> None:
    numbers = FrameNumbers(thread(frame(0x100), frame(0x140), frame(0x180)))
    assert numbers.at(0x100) == (0, 0)
    assert numbers.at(0x138) == (0, 0x38)
    assert numbers.at(0x140) == (1, 0)
    assert numbers.at(0x188) == (2, 8)
    assert numbers.at(0xF8) is None
    assert numbers.at(0x180 + 4096) is None


def test_inlined_calls_share_the_frame_that_they_are_in() -> None:
    numbers = FrameNumbers(thread(frame(0x100, inline=True), frame(0x100)))
    assert numbers.at(0x108) == (1, 8)


def test_frames_that_were_left_out_count_in_what_is_shown() -> None:
    numbers = FrameNumbers(thread(frame(0x100), frame(0x140, left_out=50)))
    assert numbers.shown(1) == 51
    assert numbers.of(0x1140, 0x140) == 1
    assert numbers.of(0x1140, 0x148) is None


def test_a_thread_without_frames_has_no_slots() -> None:
    assert FrameNumbers(thread()).at(0x100) is None
    assert FrameNumbers(thread(frame(None))).at(0x100) is None


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("char *", True),
        ("struct node *const", True),
        ("node &", True),
        ("void (*)(int)", True),
        ("uintptr_t", True),
        ("*mut core::Node", True),
        ("&str", True),
        ("unsigned long", False),
        ("size_t", False),
        ("double", False),
        ("", False),
    ],
)
def test_pointers_are_known_by_their_type(kind: str, expected: bool) -> None:
    variable = Variable("v", kind, VariableKind.LOCAL, value=0x1234_5678)
    assert is_pointer(variable) is expected
    followed = msgspec.structs.replace(variable, target=variable)
    assert is_pointer(followed)


def symbols(*rows: tuple[int, int, int, int], order: str = "<") -> DataSymbols:
    """(type, section, value, size) of symbols that are called a, b, …"""
    strings = b"\0" + b"".join(b"%c\0" % (97 + index) for index in range(len(rows)))
    entries = b"".join(
        struct.pack(order + "IBBHQQ", 1 + 2 * index, kind, 0, section, value, size)
        for index, (kind, section, value, size) in enumerate(rows)
    )
    table = SymbolEntries(memoryview(entries), memoryview(strings), False)
    return DataSymbols([table], 8, "big" if order == ">" else "little")


@pytest.mark.parametrize("order", ["<", ">"])
def test_data_is_named_and_functions_are_not(order: str) -> None:
    found = symbols((1, 3, 0x4000, 16), (2, 1, 0x4010, 64), (6, 4, 0x8, 8), order=order)
    named = found.object(0x4008)
    assert named is not None
    assert (named.name, named.address) == ("a", 0x4000)
    assert found.object(0x4010) is None
    assert found.object(0x3FFF) is None
    own = found.thread_local(0xC)
    assert own is not None
    assert own.name == "c"


def test_undefined_symbols_and_cut_tables_name_nothing() -> None:
    assert symbols((1, 0, 0x4000, 16)).object(0x4000) is None
    table = SymbolEntries(memoryview(b"\1" * 30), memoryview(b"\0"), True)
    assert DataSymbols([table], 8, "little").object(0x0101) is None


@pytest.mark.compiler
def test_symbols_of_a_real_program(compile_program: Callable[..., Path]) -> None:
    elf = open_elf(compile_program("thread_local.c", "-g", libraries=("-pthread",)))
    found = DataSymbols(elf.symbol_entries(), elf.pointer_size, elf.byte_order)
    assert found.thread_local(0) is not None
