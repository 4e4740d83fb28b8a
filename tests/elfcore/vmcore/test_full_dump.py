"""Full dumps: physical memory, page tables that are found, the message buffer."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest

import vmcorewriter as writer
from conftest import CompileProgram
from coresnap.elfcore.elffile import open_elf
from coresnap.elfcore.named_symbols import symbol_addresses
from coresnap.elfcore.vmcore import open_vmcore
from coresnap.errors import CoreFormatError

PAGE = writer.PAGE
ROOT = 0x20_0000
RING = writer.KERNBASE + 0x60_0000
TEXT = b"older line\nFatal trap 9\nDumping 12 out of 64 MB:"


def memory_with_messages(written: int, ring: bytes) -> writer.Physical:
    memory = writer.Physical()
    memory.write(0x1000, b"the first page")
    memory.write(ROOT, bytes(PAGE))
    data = writer.msgbuf(ring, RING, written)
    memory.write(0x70_0000, data)
    for offset in range(0, len(data), PAGE):
        writer.map_amd64(memory, ROOT, RING + offset, 0x70_0000 + offset)
    return memory


def ring_of(size: int, written: int) -> bytes:
    """A ring in which the text ends before ``written``, wrapped."""
    whole = TEXT.rjust(size, b".")
    place = written % size
    return whole[size - place :] + whole[: size - place]


def test_page_tables_and_messages_are_found_without_the_kernel(tmp_path: Path) -> None:
    written = 3 * 8192 + 30
    memory = memory_with_messages(written, ring_of(8192, written))
    path = writer.write(tmp_path, "vmcore.1", writer.full_dump(memory))
    with open_vmcore(path) as vmcore:
        assert (vmcore.kind, vmcore.architecture) == ("full", "x86-64")
        assert vmcore.problems == ()
        assert vmcore.message_buffer.endswith(TEXT.decode())
        assert vmcore.memory is not None
        assert vmcore.memory.read_physical(0x1000, 14) == b"the first page"
        assert vmcore.memory.read(RING + 8192 - 4, 4) == memory.content[0x701][-4:]


def test_a_page_that_only_points_to_itself_is_no_root(tmp_path: Path) -> None:
    memory = memory_with_messages(100, ring_of(8192, 100))
    memory.write_entry(0x1_0000 + 256 * 8, 0x1_0000 | 3)
    path = writer.write(tmp_path, "vmcore.1", writer.full_dump(memory))
    with open_vmcore(path) as vmcore:
        assert vmcore.memory is not None
        assert vmcore.memory.physical_of(RING) == 0x70_0000


@pytest.mark.parametrize(
    ("machine", "bits", "name"), [(183, 64, "aarch64"), (3, 32, "i386")]
)
def test_of_other_machines_physical_memory_and_messages_are_read(
    machine: int, bits: int, name: str, tmp_path: Path
) -> None:
    memory = writer.Physical()
    pointer = "Q" if bits == 64 else "I"
    ring = writer.msgbuf(ring_of(8192, 300), RING & 0xFFFF_FFFF, 300, pointer=pointer)
    memory.write(0x10_0000, ring)
    data = writer.full_dump(memory, machine=machine, bits=bits)
    with open_vmcore(writer.write(tmp_path, "vmcore.1", data)) as vmcore:
        assert vmcore.architecture == name
        assert vmcore.message_buffer.endswith(TEXT.decode())
        assert vmcore.problems == (
            f"page tables of {name} are not read: no virtual addresses",
        )
        assert vmcore.memory is not None
        assert vmcore.memory.pointer_size == bits // 8
        assert vmcore.memory.read_physical(0x10_0000, 4) == ring[:4]


def test_behind_a_range_nothing_of_the_next_is_read(tmp_path: Path) -> None:
    memory = writer.Physical()
    memory.write(0x1000, b"a" * PAGE)
    memory.write(0x9000, b"b" * PAGE)
    data = bytearray(writer.full_dump(memory))
    sizes = 64 + 32  # p_filesz of the first segment
    for size, expected in ((PAGE, b"a" * PAGE), (PAGE // 2, b""), (1 << 63, b"a")):
        data[sizes : sizes + 8] = size.to_bytes(8, "little")
        with open_vmcore(writer.write(tmp_path, "vmcore.1", bytes(data))) as vmcore:
            assert vmcore.memory is not None
            found = vmcore.memory.read_physical_some(0x1000, 3 * PAGE)
            assert found[: len(expected)] == expected
            if size <= PAGE:
                assert len(found) == len(expected)


def test_a_dump_without_page_tables_says_so(tmp_path: Path) -> None:
    memory = writer.Physical()
    memory.write(0, b"nothing else")
    path = writer.write(tmp_path, "vmcore.1", writer.full_dump(memory))
    with open_vmcore(path) as vmcore:
        assert "the root of the page tables was not found: no virtual addresses" in (
            vmcore.problems
        )
        assert "the message buffer was not found" in vmcore.problems
        assert vmcore.memory is not None
        assert vmcore.memory.read_physical(0, 7) == b"nothing"


def test_a_cut_dump_says_how_much_is_gone(tmp_path: Path) -> None:
    written = 100
    memory = memory_with_messages(written, ring_of(8192, written))
    data = writer.full_dump(memory)
    path = writer.write(tmp_path, "vmcore.1", data[: -5 * PAGE])
    with open_vmcore(path) as vmcore:
        assert f"the dump is truncated: {5 * PAGE} bytes are gone" in vmcore.problems


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (writer.full_dump(writer.Physical(), machine=62), "no memory"),
        (writer.full_dump(writer.Physical(), machine=9), "machine 9"),
        (writer.full_dump(writer.Physical())[:30], "damaged"),
    ],
)
def test_what_cannot_be_read_is_refused(
    data: bytes, reason: str, tmp_path: Path
) -> None:
    with pytest.raises(CoreFormatError, match=reason):
        open_vmcore(writer.write(tmp_path, "vmcore.1", data))


def test_the_kernels_symbols_name_the_root_and_the_ring(
    tmp_path: Path, compile_program: CompileProgram
) -> None:
    """Two message buffers: the kernel says which is its own."""
    kernel = compile_program("vmcore_symbols.S", "-nostdlib", "-static", "-no-pie")
    written = 8192
    memory = memory_with_messages(written, ring_of(8192, written))
    memory.write(0x60_0000 + 0x10_0000, writer.msgbuf(b"wrong".ljust(2048), RING, 5))
    addresses = symbol_addresses(open_elf(kernel), {"KPML4phys", "msgbufp"})
    memory.write(addresses["KPML4phys"] - writer.KERNBASE, struct.pack("<Q", ROOT))
    pointer = addresses["msgbufp"]
    memory.write(pointer - writer.KERNBASE, struct.pack("<Q", RING + 8192))
    page = pointer & -PAGE
    writer.map_amd64(memory, ROOT, page, page - writer.KERNBASE)
    path = writer.write(tmp_path, "vmcore.1", writer.full_dump(memory))
    with open_vmcore(path, kernel=kernel) as vmcore:
        assert vmcore.message_buffer.endswith(TEXT.decode())


def test_a_symbol_is_found_by_its_whole_name(compile_program: CompileProgram) -> None:
    """Linkers let a name share the end of a longer one."""
    kernel = compile_program("vmcore_symbols.S", "-nostdlib", "-static", "-no-pie")
    elf = open_elf(kernel)
    assert symbol_addresses(elf, {"phys", "sgbufp", "msgbuf", "absent"}) == {}
    assert set(symbol_addresses(elf, {"msgbufp", "bufp"})) == {"msgbufp"}
