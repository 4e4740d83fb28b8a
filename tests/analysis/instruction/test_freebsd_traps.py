"""What FreeBSD's si_addr means depends on the processor's trap."""

from __future__ import annotations

import pytest

from coresnap.analysis.instruction.fault import Fault
from coresnap.analysis.instruction.freebsd_traps import exception_of
from coresnap.analysis.instruction.machine import Machine, Trap
from coresnap.analysis.signals import explain_signal

from .assembling import architecture

PC, FAR = 0x201000, 0x5A5A_5A5A_5A5A_5A5A
PROTECTION, PAGE, STACK = 9, 12, 27
OBJECT, ADDRESS = 3, 2


def fault(address: int, trap: int | None, code: int = OBJECT, pc: int = PC) -> Fault:
    known = architecture("x86-64")
    machine = Machine(known, {known.program_counter: pc})
    signal = explain_signal("FreeBSD", 10, code, address, trap=trap)
    return Fault(signal, machine, trap=Trap(exception_of(trap)))


@pytest.mark.parametrize("code", [OBJECT, ADDRESS])
@pytest.mark.parametrize("trap", [PROTECTION, STACK])
def test_of_other_traps_than_page_faults_it_is_the_instruction(
    trap: int, code: int
) -> None:
    assert fault(PC, trap, code).kernel_address is None


def test_a_release_without_the_trap_says_so_by_the_code_alone() -> None:
    assert fault(PC, None).kernel_address is None
    assert fault(0x1234, None).kernel_address == 0x1234


def test_a_jump_to_what_is_no_address_has_that_as_the_instruction() -> None:
    assert fault(FAR, PROTECTION, pc=FAR).kernel_address == FAR


def test_of_a_page_fault_it_is_the_page_also_where_the_instruction_is_in_it() -> None:
    assert fault(PC, PAGE).kernel_address == PC
    assert fault(0x8263B8000, PAGE).kernel_address == 0x8263B8000


def test_traps_have_the_processors_numbers() -> None:
    known = {trap: exception_of(trap) for trap in (1, 3, 9, 12, 18, 29)}
    assert known == {1: 6, 3: 3, 9: 13, 12: 14, 18: 0, 29: 19}
    assert exception_of(None) is None
    assert exception_of(99) is None
