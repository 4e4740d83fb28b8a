"""Where the pointer that failed had been loaded from."""

from __future__ import annotations

from pathlib import Path

import pytest

from coresnap.analysis.instruction.machine import Machine
from coresnap.analysis.instruction.provenance import Source, sources
from coresnap.elfcore.elfheader import ProgramHeader
from coresnap.elfcore.memory import Memory
from coresnap.elfcore.registers import Architecture

from .assembling import Assembler, architecture
from .test_aarch64 import AS as AS_AARCH64
from .test_x86 import AS_64

pytestmark = pytest.mark.compiler
FUNCTION, FRAME, OBJECT = 0x401000, 0x7FFF_0000, 0x5000_0000


def traced(
    lines: list[str],
    directory: Path,
    register: str,
    registers: dict[str, int],
    contents: dict[int, int] | None = None,
    assembler: Assembler = AS_64,
    name: str = "x86-64",
) -> list[Source]:
    """The sources of ``register`` at the last of ``lines``."""
    codes = [code for code, _ in assembler.code(lines, directory)]
    known: Architecture = architecture(name)
    data, loads = b"".join(codes), []
    loads.append(ProgramHeader(1, 5, 0, FUNCTION, len(data), len(data), 1))
    pc = FUNCTION + sum(map(len, codes[:-1]))
    for address, value in (contents or {}).items():
        loads.append(ProgramHeader(1, 6, len(data), address, 8, 8, 1))
        data += value.to_bytes(8, "little")
    memory = Memory(memoryview(data), loads, 8, "little")
    values = {known.numbers[n]: value for n, value in registers.items()}
    return list(sources(memory, Machine(known, values), FUNCTION, pc, register))


def test_a_local_variable_is_the_source(tmp_path: Path) -> None:
    lines = ["push rbp", "mov rbp, rsp", "mov rax, [rbp-8]", "mov rcx, [rax+8]"]
    (found,) = traced(lines, tmp_path, "rax", {"rbp": FRAME, "rax": 0})
    assert (found.register, found.slot, found.width) == ("rax", FRAME - 8, 8)
    assert found.text == "mov rax, qword ptr [rbp - 8]"


def test_a_chain_of_members_is_followed_through_memory(tmp_path: Path) -> None:
    lines = ["mov rax, [rbp-8]", "mov rax, [rax+16]", "mov rcx, [rax]"]
    found = traced(
        lines,
        tmp_path,
        "rax",
        {"rbp": FRAME, "rax": 0x41},
        {FRAME - 8: OBJECT, OBJECT + 16: 0x41},
    )
    assert [one.slot for one in found] == [OBJECT + 16, FRAME - 8]


def test_copies_and_sums_are_looked_through(tmp_path: Path) -> None:
    lines = [
        "mov rdx, [rdi+8]",
        "mov rbx, rdx",
        "add rbx, 0x20",
        "lea rsi, [rbx-8]",
        "test rsi, rsi",
        "mov eax, [rsi]",
    ]
    found = traced(lines, tmp_path, "rsi", {"rdi": OBJECT})
    assert (found[0].register, found[0].slot) == ("rdx", OBJECT + 8)
    assert found[0].offset == 0x18


def test_a_call_a_label_and_an_unknown_change_end_the_way(tmp_path: Path) -> None:
    load = "mov rax, [rbp-8]"
    for between in ("call .+5", "xchg rax, rbx", "imul rax, rax, 3", "cpuid"):
        lines = [load, between, "mov ecx, [rax]"]
        assert traced(lines, tmp_path, "rax", {"rbp": FRAME}) == [], between
    # The second instruction may have been reached from the last.
    lines = [load, "mov rax, rdx", "jne .-3", "mov ecx, [rax]"]
    assert traced(lines, tmp_path, "rax", {"rbp": FRAME}) == []


def test_a_base_that_has_changed_meanwhile_gives_no_slot(tmp_path: Path) -> None:
    lines = ["mov rax, [rdi+8]", "mov rdi, 5", "mov ecx, [rax]"]
    (found,) = traced(lines, tmp_path, "rax", {"rdi": 5})
    assert found.slot is None


def test_part_of_a_register_is_no_pointer(tmp_path: Path) -> None:
    lines = ["mov al, [rdi]", "mov ecx, [rax]"]
    assert traced(lines, tmp_path, "rax", {"rdi": OBJECT}) == []


def test_code_that_is_not_decoded_to_its_end_is_not_followed() -> None:
    data = bytes.fromhex("488b45f8068b08")  # 06 is no instruction
    loads = [ProgramHeader(1, 5, 0, FUNCTION, len(data), len(data), 1)]
    memory = Memory(memoryview(data), loads, 8, "little")
    machine = Machine(architecture("x86-64"), {6: FRAME})
    assert sources(memory, machine, FUNCTION, FUNCTION + 5, "rax") == ()


def test_aarch64_is_followed_too(tmp_path: Path) -> None:
    lines = [
        "ldr x0, [sp, #24]",
        "ldr x1, [x0, #8]",
        "mov x2, x1",
        "str x3, [x2]",
    ]
    found = traced(
        lines,
        tmp_path,
        "x2",
        {"sp": FRAME, "x0": OBJECT},
        assembler=AS_AARCH64,
        name="aarch64",
    )
    assert [one.slot for one in found] == [OBJECT + 8, FRAME + 24]
