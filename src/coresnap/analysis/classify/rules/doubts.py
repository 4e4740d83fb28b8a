"""What does not fit together: flipped bits, and faults that the code cannot have."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from coresnap.analysis.classify.case import Case
from coresnap.analysis.classify.rule import HINT, Rule
from coresnap.analysis.classify.rules.accesses import access_evidence, pointer_fault
from coresnap.model import Classifier

if TYPE_CHECKING:
    from coresnap.analysis.instruction.fault import Fault
    from coresnap.elfcore.memory import Memory

__all__ = ["RULES"]

_LEAST = 0.72
"""Flips less likely than this are not told: most bad addresses are one bit from some
mapping."""
_ADDRESS_BITS = 48
_NEAR = 4096
_LOW = 8192
_BASE, _NONCANONICAL, _NULL = 0.25, 0.90, 0.50
_SHARED = (0.0, 0.50, 0.55, 0.60, 0.65)
"""By how many other registers point close to where the flipped one should."""
_POISON = frozenset(
    b"\x2b\x2d\x2f\x49\x4b\x4d\x4f\x6b\x8b\x9b\x9f\xa5\xbb\xcc\xcd\xce\xdb\xe5"
)


class BitFlip(Rule):
    """One bit of the pointer is all that separates it from memory that others point to,
    as by bad hardware. The likelihood is that of rust-minidump's bit_flip."""

    names = ("bit-flip",)
    confidence = (HINT,)

    def apply(self, case: Case) -> Iterator[Classifier]:
        """Conclude it for the most likely of all flips."""
        fault, access = pointer_fault(case), case.access
        if fault is None or access is None:
            return
        if fault.signal.code_name == "SEGV_ACCERR" or len(access.registers) != 1:
            return
        name = access.registers[0]
        value = fault.machine.value(name)
        if value is None or value == 0 or fault.machine.architecture.pointer_size < 8:
            return
        best = max(_flips(case, fault, name, value), default=(0.0, 0, 0))
        likely, bit, other = best
        if likely < _LEAST:
            return
        yield Classifier(
            "bit-flip",
            HINT,
            (
                *access_evidence(case),
                f"{name} = {value:#x} with bit {bit} changed is {other:#x}",
                f"likelihood {likely:.2f}",
            ),
            case.tid,
            fault.address,
            case.failed_frame,
            summary=f"used a pointer that differs in one bit, {bit}, from {other:#x}",
        )


def _flips(
    case: Case, fault: Fault, name: str, value: int
) -> Iterator[tuple[float, int, int]]:
    memory = case.core.memory
    is_noncanonical = bool(value >> _ADDRESS_BITS - 1)
    bits = range(_ADDRESS_BITS - 1, 64) if is_noncanonical else range(_ADDRESS_BITS)
    for bit in bits:
        other = value ^ 1 << bit
        if other and not _is_accessible(memory, other):
            continue
        if other and _distance_to_mapping(memory, value) < _NEAR:
            continue
        yield _likelihood(case, fault, name, value, other), bit, other


def _is_accessible(memory: Memory, address: int) -> bool:
    mapping = memory.find_mapping(address)
    return mapping is not None and "r" in mapping.permissions


def _distance_to_mapping(memory: Memory, address: int) -> int:
    """How far an unmapped address is from memory: an index too far is no flip."""
    for near in (address - _NEAR, address + _NEAR):
        if memory.find_mapping(max(near, 0)) is not None:
            return 0
    return _NEAR


def _likelihood(case: Case, fault: Fault, name: str, value: int, other: int) -> float:
    unlikely = 1 - _BASE
    if value >> _ADDRESS_BITS - 1:
        unlikely *= 1 - _NONCANONICAL
    if other == 0:
        unlikely *= 1 - (_NULL * 0.5 if value <= _LOW else _NULL)
    near = sum(
        1
        for register, held in case.registers.items()
        if register != name and other and abs(held - other) <= _NEAR
    )
    unlikely *= 1 - _SHARED[min(near, len(_SHARED) - 1)]
    likely = 1 - unlikely
    return likely * 0.5 if _has_poison(value) else likely


def _has_poison(value: int) -> bool:
    data = value.to_bytes(8, "little")
    return any(data.count(byte) >= 4 for byte in _POISON)


class Inconsistency(Rule):
    """The fault is none that this instruction can have: the memory map allows the
    access, its operands are elsewhere, or it does not divide. Hardware, or another
    thread that changed the mapping meanwhile."""

    names = ("inconsistent",)
    confidence = (HINT,)

    def apply(self, case: Case) -> Iterator[Classifier]:
        """Conclude it where the instruction is known whole."""
        fault = case.fault
        if fault is None or fault.instruction is None or fault.decoded is None:
            return
        reason = _contradiction(case, fault)
        if reason is not None:
            yield Classifier(
                "inconsistent",
                HINT,
                (*access_evidence(case), reason),
                case.tid,
                fault.address,
                case.failed_frame,
                summary=f"failed in a way that its instruction cannot: {reason}",
            )


def _contradiction(case: Case, fault: Fault) -> str | None:
    from coresnap.analysis.instruction.explanation import allows
    from coresnap.analysis.instruction.families import family

    assert fault.decoded is not None
    assert fault.instruction is not None
    code, address = fault.signal.code_name, fault.kernel_address
    is_x86 = fault.machine.architecture.is_x86
    if code == "FPE_INTDIV" and is_x86:
        divides = family(fault.machine).divides(fault.decoded)
        return None if divides else "it does not divide"
    if code not in ("SEGV_MAPERR", "SEGV_ACCERR") or address is None:
        return None
    known = all(a.address is not None for a in fault.instruction.accesses)
    if fault.access is None:
        is_told = is_x86 or fault.machine.architecture.family == "aarch64"
        return "it does not use that address" if known and is_told else None
    mapping = case.core.memory.find_mapping(address)
    if mapping is not None and allows(mapping, fault.access.kind):
        if "?" in mapping.permissions:
            return None
        return f"the mapping there allows it ({mapping.permissions})"
    return None


RULES: tuple[Rule, ...] = (BitFlip(), Inconsistency())
