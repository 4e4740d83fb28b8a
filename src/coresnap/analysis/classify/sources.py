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
    frames = case.frames[case.failed_frame :]
    physical = next((frame for frame in frames if not frame.inline), None)
    if not base or base in _NOT_BASES:
        return ()
    if physical is None or physical.function_offset is None:
        return ()
    from coresnap.analysis.instruction.provenance import sources

    pc = fault.decoded.address
    start = pc - physical.function_offset
    return sources(case.core.memory, fault.machine, start, pc, base)


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
