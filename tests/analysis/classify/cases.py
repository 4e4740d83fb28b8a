"""Crashes for rules: a core of three mappings and whatever a test says of it."""

from __future__ import annotations

from collections.abc import Mapping as Map
from collections.abc import Sequence
from typing import Any, cast

import msgspec

from coresnap.analysis.classify.case import Case
from coresnap.analysis.classify.rule import Rule
from coresnap.analysis.classify.verdict import judge
from coresnap.analysis.signals import explain_signal
from coresnap.elfcore.elfheader import ProgramHeader
from coresnap.elfcore.facts import CoreFacts, ProcessInfo
from coresnap.elfcore.memory import Memory
from coresnap.elfcore.registers import Architecture, architecture_of
from coresnap.model import (
    Access,
    Frame,
    Instruction,
    Mapping,
    Thread,
    Trust,
    UnwindEnd,
    Variable,
    VariableKind,
)

__all__ = ["MAPPINGS", "FakeCore", "access", "case", "concluded", "pointer"]

MAPPINGS = (
    Mapping(0x400000, 0x402000, "r-x", 0, "/usr/bin/victim"),
    Mapping(0x404000, 0x405000, "rw-", 0x4000, "/usr/bin/victim"),
    Mapping(0x5000_0000, 0x5002_1000, "rw-", None, "[heap]"),
    Mapping(0x7FFF_0000_0000, 0x7FFF_0002_1000, "rw-", None, "[stack]"),
)


class FakeCore(msgspec.Struct):
    """As much of a core as rules ask for."""

    memory: Memory
    architecture: Architecture
    system: str = "Linux"
    mappings: Sequence[Mapping] = MAPPINGS
    modules: Sequence[Any] = ()
    threads: Sequence[Any] = ()
    auxv: dict[int, int] = {}
    process: ProcessInfo = ProcessInfo(pid=1)
    truncated: bool = False
    size: int = 1 << 20
    signal: Any = None
    facts: CoreFacts = CoreFacts()


def memory(contents: Map[int, bytes]) -> Memory:
    """Memory that holds ``contents``, by address, and nothing else."""
    data, loads = b"", []
    for address, held in contents.items():
        size = len(held)
        loads.append(ProgramHeader(1, 6, len(data), address, size, size, 1))
        data += held
    return Memory(memoryview(data), loads, 8, "little", MAPPINGS)


def access(
    register: str, kind: str = "write", address: int | None = None
) -> Instruction:
    """The instruction of a case that failed to access ``[register]``."""
    one = Access(kind, 1, f"[{register}]", (register,), address=address)
    return Instruction(0x401000, "mov", b"", (one,), 0)


def pointer(name: str, value: int) -> Variable:
    """A local variable that points to something."""
    return Variable(name, "void **", VariableKind.LOCAL, value=value)


def case(
    number: int = 11,
    code: int | None = 1,
    address: int | None = 0,
    *,
    functions: Sequence[str] = ("victim", "main"),
    registers: dict[str, int] | None = None,
    variables: Sequence[Variable] = (),
    contents: Map[int, bytes] = {},
    **fields: Any,  # noqa: ANN401 - fields of Case, which is typed
) -> Case:
    """A case of one thread (tid 1) that stopped by a signal of Linux on x86-64.

    ``variables`` are the innermost frame's, ``contents`` the memory's by address.
    """
    frames = tuple(
        Frame(
            0x401000 + 16 * index,
            Trust.CFI,
            function=name,
            module="/usr/bin/victim",
            variables=() if index else tuple(variables),
        )
        for index, name in enumerate(functions)
    )
    thread = Thread(
        1, True, UnwindEnd.OUTERMOST, frames=frames, registers=registers or {}
    )
    core = fields.pop("core", None)
    if core is None:
        core = FakeCore(memory(contents), architecture_of(62, 8, "little"))
    signal = explain_signal("Linux", number, code, address, (77, 0))
    return Case(
        **{
            "core": cast(Any, core),
            "signal": signal,
            "threads": (thread,),
            **fields,
        }
    )


def concluded(crash: Case, *rules: Rule) -> dict[str, str]:
    """Name to confidence of what the rules conclude, or the whole catalogue."""
    verdict = judge(crash, rules or None)
    assert verdict.notes == ()
    return {c.name: c.confidence for c in verdict.classifiers}
