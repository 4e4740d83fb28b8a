"""What instructions of AArch64 access, by the architecture manual."""

from __future__ import annotations

from pathlib import Path

import pytest

from coresnap.analysis.instruction import aarch64
from coresnap.analysis.instruction.machine import Machine

from .assembling import Assembler, architecture, disassembler

AS = Assembler(
    ["aarch64-linux-gnu-as", "-march=armv8.5-a+sve+memtag"],
    "aarch64-linux-gnu-objcopy",
    ["aarch64-linux-gnu-objdump"],
)
X1, X2, SP = 0x1000, 0x20, 0x7FFF_0000
PC = 0x400000
TABLE: dict[str, tuple[str, int, int | None] | None] = {
    "ldr x0, [x1]": ("read", 8, X1),
    "ldr w0, [x1, #8]": ("read", 4, X1 + 8),
    "ldr x0, [x1, #8]!": ("read", 8, X1 + 8),
    "ldr x0, [x1], #8": ("read", 8, X1),
    "ldur x0, [x1, #-8]": ("read", 8, X1 - 8),
    "str w0, [x1, x2, lsl #2]": ("write", 4, X1 + 4 * X2),
    "ldr w0, [x1, w3, sxtw #2]": ("read", 4, X1 - 8),
    "ldr w0, [x1, w3, uxtw]": ("read", 4, X1 + 0xFFFF_FFFE),
    "ldrb w0, [x1]": ("read", 1, X1),
    "ldrsb x0, [x1]": ("read", 1, X1),
    "ldrsh w0, [x1]": ("read", 2, X1),
    "ldrsw x0, [x1]": ("read", 4, X1),
    "strh wzr, [x1]": ("write", 2, X1),
    "str xzr, [x1]": ("write", 8, X1),
    "ldp x0, x4, [sp], #16": ("read", 16, SP),
    "stp x29, x30, [sp, #-16]!": ("write", 16, SP - 16),
    "ldp w0, w4, [x1]": ("read", 8, X1),
    "ldpsw x0, x4, [x1]": ("read", 8, X1),
    "stnp q0, q1, [x1, #32]": ("write", 32, X1 + 32),
    "ldr x0, .+64": ("read", 8, None),
    "ldxr x0, [x1]": ("read", 8, X1),
    "ldaxrb w0, [x1]": ("read", 1, X1),
    "stxr w0, x4, [x1]": ("write", 8, X1),
    "stlxp w0, x4, x5, [x1]": ("write", 16, X1),
    "stxrh w0, w4, [x1]": ("write", 2, X1),
    "ldar w0, [x1]": ("read", 4, X1),
    "stlr x0, [x1]": ("write", 8, X1),
    "cas x0, x4, [x1]": ("write", 8, X1),
    "casalb w0, w4, [x1]": ("write", 1, X1),
    "casp x4, x5, x6, x7, [x1]": ("write", 16, X1),
    "ldadd x0, x4, [x1]": ("write", 8, X1),
    "ldaddalb w0, w4, [x1]": ("write", 1, X1),
    "stadd w0, [x1]": ("write", 4, X1),
    "swp w0, w4, [x1]": ("write", 4, X1),
    "ldapr x0, [x1]": ("read", 8, X1),
    "dc zva, x1": ("write", 64, X1),
    "ld1 {v0.16b, v1.16b}, [x1], #32": ("read", 32, X1),
    "ld1 {v0.s}[1], [x1]": ("read", 4, X1),
    "ld1r {v0.4s}, [x1]": ("read", 4, X1),
    "st4 {v0.8b-v3.8b}, [x1]": ("write", 32, X1),
    "str q0, [x1]": ("write", 16, X1),
    "ldr b0, [x1]": ("read", 1, X1),
    "str d0, [x1]": ("write", 8, X1),
    "ldraa x0, [x1]": ("read", 8, X1),
    "stg x0, [x1]": ("write", 16, X1),
    "ld1d {z0.d}, p0/z, [x1]": ("read", 0, X1),
    "st1b {z0.b}, p0, [x1, x2]": ("write", 0, X1 + X2),
    "prfm pldl1keep, [x1]": None,
    "dc civac, x1": None,
    "add x0, x1, x2": None,
    "br x1": None,
    "nop": None,
    "ldr x0, [x9]": ("read", 8, None),
}


@pytest.mark.compiler
def test_kind_width_and_address(tmp_path: Path) -> None:
    known = architecture("aarch64")
    values = {1: X1, 2: X2, 3: 0xFFFF_FFFE, 31: SP}
    wrong = []
    for line, (code, _) in zip(TABLE, AS.code(list(TABLE), tmp_path), strict=True):
        found = disassembler("aarch64").decode(code, PC)
        assert found is not None, line
        seen = [
            (one.kind, one.width, one.address)
            for one in aarch64.accesses(found, Machine(known, values))
        ]
        expected = TABLE[line]
        if "ldr x0, ." in line:
            assert seen[0][2] is not None
            seen = [(*seen[0][:2], None)]
        if seen != ([] if expected is None else [expected]):
            wrong.append((line, seen, expected))
    assert wrong == []


@pytest.mark.compiler
def test_the_text_is_objdumps(tmp_path: Path) -> None:
    lines = [x for x in TABLE if not x.startswith(("dc", "casp", "stnp", "ldr x0, ."))]
    for line, (code, text) in zip(lines, AS.code(lines, tmp_path), strict=True):
        found = disassembler("aarch64").decode(code, PC)
        assert found is not None, line
        assert found.mnemonic == text.split()[0]


def test_ordered_accesses_have_to_be_aligned() -> None:
    for code, aligned in (("20fcdfc8", 8), ("20fc9f88", 4), ("200040f9", 1)):
        found = disassembler("aarch64").decode(bytes.fromhex(code), PC)
        assert found is not None
        (one,) = aarch64.accesses(found, Machine(architecture("aarch64"), {}))
        assert aarch64.alignment(found, one) == aligned, found.text
