"""The walk itself: fallbacks, ends, limits, on cores made for the purpose."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest
from cfiwriter import Frames, Function

import corewriter as w
from coresnap.analysis.unwind.effort import Effort
from coresnap.analysis.unwind.unwinder import Stack, Unwinder
from coresnap.elfcore.corefile import open_core
from coresnap.model import Trust, UnwindEnd

BASE, STACK, OTHER_STACK = 0x400000, 0x7FFF0000, 0x80000000
CALL = b"\xe8\x00\x00\x00\x00"
RX, R = w.PF_R | w.PF_X, w.PF_R
RAX, RBX, RBP, RSP, RIP = 0, 3, 6, 7, 16

# 0x401000: six functions of 256 bytes, each with a call that returns to +0x20.
CODE = (b"\x90" * 0x1B + CALL + b"\x90" * 0xE0) * 6
PUSHED = bytes([0x0E, 16, 0x86, 2])  # CFA rsp+16, rbp at CFA-16
OUTERMOST = bytes([0x07, 16])


def function(number: int) -> int:
    return 0x401000 + 0x100 * number


def after_call(number: int) -> int:
    return function(number) + 0x20


COVERED = [
    Function(function(0), 0x100, PUSHED),
    Function(function(1), 0x100),
    Function(function(2), 0x100, OUTERMOST),
    Function(function(3), 0x100, bytes([0x07, 12, 0x09, 13, 14, 0x83, 0])),
    # 4 and 5 have none
]


def program(functions: Sequence[Function] = COVERED) -> bytes:
    data, size = Frames(0x404000, functions).with_table()
    return w.write_module(
        kind=w.ET_EXEC,
        segments=[
            w.Segment(BASE, flags=R, memory_size=0x1000),
            w.Segment(0x401000, CODE, flags=RX),
            w.Segment(0x404000, data, flags=R),
            w.Segment(0x404000, data[:size], flags=R, type=w.PT_GNU_EH_FRAME),
        ],
    )


def unwind(
    tmp_path: Path,
    stack: Sequence[int],
    *,
    functions: Sequence[Function] = COVERED,
    frame_limit: int = 100,
    entry: int = 0,
    **registers: int,
) -> Stack:
    path = tmp_path / "prog"
    image = program(functions)
    path.write_bytes(image)
    name = str(path).encode()
    words = w.X86_64.pack("P" * len(stack), *stack)
    files = [
        (BASE, BASE + 0x1000, 0, name),
        (0x401000, 0x402000, 1, name),
        (0x404000, 0x405000, 4, name),
    ]
    registers = {"rsp": STACK, **registers}
    data = w.write_core(
        notes=[
            w.prstatus(w.X86_64, tid=1, signal=11, registers=registers),
            w.auxv(w.X86_64, {9: entry} if entry else {}),
            w.mapped_files(w.X86_64, files),
        ],
        segments=[
            w.Segment(BASE, image[:0x1000], flags=R),
            w.Segment(0x401000, flags=RX, memory_size=0x1000),
            w.Segment(0x404000, flags=R, memory_size=0x1000),
            w.Segment(STACK, words),
            w.Segment(OTHER_STACK, bytes(64)),
        ],
    )
    core = tmp_path / "core"
    core.write_bytes(data)
    with open_core(core) as opened:
        unwinder = Unwinder(opened, frame_limit=frame_limit)
        return unwinder.unwind(opened.threads[0].registers)


def shape(stack: Stack) -> list[tuple[int, Trust]]:
    return [(frame.pc, frame.trust) for frame in stack.frames]


def test_cfi_leads_to_the_function_without_a_caller(tmp_path: Path) -> None:
    stack = unwind(
        tmp_path,
        [0xBBBB, after_call(1), after_call(2)],
        rip=function(0) + 4,
        rbp=0x1234,
        rax=7,
        rbx=8,
    )
    assert shape(stack) == [
        (function(0) + 4, Trust.CONTEXT),
        (after_call(1), Trust.CFI),
        (after_call(2), Trust.CFI),
    ]
    assert stack.end is UnwindEnd.OUTERMOST
    first, second, _ = stack.frames
    assert (first.cfa, second.cfa) == (STACK + 16, STACK + 24)
    assert first.registers[RAX] == 7
    assert second.registers == {
        **{n: 0 for n in (12, 13, 14, 15)},
        RBX: 8,
        RBP: 0xBBBB,
        RSP: STACK + 16,
        RIP: after_call(1),
    }


def test_registers_that_cfi_moves_or_loses_are_followed(tmp_path: Path) -> None:
    stack = unwind(
        tmp_path,
        [after_call(2), 0xBB],
        rip=function(3),
        r12=12,
        r13=13,
        r14=14,
    )
    caller = stack.frames[1].registers
    assert 12 not in caller
    assert (caller[RBX], caller[13], caller[14]) == (0xBB, 14, 14)


def test_a_zero_return_address_ends_the_stack(tmp_path: Path) -> None:
    stack = unwind(tmp_path, [0], rip=function(1))
    assert shape(stack) == [(function(1), Trust.CONTEXT)]
    assert stack.end is UnwindEnd.ZERO_RETURN_ADDRESS


def test_a_stack_that_is_not_in_the_core_ends_it(tmp_path: Path) -> None:
    stack = unwind(tmp_path, [], rip=function(1), rsp=0x1000)
    assert (len(stack.frames), stack.end) == (1, UnwindEnd.UNREADABLE)


def test_a_long_stack_loses_its_middle(tmp_path: Path) -> None:
    words = [*[after_call(1)] * 50, after_call(2)]
    stack = unwind(tmp_path, words, rip=function(1), frame_limit=20)
    whole = unwind(tmp_path, words, rip=function(1))
    assert (len(whole.frames), whole.left_out, whole.gap) == (52, 0, 0)
    assert (stack.left_out, stack.gap) == (32, 18)
    kept = [*whole.frames[:18], *whole.frames[-2:]]
    assert [frame.cfa for frame in stack.frames] == [frame.cfa for frame in kept]
    assert stack.end is whole.end is UnwindEnd.OUTERMOST


@pytest.mark.parametrize("limit", [2, 9, 10, 51, 52, 53])
def test_no_more_frames_than_the_limit_are_kept(tmp_path: Path, limit: int) -> None:
    words = [*[after_call(1)] * 50, after_call(2)]
    stack = unwind(tmp_path, words, rip=function(1), frame_limit=limit)
    assert len(stack.frames) == min(limit, 52)
    assert stack.left_out == 52 - len(stack.frames)
    assert bool(stack.gap) == bool(stack.left_out)


def test_the_end_of_the_walk_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "coresnap.analysis.unwind.code.Effort", lambda: Effort(frames=5)
    )
    words = [after_call(1)] * 50
    stack = unwind(tmp_path, words, rip=function(1), frame_limit=10)
    assert (len(stack.frames), stack.left_out) == (10, 5)
    assert stack.end is UnwindEnd.FRAME_LIMIT


def test_a_loop_is_no_progress(tmp_path: Path) -> None:
    # CFA is rbp + 0, the return address at CFA - 8, rbp stays: it never moves on.
    still = bytes([0x0C, 6, 0])
    functions = [Function(function(1), 0x100, still)]
    stack = unwind(
        tmp_path,
        [after_call(1), 0x41],
        functions=functions,
        rip=function(1),
        rbp=STACK + 8,
        rsp=STACK,
    )
    assert len(stack.frames) == 2
    assert stack.end is UnwindEnd.NO_PROGRESS


def test_a_smashed_stack_gives_no_invented_frames(tmp_path: Path) -> None:
    stack = unwind(tmp_path, [0x4141414141414141] * 60, rip=function(1))
    assert shape(stack) == [(function(1), Trust.CONTEXT)]
    assert stack.end is UnwindEnd.NO_RULE


def test_behind_a_smashed_part_the_scan_goes_on(tmp_path: Path) -> None:
    words = [0x4141414141414141] * 60 + [after_call(1), after_call(2)]
    stack = unwind(tmp_path, words, rip=function(1))
    assert shape(stack)[1:] == [
        (after_call(1), Trust.SCAN),
        (after_call(2), Trust.CFI),
    ]


def test_without_cfi_the_frame_pointer_leads_on(tmp_path: Path) -> None:
    words = [1, 2, STACK + 48, after_call(5), 3, 4, 0x99, after_call(2)]
    stack = unwind(tmp_path, words, rip=function(4), rbp=STACK + 16)
    assert shape(stack) == [
        (function(4), Trust.CONTEXT),
        (after_call(5), Trust.FRAME_POINTER),
        (after_call(2), Trust.FRAME_POINTER),
    ]
    assert stack.frames[1].registers == {
        RIP: after_call(5),
        RSP: STACK + 32,
        RBP: STACK + 48,
    }
    assert stack.frames[0].cfa is None


@pytest.mark.parametrize("rbp", [0, STACK - 8, STACK + 17, STACK + (1 << 25)], ids=hex)
def test_a_frame_pointer_that_points_nowhere_is_not_followed(
    tmp_path: Path, rbp: int
) -> None:
    words = [1, 2, 3, after_call(2)]
    stack = unwind(tmp_path, words, rip=function(4), rbp=rbp)
    assert shape(stack)[1:] == [(after_call(2), Trust.SCAN)]


def test_only_words_behind_a_call_are_return_addresses(tmp_path: Path) -> None:
    words = [function(2), function(2) + 0x21, 0x404000, STACK, after_call(2)]
    stack = unwind(tmp_path, words, rip=function(4))
    assert shape(stack)[1:] == [(after_call(2), Trust.SCAN)]
    assert stack.frames[1].registers[RSP] == STACK + 40


def test_the_scan_has_an_end(tmp_path: Path) -> None:
    words = [7] * 5000 + [after_call(2)]
    stack = unwind(tmp_path, words, rip=function(4))
    assert (len(stack.frames), stack.end) == (1, UnwindEnd.NO_RULE)


@pytest.mark.parametrize("pc", [0, 0x1234, 0x4141414141414141, STACK], ids=hex)
def test_a_call_through_a_bad_pointer_keeps_all_registers(
    tmp_path: Path, pc: int
) -> None:
    words = [after_call(0), 0x77, after_call(2)]
    stack = unwind(tmp_path, words, rip=pc, rax=5, rdi=6)
    assert shape(stack) == [
        (pc, Trust.CONTEXT),
        (after_call(0), Trust.SCAN),
        (after_call(2), Trust.CFI),
    ]
    caller = stack.frames[1].registers
    assert (caller[RAX], caller[5], caller[RSP]) == (5, 6, STACK + 8)
    assert RAX not in stack.frames[2].registers


def test_the_entry_point_has_no_caller(tmp_path: Path) -> None:
    words = [after_call(1)]
    pc = function(5) + 0x30
    stack = unwind(tmp_path, words, rip=pc, entry=function(5))
    assert (len(stack.frames), stack.end) == (1, UnwindEnd.OUTERMOST)


def test_damaged_cfi_falls_back(tmp_path: Path) -> None:
    functions = [Function(function(1), 0x100, bytes([0x3F]))]
    words = [0, after_call(1)]
    stack = unwind(tmp_path, words, functions=functions, rip=function(1))
    assert shape(stack)[1:] == [(after_call(1), Trust.SCAN)]


def test_a_stack_switched_to_another_mapping_may_be_lower(tmp_path: Path) -> None:
    # CFA by rbx, far below: as code does that runs on a stack of its own.
    switched = bytes([0x0C, 3, 8])
    functions = [Function(function(1), 0x100, switched), *COVERED[2:3]]
    stack = unwind(
        tmp_path,
        [after_call(2)],
        functions=functions,
        rip=function(1),
        rbx=STACK,
        rsp=OTHER_STACK,
    )
    assert shape(stack)[1:] == [(after_call(2), Trust.CFI)]


def test_guessing_ends_when_its_budget_is_spent(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A stack full of return addresses into code that nothing tells about."""
    words = [after_call(4), 1] * 400
    free = unwind(tmp_path, words, rip=function(4), functions=[])
    assert len(free.frames) == 100
    monkeypatch.setattr(
        "coresnap.analysis.unwind.code.Effort", lambda: Effort(scans=10, code=0)
    )
    bounded = unwind(tmp_path, words, rip=function(4), functions=[])
    assert len(bounded.frames) == 11
    assert bounded.end is UnwindEnd.NO_RULE


def test_a_thread_without_registers_says_so(tmp_path: Path) -> None:
    path = tmp_path / "core"
    path.write_bytes(w.write_core(notes=[w.prstatus(w.X86_64, tid=1, registers={})]))
    with open_core(path) as core:
        stack = Unwinder(core).unwind({})
    assert (stack.frames, stack.end) == ((), UnwindEnd.NO_REGISTERS)
