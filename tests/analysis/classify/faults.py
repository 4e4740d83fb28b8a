"""Faults for rules: code that failed with given registers, decoded as in real cores."""

from __future__ import annotations

from collections.abc import Mapping as Map
from collections.abc import Sequence
from typing import Any, cast

from coresnap.analysis.classify.case import Case
from coresnap.analysis.instruction.find import find_fault
from coresnap.analysis.signals import explain_signal
from coresnap.elfcore.elfheader import ProgramHeader
from coresnap.elfcore.facts import CoreThread, SignalInfo
from coresnap.elfcore.memory import Memory
from coresnap.elfcore.registers import ARCHITECTURES
from coresnap.model import Frame, Mapping, Thread, Trust, UnwindEnd

from .cases import MAPPINGS, FakeCore

__all__ = ["CODE", "faulted"]

CODE = 0x401000
"""Where the failed instruction is, if nothing else is said."""


def faulted(
    code: str,
    number: int = 11,
    signal_code: int | None = 1,
    address: int | None = None,
    *,
    registers: Map[str, int] | None = None,
    contents: Map[int, bytes] | None = None,
    mappings: Sequence[Mapping] = MAPPINGS,
    functions: Sequence[str] = ("victim", "main"),
    architecture: str = "x86-64",
    system: str = "Linux",
    union: bytes = b"",
    offset: int | None = None,
    **fields: Any,  # noqa: ANN401 - fields of Case, which is typed
) -> Case:
    """A case whose thread failed at ``code`` (hex), at CODE unless ``registers`` say.

    ``contents`` is memory by address, ``address`` and ``union`` are the siginfo's,
    ``offset`` is that of the failed instruction in its function.
    """
    machine = next(a for a in ARCHITECTURES if a.name == architecture)
    numbers, pc = machine.numbers, machine.register_names[machine.program_counter]
    values = {pc: CODE, **(registers or {})}
    data, loads = b"", []
    for start, held in {CODE: bytes.fromhex(code), **(contents or {})}.items():
        loads.append(ProgramHeader(1, 6, len(data), start, len(held), len(held), 1))
        data += held
    size, order = machine.pointer_size, machine.byte_order
    memory = Memory(memoryview(data), loads, size, order, mappings)
    thread = CoreThread(1, {numbers[n]: v for n, v in values.items()}, number)
    info = SignalInfo(number, signal_code, address, union=union)
    core = FakeCore(memory, machine, system, mappings, threads=(thread,), signal=info)
    signal = explain_signal(system, number, signal_code, address, (77, 0))
    frames = tuple(
        Frame(
            CODE + 16 * index,
            Trust.CFI,
            function=name,
            function_offset=offset,
            module="/usr/bin/victim",
        )
        for index, name in enumerate(functions)
    )
    shown = Thread(
        1,
        crashed=True,
        end=UnwindEnd.OUTERMOST,
        frames=frames,
        registers=dict(values),
    )
    fault = find_fault(cast(Any, core), signal, ())
    return Case(
        core=cast(Any, core),
        signal=signal,
        threads=(shown,),
        instruction=None if fault is None else fault.instruction,
        fault=fault,
        **fields,
    )
