"""What instructions of x86 access, compared with objdump and with this processor.

The processor is the judge: each instruction is executed on memory that nobody may
touch, and the page fault says where it wanted to go, and whether to read or write.
"""

from __future__ import annotations

import subprocess
from pathlib import Path

import attrs
import pytest

from coresnap.analysis.instruction import x86
from coresnap.analysis.instruction.machine import Machine, Trap
from coresnap.model import Access

from .assembling import Assembler, architecture, disassembler

AS_64 = Assembler(
    ["as", "--64"], "objcopy", ["objdump", "-M", "intel"], ".intel_syntax noprefix"
)
AS_32 = attrs.evolve(AS_64, assemble=["as", "--32"])

FAULTING = """\
mov rax, [rdi]
mov [rdi], al
mov [rdi+8], ebx
mov rax, [rdi+rcx*8+16]
mov rax, [rdi+rcx*8-0x40]
mov eax, [edi+4]
movzx eax, word ptr [rdi]
movsxd rax, dword ptr [rdi+2]
movbe [rdi], ebx
movnti [rdi], rax
xchg [rdi], rbx
xadd [rdi], rbx
lock xadd [rdi], ebx
cmpxchg [rdi], rbx
lock cmpxchg [rdi], bl
cmpxchg8b [rdi]
lock cmpxchg16b [rdi]
add [rdi], rax
add rax, [rdi]
cmp [rdi], rax
cmp rax, [rdi]
test [rdi], al
or byte ptr [rdi], 3
inc qword ptr [rdi]
not dword ptr [rdi]
neg word ptr [rdi]
shl dword ptr [rdi], 3
rol byte ptr [rdi], cl
shld [rdi], ebx, 3
bt dword ptr [rdi], 5
bt [rdi], eax
bt [rdi], rdx
bts [rdi], rdx
btr dword ptr [rdi], edx
mul qword ptr [rdi]
imul rax, [rdi]
imul rax, [rdi], 5
div dword ptr [rdi]
idiv qword ptr [rdi]
sete [rdi]
cmovne rax, [rdi]
push qword ptr [rdi]
push word ptr [rdi]
pop qword ptr [rdi]
call [rdi]
jmp [rdi+rcx*8]
movsb
movsd
movsq
rep movsb
rep movsq
stosb
rep stosd
lodsq
cmpsb
repe cmpsw
scasb
repne scasb
xlatb
movups [rdi], xmm0
movups xmm0, [rdi]
movaps [rdi], xmm0
movdqa xmm1, [rdi]
movdqu [rdi], xmm1
movntdq [rdi], xmm0
movq [rdi], xmm0
movd xmm0, dword ptr [rdi]
movss [rdi], xmm0
movsd xmm0, [rdi]
movhps [rdi], xmm0
movlps xmm0, [rdi]
cvtsi2sd xmm0, qword ptr [rdi]
addsd xmm0, [rdi]
addps xmm0, [rdi]
pxor xmm0, [rdi]
ucomisd xmm0, [rdi]
pextrd [rdi], xmm0, 1
pinsrd xmm0, [rdi], 1
maskmovdqu xmm5, xmm5
fld qword ptr [rdi]
fld tbyte ptr [rdi]
fstp tbyte ptr [rdi]
fst dword ptr [rdi]
fild word ptr [rdi]
fistp qword ptr [rdi]
fadd dword ptr [rdi]
fcom qword ptr [rdi]
fldcw [rdi]
fnstcw [rdi]
fnstsw [rdi]
fldenv [rdi]
fnstenv [rdi]
fxsave [rdi]
fxrstor [rdi]
stmxcsr [rdi]
ldmxcsr [rdi]
clflush [rdi]
crc32 eax, byte ptr [rdi]
popcnt rax, [rdi]
vmovdqu [rdi], ymm0
vmovdqu ymm0, [rdi]
vmovdqa [rdi], ymm0
vmovntdq [rdi], ymm0
vextracti128 [rdi], ymm0, 1
vaddps ymm0, ymm1, [rdi]
vbroadcastss ymm0, [rdi]
vpmaskmovd [rdi], ymm5, ymm1
vpmaskmovd ymm1, ymm5, [rdi]
vpgatherdd xmm1, [rdi+xmm0*4+8], xmm5
vpgatherqq xmm1, [rdi+xmm0*8], xmm5
vgatherdps xmm1, [rdi+xmm0*2], xmm5
vgatherqpd xmm1, [rdi+xmm0*1+4], xmm5
vmovdqu64 [rdi], zmm0
vmovdqa64 zmm0, [rdi]
vpaddd zmm0, zmm1, [rdi]
andn rax, rbx, [rdi]
mov [rip+0x10000000], eax
mov rax, fs:[rdi]
mov rax, ds:[rdi]
mov rax, [rdi+rdi*1-0x40]
push rax
push 5
pushfq
call 1f; 1:
enter 16, 0
pop rax
popfq
ret
ret 16
leave
""".splitlines()
"""rdi, rsi: memory that nobody may touch; the last ones use it as their stack."""

ON_THE_STACK = (
    "push rax",
    "push 5",
    "pushfq",
    "call 1f; 1:",
    "enter 16, 0",
    "pop rax",
    "popfq",
    "ret",
    "ret 16",
    "leave",
)

SILENT = """\
lea rax, [rdi]
nop dword ptr [rdi]
prefetcht0 [rdi]
prefetchw [rdi]
rep movsb
rep stosq
""".splitlines()
"""Not one of them touches memory; those with a count have it at 0."""

PROGRAM = Path(__file__).parents[2] / "cores" / "accesses.c"
REGISTERS = ("rax", "rbx", "rcx", "rdx", "rsi", "rdi", "rbp", "rsp", "rip")
SETUP = """
push rbx
push rbp
mov rdi, 0x1000000100
lea rsi, [rdi + 0x340]
mov rbx, rdi
mov rcx, {count}
mov rdx, -70
mov eax, 77
movabs r8, 0x0000002000000040
movq xmm0, r8
pinsrq xmm0, rdi, 1
vpcmpeqd ymm5, ymm5, ymm5
{stack}
"""


ILLEGAL = 4


@attrs.frozen
class Outcome:
    """What the processor did with one instruction."""

    signal: int
    trap: Trap
    registers: dict[str, int]


def run(lines: list[str], directory: Path, *, count: int) -> list[Outcome | None]:
    """Execute each line for itself; None where nothing was accessed."""
    source = directory / "cases.s"
    text = [".intel_syntax noprefix", ".text"]
    for number, line in enumerate(lines):
        stack = "mov rbp, rdi; mov rsp, rdi" if line in ON_THE_STACK else ""
        text += [f"case{number}:", SETUP.format(stack=stack, count=count), f"\t{line}"]
        text += ["\tpop rbp", "\tpop rbx", "\tret"]
    text += ['.section .data.rel.ro, "aw"', ".globl cases, case_count", "cases:"]
    text += [f"\t.quad case{number}" for number in range(len(lines))]
    text += [f"case_count: .int {len(lines)}", '.section .note.GNU-stack,""', ""]
    source.write_text("\n".join(text))
    binary = directory / "run"
    build = ["cc", "-O0", "-o", str(binary), str(PROGRAM), str(source)]
    subprocess.run(build, check=True)
    done = subprocess.run([binary], capture_output=True, text=True, check=True)
    rows = done.stdout.splitlines()
    assert len(rows) == len(lines)
    return [None if row == "silent" else outcome(row) for row in rows]


def outcome(row: str) -> Outcome:
    number, _, *rest = row.split()
    _, error, trap, address, *values = (int(word, 16) for word in rest)
    registers = dict(zip(REGISTERS, values, strict=False))
    registers["xmm0"] = values[-2] | values[-1] << 64
    return Outcome(int(number), Trap(trap, error, address), registers)


def decoded_accesses(code: bytes, registers: dict[str, int]) -> tuple[Access, ...]:
    found = disassembler("x86-64").decode(code, registers["rip"])
    assert found is not None
    numbers = architecture("x86-64").numbers
    values = {numbers[name]: value for name, value in registers.items()}
    return x86.accesses(found, Machine(architecture("x86-64"), values))


@pytest.mark.compiler
def test_the_processor_accesses_what_we_say_as_we_say(tmp_path: Path) -> None:
    codes = AS_64.code([line.partition(";")[0] for line in plain(FAULTING)], tmp_path)
    outcomes = run(FAULTING, tmp_path, count=3)
    compared = 0
    for line, (code, _), seen in zip(FAULTING, codes, outcomes, strict=True):
        assert seen is not None, line
        if seen.signal == ILLEGAL:
            continue
        if line.startswith("mov rax, fs:"):
            continue  # a handler is not told the thread pointer
        code = code if "1f" not in line else bytes.fromhex("e800000000")
        found = decoded_accesses(code, seen.registers)
        kind, address = seen.trap.kind, seen.trap.address
        assert any(covers(one, kind, address) for one in found), (line, seen, found)
        compared += 1
    assert compared > 90


def plain(lines: list[str]) -> list[str]:
    return ["call .+5" if line.startswith("call 1f") else line for line in lines]


def covers(access: Access, kind: str | None, address: int | None) -> bool:
    if access.address is None or address is None or access.kind != kind:
        return False
    return access.address <= address < access.address + (access.width or 4096)


@pytest.mark.compiler
def test_what_accesses_nothing_is_known_not_to(tmp_path: Path) -> None:
    codes = AS_64.code(SILENT, tmp_path)
    outcomes = run(SILENT, tmp_path, count=0)
    registers = {"rip": 0x401000, "rcx": 0, "rdi": 0x1000000100, "rsi": 0x1000000440}
    for line, (code, _), seen in zip(SILENT, codes, outcomes, strict=True):
        assert seen is None, line
        assert decoded_accesses(code, registers) == (), line


SPELLED = {"ptr ": "", "tbyte": "xword", "ds:": "", "*1": "", "0x": ""}
OTHERWISE = (
    *("movs", "stos", "lods", "cmps", "scas", "rep", "xlat", "pushf", "popf"),
    *("vgather", "vpgather", "lock cmpxchg16b"),
)
"""Their operands are spelled in a way of objdump's own."""


def normal(text: str) -> str:
    """Without what the two spell differently."""
    text = text.lower()
    for old, new in SPELLED.items():
        text = text.replace(old, new)
    return "".join(text.replace("xmmword", "").replace("ymmword", "").split())


@pytest.mark.compiler
def test_the_text_is_objdumps(tmp_path: Path) -> None:
    lines = [x for x in plain(FAULTING) if not x.startswith(("call .", "enter"))]
    for line, (code, text) in zip(lines, AS_64.code(lines, tmp_path), strict=True):
        found = disassembler("x86-64").decode(code, 0x401000)
        assert found is not None
        assert found.data == code, line
        if not line.startswith(OTHERWISE):
            assert normal(found.text) == normal(text)


TABLE_32 = {
    "mov eax, [esp+4]": ("read", 4, 0xFFFF_1004),
    "push eax": ("write", 4, 0xFFFF_0FFC),
    "pusha": ("write", 32, 0xFFFF_0FE0),
    "popa": ("read", 32, 0xFFFF_1000),
    "mov eax, gs:0x14": ("read", 4, 0xF7F0_0014),
    "mov [eax+ebx*2-1], cl": ("write", 1, 0x1000 + 0x20 - 1),
    "mov eax, [eax-0x2000]": ("read", 4, 0xFFFF_F000),
    "leave": ("read", 4, 0xFFFF_2000),
    "rep stosd": ("write", 4, 0x3000),
}
REGISTERS_32 = {
    "eax": 0x1000,
    "ebx": 0x10,
    "ecx": 1,
    "edi": 0x3000,
    "esp": 0xFFFF_1000,
    "ebp": 0xFFFF_2000,
    "gs.base": 0xF7F0_0000,
}


@pytest.mark.compiler
def test_32_bit_code_wraps_at_32_bits(tmp_path: Path) -> None:
    known = architecture("i386")
    values = {known.numbers[name]: value for name, value in REGISTERS_32.items()}
    for line, (code, _) in zip(
        TABLE_32, AS_32.code(list(TABLE_32), tmp_path), strict=True
    ):
        found = disassembler("i386").decode(code, 0x8048000)
        assert found is not None
        (one,) = x86.accesses(found, Machine(known, values))
        assert (one.kind, one.width, one.address) == TABLE_32[line], line


@pytest.mark.parametrize(
    ("code", "aligned"),
    [
        ("0f2900", 16),  # movaps [rax], xmm0
        ("660f6f00", 16),  # movdqa xmm0, [rax]
        ("c5fd6f00", 32),  # vmovdqa ymm0, [rax]
        ("62f1fd486f00", 64),  # vmovdqa64 zmm0, [rax]
        ("660fe700", 16),  # movntdq [rax], xmm0
        ("480fc70f", 16),  # cmpxchg16b [rdi]
        ("0f5800", 16),  # addps xmm0, [rax]
        ("c5f85800", 1),  # vaddps xmm0, xmm0, [rax]
        ("f20f5800", 1),  # addsd xmm0, [rax]
        ("0f1000", 1),  # movups xmm0, [rax]
        ("0fae00", 16),  # fxsave [rax]
        ("488b00", 1),  # mov rax, [rax]
    ],
)
def test_what_has_to_be_aligned(code: str, aligned: int) -> None:
    found = disassembler("x86-64").decode(bytes.fromhex(code), 0x401000)
    assert found is not None
    (access,) = x86.accesses(found, Machine(architecture("x86-64"), {}))
    assert access.address is None
    assert x86.alignment(found, access) == aligned
