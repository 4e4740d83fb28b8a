"""Message buffers: the right boot's panic, the trap's report, printed stacks."""

from __future__ import annotations

import pytest

import kernel_panics as panics
from coresnap.analysis.kernel.backtrace import read_backtrace
from coresnap.analysis.kernel.case import case_of
from coresnap.analysis.kernel.message_buffer import find_panic, message_lines
from coresnap.model import Trust


def test_only_the_last_boot_counts() -> None:
    old = "panic: of yesterday\n---<<BOOT>>---\nCopyright (c) 1992-2023\n"

    assert case_of(old + panics.PROTECTION_FAULT).text == "general protection fault"
    assert case_of(old).panic.text is None


def test_priorities_and_times_are_no_part_of_a_line() -> None:
    lines = message_lines("<118>[12] a\n[3.5] b\n<6>c\n[x] d\n")

    assert lines == ["a", "b", "c", "[x] d"]


def test_of_two_panics_the_first_counts_unless_the_header_says_else() -> None:
    lines = ["panic: on a console", "panic: page fault", "panic: while panicking"]

    assert find_panic(lines).text == "on a console"
    assert find_panic(lines, "page fault").text == "page fault"


def test_a_trap_is_read_field_by_field() -> None:
    case = case_of(panics.PAGE_FAULT)

    trap = case.trap
    assert trap is not None
    assert (trap.number, trap.what, trap.mode) == (12, "page fault", "kernel")
    assert (trap.address, trap.access, trap.cpu) == (0x10, "read", 1)
    assert trap.instruction == 0xFFFFFFFF80D04F1B
    assert trap.stack == trap.frame == 0xFFFFFE0105A74DC0
    assert trap.process is not None
    assert (trap.process.pid, trap.process.name) == (15, "usbus2: lab")
    assert trap.registers["rdi"] == 0xFFFFF802B1ED8000
    assert trap.registers["rbx"] == 1
    assert (case.cpu, case.time) == (1, 1783376410)


def test_an_abort_of_arm64_is_read_from_its_registers() -> None:
    case = case_of("Fatal data abort:\n" + panics.DATA_ABORT)

    trap = case.trap
    assert trap is not None
    assert (trap.what, trap.address, trap.access) == ("data abort", 8, "write")
    assert trap.instruction == 0xFFFF000000812340
    assert case.stack is not None
    names = [frame.function for frame in case.stack.frames]
    assert names[:2] == ["db_trace_self", "panic"]
    assert case.stack.trapped == names.index("lab_rx")


def test_the_debuggers_stack_with_numbers() -> None:
    case = case_of(panics.PROTECTION_FAULT)

    stack = case.stack
    assert stack is not None
    frame = stack.frames[4]
    assert (frame.function, frame.function_offset) == ("lab_sysctl", 0x40)
    assert frame.pc == 0xFFFFFFFF80FB84C0
    assert frame.stack_pointer == 0xFFFFFE0061418BC0
    assert frame.trust is Trust.CONTEXT
    assert stack.frames[0].trust is Trust.FRAME_POINTER
    assert stack.trapped == 4
    assert stack.system_call == "202, FreeBSD ELF64, sys___sysctl"
    assert stack.whole


def test_the_debuggers_stack_without_numbers_ends_at_a_threads_start() -> None:
    stack = case_of(panics.PAGE_FAULT).stack

    assert stack is not None
    assert stack.frames[-1].function == "fork_trampoline"
    assert stack.frames[-1].pc == 0
    assert stack.frames[6].pc == 0xFFFFFFFF80D04F1B
    assert stack.whole
    assert stack.system_call is None


def test_the_stack_that_a_kernel_without_a_debugger_prints() -> None:
    stack = case_of(panics.PAGE_FAULT_BY_STACK).stack

    assert stack is not None
    assert [f.function for f in stack.frames][6:8] == ["lab_rx", "usb_process"]
    assert stack.frames[6].function_offset == 0x344
    assert stack.frames[6].pc == 0xFFFFFFFF821683D4
    assert not stack.whole


def test_reports_of_the_heap_have_stacks_of_their_own() -> None:
    case = case_of(panics.REDZONE)

    titles = [trace.title for trace in case.backtraces]
    assert titles == ["Allocation backtrace", "Free backtrace", "KDB: stack backtrace"]
    assert case.stack is not None
    assert case.stack.frames[2].function == "redzone_check"


@pytest.mark.parametrize(
    "line",
    ["Uptime: 3s", "", "x() at", "#0 at x+1", "() at +0x1", "--- what ---", "a at b"],
)
def test_what_is_no_frame_ends_the_stack(line: str) -> None:
    found = read_backtrace([line, "#1 0x10 at f+0x1"])

    assert found.frames == ()


def test_hostile_buffers_cost_no_more_than_their_size() -> None:
    noise = "a(" * 2000 + "\n"
    text = "KDB: stack backtrace:\n" + "#0 0x1 at f+0x1\n" * 5000 + noise * 50

    case = case_of("panic: x\n" + text * 3)

    assert case.stack is not None
    assert len(case.stack.frames) == 1024
    assert case_of("\0" * 1000).panic.text is None
