"""Where modules are: what the mapped files, the auxiliary vector and the dynamic
linker's list say, joined.

The load bias follows from a module's program headers, which are in its first page, if
the core holds that, or in its file. FreeBSD leaves out every page of a file that is not
data: without the file the bias is known by where its first page was mapped.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

import msgspec

from coresnap.elfcore.dynamic_section import DT_STRTAB, find_dynamic
from coresnap.elfcore.elffile import PT_DYNAMIC, PT_PHDR, ElfFile
from coresnap.elfcore.elfheader import ET_EXEC
from coresnap.elfcore.facts import CoreFacts, MappedFile
from coresnap.elfcore.linkmap import walk_link_map
from coresnap.elfcore.memory import Memory
from coresnap.elfcore.modulefile import FileChoice, FileFinder
from coresnap.errors import InputError

__all__ = ["AT_ENTRY", "AT_PHDR", "Place", "PlaceFinder"]

AT_PHDR, AT_ENTRY = 3, 9

_IMAGE_SIZE = 1 << 16
_PATH_LIMIT = 4096
_MODULE_LIMIT = 1 << 16


class Place(msgspec.Struct, frozen=True, eq=False):
    """A module before its file is chosen for good."""

    path: bytes
    start: int
    end: int
    load_bias: int
    image: ElfFile | None
    """Its first page, if the core holds that."""
    choice: FileChoice | None = None
    first_size: int = 0
    """Bytes of the first mapping."""

    @property
    def headers(self) -> ElfFile | None:
        """Program headers, from the core or else from the file."""
        return self.image or (self.choice.elf if self.choice else None)


class PlaceFinder(msgspec.Struct, eq=False):
    """Finds all places; ``memory`` must not read from files yet."""

    memory: Memory
    facts: CoreFacts
    finder: FileFinder
    executable: Path | None
    """The file that the user named for the program."""
    places: list[Place] = msgspec.field(default_factory=list)
    missing: dict[bytes, FileChoice] = msgspec.field(default_factory=dict)
    """By path: what was looked for where a file begins, and is not to be had."""

    def run(self) -> Place | None:
        """Fill ``places``; the executable's is returned."""
        self._place_files(self.facts.mapped_files)
        main = self._executable_place()
        self._place_link_map(main)
        return main

    def choose(
        self, path: bytes, load_bias: int | None, explicit: Path | None = None
    ) -> FileChoice:
        """Choose the file of a module whose headers the core does not hold.

        ``load_bias`` is None where only the file's headers can tell it.
        """

        def is_right(elf: ElfFile) -> bool | None:
            bias = self._bias_by_headers(elf) if load_bias is None else load_bias
            return None if bias is None else self._is_mapped(elf, bias)

        return self.finder.find(path, None, None, explicit, is_right)

    def _is_mapped(self, elf: ElfFile, load_bias: int) -> bool | None:
        # Not before: most cores of Linux hold headers and build-id of every module.
        from coresnap.elfcore.file_evidence import is_mapped_file

        return is_mapped_file(elf, load_bias, self.memory)

    # --- mapped files -------------------------------------------------------

    def _place_files(self, files: Sequence[MappedFile]) -> None:
        latest: dict[bytes, int] = {}
        first: MappedFile | None = None
        for file in files[:_MODULE_LIMIT]:
            if file.offset == 0 or first is None or first.path != file.path:
                first = file
            index = latest.get(file.path)
            if index is not None and self._belongs(self.places[index], file):
                self.places[index] = self._extended(self.places[index], file)
                continue
            new = self._place_file(file, first)
            if new is not None:
                latest[file.path] = len(self.places)
                self.places.append(new)

    def _belongs(self, place: Place, file: MappedFile) -> bool:
        """Whether ``file`` is a further segment of the module at ``place``."""
        headers = place.headers
        if headers is not None:
            return file.start < place.load_bias + _memory_end(
                headers
            ) and not self._begins_apart(place, file)
        # A file mapped twice begins again at offset 0; but the data segment of a small
        # program begins there too, in the page that it shares with the text.
        return file.offset != 0 or place.end - place.start == place.first_size

    def _begins_apart(self, place: Place, file: MappedFile) -> bool:
        """Whether the module begins here, and ``place`` is a piece mapped by itself.

        libffi maps a page of its own text once more, for its closures.
        """
        if place.image is not None or file.offset != 0:
            return False
        image = self._image_at(file.start)
        return image is not None and _bias(image, file) != place.load_bias

    def _extended(self, place: Place, file: MappedFile) -> Place:
        image, bias = place.image, place.load_bias
        if place.headers is None and file.offset == 0:
            image = self._image_at(file.start)
            if image is not None:
                first = MappedFile(place.start, place.end, 0, place.path)
                bias = _bias(image, first)
        end = max(place.end, file.end)
        return msgspec.structs.replace(place, end=end, image=image, load_bias=bias)

    def _place_file(self, file: MappedFile, first: MappedFile) -> Place | None:
        """``first`` is where the file that ``file`` is a part of begins."""
        image = self._image_at(file.start) if file.offset == 0 else None
        if image is not None:
            bias = _bias(image, file)
            return Place(file.path, file.start, file.end, bias, image)
        if file.offset == 0 and self.memory.read_some(file.start, 4):
            return None  # its first page is there, and is not ELF's: a data file
        choice = self._file_of(file)
        if choice.elf is not None:
            bias = _bias(choice.elf, file)
            return Place(file.path, file.start, file.end, bias, None, choice)
        if not self._is_executable(file):
            return None
        start, bias = file.start, file.start - file.offset
        if first.offset == 0 and self.facts.regions:
            # The kernel lists the pages that it leaves out: the first is the lowest.
            start = bias = first.start
        size = file.end - start
        return Place(file.path, start, file.end, bias, None, choice, size)

    def _file_of(self, file: MappedFile) -> FileChoice:
        known = self.missing.get(file.path)
        if known is not None:
            return known
        choice = self.finder.find(
            file.path,
            None,
            None,
            is_right=lambda elf: self._is_mapped(elf, _bias(elf, file)),
        )
        if choice.elf is None:
            self.missing[file.path] = choice
        return choice

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

    def _executable_place(self) -> Place | None:
        """Find the executable among the places, or place it by the auxv."""
        for kind in (AT_PHDR, AT_ENTRY):
            address = self.facts.auxv.get(kind)
            for index, place in enumerate(self.places):
                if address and place.start <= address < place.end:
                    if place.headers is None:
                        self.places[index] = self._as_executable(place)
                    return self.places[index]
        main = self._place_by_auxv() or self._place_unmapped()
        if main is not None:
            self.places.append(main)
        return main

    def _as_executable(self, place: Place) -> Place:
        """The place again, with the headers of the file that the user named."""
        choice = self.choose(place.path, None, self.executable)
        elf = choice.elf
        bias = self._bias_by_headers(elf) if elf is not None else None
        if elf is not None and bias is not None and elf.loads:
            start = bias + elf.loads[0].vaddr
            end = max(place.end, bias + _memory_end(elf))
            return Place(place.path, start, end, bias, None, choice)
        bias = place.load_bias
        if self.facts.regions and self._is_linked_at(place):
            bias = 0
        return msgspec.structs.replace(place, load_bias=bias, choice=choice)

    def _is_linked_at(self, place: Place) -> bool:
        """Whether it is loaded where it was linked, by the address of its strings.

        FreeBSD's dynamic linker leaves the section as it is in the file. A program
        without one is static, and relocates nothing.
        """
        dynamic = find_dynamic(self.memory, place.start, place.end)
        strings = dynamic.value(DT_STRTAB) if dynamic is not None else place.start
        return strings is not None and place.start <= strings < place.end

    def _bias_by_headers(self, elf: ElfFile) -> int | None:
        """Load bias of the executable, by where the kernel says its headers are."""
        headers = self.facts.auxv.get(AT_PHDR)
        return headers - _phdr_address(elf) if headers else None

    def _place_by_auxv(self) -> Place | None:
        headers = self.facts.auxv.get(AT_PHDR)
        if not headers:
            return None
        path = self._path_of_start()
        image = self._image_below(headers)
        choice = None
        if image is None:
            choice = self.choose(path, None, self.executable)
        elf = image or (choice.elf if choice else None)
        if elf is None or not elf.loads:
            return None
        bias = headers - _phdr_address(elf)
        start = bias + elf.loads[0].vaddr
        return Place(path, start, bias + _memory_end(elf), bias, image, choice)

    def _place_unmapped(self) -> Place | None:
        """No useful auxv: an executable at fixed addresses can still be placed."""
        if self.executable is None:
            return None
        choice = self.choose(b"", 0, self.executable)
        elf = choice.elf
        if elf is None or elf.header.type != ET_EXEC or not elf.loads:
            return None
        if any(p.start <= elf.loads[0].vaddr < p.end for p in self.places):
            return None
        path = str(self.executable).encode("utf-8", "surrogateescape")
        return Place(path, elf.loads[0].vaddr, _memory_end(elf), 0, None, choice)

    def _image_below(self, headers: int) -> ElfFile | None:
        """The ELF header precedes the program headers in every linker's output."""
        size = 64 if self.memory.pointer_size == 8 else 52
        image = self._image_at(headers - size)
        return image if image is not None and image.header.phoff == size else None

    def _path_of_start(self) -> bytes:
        address = self.facts.start.path or 0
        return self.memory.read_string(address, _PATH_LIMIT) or b"?"

    # --- link map -----------------------------------------------------------

    def _place_link_map(self, main: Place | None) -> None:
        address = self._dynamic_address(main) if main is not None else None
        if address is None:
            return
        spans = sorted((place.start, place.end) for place in self.places)
        for entry in walk_link_map(self.memory, address)[:_MODULE_LIMIT]:
            if not entry.name or _covers(spans, entry.dynamic):
                continue
            place = self._place_linked(entry.name, entry.load_bias, entry.dynamic)
            if place is not None:
                self.places.append(place)

    def _dynamic_address(self, main: Place) -> int | None:
        headers = main.headers
        if headers is None:
            headers = self.choose(main.path, main.load_bias, self.executable).elf
        if headers is None:
            found = find_dynamic(self.memory, main.start, main.end)
            return found.address if found is not None else None
        dynamic = headers.segment(PT_DYNAMIC)
        if dynamic is None:
            return None
        return main.load_bias + dynamic.vaddr & (1 << 8 * self.memory.pointer_size) - 1

    def _place_linked(self, name: bytes, bias: int, dynamic: int) -> Place | None:
        if self.facts.start.vdso == bias:
            return None
        image = self._image_at(bias)
        choice = None if image is not None else self.choose(name, bias)
        elf = image or (choice.elf if choice else None)
        if elf is not None and elf.loads:
            start, end = bias + elf.loads[0].vaddr, bias + _memory_end(elf)
            return Place(name, start, end, bias, image, choice)
        mapping = self.memory.find_mapping(dynamic)
        if mapping is None:
            return None
        return Place(name, mapping.start, mapping.end, bias, None, choice)


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
