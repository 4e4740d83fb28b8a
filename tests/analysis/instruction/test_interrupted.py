"""Signal frames: what the kernel left there, for machines that are not at hand."""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Any, cast

import attrs
import pytest

from coresnap.analysis.instruction.fault import Fault
from coresnap.analysis.instruction.find import find_fault
from coresnap.analysis.instruction.machine import Trap
from coresnap.analysis.signals import explain_signal
from coresnap.analysis.unwind.stack import Stack, StackFrame
from coresnap.elfcore.elfheader import ProgramHeader
from coresnap.elfcore.facts import CoreThread, ProcessInfo, SignalInfo
from coresnap.elfcore.memory import Memory
from coresnap.elfcore.registers import Architecture
from coresnap.model import Mapping, Trust, UnwindEnd

from .assembling import architecture

SP, CODE = 0x7FF0_0000, 0x401000
MAPPINGS = (Mapping(CODE, CODE + 0x1000, "r-x", 0, "/bin/x"),)


@attrs.frozen
class Core:
    """As much of a core as is asked for."""

    memory: Memory
    architecture: Architecture
    threads: tuple[CoreThread, ...]
    signal: SignalInfo
    system: str = "Linux"
    process: ProcessInfo = attrs.Factory(lambda: ProcessInfo(1))


def siginfo(size: int, number: int, code: int, address: int) -> bytes:
    head = struct.pack("<iii", number, 0, code)
    word = struct.pack("<Q" if size == 8 else "<I", address)
    return (head.ljust(16 if size == 8 else 12, b"\0") + word).ljust(128, b"\0")


def handled(
    name: str,
    frame: bytes,
    code: bytes,
    registers: dict[str, int],
    system: str = "Linux",
) -> Fault | None:
    """What is found where a process aborted in a handler with ``frame`` at SP."""
    known = architecture(name)
    loads = [
        ProgramHeader(1, 6, 0, SP, len(frame), len(frame), 1),
        ProgramHeader(1, 5, len(frame), CODE, len(code), len(code), 1),
    ]
    size = known.pointer_size
    memory = Memory(memoryview(frame + code), loads, size, "little", MAPPINGS)
    numbers = known.numbers

    def stack_frame(values: dict[int, int], *, signal: bool = False) -> StackFrame:
        return StackFrame(0, 0, None, values, Trust.CFI, signal, None)

    values = {numbers[n]: v for n, v in registers.items()}
    values[known.program_counter] = CODE
    frames = (
        stack_frame({known.stack_pointer: SP - 64}),
        stack_frame({known.stack_pointer: SP}, signal=True),
        stack_frame(values),
    )
    thread = CoreThread(1, {known.program_counter: 0, known.stack_pointer: 0}, 6)
    code_number = -6 if system == "Linux" else 0x10007
    info = SignalInfo(6, code_number, None, 1, 0)
    core = Core(memory, known, (thread,), info, system)
    signal = explain_signal(system, 6, code_number, None, (1, 0))
    return find_fault(cast(Any, core), signal, (Stack(frames, UnwindEnd.OUTERMOST),))


def x86_64(info: bytes, trap: Trap) -> bytes:
    context = bytearray(304)
    struct.pack_into("<QQ", context, 192, trap.error or 0, trap.number or 0)
    struct.pack_into("<Q", context, 216, trap.address or 0)
    return bytes(context) + info


STORE = bytes.fromhex("8807")  # mov [rdi], al
PAGE_FAULT = Trap(14, 6, 0x1234)


def test_siginfo_and_trap_are_read_where_the_handler_asked_for_them() -> None:
    frame = x86_64(siginfo(8, 11, 1, 0x1234), PAGE_FAULT)
    found = handled("x86-64", frame, STORE, {"rdi": 0x1234})
    assert found is not None
    assert (found.frame, found.signal.code_name) == (2, "SEGV_MAPERR")
    assert found.trap.kind == "write"
    assert found.access is not None
    assert found.access.address == 0x1234


def test_without_siginfo_the_trap_tells_if_the_instruction_agrees() -> None:
    frame = x86_64(bytes(128), PAGE_FAULT)
    found = handled("x86-64", frame, STORE, {"rdi": 0x1234})
    assert found is not None
    assert found.signal.code_name == "SEGV_MAPERR"
    protected = x86_64(bytes(128), Trap(14, 7, 0x1234))
    found = handled("x86-64", protected, STORE, {"rdi": 0x1234})
    assert found is not None
    assert found.signal.code_name == "SEGV_ACCERR"


def test_a_trap_of_another_moment_is_not_believed() -> None:
    # cr2 is of an older fault: an alarm interrupted this one.
    stale = x86_64(bytes(128), Trap(14, 6, 0x9999))
    assert handled("x86-64", stale, STORE, {"rdi": 0x1234}) is None
    # The siginfo's place holds an older siginfo.
    old = x86_64(siginfo(8, 11, 1, 0x5555), Trap(14, 6, 0x9999))
    assert handled("x86-64", old, STORE, {"rdi": 0x1234}) is None


def test_a_siginfo_and_a_trap_of_one_older_fault_are_not_believed() -> None:
    # Both are stale in the same way: the instruction is elsewhere.
    frame = x86_64(siginfo(8, 11, 1, 0x5555), Trap(14, 6, 0x5555))
    assert handled("x86-64", frame, STORE, {"rdi": 0x1234}) is None
    divided = x86_64(siginfo(8, 8, 1, CODE), Trap(0, 0, 0))
    assert handled("x86-64", divided, STORE, {"rdi": 0x1234}) is None
    assert handled("x86-64", divided, bytes.fromhex("f7f9"), {}) is not None


def test_exceptions_without_siginfo_are_proved_by_the_instruction() -> None:
    table = {0: ("f7f9", "SIGFPE"), 6: ("0f0b", "SIGILL"), 13: ("8807", "SIGSEGV")}
    far = {"rdi": 0x4141_4141_4141_4141}
    for number, (code, name) in table.items():
        frame = x86_64(bytes(128), Trap(number, 0, 0))
        found = handled("x86-64", frame, bytes.fromhex(code), far)
        assert found is not None
        assert found.signal.name == name
        assert handled("x86-64", frame, bytes.fromhex("90"), far) is None


@pytest.mark.parametrize("code", [0, -6, -1])
def test_a_signal_that_was_sent_interrupted_nothing_bad(code: int) -> None:
    frame = x86_64(siginfo(8, 11, code, 77), Trap(0, 0, 0))
    assert handled("x86-64", frame, STORE, {"rdi": 0x1234}) is None


def test_i386_has_pointers_to_both() -> None:
    frame = bytearray(512)
    struct.pack_into("<III", frame, 0, 11, SP + 16, SP + 160)
    frame[16:144] = siginfo(4, 11, 2, 0x1234)
    struct.pack_into("<II", frame, 160 + 68, 14, 7)
    struct.pack_into("<I", frame, 160 + 104, 0x1234)
    found = handled("i386", bytes(frame), STORE, {"edi": 0x1234})
    assert found is not None
    assert (found.signal.code_name, found.trap.kind) == ("SEGV_ACCERR", "write")


def test_aarch64_has_the_syndrome_in_a_record() -> None:
    frame = bytearray(304 + 288 + 64)
    frame[:128] = siginfo(8, 11, 1, 0x1234)
    struct.pack_into("<Q", frame, 304, 0x1234)
    struct.pack_into("<IIQQ", frame, 304 + 288, 0x46508001, 24, 0, 0)
    struct.pack_into("<IIQ", frame, 304 + 288 + 24, 0x45535201, 16, 0x92000045)
    store = bytes.fromhex("200000f9")  # str x0, [x1]
    found = handled("aarch64", bytes(frame), store, {"x1": 0x1234})
    assert found is not None
    assert found.trap.kind == "write"
    assert found.access is not None
    assert found.access.kind == "write"


def test_a_frame_that_is_cut_tells_nothing() -> None:
    frame = x86_64(siginfo(8, 11, 1, 0x1234), PAGE_FAULT)[:250]
    assert handled("x86-64", frame, STORE, {"rdi": 0x1234}) is None


# --- FreeBSD ------------------------------------------------------------------


def freebsd_siginfo(number: int, code: int, address: int, trap: int) -> bytes:
    head = struct.pack("<iiiiIi", number, 0, code, 0, 0, 0)
    return (head + struct.pack("<QQi", address, 0, trap)).ljust(80, b"\0")


def amd64(info: bytes, trap: int, error: int, address: int) -> bytearray:
    """struct sigframe of sys/x86/include/sigframe.h."""
    frame = bytearray(976)
    struct.pack_into("<I", frame, 32 + 128, trap)
    struct.pack_into("<Q", frame, 32 + 136, address)
    struct.pack_into("<Q", frame, 32 + 152, error)
    frame[896:976] = info
    return frame


def test_the_frame_of_freebsd_has_siginfo_trap_and_address() -> None:
    frame = amd64(freebsd_siginfo(11, 1, 0x1234, 12), 12, 6, 0x1234)
    found = handled("x86-64", bytes(frame), STORE, {"rdi": 0x1234}, "FreeBSD")
    assert found is not None
    assert (found.frame, found.signal.code_name) == (2, "SEGV_MAPERR")
    assert (found.trap.number, found.trap.kind) == (14, "write")


def test_its_general_protection_fault_names_no_address_of_data() -> None:
    far = 0x4141_4141_4141_4141
    frame = amd64(freebsd_siginfo(10, 3, CODE, 9), 9, 0, 0)
    found = handled("x86-64", bytes(frame), STORE, {"rdi": far}, "FreeBSD")
    assert found is not None
    assert found.kernel_address is None
    assert found.address == far
    assert "general protection" in found.signal.description


def test_its_exceptions_without_siginfo_are_proved_by_the_instruction() -> None:
    table = {18: ("f7f9", 2), 1: ("0f0b", 5), 9: ("8807", 3)}
    far = {"rdi": 0x4141_4141_4141_4141}
    for number, (code, told) in table.items():
        frame = bytes(amd64(bytes(80), number, 0, 0))
        found = handled("x86-64", frame, bytes.fromhex(code), far, "FreeBSD")
        assert found is not None
        assert found.signal.code == told
        nop = bytes.fromhex("90")
        assert handled("x86-64", frame, nop, far, "FreeBSD") is None


@pytest.mark.parametrize("code", [0x10001, 0x10002, 0x10007])
def test_a_signal_sent_on_freebsd_interrupted_nothing_bad(code: int) -> None:
    frame = amd64(freebsd_siginfo(11, code, 0x1234, 0), 0, 0, 0)
    assert handled("x86-64", bytes(frame), STORE, {"rdi": 0x1234}, "FreeBSD") is None


def test_the_frame_of_freebsd_on_i386_has_pointers() -> None:
    frame = bytearray(736)
    struct.pack_into("<IIII", frame, 0, 11, SP + 672, SP + 32, 0x1234)
    struct.pack_into("<II", frame, 32 + 16 + 52, 12, 7)
    info = struct.pack("<iiiiIiIIi", 11, 0, 2, 0, 0, 0, 0x1234, 0, 12)
    frame[672:736] = info.ljust(64, b"\0")
    found = handled("i386", bytes(frame), STORE, {"edi": 0x1234}, "FreeBSD")
    assert found is not None
    assert (found.signal.code_name, found.trap.kind) == ("SEGV_ACCERR", "write")


def test_the_frame_of_freebsd_on_arm64_may_have_the_syndrome() -> None:
    frame = bytearray(80 + 880)
    frame[:80] = freebsd_siginfo(11, 1, 0x1234, 0)
    store = bytes.fromhex("200000f9")  # str x0, [x1]
    found = handled("aarch64", bytes(frame), store, {"x1": 0x1234}, "FreeBSD")
    assert found is not None
    assert found.trap.kind is None
    struct.pack_into("<I", frame, 96 + 800, 2)
    struct.pack_into("<Q", frame, 96 + 816, 0x92000045)
    found = handled("aarch64", bytes(frame), store, {"x1": 0x1234}, "FreeBSD")
    assert found is not None
    assert found.trap.kind == "write"


# --- handlers that returned ---------------------------------------------------


def raised_again(system: str, frame: bytes, sp: int, sender: int = 1) -> Fault | None:
    """What is found where a handler sent SIGSEGV again and returned; its ``frame`` lies
    at SP, below the stack pointer of the code that failed."""
    known = architecture("x86-64")
    memory_bytes = frame.ljust(sp - SP + 64, b"\0")
    loads = [
        ProgramHeader(1, 6, 0, SP, len(memory_bytes), len(memory_bytes), 1),
        ProgramHeader(1, 5, len(memory_bytes), CODE, 2, 2, 1),
    ]
    stack = Mapping(SP, SP + len(memory_bytes), "rw-")
    data = memoryview(memory_bytes + STORE)
    memory = Memory(data, loads, 8, "little", (*MAPPINGS, stack))
    values = {
        known.program_counter: CODE,
        known.stack_pointer: sp,
        known.numbers["rdi"]: 0x1234,
    }
    code = -6 if system == "Linux" else 0x10007
    info = SignalInfo(11, code, None, sender, 0)
    core = Core(memory, known, (CoreThread(1, values, 11),), info, system)
    signal = explain_signal(system, 11, code, None, (sender, 0))
    frames = (StackFrame(0, 0, None, values, Trust.CONTEXT, False, None),)
    return find_fault(cast(Any, core), signal, (Stack(frames, UnwindEnd.OUTERMOST),))


def freebsd_left(sp: int, pc: int = CODE) -> bytes:
    frame = amd64(freebsd_siginfo(11, 1, 0x1234, 12), 12, 6, 0x1234)
    struct.pack_into("<Q", frame, 32 + 160, pc)
    struct.pack_into("<Q", frame, 32 + 184, sp)
    return bytes(frame)


def linux_left(sp: int, pc: int = CODE) -> bytes:
    frame = bytearray(x86_64(siginfo(8, 11, 1, 0x1234), PAGE_FAULT))
    struct.pack_into("<QQ", frame, 160, sp, pc)
    return bytes(frame)


@pytest.mark.parametrize(
    ("system", "left"), [("FreeBSD", freebsd_left), ("Linux", linux_left)]
)
def test_a_signal_that_was_sent_again_does_not_hide_the_fault(
    system: str, left: Callable[..., bytes]
) -> None:
    sp = SP + 0x1100
    found = raised_again(system, left(sp), sp)
    assert found is not None
    assert (found.frame, found.signal.code_name) == (0, "SEGV_MAPERR")
    assert (found.address, found.trap.kind) == (0x1234, "write")

    # Of another place, or another stack, and one that another process sent.
    assert raised_again(system, left(sp, CODE + 2), sp) is None
    assert raised_again(system, left(sp + 8), sp) is None
    assert raised_again(system, left(sp), sp, sender=2) is None
