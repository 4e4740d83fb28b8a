"""Which memory is searched, and in which order."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

import msgspec
from classify.cases import FakeCore
from classify.heaps import heaps

from coresnap.analysis.aliases.regions import LiveRegions, Region
from coresnap.analysis.unwind.stack import Stack, StackFrame
from coresnap.elfcore.memory import Memory
from coresnap.elfcore.registers import architecture_of
from coresnap.model import Block, Mapping, Trust, UnwindEnd

RSP = 7
DATA = Mapping(0x404000, 0x405000, "rw-")
TEXT = Mapping(0x400000, 0x402000, "r-x")
HEAP = Mapping(0x5000_0000, 0x5002_0000, "rw-")
OTHER = Mapping(0x6000_0000, 0x6001_0000, "rw-")
THREAD = Mapping(0x7000_0000, 0x7080_0000, "rw-")
STACK = Mapping(0x7FFF_0000_0000, 0x7FFF_0002_0000, "rw-")
ALL = (TEXT, DATA, HEAP, OTHER, THREAD, STACK)


class Module(msgspec.Struct):
    start: int
    end: int


class Raw(msgspec.Struct):
    registers: dict[int, int]


def regions(
    *pointers: int,
    near: int = 0,
    stacks: tuple[Stack, ...] = (),
    blocks: Sequence[Block] = (),
) -> list[Region]:
    core = FakeCore(
        Memory(memoryview(b""), (), 8, "little", ALL),
        architecture_of(62, 8, "little"),
        modules=(Module(0x400000, 0x405000),),
        threads=[Raw({RSP: pointer}) for pointer in pointers],
    )
    return LiveRegions(cast(Any, core), stacks, heaps(*blocks)).nearest_to(near)


def test_stacks_come_first_and_only_what_is_in_use_of_them() -> None:
    found = regions(STACK.end - 0x800, THREAD.end - 0x100)
    assert found[:2] == [
        Region(STACK.end - 0x800, STACK.end),
        Region(THREAD.end - 0x100, THREAD.end),
    ]


def test_data_of_modules_then_what_is_nearest() -> None:
    found = regions(STACK.end - 0x800, near=OTHER.start + 0x20)
    assert [one.start for one in found[1:]] == [
        DATA.start,
        OTHER.start,
        HEAP.start,
        THREAD.start,
    ]


def test_what_nobody_can_write_is_not_searched() -> None:
    assert TEXT.start not in [one.start for one in regions()]


def test_the_stack_that_a_signal_interrupted_is_in_use_too() -> None:
    handler = StackFrame(1, 1, None, {RSP: OTHER.end - 0x100}, Trust.CFI, True, None)
    main = StackFrame(2, 2, None, {RSP: STACK.end - 0x900}, Trust.CFI, False, None)
    stack = Stack((handler, main), UnwindEnd.OUTERMOST)
    found = regions(OTHER.end - 0x100, stacks=(stack,))
    assert found[:2] == [
        Region(OTHER.end - 0x100, OTHER.end),
        Region(STACK.end - 0x900, STACK.end),
    ]


def test_a_coroutine_in_the_heap_does_not_hide_what_lies_below_it() -> None:
    block = Block(HEAP.start + 0x8000, 0x4000, "live", "glibc")
    found = regions(block.address + 0x3F00, blocks=[block])
    assert found[0] == Region(HEAP.start, HEAP.end)


def test_a_stack_pointer_that_leads_nowhere_is_no_stack() -> None:
    assert len(regions(0x1234, TEXT.start + 8)) == len(regions())
