"""FreeBSD's numbers of traps on x86, and the processor's own.

``sys/x86/include/trap.h``; what each becomes is in ``sys/amd64/amd64/trap.c``.
"""

from __future__ import annotations

__all__ = ["exception_of"]

_EXCEPTIONS = {
    1: 6,  # T_PRIVINFLT: an invalid opcode
    3: 3,  # T_BPTFLT
    6: 16,  # T_ARITHTRAP
    9: 13,  # T_PROTFLT
    10: 1,  # T_TRCTRAP
    12: 14,  # T_PAGEFLT
    14: 17,  # T_ALIGNFLT
    18: 0,  # T_DIVIDE
    20: 4,  # T_OFLOW
    21: 5,  # T_BOUND
    24: 9,  # T_FPOPFLT
    25: 10,  # T_TSSFLT
    26: 11,  # T_SEGNPFLT
    27: 12,  # T_STKFLT
    28: 18,  # T_MCHK
    29: 19,  # T_XMMFLT
}


def exception_of(number: int | None) -> int | None:
    """The exception of the processor that a trap of FreeBSD was; None if not known."""
    return None if number is None else _EXCEPTIONS.get(number)
