"""Dead processes for finders: memory that a test lays out, and one stack."""

from __future__ import annotations

from collections.abc import Mapping as Map
from collections.abc import Sequence
from typing import Any, cast

import msgspec

from coresnap.analysis.messages.dead_process import DeadProcess
from coresnap.analysis.unwind.stack import Stack, StackFrame
from coresnap.elfcore.elfheader import ByteOrder, ProgramHeader
from coresnap.elfcore.memory import Memory
from coresnap.elfcore.registers import Architecture, architecture_of
from coresnap.model import Frame, Mapping, Thread, Trust, UnwindEnd

__all__ = ["HEAP", "PAGES", "STACK", "TLS", "dead"]

HEAP, PAGES, TLS, STACK = 0x5000_0000, 0x6000_0000, 0x6800_0000, 0x7FFF_0000_0000
SIZE = 0x40000
MACHINES = {"x86-64": (62, 8), "i386": (3, 4), "s390x": (22, 8), "aarch64": (183, 8)}


class FakeCore(msgspec.Struct):
    """As much of a core as finders ask for."""

    memory: Memory
    architecture: Architecture
    mappings: Sequence[Mapping]
    modules: Sequence[Any] = ()
    executable: Any = None
    auxv: dict[int, int] = {}
    system: str = "Linux"


def dead(
    contents: Map[int, bytes],
    *,
    functions: Sequence[str | None] = ("abort", "main"),
    machine: str = "x86-64",
    byte_order: ByteOrder = "little",
    registers: Map[str, int] | None = None,
    system: str = "Linux",
) -> DeadProcess:
    """A process of one thread; ``contents`` lie in its heap, pages, TLS and stack."""
    number, word = MACHINES[machine]
    top = STACK if word == 8 else 0x7F00_0000
    starts = (HEAP, PAGES, TLS, top)
    names = (None, None, None, "[stack]")
    mappings = [
        Mapping(start, start + SIZE, "rw-", None, name, SIZE)
        for start, name in zip(starts, names, strict=True)
    ]
    data, loads = b"", []
    for start in starts:
        image = bytearray(SIZE)
        for address, held in contents.items():
            if start <= address < start + SIZE:
                image[address - start : address - start + len(held)] = held
        loads.append(ProgramHeader(1, 6, len(data), start, SIZE, SIZE, 1))
        data += bytes(image)
    memory = Memory(memoryview(data), loads, word, byte_order, mappings)
    architecture = architecture_of(number, word, byte_order)
    held_registers = {architecture.stack_pointer: top + 0x8000}
    for name, value in (registers or {}).items():
        held_registers[architecture.numbers[name]] = value
    frames = tuple(Frame(0x401000, Trust.CFI, function=name) for name in functions)
    inner = StackFrame(
        0x401000, 0x401000, None, held_registers, Trust.CONTEXT, False, None
    )
    return DeadProcess(
        cast(Any, FakeCore(memory, architecture, mappings, system=system)),
        (Thread(1, True, UnwindEnd.OUTERMOST, frames=frames),),
        (Stack((inner,), UnwindEnd.OUTERMOST),),
    )
