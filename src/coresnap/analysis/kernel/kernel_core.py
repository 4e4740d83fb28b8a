"""A kernel as a core: its memory and modules as analysis takes those of processes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from coresnap.elfcore.corefile import CoreFile
from coresnap.elfcore.elffile import ElfFile
from coresnap.elfcore.facts import CoreFacts, CoreThread
from coresnap.elfcore.memory import Memory
from coresnap.elfcore.modules import LoadedModule, code_ranges
from coresnap.elfcore.registers import Architecture
from coresnap.elfcore.vmcore.kernel_memory import KernelMemory
from coresnap.errors import MemoryReadError

__all__ = ["DumpMemory", "core_of_kernel", "kernel_module"]

_PAGE = 4096
_ADDRESSES = (1 << 64) - 1


class DumpMemory(Memory):
    """The dump's memory by virtual address; files stand in for what it lacks."""

    def __init__(self, dump: KernelMemory) -> None:
        self._dump = dump
        super().__init__(memoryview(b""), (), dump.pointer_size, dump.byte_order)

    def read_word(self, address: int) -> int:
        """An unsigned integer of an address's size; raises ``MemoryReadError``."""
        return int.from_bytes(self.read(address, self.pointer_size), self.byte_order)

    def read(self, address: int, size: int) -> bytes:
        """Exactly ``size`` bytes; raises ``MemoryReadError``."""
        data = self.read_some(address, size)
        if len(data) < size:
            raise MemoryReadError(address + len(data), size - len(data))
        return data

    def read_some(self, address: int, size: int) -> bytes:
        """Up to ``size`` bytes: those before the first that is not there."""
        pieces: list[bytes] = []
        while size > 0 and 0 <= address < self._limit:
            piece = self._dump.read_some(address, size)
            if not piece:
                # One page: what is behind it may be the dump's again.
                piece = super().read_some(address, min(size, _PAGE - address % _PAGE))
            if not piece:
                break
            pieces.append(piece)
            address, size = address + len(piece), size - len(piece)
        return b"".join(pieces)

    def stored_views(self, start: int, end: int) -> Iterator[tuple[int, memoryview]]:
        """Nothing: a kernel's memory has no end that a search would reach."""
        return iter(())


def kernel_module(elf: ElfFile, path: Path) -> LoadedModule:
    """Return the kernel itself, where its file says that it is."""
    starts = [load.vaddr for load in elf.loads] or [0]
    ends = [min(load.vaddr + load.memsz, _ADDRESSES) for load in elf.loads] or [0]
    return LoadedModule(
        path=str(path),
        start=min(starts),
        end=max(ends),
        load_bias=0,
        build_id=elf.build_id,
        file=path,
        file_build_id=elf.build_id,
        problem=None,
        elf=elf,
    )


def core_of_kernel(
    elf: ElfFile,
    architecture: Architecture,
    memory: DumpMemory,
    modules: Sequence[LoadedModule],
    threads: Sequence[CoreThread],
) -> CoreFile:
    """Return a core whose threads are the kernel's; ``memory`` reads its files, too."""
    memory.use_files(code_ranges(modules))
    return CoreFile(
        path=Path(modules[0].path),
        size=0,
        system="FreeBSD",
        architecture=architecture,
        header=elf.header,
        notes=(),
        facts=CoreFacts(threads=tuple(threads)),
        mappings=(),
        memory=memory,
        modules=tuple(sorted(modules, key=lambda module: module.start)),
        missing_bytes=0,
        notes_to_reader=(),
    )
