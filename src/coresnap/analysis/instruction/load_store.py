"""Memory accesses of plain load/store machines: 32-bit ARM and RISC-V, as far as one
operand shows them."""

from __future__ import annotations

from coresnap.analysis.instruction.disassembler import Decoded, Operand
from coresnap.analysis.instruction.machine import Machine
from coresnap.model import Access

__all__ = ["accesses", "alignment", "divides", "is_privileged", "repeats"]

_PRIVILEGED = ("smc", "hvc", "eret", "rfe", "mret", "sret", "wfi", "sfence.vma")
_ARM_WIDTHS = {"b": 1, "h": 2, "d": 8}
_RISCV_WIDTHS = {"b": 1, "h": 2, "w": 4, "d": 8, "q": 16}
_RISCV_LOADS = frozenset(
    ("lb", "lbu", "lh", "lhu", "lw", "lwu", "ld", "flw", "fld", "flq")
)
_RISCV_STORES = frozenset(("sb", "sh", "sw", "sd", "fsw", "fsd", "fsq"))


def accesses(decoded: Decoded, machine: Machine) -> tuple[Access, ...]:
    """The access of the memory operand; none where several registers are moved."""
    family = machine.architecture.family
    memory = _memory_operand(decoded)
    found = _arm(decoded) if family == "arm" else _riscv(decoded)
    if memory is None or found is None:
        return ()
    kind, width = found
    displacement = 0 if decoded.post_index else memory.displacement
    registers = tuple(r for r in (memory.base, memory.index) if r)
    address = _address(decoded, memory, displacement, machine)
    text = ", ".join((*registers, f"#{displacement}") if displacement else registers)
    return (Access(kind, width, f"[{text}]", registers, displacement, address),)


def _memory_operand(decoded: Decoded) -> Operand | None:
    """RISC-V's compressed and atomic ones come as an immediate and a register."""
    for operand in decoded.operands:
        if operand.kind == "memory":
            return operand
    if not decoded.operand_text.endswith(")") or not decoded.operands:
        return None
    *before, base = decoded.operands
    immediate = before[-1].value if before and before[-1].kind == "immediate" else 0
    return Operand("memory", base=base.register, displacement=immediate)


def alignment(decoded: Decoded, access: Access) -> int:
    """Bytes that the access has to be aligned to; 1 if it need not."""
    exclusive = (
        "ldrex",
        "strex",
        "ldaex",
        "stlex",
        "lr.",
        "sc.",
        "amo",
        "ldrd",
        "strd",
    )
    return max(access.width, 1) if decoded.mnemonic.startswith(exclusive) else 1


def divides(decoded: Decoded) -> bool:
    """Never: a division by zero gives zero on both."""
    return False


def is_privileged(decoded: Decoded) -> bool:
    """Whether user space may not execute it."""
    return decoded.mnemonic in _PRIVILEGED


def repeats(decoded: Decoded) -> bool:
    """Never."""
    return False


def _address(
    decoded: Decoded, operand: Operand, displacement: int, machine: Machine
) -> int | None:
    total = machine.value(operand.base)
    if total is None:
        return None
    if operand.base == "pc":
        thumb = len(decoded.data) == 2 or bool(decoded.address & 2)
        total = (decoded.address + (4 if thumb else 8)) & ~3
    if operand.index:
        index = machine.value(operand.index)
        if index is None:
            return None
        total += index * operand.scale
    return (total + displacement) & machine.mask


def _arm(decoded: Decoded) -> tuple[str, int] | None:
    name = decoded.mnemonic.partition(".")[0]
    if name.startswith("vldr") or name.startswith("vstr"):
        wide = (
            decoded.operands[0].register.startswith("d") if decoded.operands else False
        )
        return "read" if name.startswith("vldr") else "write", 8 if wide else 4
    if name.startswith("ldr"):
        rest, kind = name[3:].removeprefix("ex").removeprefix("s"), "read"
    elif name.startswith("str"):
        rest, kind = name[3:].removeprefix("ex"), "write"
    else:
        return None
    return kind, _ARM_WIDTHS.get(rest[:1], 4)


def _riscv(decoded: Decoded) -> tuple[str, int] | None:
    name = decoded.mnemonic.removeprefix("c.").removesuffix("sp")
    if name in _RISCV_LOADS or name in _RISCV_STORES:
        letter = name.lstrip("fls")[:1]
        kind = "read" if name in _RISCV_LOADS else "write"
        return kind, _RISCV_WIDTHS.get(letter, 0)
    if name.startswith(("amo", "sc.")):
        return "write", 8 if ".d" in name else 4
    if name.startswith("lr."):
        return "read", 8 if ".d" in name else 4
    return None
