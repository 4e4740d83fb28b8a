"""Which executables and libraries were loaded where, and which local files are they.

Sources, best first: the list of mapped files, the auxiliary vector (executable, vdso),
the dynamic linker's list.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

import msgspec

from coresnap.elfcore.elffile import PT_NOTE, ElfFile, build_id_in
from coresnap.elfcore.facts import CoreFacts
from coresnap.elfcore.memory import Memory
from coresnap.elfcore.module_places import AT_ENTRY, Place, PlaceFinder
from coresnap.elfcore.modulefile import FileFinder
from coresnap.errors import InputError
from coresnap.model import Search

__all__ = ["AT_ENTRY", "LoadedModule", "code_ranges", "find_modules", "remnants"]

VDSO_PATH = "[vdso]"

_PF_W = 2
_PAGE_SIZE = 4096
_VDSO_SIZE = 1 << 16
_VDSO_LIMIT = 1 << 20
_NOTES_LIMIT = 1 << 16


class LoadedModule(msgspec.Struct, frozen=True, eq=False):
    """One executable or library in the address space."""

    path: str
    """As it was mapped; process-chosen. ``[vdso]`` for the kernel's own."""
    start: int
    end: int
    load_bias: int
    """Process address minus link-time address."""
    build_id: str | None
    """Hex digits, from the core's memory, or of a file that is proven by what else the
    core holds; None if neither tells."""
    file: Path | None
    """Local file that fits."""
    file_build_id: str | None
    """Of the local file that was looked at, whether it fits or not."""
    problem: str | None
    """Why it is worse than it could be."""
    elf: ElfFile | None
    """The local file, or for the vdso its image in the core."""
    image: ElfFile | None = None
    """The first page as the core holds it: program headers, no sections."""
    kept_as: str | None = None
    """What to call ``file`` if it is a copy that came with the core."""
    searches: tuple[Search, ...] = ()
    """Where its file was looked for, in order."""


def code_ranges(
    modules: Iterable[LoadedModule],
) -> Iterator[tuple[int, int, memoryview, int]]:
    """What files can stand in for: segments that the process could not write.

    Relro is part of a writable segment: only the core has it relocated. As
    ``Memory.use_files`` takes them.
    """
    for module in modules:
        if module.elf is None or module.file is None:
            continue
        for load in module.elf.loads:
            if not load.flags & _PF_W:
                start = module.load_bias + load.vaddr
                yield start, start + load.filesz, module.elf.data, load.offset


def remnants(modules: Iterable[LoadedModule]) -> Iterator[tuple[int, int]]:
    """What shares the first and last page of a data segment, from start to end: file
    content that no process wrote, and that a core without text does have there."""
    for module in modules:
        if module.elf is None or module.image is not None or module.file is None:
            continue
        previous, loads = 0, module.elf.loads
        for index, load in enumerate(loads):
            start, end = load.vaddr, load.vaddr + load.memsz
            following = [other.vaddr for other in loads[index + 1 : index + 2]]
            if load.flags & _PF_W:
                before = max(start & -_PAGE_SIZE, previous)
                behind = min([-(-end // _PAGE_SIZE) * _PAGE_SIZE, *following])
                yield module.load_bias + before, module.load_bias + start
                yield module.load_bias + end, module.load_bias + behind
            previous = end


def find_modules(
    memory: Memory,
    facts: CoreFacts,
    finder: FileFinder,
    executable: Path | None = None,
) -> tuple[LoadedModule, ...]:
    """All modules by start address; ``memory`` must not read from files yet."""
    places = PlaceFinder(memory, facts, finder, executable)
    main = places.run()
    modules = [_module(places, place, place is main) for place in places.places]
    vdso = _vdso(memory, facts)
    if vdso is not None:
        modules = [m for m in modules if not m.start <= vdso.start < m.end]
        modules.append(vdso)
    return tuple(sorted(modules, key=lambda m: m.start))


def _module(places: PlaceFinder, place: Place, is_main: bool) -> LoadedModule:
    image = place.image
    explicit = places.executable if is_main else None
    build_id, choice = None, place.choice
    if image is not None:
        build_id = _build_id(places.memory, image, place.load_bias)
        choice = places.finder.find(place.path, image, build_id, explicit)
    elif choice is None or is_main:
        choice = places.choose(place.path, place.load_bias, explicit)
    if image is None and choice.elf is not None and choice.problem is None:
        build_id = choice.build_id
    return LoadedModule(
        place.path.decode("utf-8", "backslashreplace"),
        place.start,
        place.end,
        place.load_bias,
        build_id,
        choice.elf.path if choice.elf else None,
        choice.build_id,
        choice.problem,
        choice.elf,
        image,
        choice.kept_as,
        choice.searches,
    )


def _build_id(memory: Memory, image: ElfFile, bias: int) -> str | None:
    for segment in image.program_headers:
        if segment.type == PT_NOTE:
            size = min(segment.filesz, _NOTES_LIMIT)
            data = memory.read_some(bias + segment.vaddr, size)
            found = build_id_in(memoryview(data), segment.align, image.header)
            if found:
                return found
    # The text's first page may be left out, and its copy in the data segment not.
    return image.build_id


def _vdso(memory: Memory, facts: CoreFacts) -> LoadedModule | None:
    address = facts.start.vdso
    if not address:
        return None
    mapping = memory.find_mapping(address)
    end = mapping.end if mapping else address + _VDSO_SIZE
    size = min(end - address, _VDSO_LIMIT)
    try:
        elf = ElfFile(memory.read_some(address, size))
    except InputError:
        return None
    lowest = elf.loads[0].vaddr if elf.loads else 0
    return LoadedModule(
        VDSO_PATH,
        address,
        address + size,
        address - lowest,
        elf.build_id,
        None,
        None,
        None,
        elf,
    )
