"""The threads of a dead kernel, with the registers that each of them stopped with.

``allproc`` leads to processes, each of them to its threads (``sys/sys/proc.h``). The
thread that wrote the dump, ``dumptid``, left its registers in ``dumppcb``
(``sys/kern/kern_shutdown.c``); one that ran on another processor in ``stoppcbs``, by
the processor's number (``sys/kern/subr_smp.c``); all others in their own ``td_pcb``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import msgspec

from coresnap.analysis.kernel.saved_registers import context_registers
from coresnap.analysis.kernel.structures import Layout, Structure
from coresnap.elfcore.facts import CoreThread
from coresnap.elfcore.memory import Memory
from coresnap.elfcore.registers import Architecture
from coresnap.errors import MemoryReadError

__all__ = ["STRUCTURES", "SYMBOLS", "KernelPlaces", "KernelThread", "kernel_threads"]

STRUCTURES = frozenset({"proc", "thread", "pcb", "trapframe", "linker_file"})
SYMBOLS = frozenset(
    {"allproc", "dumppcb", "dumptid", "linker_files", "stoppcbs", "panicstr"}
)
_MOST_PROCESSES = 100_000
_MOST_THREADS = 20_000
_NO_CPU = 1 << 8
"""NOCPU, and NOCPU_OLD: no processor has this number or a higher one."""


class KernelPlaces(msgspec.Struct, frozen=True, eq=False):
    """What the kernel's file says: where things are and how they are laid out."""

    symbols: Mapping[str, int]
    layouts: Mapping[str, Layout]
    stopped_is_array: bool = True
    """``stoppcbs`` is the array; since FreeBSD 14 it points to it."""


class KernelThread(msgspec.Struct, frozen=True, eq=False):
    """One thread of the kernel or of a process."""

    core: CoreThread
    pid: int
    command: str | None
    crashed: bool
    cpu: int | None
    """Where it ran; None for one that did not."""


def kernel_threads(
    places: KernelPlaces, memory: Memory, architecture: Architecture
) -> list[KernelThread]:
    """Return all threads, the one that wrote the dump first.

    Lists that lead nowhere, or in a circle, end there.
    """
    found: list[KernelThread] = []
    for process in _processes(places, memory):
        for thread in _threads_of(process, places):
            if len(found) >= _MOST_THREADS:
                break
            found.append(_thread(process, thread, places, architecture))
    return sorted(found, key=lambda one: not one.crashed)


def _processes(places: KernelPlaces, memory: Memory) -> Iterator[Structure]:
    head, layout = places.symbols.get("allproc"), places.layouts.get("proc")
    if head is None or layout is None:
        return
    first = _word(memory, head)
    if first:
        process = Structure(layout, memory, first)
        yield from process.chain("p_list.le_next", _MOST_PROCESSES)


def _threads_of(process: Structure, places: KernelPlaces) -> Iterator[Structure]:
    layout = places.layouts.get("thread")
    first = process.number("p_threads.tqh_first")
    if layout is not None and first:
        thread = Structure(layout, process.memory, first)
        yield from thread.chain("td_plist.tqe_next", _MOST_THREADS)


def _thread(
    process: Structure,
    thread: Structure,
    places: KernelPlaces,
    architecture: Architecture,
) -> KernelThread:
    tid, command = thread.number("td_tid") or 0, process.text("p_comm")
    dumper = places.symbols.get("dumptid")
    number = None if dumper is None else _int(process.memory, dumper)
    crashed = bool(number) and number == tid
    cpu = thread.number("td_oncpu")
    # td_oncpu is signed where it was a char: NOCPU is -1 then.
    cpu = cpu if cpu is not None and cpu < _NO_CPU - 1 else None
    place = _context(thread, places, crashed, cpu)
    registers = _registers(place, places, process.memory, architecture)
    name = thread.text("td_name")
    label = f"{command}: {name}" if name and name != command else command
    core = CoreThread(tid, registers, 0, label)
    return KernelThread(core, process.number("p_pid") or 0, command, crashed, cpu)


def _context(
    thread: Structure, places: KernelPlaces, crashed: bool, cpu: int | None
) -> int | None:
    """Where the registers of a thread were saved."""
    symbols, layout = places.symbols, places.layouts.get("pcb")
    if crashed and "dumppcb" in symbols:
        return symbols["dumppcb"]
    if cpu is not None and "stoppcbs" in symbols and layout is not None:
        array: int | None = symbols["stoppcbs"]
        if not places.stopped_is_array:
            array = _word(thread.memory, symbols["stoppcbs"])
        if array:
            return array + cpu * layout.size
    return thread.number("td_pcb")


def _registers(
    place: int | None,
    places: KernelPlaces,
    memory: Memory,
    architecture: Architecture,
) -> dict[int, int]:
    layout = places.layouts.get("pcb")
    if place is None or layout is None:
        return {}
    found = context_registers(layout, memory, place, architecture)
    # Without a stack nothing of it was saved.
    return found if found.get(architecture.stack_pointer) else {}


def _word(memory: Memory, address: int) -> int | None:
    try:
        return memory.read_word(address)
    except MemoryReadError:
        return None


def _int(memory: Memory, address: int) -> int | None:
    data = memory.read_some(address, 4)
    return int.from_bytes(data, memory.byte_order) if len(data) == 4 else None
