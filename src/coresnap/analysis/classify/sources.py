"""Which memory the bad pointer was loaded from, by the code before the access."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from coresnap.analysis.classify.case import Case
    from coresnap.analysis.instruction.provenance import Source

__all__ = ["base_sources", "jump_slot"]

_NOT_BASES = frozenset({"rip", "eip", "pc", "rsp", "esp", "sp", "fs.base", "gs.base"})
"""Nobody loads them from a variable."""


def base_sources(case: Case) -> tuple[Source, ...]:
    """How the base register of the failed access got its value: the load itself first,
    then that of its base; empty where the code does not tell."""
    fault, access = case.fault, case.access
    if fault is None or fault.decoded is None or access is None:
        return ()
    base = access.registers[0] if access.registers else ""
    if not base or base in _NOT_BASES:
        return ()
    pc = fault.decoded.address
    start = _function_start(case, pc)
    if start is None:
        return ()
    from coresnap.analysis.instruction.provenance import sources

    return sources(case.core.memory, fault.machine, start, pc, base)


def _function_start(case: Case, pc: int) -> int | None:
    """Where the failed code's function begins: by its name, else by how it is unwound,
    which stripped files say, too."""
    frames = case.frames[case.failed_frame :]
    physical = next((frame for frame in frames if not frame.inline), None)
    if physical is not None and physical.function_offset is not None:
        return pc - physical.function_offset
    if case.fault is None or not case.stacks:
        return None
    module = case.stacks[0].frames[case.fault.frame].module
    if module is None:
        return None
    from coresnap.analysis.expression.numbers import DecodeError
    from coresnap.analysis.unwind.sections import module_cfi

    try:
        cfi = module_cfi(module, case.core.memory)
        entry = cfi.find(pc - module.load_bias)
    except DecodeError:
        return None
    return None if entry is None else entry[0].start + module.load_bias


def jump_slot(case: Case) -> int | None:
    """Where in memory the target of the jump into nowhere was read from."""
    fault, access = case.fault, case.access
    if fault is None or access is None or access.kind != "execute":
        return None
    if access.address is None:
        return None
    from coresnap.analysis.instruction.origin import find_origin

    origin = find_origin(case.core, fault, access.address)
    return None if origin is None else origin.slot
