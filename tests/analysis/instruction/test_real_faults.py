"""Faults of a real processor under a real kernel, and what is concluded from each."""

from __future__ import annotations

import fnmatch
import subprocess
from pathlib import Path

import pytest

from conftest import CompileProgram, KernelCore
from coresnap.analysis.session import analyze
from coresnap.model import Snapshot

pytestmark = [pytest.mark.compiler, pytest.mark.core_pattern]

FLAGS = ("-g", "-O1", "-fno-stack-protector", "-w")
TABLE = {
    "null-write": "memory.write null null.write",
    "null-read": "memory.read null null.read",
    "text": "memory.read noncanonical invalid-pointer?",
    "unmapped": "memory.read memory.unmapped invalid-pointer?",
    "small": "memory.write null null.write call-contract?",
    "read-only": "memory.write memory.protection",
    "constant": "memory.write memory.protection",
    "misaligned": "memory.write alignment",
    "null-call": "memory.exec null null.exec",
    "wild-call": "memory.exec wild-jump security",
    "text-call": "memory.exec wild-jump noncanonical security",
    "stack-call": "memory.exec wild-jump security security.nx",
    "wild-return": "memory.exec return-corrupted security",
    "text-return": "memory.exec return-corrupted noncanonical security",
    "divide": "divide",
    "divide-overflow": "divide",
    "float": "fpe.float",
    "trap": "trap",
    "breakpoint": "trap",
    "privileged": "privileged",
    "illegal": "illegal-instruction",
    "seccomp": "seccomp",
    "recursion": "memory.write stack-overflow recursion",
    "mutual": "memory.write stack-overflow recursion",
    "thread-recursion": "memory.write stack-overflow recursion",
    "large-frame": "memory.write stack-overflow",
    "short-file": "memory.read bus.eof",
}
"""What has to be found, and with ``?`` what may; nothing else of an access."""
SIGNALS = ("stop", "segv", "bus", "fpe", "ill", "sys", "trap", "abort", "signal.*")
GAVE_UP = {
    name: TABLE[name]
    for name in ("null-write", "unmapped", "text", "divide", "trap", "read-only")
}


def concluded(snapshot: Snapshot) -> set[str]:
    return {
        c.name
        for c in snapshot.classifiers
        if not any(fnmatch.fnmatch(c.name, signal) for signal in SIGNALS)
        or c.rule == "CompilerTrap"
    }


def judged(program: CompileProgram, core: KernelCore, name: str) -> Snapshot:
    binary = program("faults.c", *FLAGS, libraries=["-pthread", "-lm"])
    snapshot = analyze(core([binary, name]), globals="none")
    failed = [n for n in snapshot.notes if n.step.startswith(("classify", "instr"))]
    assert failed == []
    return snapshot


def check(found: set[str], expected: str) -> None:
    names = expected.split()
    must = {name for name in names if not name.endswith("?")}
    may = {name.rstrip("?") for name in names}
    assert must <= found <= may


@pytest.mark.parametrize("name", TABLE)
def test_a_fault_is_what_it_is(
    compile_program: CompileProgram, kernel_core: KernelCore, name: str
) -> None:
    snapshot = judged(compile_program, kernel_core, name)
    check(concluded(snapshot), TABLE[name])
    assert snapshot.instruction is not None


@pytest.mark.parametrize("way", ["handled", "told"])
@pytest.mark.parametrize("name", GAVE_UP)
def test_of_a_process_that_gave_up_in_its_handler_the_fault_is_told(
    compile_program: CompileProgram, kernel_core: KernelCore, way: str, name: str
) -> None:
    snapshot = judged(compile_program, kernel_core, f"{way}-{name}")
    assert snapshot.signal is not None
    assert snapshot.signal.name == "SIGABRT"
    check(concluded(snapshot), TABLE[name])
    frames = snapshot.threads[0].frames
    told = [c for c in snapshot.classifiers if c.name in TABLE[name].split()]
    assert all(c.frame is not None for c in told)
    (interrupted,) = {c.frame for c in told if c.frame is not None}
    assert frames[interrupted - 1].signal_frame
    kinds = [c for c in told if c.name.startswith("memory.") and c.name[7] in "rw"]
    if name not in ("text", "divide", "trap"):
        assert [c.confidence for c in kinds] == ["certain"]


@pytest.mark.parametrize(
    "name", ["raise", "kill", "abort", "handled-raise", "told-raise", "told-kill"]
)
def test_what_was_sent_has_no_instruction_and_no_verdict_on_memory(
    compile_program: CompileProgram, kernel_core: KernelCore, name: str
) -> None:
    snapshot = judged(compile_program, kernel_core, name)
    assert concluded(snapshot) == set()
    assert snapshot.instruction is None


def test_the_address_is_recomputed_as_the_kernel_says_it(
    compile_program: CompileProgram, kernel_core: KernelCore
) -> None:
    for name in ("null-write", "unmapped", "read-only", "small"):
        snapshot = judged(compile_program, kernel_core, name)
        found = snapshot.instruction
        assert found is not None
        assert found.fault is not None
        assert snapshot.signal is not None
        access = found.accesses[found.fault]
        assert access.address == snapshot.signal.address


def test_stripped_code_is_followed_back_by_how_it_is_unwound(
    compile_program: CompileProgram, kernel_core: KernelCore
) -> None:
    libraries = ["-pthread", "-lm"]
    binary = compile_program("faults.c", "-O0", "-s", "-w", libraries=libraries)
    snapshot = analyze(kernel_core([binary, "null-read"]), globals="none")
    (read,) = (c for c in snapshot.classifiers if c.name == "memory.read")
    assert any(line.startswith("rax was loaded from 0x") for line in read.evidence)


SHORT_PROGRAM = """
.globl _start
_start:
    mov $0x12340000, %eax
    mov $2, %ecx
    movl $5, 8(%eax,%ecx,4)
"""


def test_a_full_stack_has_no_room_for_a_handler(
    compile_program: CompileProgram, kernel_core: KernelCore
) -> None:
    snapshot = judged(compile_program, kernel_core, "handled-recursion")
    assert snapshot.signal is not None
    assert snapshot.signal.code_name == "SI_KERNEL"
    check(concluded(snapshot), TABLE["recursion"])


def test_32_bit_code_is_decoded_as_such(
    tmp_path: Path, kernel_core: KernelCore
) -> None:
    source, binary = tmp_path / "short.s", tmp_path / "short"
    source.write_text(SHORT_PROGRAM)
    built = tmp_path / "short.o"
    subprocess.run(["as", "--32", "-o", built, source], check=True)
    subprocess.run(["ld", "-m", "elf_i386", "-o", binary, built], check=True)
    try:
        snapshot = analyze(kernel_core([binary]))
    except AssertionError:
        pytest.skip("this kernel runs no 32-bit programs")
    assert snapshot.instruction is not None
    (access,) = snapshot.instruction.accesses
    assert (access.kind, access.width, access.address) == ("write", 4, 0x12340010)
    assert access.registers == ("eax", "ecx")


@pytest.mark.gdb
@pytest.mark.parametrize("name", ["null-write", "text", "read-only", "small", "divide"])
def test_gdb_sees_the_same_instruction_and_operand(
    compile_program: CompileProgram, kernel_core: KernelCore, name: str
) -> None:
    binary = compile_program("faults.c", *FLAGS, libraries=["-pthread", "-lm"])
    core = kernel_core([binary, name])
    found = analyze(core, globals="none").instruction
    assert found is not None
    asked = ["x/i $pc"]
    for access in found.accesses:
        registers = "+".join(f"(unsigned long)${r}" for r in access.registers)
        asked.append(f'printf "address %lx\\n", {registers}+{access.displacement}')
    words = [word for command in asked for word in ("-ex", command)]
    gdb = ["gdb", "-batch", "-nx", "-ex", "set disassembly-flavor intel", *words]
    run = subprocess.run(
        [*gdb, str(binary), str(core)], capture_output=True, text=True, check=True
    )
    said = run.stdout.splitlines()
    (line,) = (line for line in said if line.startswith("=>"))
    mnemonic, _, operands = line.rpartition(":\t")[2].partition(" ")
    ours = found.text.replace("ptr ", "").replace("0x", "").replace(" ", "")
    theirs = f"{mnemonic}{operands}".lower().replace("ptr ", "").replace("0x", "")
    if not found.text.startswith("rep"):
        assert ours == theirs.replace(" ", "")
    addresses = [int(x.split()[1], 16) for x in said if x.startswith("address ")]
    assert addresses == [access.address for access in found.accesses]
