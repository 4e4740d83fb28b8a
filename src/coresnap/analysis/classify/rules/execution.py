"""Instructions that the processor refused: illegal, privileged, trapping, dividing."""

from __future__ import annotations

import functools
import os.path
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from coresnap.analysis.classify.case import Case
from coresnap.analysis.classify.rule import CERTAIN, PROBABLE, STRONG, Rule
from coresnap.analysis.classify.rules.accesses import access_evidence
from coresnap.model import Classifier

if TYPE_CHECKING:
    from coresnap.analysis.instruction.fault import Fault

__all__ = ["RULES"]

_TRAPS = ("ud2", "ud1", "ud0", "udf", "brk", "bkpt", "int3", "int1", "ebreak", "trap")
_BREAKPOINTS = ("int3", "int1", "brk", "bkpt", "ebreak")
_SYSCALLS = Path(__file__).parents[1] / "syscalls"
_AUDIT = {0xC000003E: "x86-64", 0x40000003: "i386", 0xC00000B7: "aarch64"}
"""AUDIT_ARCH_* of include/uapi/linux/audit.h."""
_X32_BIT = 0x4000_0000
_FLOATS = {
    "FPE_FLTDIV": "divided a floating-point number by zero",
    "FPE_FLTOVF": "had a floating-point result that is too large",
    "FPE_FLTUND": "had a floating-point result that is too small",
    "FPE_FLTRES": "had an inexact floating-point result",
    "FPE_FLTINV": "did an invalid floating-point operation",
    "FPE_FLTSUB": "used a subscript out of range",
}


def _mnemonic(case: Case) -> str:
    decoded = None if case.fault is None else case.fault.decoded
    return "" if decoded is None else decoded.mnemonic.rpartition(" ")[2]


def _fault(case: Case, *signals: str) -> Fault | None:
    fault = case.fault
    return fault if fault is not None and fault.signal.name in signals else None


def _function(case: Case) -> str | None:
    """The function of a file that the failed code belongs to."""
    frames = case.frames[case.failed_frame :]
    if not frames or frames[0].function is None or frames[0].module is None:
        return None
    return frames[0].function


def _made(case: Case, name: str, sure: str, summary: str, *evidence: str) -> Classifier:
    address = case.instruction.address if case.instruction is not None else None
    found = (*access_evidence(case), *evidence)
    frame = case.failed_frame
    return Classifier(name, sure, found, case.tid, address, frame, summary=summary)


class CompilerTrap(Rule):
    """``ud2``, ``brk``, ``int3``: an instruction whose only purpose is to stop. In a
    known function the compiler or its author put it there (``__builtin_trap``, a
    failed check, code that cannot be reached, a breakpoint). Certain with SIGTRAP."""

    names = ("trap",)
    confidence = (CERTAIN, STRONG, PROBABLE)
    replaces = ("illegal-instruction",)

    def apply(self, case: Case) -> Iterator[Classifier]:
        """Conclude it from the instruction."""
        name = _mnemonic(case)
        fault = _fault(case, "SIGILL", "SIGTRAP")
        if fault is None or name not in _TRAPS:
            return
        function = _function(case)
        what = "a breakpoint" if name in _BREAKPOINTS else "a trap"
        sure = CERTAIN if fault.signal.name == "SIGTRAP" else STRONG
        place = f"that is compiled into {function}"
        if function is None:
            place = "outside of every function that is known"
            sure = PROBABLE if sure == STRONG else sure
        yield _made(case, "trap", sure, f"ran into {what} ({name}) {place}")


class IllegalInstruction(Rule):
    """The processor does not know the instruction, or is not allowed to: SIGILL."""

    names = ("illegal-instruction",)
    confidence = (CERTAIN,)

    def apply(self, case: Case) -> Iterator[Classifier]:
        """Conclude it from the signal."""
        fault, found = _fault(case, "SIGILL"), case.instruction
        if fault is None:
            return
        if found is None:
            summary = "executed an instruction that this processor does not have"
            yield _made(case, "illegal-instruction", CERTAIN, summary)
            return
        is_code = fault.decoded is not None
        what = f"{found.text}" if is_code else f"bytes {found.data[:8].hex(' ')}"
        evidence = [f"bytes {found.data.hex(' ')}"]
        if _function(case) is None:
            evidence.append("no function is known there")
        summary = f"executed {what}, which this processor does not have"
        yield _made(case, "illegal-instruction", CERTAIN, summary, *evidence)


class PrivilegedInstruction(Rule):
    """An instruction that only the kernel may execute: a general protection fault
    (FreeBSD: ILL_PRVOPC) without a bad address."""

    names = ("privileged",)
    confidence = (STRONG,)
    replaces = ("illegal-instruction", "memory.protection")

    def apply(self, case: Case) -> Iterator[Classifier]:
        """Conclude it from the instruction."""
        from coresnap.analysis.instruction.families import family

        fault = _fault(case, "SIGSEGV", "SIGBUS", "SIGILL")
        if fault is None or fault.decoded is None or case.access is not None:
            return
        if fault.signal.name != "SIGILL" and fault.kernel_address is not None:
            return
        gate = fault.decoded.mnemonic == "int"
        if gate or family(fault.machine).is_privileged(fault.decoded):
            text = fault.decoded.text
            summary = f"executed {text}, which only a kernel may"
            yield _made(case, "privileged", STRONG, summary)


class Division(Rule):
    """A division by zero, or one whose result does not fit (the least integer by -1):
    the operand says which."""

    names = ("divide",)
    confidence = (CERTAIN,)

    def apply(self, case: Case) -> Iterator[Classifier]:
        """Conclude it from FPE_INTDIV, where the instruction divides."""
        fault = _fault(case, "SIGFPE")
        if fault is None or fault.signal.code_name != "FPE_INTDIV":
            return
        if fault.decoded is not None and not _divides(fault):
            return
        divisor = _divisor(case, fault)
        summary = "divided by zero"
        if divisor is None:
            summary += ", or beyond what fits the result"
        elif divisor:
            summary = f"divided by {divisor} what gives more than fits the result"
        evidence = () if divisor is None else (f"divisor {divisor}",)
        yield _made(case, "divide", CERTAIN, summary, *evidence)


def _divides(fault: Fault) -> bool:
    from coresnap.analysis.instruction.families import family

    known = fault.machine.architecture.is_x86
    assert fault.decoded is not None
    return not known or family(fault.machine).divides(fault.decoded)


def _divisor(case: Case, fault: Fault) -> int | None:
    """What the instruction divides by, signed where it is; None if it is not known."""
    from coresnap.analysis.instruction.machine import signed

    decoded = fault.decoded
    if decoded is None or not decoded.operands or not fault.machine.architecture.is_x86:
        return None
    operand, value = decoded.operands[0], None
    if operand.kind == "register":
        value = fault.machine.value(operand.register)
    elif operand.kind == "immediate":
        value = operand.value
    elif case.instruction is not None and case.instruction.accesses:
        access = case.instruction.accesses[0]
        if access.address is not None:
            data = case.core.memory.read_some(access.address, access.width)
            is_whole = len(data) == access.width > 0
            value = int.from_bytes(data, "little") if is_whole else None
    if value is None or not operand.size:
        return value
    return signed(value, 8 * operand.size) if decoded.mnemonic == "idiv" else value


class FloatingPoint(Rule):
    """A floating-point exception for which the program had asked to be stopped."""

    names = ("fpe.float",)
    confidence = (CERTAIN,)

    def apply(self, case: Case) -> Iterator[Classifier]:
        """Conclude it from the codes FPE_FLT*."""
        fault = _fault(case, "SIGFPE")
        summary = None if fault is None else _FLOATS.get(fault.signal.code_name or "")
        if fault is not None and summary is not None:
            yield _made(case, "fpe.float", CERTAIN, summary)


class IntegerOverflow(Rule):
    """An integer operation for which an overflow was to stop the program (``into``)."""

    names = ("fpe.integer",)
    confidence = (CERTAIN,)

    def apply(self, case: Case) -> Iterator[Classifier]:
        """Conclude it from FPE_INTOVF."""
        fault = _fault(case, "SIGFPE")
        if fault is not None and fault.signal.code_name == "FPE_INTOVF":
            summary = "had an integer result that is too large"
            yield _made(case, "fpe.integer", CERTAIN, summary)


class ForbiddenCall(Rule):
    """A seccomp filter forbids the system call: its name, by its number and the
    architecture it was made in."""

    names = ("seccomp",)
    confidence = (CERTAIN,)

    def apply(self, case: Case) -> Iterator[Classifier]:
        """Conclude it from SYS_SECCOMP."""
        fault = _fault(case, "SIGSYS")
        if fault is None or fault.signal.code_name != "SYS_SECCOMP":
            return
        info, size = fault.siginfo, case.core.architecture.pointer_size
        union = b"" if info is None else info.union
        if len(union) < size + 8:
            summary = "made a system call that seccomp forbids"
            yield _made(case, "seccomp", CERTAIN, summary)
            return
        order = case.core.architecture.byte_order
        number = int.from_bytes(union[size : size + 4], order)
        audit = int.from_bytes(union[size + 4 : size + 8], order)
        name = _call_name(number, audit)
        called = f"{name} (system call {number})" if name else f"system call {number}"
        summary = f"called {called}, which seccomp forbids"
        evidence = f"si_syscall {number}, si_arch {audit:#x}"
        yield _made(case, "seccomp", CERTAIN, summary, evidence)


def _call_name(number: int, audit: int) -> str | None:
    architecture = _AUDIT.get(audit)
    if architecture is None:
        return None
    return _call_names(architecture).get(number & ~_X32_BIT)


@functools.cache
def _call_names(architecture: str) -> dict[int, str]:
    path = os.path.join(_SYSCALLS, f"{architecture}.txt")
    with open(path, encoding="ascii") as lines:
        rows = (line.split() for line in lines)
        return {int(number): name for number, name in rows}


RULES: tuple[Rule, ...] = (
    CompilerTrap(),
    IllegalInstruction(),
    PrivilegedInstruction(),
    Division(),
    FloatingPoint(),
    IntegerOverflow(),
    ForbiddenCall(),
)
