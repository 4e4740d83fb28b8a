"""Guesses on AArch64, where the return address is in a register, and elsewhere.

The x86 ones are walked end to end in ``test_unwinder.py``.
"""

from __future__ import annotations

from coresnap.analysis.unwind.call_site import follows_call
from coresnap.analysis.unwind.effort import Effort
from coresnap.analysis.unwind.fallback import Fallback
from coresnap.analysis.unwind.function_starts import FunctionStart
from coresnap.elfcore.elfheader import ProgramHeader
from coresnap.elfcore.memory import Memory
from coresnap.elfcore.modules import LoadedModule
from coresnap.elfcore.registers import Architecture, architecture_of
from coresnap.model import Mapping, Trust

CODE, STACK = 0x1000, 0x7000
SP, FP, LR, PC = 31, 29, 30, 32
BL = 0x94000001


class FakeCode:
    """Code at CODE that is all calls; nobody knows where functions begin."""

    span = CODE, CODE + 256

    def __init__(self, arch: Architecture, memory: Memory) -> None:
        self.arch, self.memory, self.code_mask = arch, memory, arch.code_mask
        self.effort = Effort()

    def is_executable(self, pc: int) -> bool:
        return CODE <= pc < CODE + 256

    def returns_to(self, value: int) -> bool:
        return self.is_executable(value) and follows_call(
            value, self.arch, self.memory, self.is_executable
        )

    def is_generated(self, pc: int) -> bool:
        return False

    def find_module(self, pc: int) -> LoadedModule | None:
        return None

    def function_start(self, pc: int) -> FunctionStart | None:
        return None


def fallback(words: list[int], machine: int = 183) -> Fallback:
    """That code, and a stack."""
    image = BL.to_bytes(4, "little") * 64
    stack = b"".join(word.to_bytes(8, "little") for word in words)
    loads = [
        ProgramHeader(1, 5, 0, CODE, len(image), len(image), 4096),
        ProgramHeader(1, 6, len(image), STACK, len(stack), len(stack), 4096),
    ]
    mappings = [
        Mapping(CODE, CODE + len(image), "r-x"),
        Mapping(STACK, STACK + len(stack), "rw-"),
    ]
    memory = Memory(memoryview(image + stack), loads, 8, "little", mappings)
    architecture = architecture_of(machine, 8, "little")
    return Fallback(
        FakeCode(architecture, memory), lambda registers: 0, lambda registers: None
    )


def test_a_wild_call_left_its_return_address_in_the_link_register() -> None:
    registers = {PC: 0, SP: STACK, LR: CODE + 16, 0: 5}
    guess = fallback([0] * 8).find(registers, interrupted=True)
    assert guess is not None
    assert (guess.trust, guess.full) == (Trust.SCAN, True)
    assert guess.registers == {**registers, PC: CODE + 16}


def test_the_frame_record_gives_the_caller_and_its_stack_pointer() -> None:
    words = [0, 0, STACK + 48, CODE + 16, 0, 0, 0, 0]
    registers = {PC: CODE, SP: STACK, FP: STACK + 16}
    guess = fallback(words).find(registers, interrupted=True)
    assert guess is not None
    assert guess.trust is Trust.FRAME_POINTER
    assert guess.registers == {PC: CODE + 16, SP: STACK + 48, FP: STACK + 48}


def test_the_end_of_the_frame_records_is_a_zero_return_address() -> None:
    registers = {PC: CODE, SP: STACK, FP: 0}
    guess = fallback([0] * 8).find(registers, interrupted=False, chained=True)
    assert guess is not None
    assert guess.registers[PC] == 0


def test_the_scan_wants_a_branch_with_link() -> None:
    words = [CODE + 2, 0x9999, CODE + 32, CODE + 64]
    guess = fallback(words).find({PC: CODE, SP: STACK}, interrupted=False)
    assert guess is not None
    assert guess.registers == {PC: CODE + 32, SP: STACK + 24}


def test_on_machines_whose_calls_are_unknown_nothing_is_guessed() -> None:
    words = [CODE + 32] * 8
    registers = {0x10000: CODE, 1: STACK, 31: STACK}
    assert fallback(words, machine=21).find(registers, interrupted=True) is None


def test_lost_registers_are_no_reason_to_fail() -> None:
    assert fallback([]).find({}, interrupted=True) is None
