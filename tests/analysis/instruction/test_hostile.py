"""Bytes of an attacker's choice: nothing is raised, and nothing grows."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coresnap.analysis.instruction.families import family
from coresnap.analysis.instruction.machine import Machine
from coresnap.analysis.instruction.provenance import sources
from coresnap.elfcore.elfheader import ProgramHeader
from coresnap.elfcore.memory import Memory

from .assembling import architecture, disassembler

NAMES = (
    *("x86-64", "i386", "x32", "aarch64", "aarch64_be", "arm"),
    *("riscv64", "ppc64le", "s390x", "m68k"),
)
WORDS = st.one_of(
    st.integers(0, (1 << 64) - 1),
    st.sampled_from([0, 1, 8, 0x401000, 1 << 47, (1 << 64) - 8, 0x5000_0000]),
)
CODES = st.binary(min_size=1, max_size=20)


@pytest.mark.parametrize("name", NAMES)
@given(code=CODES, values=st.lists(WORDS, min_size=36, max_size=36))
def test_accesses_of_any_bytes_are_bounded(
    name: str, code: bytes, values: list[int]
) -> None:
    known = architecture(name)
    found = disassembler(name).decode(code, 0x401000)
    if found is None:
        return
    registers = {n: v & known.pointer_mask for n, v in enumerate(values)}
    machine = Machine(known, registers)
    seen = family(machine).accesses(found, machine)
    assert found.text
    assert len(found.data) <= len(code)
    assert len(seen) <= 20
    for one in seen:
        assert one.kind in ("read", "write", "execute")
        assert 0 <= one.width <= 4096
        assert one.address is None or 0 <= one.address <= known.pointer_mask
        assert family(machine).alignment(found, one) in (1, 2, 4, 8, 16, 32, 64)


@given(code=st.binary(max_size=400), offset=st.integers(-10, 500))
def test_the_way_back_ends(code: bytes, offset: int) -> None:
    loads = [ProgramHeader(1, 5, 0, 0x401000, len(code), len(code), 1)]
    memory = Memory(memoryview(code), loads, 8, "little")
    machine = Machine(architecture("x86-64"), dict.fromkeys(range(17), 0x401000))
    found = sources(memory, machine, 0x401000, 0x401000 + offset, "rax")
    assert len(found) <= 8
