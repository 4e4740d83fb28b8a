"""Which executables and libraries were loaded where, and which local files are they.

Sources, best first: the list of mapped files, the auxiliary vector (executable, vdso),
the dynamic linker's list. The load bias follows from the program headers, which the
core holds in each module's first page, or from the file's.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import msgspec

from coresnap.elfcore.elffile import (
    PT_DYNAMIC,
    PT_NOTE,
    PT_PHDR,
    ElfFile,
    build_id_in,
)
from coresnap.elfcore.elfheader import ET_EXEC
from coresnap.elfcore.facts import CoreFacts, MappedFile
from coresnap.elfcore.linkmap import walk_link_map
from coresnap.elfcore.memory import Memory
from coresnap.elfcore.modulefile import FileChoice, FileFinder
from coresnap.errors import InputError
from coresnap.model import Search

__all__ = ["LoadedModule", "code_ranges", "find_modules"]

AT_PHDR, AT_ENTRY = 3, 9
VDSO_PATH = "[vdso]"

_PF_W = 2
_IMAGE_SIZE = 1 << 16
_VDSO_LIMIT = 1 << 20
_NOTES_LIMIT = 1 << 16
_PATH_LIMIT = 4096
_MODULE_LIMIT = 1 << 16


class LoadedModule(msgspec.Struct, frozen=True, eq=False):
    """One executable or library in the address space."""

    path: str
    """As it was mapped; process-chosen. ``[vdso]`` for the kernel's own."""
    start: int
    end: int
    load_bias: int
    """Process address minus link-time address."""
    build_id: str | None
    """Hex digits, from the core's memory; None if the core does not hold it."""
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


class _Place(msgspec.Struct, frozen=True, eq=False):
    """A module before its file is looked for."""

    path: bytes
    start: int
    end: int
    load_bias: int
    image: ElfFile | None
    choice: FileChoice | None = None
    first_size: int = 0
    """Bytes of the first mapping."""

    @property
    def headers(self) -> ElfFile | None:
        """Program headers, from the core or else from the file."""
        return self.image or (self.choice.elf if self.choice else None)


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


def find_modules(
    memory: Memory,
    facts: CoreFacts,
    finder: FileFinder,
    executable: Path | None = None,
) -> tuple[LoadedModule, ...]:
    """All modules by start address; ``memory`` must not read from files yet."""
    return _Search(memory, facts, finder, executable).run()


class _Search(msgspec.Struct, eq=False):
    memory: Memory
    facts: CoreFacts
    finder: FileFinder
    executable: Path | None
    places: list[_Place] = msgspec.field(default_factory=list)

    def run(self) -> tuple[LoadedModule, ...]:
        self._place_files(self.facts.mapped_files)
        main = self._executable_place()
        self._place_link_map(main)
        modules = [self._module(place, place is main) for place in self.places]
        vdso = self._vdso()
        if vdso is not None:
            modules = [m for m in modules if not m.start <= vdso.start < m.end]
            modules.append(vdso)
        return tuple(sorted(modules, key=lambda m: m.start))

    # --- mapped files -------------------------------------------------------

    def _place_files(self, files: Sequence[MappedFile]) -> None:
        latest: dict[bytes, int] = {}
        for file in files[:_MODULE_LIMIT]:
            index = latest.get(file.path)
            if index is not None and self._belongs(self.places[index], file):
                self.places[index] = self._extended(self.places[index], file)
                continue
            new = self._place_file(file)
            if new is not None:
                latest[file.path] = len(self.places)
                self.places.append(new)

    def _belongs(self, place: _Place, file: MappedFile) -> bool:
        """Whether ``file`` is a further segment of the module at ``place``."""
        headers = place.headers
        if headers is not None:
            return file.start < place.load_bias + _memory_end(
                headers
            ) and not self._begins_apart(place, file)
        # A file mapped twice begins again at offset 0; but the data segment of a small
        # program begins there too, in the page that it shares with the text.
        return file.offset != 0 or place.end - place.start == place.first_size

    def _begins_apart(self, place: _Place, file: MappedFile) -> bool:
        """Whether the module begins here, and ``place`` is a piece mapped by itself.

        libffi maps a page of its own text once more, for its closures.
        """
        if place.image is not None or file.offset != 0:
            return False
        image = self._image_at(file.start)
        return image is not None and _bias(image, file) != place.load_bias

    def _extended(self, place: _Place, file: MappedFile) -> _Place:
        image, bias = place.image, place.load_bias
        if place.headers is None and file.offset == 0:
            image = self._image_at(file.start)
            if image is not None:
                first = MappedFile(place.start, place.end, 0, place.path)
                bias = _bias(image, first)
        end = max(place.end, file.end)
        return msgspec.structs.replace(place, end=end, image=image, load_bias=bias)

    def _place_file(self, file: MappedFile) -> _Place | None:
        image = self._image_at(file.start) if file.offset == 0 else None
        if image is not None:
            bias = _bias(image, file)
            return _Place(file.path, file.start, file.end, bias, image)
        if file.offset == 0 and self.memory.read_some(file.start, 4):
            return None  # its first page is there, and is not ELF's: a data file
        choice = self.finder.find(file.path, None, None)
        if choice.elf is not None:
            bias = _bias(choice.elf, file)
            return _Place(file.path, file.start, file.end, bias, None, choice)
        if not self._is_executable(file):
            return None
        start = file.start - file.offset
        size = file.end - file.start
        return _Place(file.path, file.start, file.end, start, None, choice, size)

    def _is_executable(self, file: MappedFile) -> bool:
        mapping = self.memory.find_mapping(file.start)
        return mapping is not None and mapping.permissions[2] == "x"

    def _image_at(self, address: int) -> ElfFile | None:
        data = self.memory.read_some(address, _IMAGE_SIZE)
        try:
            return ElfFile(data)
        except InputError:
            return None

    # --- executable ---------------------------------------------------------

    def _executable_place(self) -> _Place | None:
        """Find the executable among the places, or place it by the auxv."""
        for kind in (AT_PHDR, AT_ENTRY):
            address = self.facts.auxv.get(kind)
            for place in self.places:
                if address and place.start <= address < place.end:
                    return place
        main = self._place_by_auxv() or self._place_unmapped()
        if main is not None:
            self.places.append(main)
        return main

    def _place_by_auxv(self) -> _Place | None:
        headers = self.facts.auxv.get(AT_PHDR)
        if not headers:
            return None
        path = self._execfn()
        image = self._image_below(headers)
        choice = None
        if image is None:
            choice = self.finder.find(path, None, None, self.executable)
        elf = image or (choice.elf if choice else None)
        if elf is None or not elf.loads:
            return None
        bias = headers - _phdr_address(elf)
        start = bias + elf.loads[0].vaddr
        return _Place(path, start, bias + _memory_end(elf), bias, image, choice)

    def _place_unmapped(self) -> _Place | None:
        """No useful auxv: an executable at fixed addresses can still be placed."""
        if self.executable is None:
            return None
        choice = self.finder.find(b"", None, None, self.executable)
        elf = choice.elf
        if elf is None or elf.header.type != ET_EXEC or not elf.loads:
            return None
        if any(p.start <= elf.loads[0].vaddr < p.end for p in self.places):
            return None
        path = str(self.executable).encode("utf-8", "surrogateescape")
        return _Place(path, elf.loads[0].vaddr, _memory_end(elf), 0, None, choice)

    def _image_below(self, headers: int) -> ElfFile | None:
        """The ELF header precedes the program headers in every linker's output."""
        size = 64 if self.memory.pointer_size == 8 else 52
        image = self._image_at(headers - size)
        return image if image is not None and image.header.phoff == size else None

    def _execfn(self) -> bytes:
        address = self.facts.start.path or 0
        return self.memory.read_string(address, _PATH_LIMIT) or b"?"

    # --- link map -----------------------------------------------------------

    def _place_link_map(self, main: _Place | None) -> None:
        if main is None:
            return
        headers = main.headers
        if headers is None:
            headers = self.finder.find(main.path, None, None, self.executable).elf
        dynamic = headers.segment(PT_DYNAMIC) if headers is not None else None
        if dynamic is None:
            return
        address = (
            main.load_bias + dynamic.vaddr & (1 << 8 * self.memory.pointer_size) - 1
        )
        spans = sorted((place.start, place.end) for place in self.places)
        for entry in walk_link_map(self.memory, address)[:_MODULE_LIMIT]:
            if not entry.name or _covers(spans, entry.dynamic):
                continue
            place = self._place_linked(entry.name, entry.load_bias, entry.dynamic)
            if place is not None:
                self.places.append(place)

    def _place_linked(self, name: bytes, bias: int, dynamic: int) -> _Place | None:
        if self.facts.start.vdso == bias:
            return None
        image = self._image_at(bias)
        choice = None if image is not None else self.finder.find(name, None, None)
        elf = image or (choice.elf if choice else None)
        if elf is not None and elf.loads:
            start, end = bias + elf.loads[0].vaddr, bias + _memory_end(elf)
            return _Place(name, start, end, bias, image, choice)
        mapping = self.memory.find_mapping(dynamic)
        if mapping is None:
            return None
        return _Place(name, mapping.start, mapping.end, bias, None, choice)

    # --- files --------------------------------------------------------------

    def _module(self, place: _Place, is_main: bool) -> LoadedModule:
        image = place.image
        build_id = self._build_id(image, place.load_bias) if image else None
        choice = place.choice
        if choice is None or is_main or image is not None:
            explicit = self.executable if is_main else None
            choice = self.finder.find(place.path, image, build_id, explicit)
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

    def _build_id(self, image: ElfFile, bias: int) -> str | None:
        for segment in image.program_headers:
            if segment.type == PT_NOTE:
                size = min(segment.filesz, _NOTES_LIMIT)
                data = self.memory.read_some(bias + segment.vaddr, size)
                found = build_id_in(memoryview(data), segment.align, image.header)
                if found:
                    return found
        # The text's first page may be left out, and its copy in the data segment not.
        return image.build_id

    def _vdso(self) -> LoadedModule | None:
        address = self.facts.start.vdso
        if not address:
            return None
        mapping = self.memory.find_mapping(address)
        end = mapping.end if mapping else address + _IMAGE_SIZE
        size = min(end - address, _VDSO_LIMIT)
        try:
            elf = ElfFile(self.memory.read_some(address, size))
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


def _covers(spans: Iterable[tuple[int, int]], address: int) -> bool:
    return any(start <= address < end for start, end in spans)


def _memory_end(elf: ElfFile) -> int:
    return max((load.vaddr + load.memsz for load in elf.loads), default=0)


def _bias(elf: ElfFile, file: MappedFile) -> int:
    """Load bias from the segment that holds the mapping's file offset.

    Mappings begin at page boundaries: the segment's own start is rounded down by its
    distance from the mapping's offset.
    """
    for load in elf.loads:
        if load.offset <= file.offset < load.offset + load.filesz:
            return file.start - (load.vaddr + file.offset - load.offset)
        if file.offset < load.offset < file.offset + (file.end - file.start):
            return file.start + load.offset - file.offset - load.vaddr
    return file.start - file.offset


def _phdr_address(elf: ElfFile) -> int:
    """Link-time address of the program headers."""
    own = elf.segment(PT_PHDR)
    if own is not None:
        return own.vaddr
    for load in elf.loads:
        if load.offset <= elf.header.phoff < load.offset + load.filesz:
            return load.vaddr + elf.header.phoff - load.offset
    return elf.header.phoff
