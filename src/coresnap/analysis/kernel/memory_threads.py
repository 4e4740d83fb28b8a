"""Reads threads and modules from a dump's memory, with the kernel's own file."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec

from coresnap.analysis.debuginfo.files import DebugFiles
from coresnap.analysis.frames import FrameBuilder
from coresnap.analysis.kernel.kernel_core import (
    DumpMemory,
    core_of_kernel,
    kernel_module,
)
from coresnap.analysis.kernel.kernel_threads import (
    STRUCTURES,
    SYMBOLS,
    KernelPlaces,
    KernelThread,
    kernel_threads,
)
from coresnap.analysis.kernel.saved_registers import MACHINES
from coresnap.analysis.kernel.structures import (
    Layout,
    Structure,
    find_layouts,
    is_array,
)
from coresnap.analysis.kernel.trap_frames import KernelUnwinder
from coresnap.analysis.symbols import SymbolTable
from coresnap.analysis.threads import ThreadReader
from coresnap.analysis.unwind.unwinder import Unwinder
from coresnap.elfcore.corefile import CoreFile
from coresnap.elfcore.elffile import ElfFile, open_elf
from coresnap.elfcore.modules import LoadedModule
from coresnap.elfcore.named_symbols import symbol_addresses
from coresnap.elfcore.registers import ARCHITECTURES, Architecture
from coresnap.elfcore.vmcore.vmcore import Vmcore
from coresnap.errors import MemoryReadError
from coresnap.model import Module, Note, Thread

__all__ = ["KernelReading", "read_kernel"]

_MOST_MODULES = 1024
_ADDRESSES = (1 << 64) - 1


class KernelReading(msgspec.Struct, frozen=True):
    """What the memory says; empty where it does not."""

    threads: tuple[Thread, ...] = ()
    modules: tuple[Module, ...] = ()
    notes: tuple[Note, ...] = ()


def read_kernel(dump: Vmcore, kernel: Path, files: DebugFiles) -> KernelReading:
    """Read threads and modules of ``dump``, whose kernel's file is ``kernel``.

    Raises what ``open_elf`` raises. What cannot be read is left out, with a note.
    """
    assert dump.memory is not None
    elf = open_elf(kernel)
    architecture = next((a for a in ARCHITECTURES if a.name == dump.architecture), None)
    if architecture is None or elf.header.machine != architecture.machine:
        return _note(f"{kernel} is not of the machine that the dump is of")
    if architecture.name not in MACHINES:
        return _note(f"threads of {architecture.name} are not read from memory")
    memory = DumpMemory(dump.memory)
    module = kernel_module(elf, kernel)
    located = files.of(module)
    if located.file is None:
        return _note(f"{kernel} has no debug information: threads cannot be found")
    pointer = architecture.pointer_size
    layouts = find_layouts(located.file, STRUCTURES, pointer_size=pointer)
    symbols = symbol_addresses(elf, SYMBOLS)
    places = KernelPlaces(symbols, layouts, is_array(located.file, "stoppcbs"))
    missing = sorted({"allproc"} - {*symbols})
    missing += sorted({"proc", "thread", "pcb"} - {*layouts})
    if missing:
        return _note(f"{kernel} does not say what {', '.join(missing)} is")
    found = kernel_threads(places, memory, architecture)
    loaded = [module, *_loaded(places, memory, module)]
    core = core_of_kernel(elf, architecture, memory, loaded, [t.core for t in found])
    return _frames(core, files, layouts, found, elf, architecture)


def _note(text: str) -> KernelReading:
    return KernelReading(notes=(Note("kernel", text),))


def _frames(
    core: CoreFile,
    files: DebugFiles,
    layouts: dict[str, Layout],
    found: Sequence[KernelThread],
    elf: ElfFile,
    architecture: Architecture,
) -> KernelReading:
    unwinder = Unwinder(core, debug_file=files.separate_elf)
    table = SymbolTable(elf)

    def name_of(address: int) -> str | None:
        symbol = table.find(address)
        return None if symbol is None else symbol.name

    walker = KernelUnwinder(unwinder, core.memory, architecture, layouts, name_of)
    stacks = [walker.unwind(thread.registers) for thread in core.threads]
    with FrameBuilder(core, debug_files=files) as builder:
        reader = ThreadReader(core, stacks, {}, builder)
        for index in reader.order.whole:
            reader.read(index)
        threads = [
            msgspec.structs.replace(thread, crashed=found[index].crashed)
            for index, thread in enumerate(reader.threads())
        ]
        return KernelReading(
            tuple(threads), tuple(builder.modules()), tuple(builder.notes())
        )


def _loaded(
    places: KernelPlaces, memory: DumpMemory, kernel: LoadedModule
) -> Iterator[LoadedModule]:
    """What ``linker_files`` lists beside the kernel (``sys/kern/kern_linker.c``)."""
    layout, head = (
        places.layouts.get("linker_file"),
        places.symbols.get("linker_files"),
    )
    if layout is None or head is None:
        return
    try:
        first = memory.read_word(head)
    except MemoryReadError:
        return
    if not first:
        return
    for file in Structure(layout, memory, first).chain("link.tqe_next", _MOST_MODULES):
        start, size = file.number("address"), file.number("size")
        if not start or not size or kernel.start <= start < kernel.end:
            continue
        if start + size <= _ADDRESSES:
            yield _module(_string(file, memory), start, start + size)


def _string(file: Structure, memory: DumpMemory) -> str:
    for name in ("pathname", "filename"):
        address = file.number(name)
        text = memory.read_string(address, 1024) if address else None
        if text:
            return text.decode("utf-8", "backslashreplace")
    return "?"


def _module(path: str, start: int, end: int) -> LoadedModule:
    return LoadedModule(
        path=path,
        start=start,
        end=end,
        load_bias=start,
        build_id=None,
        file=None,
        file_build_id=None,
        problem="files of kernel modules are not read",
        elf=None,
    )
