"""What is left of a core in its snapshot, as a core that analysis can walk."""

from __future__ import annotations

import os.path
from collections.abc import Callable, Iterator
from pathlib import Path

from coresnap.elfcore.corefile import CoreFile
from coresnap.elfcore.elffile import ElfFile, open_elf
from coresnap.elfcore.elfheader import ET_CORE, ElfHeader, ProgramHeader
from coresnap.elfcore.facts import (
    CoreFacts,
    CoreThread,
    MappedFile,
    ProcessInfo,
    SignalInfo,
)
from coresnap.elfcore.memory import Memory
from coresnap.elfcore.modules import AT_ENTRY, LoadedModule, code_ranges
from coresnap.elfcore.registers import ARCHITECTURES, Architecture
from coresnap.errors import AccessError, InputError, MissingError
from coresnap.model import Module, Signal, Snapshot

__all__ = ["Stored", "core_of"]

Stored = Callable[[str], Iterator[tuple[str, Path]]]
"""Where the executable or library with a build-id may be (``DebugFiles.stored``)."""

_PT_LOAD = 1
_PF_W = 2


def core_of(snapshot: Snapshot, stored: Stored) -> CoreFile | None:
    """Return a core with the registers and the memory that ``snapshot`` keeps.

    Modules are opened by build-id alone: the paths of another machine mean nothing
    here. None if its architecture's registers are not known.
    """
    architecture = _architecture(snapshot.architecture)
    if architecture is None:
        return None
    data, loads = _memory(snapshot)
    memory = Memory(
        data,
        loads,
        architecture.pointer_size,
        architecture.byte_order,
        snapshot.mappings,
    )
    modules = tuple(_loaded(m, architecture, stored) for m in snapshot.modules)
    memory.use_files(code_ranges(modules))
    return CoreFile(
        path=Path("snapshot"),
        size=snapshot.core_size or 0,
        system=snapshot.system,
        architecture=architecture,
        header=_header(architecture),
        notes=(),
        facts=_facts(snapshot, architecture),
        mappings=snapshot.mappings,
        memory=memory,
        modules=modules,
        missing_bytes=int(snapshot.truncated),
        notes_to_reader=(),
    )


def _architecture(name: str) -> Architecture | None:
    known = (one for one in ARCHITECTURES if one.name == name)
    return next((one for one in known if one.layout is not None), None)


def _memory(snapshot: Snapshot) -> tuple[memoryview, list[ProgramHeader]]:
    data, loads = bytearray(), []
    for kept in snapshot.memory:
        size = len(kept.data)
        loads.append(
            ProgramHeader(_PT_LOAD, _PF_W, len(data), kept.address, size, size, 1)
        )
        data += kept.data
    return memoryview(bytes(data)), loads


def _header(architecture: Architecture) -> ElfHeader:
    machine = architecture.machine
    return ElfHeader(
        architecture.pointer_size,
        architecture.byte_order,
        *(0, ET_CORE, machine, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0),
    )


def _facts(snapshot: Snapshot, architecture: Architecture) -> CoreFacts:
    numbers = architecture.numbers
    threads = tuple(
        CoreThread(
            thread.tid,
            {numbers[n]: v for n, v in thread.registers.items() if n in numbers},
            signal=snapshot.signal.number if thread.crashed and snapshot.signal else 0,
            name=thread.name,
        )
        for thread in snapshot.threads
    )
    files = tuple(
        MappedFile(m.start, m.end, m.offset, m.path.encode("utf-8", "replace"))
        for m in snapshot.mappings
        if m.path is not None and m.offset is not None
    )
    entry = _executable(snapshot)
    return CoreFacts(
        threads,
        ProcessInfo(
            pid=snapshot.pid, command=snapshot.command, arguments=snapshot.arguments
        ),
        _signal(snapshot.signal),
        # Only which module is the executable: where in it the program begins is gone.
        {} if entry is None else {AT_ENTRY: entry.start},
        files,
    )


def _signal(signal: Signal | None) -> SignalInfo | None:
    if signal is None:
        return None
    return SignalInfo(
        signal.number, signal.code, signal.address, signal.sender_pid, signal.sender_uid
    )


def _executable(snapshot: Snapshot) -> Module | None:
    name = snapshot.attributes.get("application")
    named = (m for m in snapshot.modules if os.path.basename(m.path) == name)
    return next(named, None)


def _loaded(module: Module, architecture: Architecture, stored: Stored) -> LoadedModule:
    elf = _file(module.build_id, architecture, stored)
    mask = architecture.pointer_mask
    return LoadedModule(
        path=module.path,
        start=module.start,
        end=module.end,
        load_bias=module.load_bias & mask,
        build_id=module.build_id,
        file=None if elf is None else elf.path,
        file_build_id=None if elf is None else elf.build_id,
        problem=None,
        elf=elf,
    )


def _file(
    build_id: str | None, architecture: Architecture, stored: Stored
) -> ElfFile | None:
    for _, path in () if build_id is None else stored(build_id):
        try:
            elf = open_elf(path)
        except (AccessError, InputError, MissingError):
            continue
        if elf.build_id == build_id and elf.header.machine == architecture.machine:
            return elf
        elf.release()
    return None
