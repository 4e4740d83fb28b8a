"""Memory accesses of AArch64 instructions.

Arm ARM (DDI 0487), C6 and C7. Kind and width are told by the mnemonic and the registers
that are moved; capstone 5 knows neither.
"""

from __future__ import annotations

from coresnap.analysis.instruction.disassembler import Decoded, Operand
from coresnap.analysis.instruction.machine import Machine, signed
from coresnap.model import Access

__all__ = ["accesses", "alignment", "divides", "is_privileged", "repeats"]

_PRIVILEGED = ("hlt", "smc", "hvc", "eret", "eretaa", "eretab")
_ATOMICS = ("add", "clr", "eor", "set", "smax", "smin", "umax", "umin")
_ORDERS = ("", "a", "l", "al")
_READ_MODIFY_WRITE = frozenset(
    f"ld{name}{order}{size}"
    for name in _ATOMICS
    for order in _ORDERS
    for size in ("", "b", "h")
)
_PAIRS = ("ldp", "stp", "ldnp", "stnp", "ldxp", "ldaxp", "stxp", "stlxp", "casp")
_EXCLUSIVE_STORES = ("stxr", "stlxr", "stxp", "stlxp")
"""Their first register is where the outcome goes."""
_REGISTER_BYTES = {"b": 1, "h": 2, "s": 4, "w": 4, "d": 8, "x": 8, "q": 16}
_ORDERED = ("ldar", "stlr", "ldxr", "ldaxr", "stxr", "stlxr", "ldxp", "ldaxp", "stxp")
# arm64_vas of capstone 5: (bytes of the vector, bytes of an element)
_ARRANGEMENTS = {
    1: (16, 1),
    2: (8, 1),
    3: (4, 1),
    4: (1, 1),
    5: (16, 2),
    6: (8, 2),
    7: (4, 2),
    8: (2, 2),
    9: (16, 4),
    10: (8, 4),
    11: (4, 4),
    12: (16, 8),
    13: (8, 8),
    14: (16, 16),
}
_ZEROED_BLOCK = 64
"""DCZID_EL0 says how large it is; 64 bytes wherever it was seen."""


def accesses(decoded: Decoded, machine: Machine) -> tuple[Access, ...]:
    """All of them: one at most, for there is one memory operand at most."""
    name = decoded.mnemonic
    if name == "dc":
        return _cache_operation(decoded, machine)
    kind = _kind(name)
    if kind is None:
        return ()
    memory = next((o for o in decoded.operands if o.kind == "memory"), None)
    if memory is None:
        return _literal(decoded, kind)
    registers = tuple(r for r in (memory.base, memory.index) if r)
    displacement = 0 if decoded.post_index else memory.displacement
    address = _address(memory, displacement, machine)
    text = _expression(memory, displacement)
    return (Access(kind, _width(decoded), text, registers, displacement, address),)


def alignment(decoded: Decoded, access: Access) -> int:
    """Bytes that the access has to be aligned to; 1 if it need not."""
    name = decoded.mnemonic
    ordered = name.startswith((*_ORDERED, "cas", "swp")) or name in _READ_MODIFY_WRITE
    return max(access.width, 1) if ordered else 1


def divides(decoded: Decoded) -> bool:
    """Never: a division by zero gives zero here."""
    return False


def is_privileged(decoded: Decoded) -> bool:
    """Whether user space may not execute it."""
    return decoded.mnemonic in _PRIVILEGED


def repeats(decoded: Decoded) -> bool:
    """Never."""
    return False


def _kind(name: str) -> str | None:
    if name.startswith(("cas", "swp")) or name in _READ_MODIFY_WRITE:
        return "write"
    if name.startswith("ld"):
        return "read"
    return "write" if name.startswith("st") else None


def _literal(decoded: Decoded, kind: str) -> tuple[Access, ...]:
    """``ldr x0, label``: the label is an immediate."""
    for operand in decoded.operands[1:]:
        if operand.kind == "immediate" and kind == "read":
            address = operand.value & (1 << 64) - 1
            text = f"[{address:#x}]"
            return (Access(kind, _width(decoded), text, ("pc",), 0, address),)
    return ()


def _cache_operation(decoded: Decoded, machine: Machine) -> tuple[Access, ...]:
    register = next((o.register for o in decoded.operands if o.register), "")
    if not decoded.operand_text.startswith(("zva", "gva", "gzva")) or not register:
        return ()
    value = machine.value(register)
    address = None if value is None else value & -_ZEROED_BLOCK & machine.mask
    return (Access("write", _ZEROED_BLOCK, f"[{register}]", (register,), 0, address),)


def _address(operand: Operand, displacement: int, machine: Machine) -> int | None:
    total = machine.value(operand.base)
    if total is None:
        return None
    if operand.index:
        index = machine.value(operand.index)
        if index is None or operand.index.startswith("z"):
            return None
        if operand.extend.endswith("w"):
            index = (
                signed(index, 32) if operand.extend[0] == "s" else index & 0xFFFFFFFF
            )
        total += index * operand.scale
    return (total + displacement) & machine.mask


def _expression(operand: Operand, displacement: int) -> str:
    text = operand.base
    if operand.index:
        text += f", {operand.index}"
        shift = operand.scale.bit_length() - 1
        if operand.extend:
            text += f", {operand.extend}" + (f" #{shift}" if shift else "")
        elif shift:
            text += f", lsl #{shift}"
    elif displacement:
        text += (
            f", #{displacement:#x}" if displacement > 0 else f", #-{-displacement:#x}"
        )
    return f"[{text}]"


def _width(decoded: Decoded) -> int:
    """Bytes of memory; 0 for vectors of a length that the processor chooses."""
    name = decoded.mnemonic
    moved = [o for o in decoded.operands if o.kind == "register"]
    if name.startswith(_EXCLUSIVE_STORES):
        moved = moved[1:]
    if not moved or moved[0].register.startswith(("z", "p")):
        return 0
    if moved[0].arrangement in _ARRANGEMENTS:
        return _vector_width(name, moved)
    if name.startswith(_PAIRS):
        one = 4 if name == "ldpsw" else _REGISTER_BYTES.get(moved[0].register[:1], 8)
        return 2 * one
    if name.startswith(("stg", "ldg", "st2g", "stz")):
        return 16
    if name.endswith("sw") and name.startswith("ld"):
        return 4
    if name.endswith("b"):
        return 1
    if name.endswith("h"):
        return 2
    register = moved[0].register
    if register in ("fp", "lr", "sp", "xzr"):
        return 8
    return 4 if register == "wzr" else _REGISTER_BYTES.get(register[:1], 8)


def _vector_width(name: str, moved: list[Operand]) -> int:
    """``ld1`` to ``st4``: whole vectors, one lane of each, or one element repeated."""
    vectors = [o for o in moved if o.arrangement]
    whole, element = _ARRANGEMENTS[vectors[0].arrangement]
    one = element if vectors[0].lane >= 0 or name.endswith("r") else whole
    return one * len(vectors)
