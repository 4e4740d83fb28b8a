"""Functions of each machine, followed to each of their instructions.

The code is GNU as's output for what stands beside it.
"""

from __future__ import annotations

import pytest

from coresnap.analysis.unwind.prologue.layout import FrameLayout
from coresnap.analysis.unwind.prologue.reader import compile_layout, layout_at
from coresnap.elfcore.elfheader import ProgramHeader
from coresnap.elfcore.memory import Memory
from coresnap.elfcore.registers import Architecture, architecture_of

CODE, STACK = 0x10000, 0x80000
X86_64 = architecture_of(62, 8, "little")
I386 = architecture_of(3, 4, "little")
AARCH64 = architecture_of(183, 8, "little")
ARM = architecture_of(40, 4, "little")
RISCV = architecture_of(243, 8, "little")
PPC64 = architecture_of(21, 8, "little")
S390X = architecture_of(22, 8, "big")

# push rbp; mov rbp, rsp; push r12; push rbx; sub rsp, 0x110; test; je; call;
# lea rsp, [rbp - 16]; pop rbx; pop r12; pop rbp; ret
X86_64_CODE = "554889e54154534881ec1001000085ff7405e800000001488d65f05b415c5dc3"
# sub sp, sp, #80; stp x29, x30, [sp, #48]; add x29, sp, #48; str x19, [sp, #64]; cbz;
# bl; ldr x19; ldp; add sp, sp, #80; ret
AARCH64_CODE = (
    "ff4301d1fd7b03a9fdc30091f32300f9400000b400000094f32340f9fd7b43a9ff430191c0035fd6"
)
# push {r4, r5, fp, lr}; add fp, sp, #12; sub sp, #64; bl; sub sp, fp, #12; pop
ARM_CODE = "30482de90cb08de240d04de2feffffeb0cd04be23088bde8"
# push {r4, r7, lr}; sub sp, #20; add r7, sp, #0; cbz; bl; adds r7, #20; mov sp, r7; pop
THUMB_CODE = "90b585b000af08b1fff7feff1437bd4690bd"
# addi sp, sp, -48; sd ra, 40(sp); sd s0, 32(sp); addi s0, sp, 48; beqz; auipc; jalr;
# ld ra; ld s0; addi sp, sp, 48; ret
RISCV_CODE = (
    "130101fd2334110223308102130401036306050097000000e780000083308102033401021301"
    "010367800000"
)
# mflr r0; std r31, -8(r1); std r0, 16(r1); stdu r1, -64(r1); mr r31, r1; bl;
# addi r1, r1, 64; ld r0; mtlr r0; blr
PPC64_CODE = (
    "a602087cf8ffe1fb100001f8c1ff21f8780b3f7c0100004840002138100001e8a603087c2000804e"
)
# stmg r11, r15, 88(r15); lay r15, -168(r15); lgr r11, r15; brasl; lmg r11, r15,
# 256(r11); br r14
S390X_CODE = "ebbff0580024e3f0ff58ff71b90400bfc0e500000000ebbfb100000407fe"


def memory_of(code: str, arch: Architecture, stack: bytes = b"") -> Memory:
    data = bytes.fromhex(code)
    loads = [
        ProgramHeader(1, 5, 0, CODE, len(data), len(data), 4096),
        ProgramHeader(1, 6, len(data), STACK, len(stack), len(stack), 4096),
    ]
    return Memory(memoryview(data + stack), loads, arch.pointer_size, arch.byte_order)


def follow(code: str, arch: Architecture, offset: int) -> FrameLayout:
    layout = layout_at(arch, memory_of(code, arch), CODE, CODE + offset)
    assert layout is not None
    return layout


@pytest.mark.parametrize(
    ("arch", "code", "depths"),
    [
        (
            X86_64,
            X86_64_CODE,
            {0: 0, 1: 8, 4: 8, 6: 16, 7: 24, 14: 296, 23: 296, 27: 24, 31: 0},
        ),
        (AARCH64, AARCH64_CODE, {0: 0, 4: 80, 20: 80, 32: 80, 36: 0}),
        (ARM, ARM_CODE, {0: 0, 4: 16, 8: 16, 12: 80, 16: 80, 20: 16}),
        (ARM, THUMB_CODE, {0: 0, 2: 12, 4: 32, 8: 32, 16: 12}),
        (RISCV, RISCV_CODE, {0: 0, 4: 48, 16: 48, 36: 48, 40: 0}),
        (PPC64, PPC64_CODE, {0: 0, 12: 0, 16: 64, 20: 64, 28: 0, 36: 0}),
        (S390X, S390X_CODE, {0: 0, 6: 0, 12: 168, 22: 168, 28: 0}),
    ],
    ids=lambda value: value.name if isinstance(value, Architecture) else "",
)
def test_the_stack_pointers_way_is_known_at_each_instruction(
    arch: Architecture, code: str, depths: dict[int, int]
) -> None:
    found = {offset: follow(code, arch, offset).depth for offset in depths}
    assert found == depths


@pytest.mark.parametrize(
    ("arch", "code", "offset", "saved"),
    [
        (X86_64, X86_64_CODE, 18, {6: -8, 12: -16, 3: -24}),
        (AARCH64, AARCH64_CODE, 20, {29: -32, 30: -24, 19: -16}),
        (ARM, ARM_CODE, 12, {4: -16, 5: -12, 11: -8, 14: -4}),
        (ARM, THUMB_CODE, 8, {4: -12, 7: -8, 14: -4}),
        (RISCV, RISCV_CODE, 20, {1: -8, 8: -16}),
        (PPC64, PPC64_CODE, 20, {31: -8, 65: 16}),
        (S390X, S390X_CODE, 16, {11: 88, 12: 96, 13: 104, 14: 112, 15: 120}),
    ],
    ids=lambda value: value.name if isinstance(value, Architecture) else "",
)
def test_what_the_prologue_saves_is_found(
    arch: Architecture, code: str, offset: int, saved: dict[int, int]
) -> None:
    assert follow(code, arch, offset).saved == saved


def test_a_realigned_frame_is_left_by_the_pointer_that_it_saved() -> None:
    # lea ecx, [esp + 4]; and esp, -16; push [ecx - 4]; push ebp; mov ebp, esp;
    # push ebx; push ecx; sub esp, 16; call
    code = "8d4c240483e4f0ff71fc5589e5535183ec10e8fc0f0000"
    words = [0] * 4 + [STACK + 48, 0xBB, 0xEB, 0xAA, 0, 0, 0, 0xAA, 0]
    stack = b"".join(word.to_bytes(4, "little") for word in words)
    layout = follow(code, I386, 18)
    memory = memory_of(code, I386, stack)
    registers = {4: STACK, 5: STACK + 24, 8: CODE + 18}
    _, caller, _ = compile_layout(layout, I386, memory, I386.code_mask)(registers, True)
    assert caller == {3: 0xBB, 5: 0xEB, 4: STACK + 48, 8: 0xAA}


def test_a_branch_carries_its_frame_beyond_a_return() -> None:
    # test edi, edi; je far; push rbx; sub rsp, 16; call; add; pop; ret; far: nop
    code = "85ff740d534883ec10ffd74883c4105bc390"
    assert follow(code, X86_64, 9).depth == 24
    assert follow(code, X86_64, 17).depth == 0


def test_behind_a_return_nobody_branched_over_the_frame_is_the_bodys() -> None:
    code = "534883ec10ffd74883c4105bc390"
    assert follow(code, X86_64, 13).depth == 24


def test_behind_a_guessed_function_the_next_one_begins() -> None:
    code = "53" + "ffd7" + "5b" + "c3" + "4883ec20" + "ffd7"
    memory = memory_of(code, X86_64)
    alone = layout_at(X86_64, memory, CODE, CODE + 9, alone=True)
    among = layout_at(X86_64, memory, CODE, CODE + 9, alone=False)
    assert alone is not None
    assert among is not None
    assert (alone.depth, among.depth) == (40, 32)


def test_a_pc_within_an_instruction_is_refused() -> None:
    memory = memory_of(X86_64_CODE, X86_64)
    assert layout_at(X86_64, memory, CODE, CODE + 2) is None
    assert layout_at(X86_64, memory, CODE, CODE - 1) is None
    assert layout_at(X86_64, memory, CODE, CODE + (1 << 20)) is None


def test_a_zeroed_frame_pointer_is_the_end() -> None:
    assert follow("31ed4989d15e4889e24883e4f050", X86_64, 14 - 1).outermost
    # Not in a function that saved it: there it is a register like others.
    assert not follow("5531ed90", X86_64, 3).outermost
