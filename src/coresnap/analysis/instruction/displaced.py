"""Memory accesses of POWER and s390x, of the plain loads and stores: their operand is
written ``displacement(base)``, which is all that is read of them."""

from __future__ import annotations

from coresnap.analysis.instruction.disassembler import Decoded
from coresnap.analysis.instruction.machine import Machine
from coresnap.model import Access

__all__ = ["accesses", "alignment", "divides", "is_privileged", "repeats"]

_POWER = {
    **{"lbz": 1, "lhz": 2, "lha": 2, "lwz": 4, "lwa": 4, "ld": 8, "lfs": 4, "lfd": 8},
    **{"stb": 1, "sth": 2, "stw": 4, "std": 8, "stfs": 4, "stfd": 8},
}
_S390X = {
    **{"l": 4, "ly": 4, "lg": 8, "lgf": 4, "llgf": 4, "lh": 2, "lhy": 2, "lgh": 2},
    **{"llgh": 2, "lb": 1, "lgb": 1, "llgc": 1, "ic": 1, "icy": 1, "ld": 8, "le": 4},
    **{"st": 4, "sty": 4, "stg": 8, "sth": 2, "sthy": 2, "stc": 1, "stcy": 1},
    **{"std": 8, "ste": 4, "mvi": 1, "mviy": 1, "mvhhi": 2, "mvhi": 4, "mvghi": 8},
}


def accesses(decoded: Decoded, machine: Machine) -> tuple[Access, ...]:
    """The access of the operand in brackets; none for other than loads and stores."""
    is_power = machine.architecture.family == "ppc64"
    widths, name = _POWER if is_power else _S390X, decoded.mnemonic
    if is_power and name.endswith("u"):  # with update: the base is changed behind it
        name = name[:-1]
    if name not in widths:
        return ()
    before, bracket, behind = decoded.operand_text.partition("(")
    inside, closed, _ = behind.partition(")")
    displacement = _number(before.rpartition(" ")[2])
    if not bracket or not closed or displacement is None:
        return ()
    # Register 0 stands for no register; an index comes before the base.
    written = [part.strip().lstrip("%") for part in inside.split(",")]
    registers = tuple(r for r in reversed(written) if r not in ("", "0", "r0"))
    kind = "write" if name.startswith(("st", "mv")) else "read"
    parts = (*registers, hex(displacement)) if displacement else registers
    text = f"[{' + '.join(parts)}]"
    address = _sum(registers, displacement, machine)
    return (Access(kind, widths[name], text, registers, displacement, address),)


def _number(text: str) -> int | None:
    try:
        return int(text or "0", 0)
    except ValueError:
        return None


def _sum(registers: tuple[str, ...], displacement: int, machine: Machine) -> int | None:
    total = displacement
    for name in registers:
        value = machine.value(name)
        if value is None:
            return None
        total += value
    return total & machine.mask


def alignment(decoded: Decoded, access: Access) -> int:
    """Plain loads and stores need none."""
    return 1


def divides(decoded: Decoded) -> bool:
    """Whether it can raise a divide error: s390x knows it for ``d`` to ``dsgr``."""
    return decoded.mnemonic.startswith("d")


def is_privileged(decoded: Decoded) -> bool:
    """Nothing is known to be."""
    return False


def repeats(decoded: Decoded) -> bool:
    """Never."""
    return False
