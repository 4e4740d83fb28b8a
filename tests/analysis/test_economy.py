"""What a snapshot leaves out, in which order, and that it says so."""

from __future__ import annotations

from collections import Counter

import pytest

import coresnap
from conftest import CompileProgram, KernelCore
from coresnap.analysis.reading_order import EXAMPLES, reading_order
from coresnap.analysis.unwind.stack import Stack, StackFrame
from coresnap.model import Snapshot, Trust, UnwindEnd
from coresnap.snapshot.container import pack_snapshot

WORKERS = 100
DEPTH = 2000


def stack(*pcs: int) -> Stack:
    frames = tuple(
        StackFrame(pc, pc, None, {}, Trust.CFI, signal_frame=False, module=None)
        for pc in pcs
    )
    return Stack(frames, UnwindEnd.OUTERMOST)


def test_one_of_each_stack_is_read_before_the_second_of_any() -> None:
    order = reading_order([stack(9), stack(1), stack(1), stack(2), stack(9)])
    assert order.whole == (0, 1, 3, 2, 4)
    assert order.alike == {}


def test_more_of_one_stack_than_examples_are_like_the_first() -> None:
    order = reading_order([stack(5), *[stack(1, 2)] * (EXAMPLES + 2)])
    assert len(order.whole) == EXAMPLES + 1
    assert order.alike == {EXAMPLES + 1: 1, EXAMPLES + 2: 1}


def test_a_stack_is_shortened_in_its_middle_and_again() -> None:
    long = stack(*range(1000))
    once = long.shortened(100)
    assert [f.pc for f in once.frames] == [*range(90), *range(990, 1000)]
    assert (once.left_out, once.gap, once.end) == (900, 90, long.end)
    twice = once.shortened(20)
    assert [f.pc for f in twice.frames] == [*range(18), 998, 999]
    assert (twice.left_out, twice.gap) == (980, 18)
    assert long.shortened(1000) is long


def test_stacks_that_lost_different_middles_are_not_alike() -> None:
    stacks = [stack(*range(n), 9999).shortened(10) for n in (50, 51)]
    order = reading_order([*stacks, *[stacks[0]] * EXAMPLES])
    assert order.alike == {EXAMPLES + 1: 0}


@pytest.fixture
def crowd(compile_program: CompileProgram, kernel_core: KernelCore) -> Snapshot:
    program = compile_program("crowd.c", "-g", "-O0", libraries=["-pthread"])
    core = kernel_core([program, str(WORKERS), str(DEPTH)])
    return coresnap.analyze(core)


def counts(snapshot: Snapshot) -> Counter[str]:
    total: Counter[str] = Counter()
    for one in snapshot.dropped:
        total[one.what] += one.count
    return total


@pytest.mark.compiler
@pytest.mark.core_pattern
@pytest.mark.libdw
def test_threads_at_one_place_are_kept_as_examples_and_the_rest_is_told(
    crowd: Snapshot,
) -> None:
    alike = [thread for thread in crowd.threads if thread.like is not None]
    whole = [thread for thread in crowd.threads if thread.like is None]
    assert len(crowd.threads) == WORKERS + 1
    assert len(alike) == WORKERS - EXAMPLES == counts(crowd)["threads"]
    (like,) = {thread.like for thread in alike}
    example = next(thread for thread in whole if thread.tid == like)
    for thread in alike:
        assert [f.function for f in thread.frames] == [
            f.function for f in example.frames
        ]
        assert thread.registers["rsp"] != example.registers["rsp"]
    numbers = {value(t.frames, "number") for t in whole[1:]}
    assert len(numbers) == EXAMPLES  # each whole thread has its own variables


def value(frames: tuple[coresnap.model.Frame, ...], name: str) -> object:
    found = (v for f in frames for v in f.variables if v.name == name)
    return next(found).value


@pytest.mark.compiler
@pytest.mark.core_pattern
@pytest.mark.libdw
def test_a_long_recursion_keeps_the_variables_of_its_ends(crowd: Snapshot) -> None:
    frames = crowd.threads[0].frames
    read = [f for f in frames if f.function == "recurse" and f.variables]
    depths = [value((frame,), "depth") for frame in read]
    assert depths[0] == 0
    assert depths[-1] == DEPTH
    assert len(frames) > DEPTH
    assert len(read) < len(frames) / 4
    unread = sum(f.function == "recurse" and not f.variables for f in frames)
    assert counts(crowd)["variables"] == 2 * unread


@pytest.mark.compiler
@pytest.mark.core_pattern
@pytest.mark.libdw
def test_what_a_variable_points_at_is_there_for_a_hex_view(crowd: Snapshot) -> None:
    (note,) = [
        v for f in crowd.threads[0].frames for v in f.variables if v.name == "note"
    ]
    assert note.text == "in the heap, far from any register"
    assert isinstance(note.value, int)
    around = range(note.value - 16, note.value + 16)
    kept = [range(r.address, r.address + len(r.data)) for r in crowd.memory]
    assert any(around[0] in one and around[-1] in one for one in kept)


@pytest.mark.compiler
@pytest.mark.core_pattern
@pytest.mark.libdw
def test_a_snapshot_grows_little_with_threads_that_are_like_others(
    compile_program: CompileProgram, kernel_core: KernelCore
) -> None:
    program = compile_program("crowd.c", "-g", "-O0", libraries=["-pthread"])
    few, many = (
        len(pack_snapshot(coresnap.analyze(kernel_core([program, n, "1"]))))
        for n in (str(EXAMPLES), str(EXAMPLES + 200))
    )
    assert many - few < 200 * 600
