"""Faults of fetching code, told from faults of data close to it."""

from __future__ import annotations

from typing import Any, cast

import attrs
import pytest

from coresnap.analysis.instruction.fault import Fault
from coresnap.analysis.instruction.find import find_fault
from coresnap.analysis.signals import explain_signal
from coresnap.elfcore.elfheader import ProgramHeader
from coresnap.elfcore.facts import CoreThread, SignalInfo
from coresnap.elfcore.memory import Memory
from coresnap.elfcore.registers import Architecture
from coresnap.model import Mapping

from .assembling import architecture

PAGE = 0x402000


@attrs.frozen
class Core:
    """As much of a core as is asked for."""

    memory: Memory
    architecture: Architecture
    threads: tuple[CoreThread, ...]
    signal: SignalInfo
    system: str = "Linux"


def faulted(
    code: str, pc: int, address: int, code_number: int = 1, name: str = "x86-64"
) -> Fault | None:
    """A fault at ``pc``, whose code ends before PAGE or goes on behind it."""
    known, data = architecture(name), bytes.fromhex(code)
    mapping = Mapping(PAGE - 0x1000, PAGE, "r-x", 0, "/bin/x")
    loads = [ProgramHeader(1, 5, 0, pc, len(data), len(data), 1)]
    memory = Memory(memoryview(data), loads, 8, "little", (mapping,))
    numbers = known.numbers
    registers = {known.program_counter: pc, numbers.get("rax", 0): PAGE}
    thread = CoreThread(1, registers, 11)
    info = SignalInfo(11, code_number, address)
    core = Core(memory, known, (thread,), info)
    signal = explain_signal("Linux", 11, code_number, address)
    return find_fault(cast(Any, core), signal, ())


def kind(found: Fault | None) -> str | None:
    assert found is not None
    return None if found.access is None else found.access.kind


def test_an_instruction_that_goes_on_in_a_page_without_code() -> None:
    # movabs rax, … has ten bytes, four of which are before the page.
    found = faulted("48b80000", PAGE - 4, PAGE)
    assert kind(found) == "execute"
    assert found is not None
    assert found.address == PAGE


def test_data_in_the_page_behind_the_code_is_data() -> None:
    assert kind(faulted("8b00", PAGE - 2, PAGE)) == "read"  # mov eax, [rax]


@pytest.mark.parametrize("address", [0, 0x1234, PAGE + 0x5000])
def test_a_pc_in_no_mapping_is_a_fetch(address: int) -> None:
    assert kind(faulted("", address, address)) == "execute"


def test_an_unaligned_pc_of_aarch64_is_a_fetch() -> None:
    assert kind(faulted("00000000", PAGE - 6, PAGE - 6, name="aarch64")) == "execute"


def test_a_write_to_ones_own_instruction_is_a_write() -> None:
    pc = PAGE - 16
    found = faulted("c605f9ffffff00", pc, pc, 2)  # mov byte ptr [rip - 7], 0
    assert kind(found) == "write"
