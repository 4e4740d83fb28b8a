"""Thread-local storage by FreeBSD's rtld: written memory, and what a real 13.2 left."""

from __future__ import annotations

import struct
from typing import Any, cast

import attrs
import pytest

import corewriter
from conftest import Corpus
from coresnap.analysis.expression import ExpressionError
from coresnap.analysis.thread_local import THREAD_POINTERS, ThreadLocalStorage
from coresnap.elfcore.corefile import CoreFile, open_core
from coresnap.elfcore.elffile import ElfFile
from coresnap.elfcore.elfheader import ProgramHeader
from coresnap.elfcore.memory import Memory
from coresnap.elfcore.modules import LoadedModule
from coresnap.elfcore.registers import Architecture, architecture_of
from coresnap.model import Mapping

PT_TLS = 7
PROGRAM, LIBRARY, LINKER, THREAD = 0x200000, 0x8_2000_0000, 0x8_3000_0000, 0x8_4000_0000
DYNAMIC, TLS = 0x3000, 0x3FC0
SIZE = 0x4000
ENTRY = LINKER + 0x1000
DT_DEBUG = 21


@attrs.frozen
class Core:
    """As much of a core as is asked for."""

    memory: Memory
    architecture: Architecture
    modules: tuple[LoadedModule, ...]
    executable: LoadedModule
    system: str = "FreeBSD"


def module(path: str, start: int, bias: int) -> LoadedModule:
    base = start - bias
    segments = [
        corewriter.Segment(base, bytes(0x100)),
        corewriter.Segment(base + DYNAMIC, bytes(64), type=corewriter.PT_DYNAMIC),
        corewriter.Segment(base + TLS, bytes(0x40), type=PT_TLS),
    ]
    elf = ElfFile(corewriter.write_module(segments=segments))
    end = start + SIZE
    return LoadedModule(path, start, end, bias, None, None, None, None, elf=elf)


def pack(*values: int) -> bytes:
    return struct.pack(f"<{len(values)}Q", *values)


def storage(
    blocks: tuple[int, ...] = (0, THREAD + 0x100),
    *,
    number: int = 2,
    offset: int = 0x90,
) -> tuple[ThreadLocalStorage, LoadedModule, LoadedModule]:
    """Of a program and a library that is the vector's ``number``."""
    program = module("/bin/p", PROGRAM, 0)
    library = module("/lib/l.so", LIBRARY, LIBRARY)
    tls = library.elf.segment(PT_TLS) if library.elf is not None else None
    assert tls is not None
    image = LIBRARY + tls.vaddr
    linker = bytearray(0x4000)

    def place(address: int, data: bytes) -> None:
        linker[address - LINKER : address - LINKER + len(data)] = data

    # r_debug; the link_map of each is 440 bytes behind its tlsinit.
    place(LINKER, pack(1, ENTRY + 440))
    maps = ENTRY + 440, ENTRY + 0x800 + 440
    place(maps[0], pack(PROGRAM, 0, PROGRAM + DYNAMIC, maps[1], 0))
    place(maps[1], pack(LIBRARY, 0, LIBRARY + DYNAMIC, 0, maps[0]))
    place(ENTRY + 0x800 - 4, struct.pack("<i", number))
    sizes = (tls.filesz, tls.memsz, offset, max(tls.align, 1))
    place(ENTRY + 0x800, pack(image, *sizes))
    vector = LINKER + 0x3000
    place(vector, pack(1, len(blocks), *blocks))
    parts = {
        PROGRAM + DYNAMIC: pack(DT_DEBUG, LINKER, 0, 0),
        LINKER: bytes(linker),
        THREAD: pack(THREAD, vector, 0).ljust(0x1000, b"\0"),
    }
    data, loads, mappings = b"", [], []
    for address, held in parts.items():
        size = len(held)
        loads.append(ProgramHeader(1, 6, len(data), address, size, size, 1))
        mappings.append(Mapping(address, address + size, "rw-", stored=size))
        data += held
    memory = Memory(memoryview(data), loads, 8, "little", tuple(mappings))
    core = Core(
        memory,
        architecture_of(corewriter.EM_X86_64, 8, "little"),
        (program, library),
        program,
    )
    return ThreadLocalStorage(cast(Any, core)), program, library


def test_the_executables_block_ends_at_the_thread_pointer() -> None:
    found, program, _ = storage()
    assert found.block(program, THREAD) == THREAD - 0x40


def test_a_librarys_block_is_the_vectors() -> None:
    found, _, library = storage()
    assert found.block(library, THREAD) == THREAD + 0x100


def test_a_block_that_was_there_at_the_start_has_its_distance() -> None:
    found, _, library = storage((0, 0))
    assert found.block(library, THREAD) == THREAD - 0x90
    # An old vector has no room for it yet.
    found, _, library = storage((0,))
    assert found.block(library, THREAD) == THREAD - 0x90


def test_a_block_that_the_thread_has_not_used_is_not_there() -> None:
    found, _, library = storage((0, 0), offset=0)
    with pytest.raises(ExpressionError, match="not used it yet"):
        found.block(library, THREAD)


@pytest.mark.parametrize("number", [0, -5, 1 << 30])
def test_a_number_that_cannot_be_one_is_none(number: int) -> None:
    found, _, library = storage(number=number)
    with pytest.raises(ExpressionError, match="entry for it was not found"):
        found.block(library, THREAD)


CASES = (
    "handler/crash.273.0.11.fbsdlab.core",
    "threads/crash.292.0.11.fbsdlab.core",
    "cxx/cxx.501.0.6.fbsdlab.core",
)


@pytest.mark.corpus
@pytest.mark.parametrize("name", CASES)
def test_rtlds_entry_for_libc_and_the_vectors_agree_on_a_real_system(
    name: str, corpus: Corpus
) -> None:
    """The entry has number, image, its size, size, offset and alignment in a row."""
    with open_core(corpus.path(f"freebsd/cores/{name}")) as core:
        (libc,) = (m for m in core.modules if m.path.endswith("/libc.so.7"))
        pointers = [t.registers[_pointer(core)] for t in core.threads]
        vectors = [core.memory.read_word(pointer + 8) for pointer in pointers]
        assert all(core.memory.read_word(pointer) == pointer for pointer in pointers)
        entries = list(_entries(core, libc))
        (entry,) = entries
        number, offset = entry
        for pointer, vector in zip(pointers, vectors, strict=True):
            assert core.memory.read_word(vector + 8) >= number
            block = core.memory.read_word(vector + 8 * (number + 1))
            assert block in (0, pointer - offset)
        assert core.memory.read_word(vectors[0] + 8 * (number + 1))


def _pointer(core: CoreFile) -> int:
    return core.architecture.numbers[THREAD_POINTERS[core.architecture.name]]


def _entries(core: CoreFile, libc: LoadedModule) -> list[tuple[int, int]]:
    """Number and offset of what looks like an entry with a link_map behind it."""
    found = []
    for mapping in core.mappings:
        if mapping.path is not None or not mapping.permissions.startswith("rw"):
            continue
        for _, view in core.memory.stored_views(mapping.start, mapping.end):
            data = bytes(view)
            for at in range(8, len(data) - 480, 8):
                image, first, size, offset, align = struct.unpack_from("<5Q", data, at)
                (number,) = struct.unpack_from("<i", data, at - 4)
                base, _, dynamic = struct.unpack_from("<3Q", data, at + 440)
                if (
                    libc.start <= image < libc.end
                    and first <= size <= offset
                    and align.bit_count() == 1
                    and base == libc.start <= dynamic < libc.end
                ):
                    found.append((number, offset))
    return found
