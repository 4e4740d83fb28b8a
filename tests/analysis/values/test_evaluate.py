from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, cast

import attrs
import pytest

from coresnap.analysis.debuginfo.dwarf import DebugFile
from coresnap.analysis.debuginfo.records import RawOperation
from coresnap.analysis.expression import Op
from coresnap.analysis.values.evaluate import Bytes, Missing, value_bytes
from coresnap.analysis.values.frame_context import (
    CallSite,
    FrameCode,
    FrameContext,
    Machine,
)
from coresnap.analysis.values.places import (
    ConstantPlace,
    ExpressionPlace,
    NoPlace,
    RegisterPlace,
    StackPlace,
    StaticPlace,
)
from coresnap.errors import MemoryReadError

ByteOrder = Literal["little", "big"]
NO_FILE = cast(DebugFile, None)


def operation(atom: int, number: int = 0, *, block: bytes = b"") -> RawOperation:
    return RawOperation(atom, number, 0, 0, 0, block)


FBREG_BASE = (operation(Op.CALL_FRAME_CFA),)
IN_RDI = (operation(Op.REG0 + 5),)
ENTRY_RDI = (
    operation(Op.ENTRY_VALUE, block=bytes([Op.REG0 + 5])),
    operation(Op.STACK_VALUE),
)


def read_memory(address: int, size: int) -> bytes:
    if not 0x1000 <= address <= 0x2000 - size:
        raise MemoryReadError(address, size)
    return bytes((address + i) & 0xFF for i in range(size))


@attrs.define
class Stack:
    """Frames by index, for entry values and registers that nobody saved."""

    frames: list[FrameContext] = attrs.field(factory=list)
    thread_pointer: int | None = None

    def at(self, index: int) -> FrameContext | None:
        return self.frames[index] if index < len(self.frames) else None

    def untouched(self, number: int, index: int) -> int | None:
        return self.frames[0].registers.get(number)

    def add(
        self,
        registers: Mapping[int, int],
        symbol: str = "f",
        call_site: CallSite | None = None,
        byte_order: ByteOrder = "little",
    ) -> FrameContext:
        machine = Machine(8, byte_order, {3: "rbx", 5: "rdi"}, read_memory)
        code = FrameCode(
            NO_FILE, 0, 0x400000, symbol, FBREG_BASE, call_site, lambda _: 0
        )
        index = len(self.frames)
        frame = FrameContext(machine, code, dict(registers), 0x1100, self, index)
        self.frames.append(frame)
        return frame


def test_a_stack_variable_is_at_the_frame_base() -> None:
    frame = Stack().add({})
    found = value_bytes(StackPlace(-16), frame, 4)
    assert found == Bytes(read_memory(0x10F0, 4), 0x10F0)


def test_a_register_gives_its_low_bytes_and_its_name() -> None:
    frame = Stack().add({3: 0x1122334455667788})
    found = value_bytes(RegisterPlace(3), frame, 4)
    assert found == Bytes(bytes.fromhex("88776655"), None, "rbx")


def test_a_register_of_a_big_endian_machine_is_right_justified() -> None:
    frame = Stack().add({3: 0x1122334455667788}, byte_order="big")
    found = value_bytes(RegisterPlace(3), frame, 4)
    assert found == Bytes(bytes.fromhex("55667788"), None, "rbx")


def test_a_register_that_no_callee_saved_is_missing_with_its_name() -> None:
    found = value_bytes(RegisterPlace(5), Stack().add({}), 8)
    assert found == Missing("optimized out: rdi was not saved by the called function")


def test_a_register_that_outlives_the_call_is_taken_from_the_callee() -> None:
    stack = Stack()
    stack.add({5: 77})
    caller = stack.add({})
    found = value_bytes(RegisterPlace(5, survives=True), caller, 4)
    assert found == Bytes((77).to_bytes(4, "little"), None, "rdi")
    assert isinstance(value_bytes(RegisterPlace(5), caller, 4), Missing)


def test_memory_that_the_core_lacks_is_missing_with_its_address() -> None:
    found = value_bytes(StaticPlace(0x3000), Stack().add({}), 4)
    assert found == Missing("not in the core: 0x3000")


@pytest.mark.parametrize(
    ("value", "data"), [(-1, b"\xff" * 4), (5, b"\5\0\0\0"), (b"ab", b"ab\0\0")]
)
def test_a_constant_needs_no_place(value: int | bytes, data: bytes) -> None:
    found = value_bytes(ConstantPlace(value), Stack().add({}), 4)
    assert found == Bytes(data, None, "constant")


def test_the_reason_of_a_missing_place_is_kept() -> None:
    assert value_bytes(NoPlace("why"), Stack().add({}), 4) == Missing("why")


PIECES = (
    operation(Op.REG0 + 3),
    operation(Op.PIECE, 4),
    operation(Op.PIECE, 4),
)


@pytest.mark.parametrize(
    ("byte_order", "data"),
    [("little", "8877665500000000"), ("big", "5566778800000000")],
)
def test_pieces_are_put_together_and_what_is_lost_is_marked(
    byte_order: ByteOrder, data: str
) -> None:
    frame = Stack().add({3: 0x1122334455667788}, byte_order=byte_order)
    found = value_bytes(ExpressionPlace(PIECES), frame, 8)
    assert isinstance(found, Bytes)
    assert found.data == bytes.fromhex(data)
    assert found.other == bytes.fromhex(data[:8] + "ffffffff")
    assert found.location == "pieces"


def test_an_object_of_lost_pieces_is_missing() -> None:
    place = ExpressionPlace((operation(Op.PIECE, 8),))
    found = value_bytes(place, Stack().add({}), 8)
    assert found == Missing("optimized out: all pieces of it")


def call_of(callee: str | None, *value: RawOperation) -> CallSite:
    return CallSite(callee, None, {5: value}, {})


def test_an_entry_value_is_computed_in_the_caller() -> None:
    stack = Stack()
    frame = stack.add({}, "callee")
    stack.add({3: 41}, "caller", call_of("callee", operation(Op.BREG0 + 3, 1)))
    found = value_bytes(ExpressionPlace(ENTRY_RDI), frame, 4)
    assert found == Bytes((42).to_bytes(4, "little"), None, "computed")


@pytest.mark.parametrize("callee", ["another", None])
def test_an_entry_value_is_not_taken_from_a_call_of_another_function(
    callee: str | None,
) -> None:
    # A tail call: the caller called a function that jumped to this one.
    stack = Stack()
    frame = stack.add({}, "callee")
    stack.add({3: 41}, "caller", call_of(callee, operation(Op.BREG0 + 3, 1)))
    found = value_bytes(ExpressionPlace(ENTRY_RDI), frame, 4)
    assert found == Missing("optimized out: the caller does not say what it passed")


def test_entry_values_that_need_entry_values_end() -> None:
    stack = Stack()
    for _ in range(100):
        stack.add({}, "f", call_of("f", *ENTRY_RDI[:1]))
    found = value_bytes(ExpressionPlace(ENTRY_RDI), stack.frames[0], 4)
    assert isinstance(found, Missing)


def test_a_call_through_a_pointer_counts_if_the_pointer_survived() -> None:
    stack = Stack()
    frame = stack.add({}, "callee")
    target = (operation(Op.BREG0 + 3),)
    site = CallSite(None, target, {5: (operation(Op.LIT0 + 9),)}, {})
    stack.add({3: frame.code.start}, "caller", site)
    found = value_bytes(ExpressionPlace(ENTRY_RDI), frame, 4)
    assert found == Bytes((9).to_bytes(4, "little"), None, "computed")
