"""Where a module's thread-local storage is in each thread.

Drepper, "ELF Handling For Thread-Local Storage": each thread has a dynamic thread
vector (DTV) with the address of every module's block; blocks of modules that were there
at the start have a fixed distance from the thread pointer besides. A module's number in
the vector is in the dynamic linker's entry for it, whose layout is private and differs
between versions; but the entry repeats what the module's PT_TLS header says, and the
number stands behind that (``struct link_map`` in glibc's ``include/link.h``, ``struct
dso`` in musl's ``ldso/dynlink.c``), or before it (``Obj_Entry`` in FreeBSD's
``libexec/rtld-elf/rtld.h``, which has its ``struct link_map`` behind all of that).
"""

from __future__ import annotations

import msgspec

from coresnap.analysis.expression import ExpressionError
from coresnap.elfcore.corefile import CoreFile, LoadedModule
from coresnap.elfcore.elffile import ElfFile
from coresnap.elfcore.elfheader import ProgramHeader
from coresnap.elfcore.linkmap import LinkMapEntry, walk_link_map
from coresnap.errors import MemoryReadError

__all__ = ["THREAD_POINTERS", "ThreadLocalStorage"]

_PT_DYNAMIC, _PT_TLS = 2, 7
_ENTRY_SIZE = 2048
"""Bytes of a dynamic linker's entry that are searched; glibc 2.36 has 1,168 behind the
link_map's start, rtld of FreeBSD 13 some 600 before it."""
_FIRST_PRIVATE = 5
"""Words of the entry that are the same everywhere: bias, name, dynamic, next, prev."""
_BLOCK_LIMIT = 100_000
"""Modules with thread-local storage: glibc numbers them from 1."""

THREAD_POINTERS = {
    "x86-64": "fs.base",
    "i386": "gs.base",
    "aarch64": "tpidr",
    "riscv64": "tp",
}
"""The register that thread-local storage is counted from, by architecture."""


class _Layout(msgspec.Struct, frozen=True):
    """An architecture's ABI; offsets in bytes from the thread pointer."""

    below: bool
    """Variant II: the executable's block ends at the thread pointer."""
    gap: int
    """Variant I: what stands between the thread pointer and the first block."""
    vector: int
    """Where glibc and rtld keep the address of the vector."""
    musl_vector: int


_LAYOUTS = {
    "x86-64": _Layout(below=True, gap=0, vector=8, musl_vector=8),
    "i386": _Layout(below=True, gap=0, vector=4, musl_vector=4),
    "aarch64": _Layout(below=False, gap=16, vector=0, musl_vector=-8),
    "riscv64": _Layout(below=False, gap=0, vector=-16, musl_vector=-8),
}


class _Linker(msgspec.Struct, frozen=True):
    """How a dynamic linker lays out its vectors, in words."""

    width: int
    """Of an entry: its first word is the address of a block."""
    first: int
    """Where the entry with number 0 is, or would be."""
    count: int
    """Where it says how many blocks there is room for."""
    before: bool = False
    """What it notes of a module stands before the link_map."""


_GLIBC = _Linker(width=2, first=0, count=-2)
"""An entry is the address and what to free."""
_MUSL = _Linker(width=1, first=0, count=0)
_RTLD = _Linker(width=1, first=1, count=1, before=True)
"""The first word is the vector's generation."""


class _Block(msgspec.Struct, frozen=True):
    """What the dynamic linker notes of a module's block."""

    number: int
    """Its index in the vector."""
    offset: int
    """Its distance from the thread pointer, 0 or negative if it has none."""


class ThreadLocalStorage:
    """Finds blocks in one core; the dynamic linker's list is walked when needed."""

    def __init__(self, core: CoreFile) -> None:
        self._core = core
        self._layout = _LAYOUTS.get(core.architecture.name)
        is_musl = any("ld-musl" in module.path for module in core.modules)
        self._linker = _MUSL if is_musl else _GLIBC
        if core.system == "FreeBSD":
            self._linker = _RTLD
        self._entries: list[LinkMapEntry] | None = None
        self._blocks: dict[int, _Block | None] = {}

    def block(self, module: LoadedModule, thread_pointer: int | None) -> int:
        """Address of the module's block in a thread; raises ``ExpressionError``."""
        layout, segment = self._layout, _segment(module, _PT_TLS)
        if layout is None:
            name = self._core.architecture.name
            raise ExpressionError(f"thread-local storage of {name} is not known")
        if thread_pointer is None:
            raise ExpressionError("the core does not say the thread's pointer")
        if segment is None:
            raise ExpressionError("the module's thread-local segment was not found")
        if module is self._core.executable:
            # Its place is fixed by the ABI, and the vector may not be there yet.
            return thread_pointer + _first_offset(layout, segment)
        found = self._find(module, segment)
        if found is None:
            raise ExpressionError("the dynamic linker's entry for it was not found")
        address = self._in_vector(layout, thread_pointer, found.number)
        if address:
            return address
        if 0 < found.offset < 1 << 32:
            return thread_pointer + (-found.offset if layout.below else found.offset)
        raise ExpressionError("this thread has not used it yet")

    def _in_vector(self, layout: _Layout, thread_pointer: int, number: int) -> int:
        """The block's address by the thread's vector; 0 if the thread has none."""
        memory, linker = self._core.memory, self._linker
        word = memory.pointer_size
        at = layout.musl_vector if linker is _MUSL else layout.vector
        try:
            vector = memory.read_word(thread_pointer + at)
            if number > memory.read_word(vector + linker.count * word):
                return 0
            index = linker.first + number * linker.width
            address = memory.read_word(vector + index * word)
        except MemoryReadError:
            return 0
        unallocated = (1 << 8 * word) - 1
        return 0 if address == unallocated else address

    def _find(self, module: LoadedModule, segment: ProgramHeader) -> _Block | None:
        if module.start not in self._blocks:
            entry = self._entry(module)
            found = None if entry is None else self._search(entry, module, segment)
            self._blocks[module.start] = found
        return self._blocks[module.start]

    def _entry(self, module: LoadedModule) -> LinkMapEntry | None:
        if self._entries is None:
            self._entries = self._walk()
        for entry in self._entries:
            if module.start <= entry.dynamic < module.end:
                return entry
        return None

    def _walk(self) -> list[LinkMapEntry]:
        executable = self._core.executable
        dynamic = None if executable is None else _segment(executable, _PT_DYNAMIC)
        if executable is None or dynamic is None:
            return []
        mask = self._core.architecture.pointer_mask
        address = executable.load_bias + dynamic.vaddr & mask
        return walk_link_map(self._core.memory, address)

    def _search(
        self, entry: LinkMapEntry, module: LoadedModule, segment: ProgramHeader
    ) -> _Block | None:
        """Look for image, its size, size and alignment of the block in a row."""
        image = module.load_bias + segment.vaddr & self._core.architecture.pointer_mask
        if self._linker.before:
            return self._search_before(entry.address, image, segment)
        memory = self._core.memory
        words = [word for _, word in memory.read_words(entry.address, _ENTRY_SIZE)]
        for at in range(_FIRST_PRIVATE, len(words) - 7):
            if words[at] != image or words[at + 1] != segment.filesz:
                continue
            if words[at + 2] < segment.memsz or words[at + 3] < segment.align:
                continue
            # glibc has the offset of the first byte in between.
            behind = at + (4 if self._linker is _MUSL else 5)
            return _block(words[behind + 1], words[behind])
        return None

    def _search_before(
        self, link_map: int, image: int, segment: ProgramHeader
    ) -> _Block | None:
        """The number, an int, then image, its size, size, offset and alignment of the
        block: ``struct Struct_Obj_Entry``."""
        memory = self._core.memory
        mapping = memory.find_mapping(link_map)
        start = mapping.start if mapping is not None else link_map
        start = max(start, link_map - _ENTRY_SIZE)
        data = memory.read_some(start, link_map - start)
        word = memory.pointer_size
        wanted = (image, segment.filesz, segment.memsz)
        found = b"".join(one.to_bytes(word, memory.byte_order) for one in wanted)
        at = data.rfind(found)
        number, rest = data[at - 4 : at], data[at + 3 * word :]
        if at < 4 or len(rest) < 2 * word:
            return None
        order = memory.byte_order
        align = int.from_bytes(rest[word : 2 * word], order)
        if align != max(segment.align, 1):
            return None
        return _block(int.from_bytes(number, order), int.from_bytes(rest[:word], order))


def _block(number: int, offset: int) -> _Block | None:
    return _Block(number, offset) if 0 < number < _BLOCK_LIMIT else None


def _segment(module: LoadedModule, kind: int) -> ProgramHeader | None:
    """A program header of the module, from its file or its first page."""
    for elf in (module.elf, module.image):
        found: ProgramHeader | None = _segment_of(elf, kind)
        if found is not None:
            return found
    return None


def _segment_of(elf: ElfFile | None, kind: int) -> ProgramHeader | None:
    return None if elf is None else elf.segment(kind)


def _first_offset(layout: _Layout, segment: ProgramHeader) -> int:
    """Where the executable's block is, from the thread pointer."""
    align = max(segment.align, 1)
    # The block's start is congruent to p_vaddr modulo its alignment, as in glibc's
    # elf/dl-tls.c (_dl_determine_tlsoffset).
    remainder = segment.vaddr % align
    if layout.below:
        return remainder - -(-(segment.memsz + remainder) // align) * align
    return -(-(layout.gap - remainder) // align) * align + remainder
