"""Minidumps of every machine and version, against a writer of their own."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import vmcorewriter as writer
from coresnap.elfcore.vmcore import Vmcore, open_vmcore
from coresnap.errors import CoresnapError, MemoryReadError

PAGE = writer.PAGE
MACHINES = [
    ("amd64", 1),
    ("amd64", 2),
    ("amd64", 3),
    ("arm64", 1),
    ("arm64", 2),
    ("arm64", 3),
    ("i386", 1),
    ("i386", 2),
]
BASES = {
    "amd64": writer.MAP_BASE,
    "arm64": writer.ARM_BASE,
    "i386": writer.I386_BASE,
}


def dump_of(machine: str, version: int, **fields: object) -> writer.Minidump:
    """Three pages: two that follow in the kernel's map, whose order is another in
    physical memory, and one that the map has not."""
    base = BASES[machine]
    start = writer.ARM_PHYSICAL if machine == "arm64" else 0
    dump = writer.Minidump(machine, version, **fields)  # type: ignore[arg-type]
    dump.ranges = [(start, start + (1 << 20)), (start + (2 << 20), start + (64 << 20))]
    dump.messages = b"<6>Copyright\nFatal trap 12\n" + bytes(997)
    for number, physical in enumerate((0x30_0000, 0x5000)):
        dump.memory.write(start + physical, bytes([number + 1]) * PAGE)
        dump.virtual[base + (10 + number) * PAGE] = start + physical
    dump.memory.write(start + 0x7000, b"direct")
    return dump


def opened(tmp_path: Path, data: bytes) -> Vmcore:
    return open_vmcore(writer.write(tmp_path, "vmcore.0", data))


@pytest.mark.parametrize(("machine", "version"), MACHINES)
def test_memory_is_read_by_virtual_address(
    machine: str, version: int, tmp_path: Path
) -> None:
    start = BASES[machine] + 10 * PAGE
    with opened(tmp_path, dump_of(machine, version).packed()) as vmcore:
        assert (vmcore.kind, vmcore.version) == ("minidump", version)
        assert vmcore.message_buffer == "Copyright\nFatal trap 12\n"
        assert vmcore.problems == ()
        memory = vmcore.memory
        assert memory is not None
        across = memory.read(start + PAGE - 4, 8)
        with pytest.raises(MemoryReadError) as caught:
            memory.read(start + PAGE, 2 * PAGE)
        with pytest.raises(MemoryReadError):
            memory.read(start - PAGE, 1)
        far = memory.read_some((1 << 8 * memory.pointer_size) - PAGE, 8)
    assert across == b"\1\1\1\1\2\2\2\2"
    assert caught.value.address == start + 2 * PAGE
    assert far == b""


@pytest.mark.parametrize(
    ("machine", "address"),
    [("amd64", writer.DIRECT + 0x7000), ("arm64", writer.ARM_DIRECT + 0x7000)],
)
def test_the_direct_map_reaches_what_the_kernels_map_has_not(
    machine: str, address: int, tmp_path: Path
) -> None:
    with opened(tmp_path, dump_of(machine, 3).packed()) as vmcore:
        assert vmcore.memory is not None
        assert vmcore.memory.read(address, 6) == b"direct"
        assert vmcore.memory.read_string(address, 100) == b"direct"


@pytest.mark.parametrize(("machine", "version"), MACHINES)
def test_a_full_ring_begins_where_the_kernel_would_have_gone_on(
    machine: str, version: int, tmp_path: Path
) -> None:
    newest = b"Fatal trap 9\nDumping 7 out of 9 MB:..5%\n"
    ring = newest + b"oldest\n".ljust(4096 - 72 - len(newest), b".")
    dump = dump_of(machine, version)
    dump.messages, dump.written = ring, 3 * len(ring) + len(newest)
    with opened(tmp_path, dump.packed()) as vmcore:
        assert vmcore.message_buffer.startswith("oldest\n")
        assert vmcore.message_buffer.endswith(newest.decode())


def test_large_pages_and_their_attributes(tmp_path: Path) -> None:
    dump = dump_of("amd64", 3)
    dump.memory.write(0x40_0000 + 0x12_3456, b"inside a large page")
    dump.large[writer.MAP_BASE + (4 << 21)] = 0x40_0000
    with opened(tmp_path, dump.packed()) as vmcore:
        assert vmcore.memory is not None
        address = writer.MAP_BASE + (4 << 21) + 0x12_3456
        assert vmcore.memory.read(address, 19) == b"inside a large page"


def test_pages_of_16_kib(tmp_path: Path) -> None:
    dump = writer.Minidump("arm64", 3, memory=writer.Physical(16384))
    start = writer.ARM_PHYSICAL
    dump.ranges = [(start, start + (64 << 20))]
    dump.memory.write(start + 3 * 16384, b"sixteen")
    dump.virtual[writer.ARM_BASE + 5 * 16384] = start + 3 * 16384
    with opened(tmp_path, dump.packed()) as vmcore:
        assert vmcore.memory is not None
        assert vmcore.memory.read(writer.ARM_BASE + 5 * 16384, 7) == b"sixteen"


def test_i386_without_pae(tmp_path: Path) -> None:
    with opened(tmp_path, dump_of("i386", 2, has_pae=False).packed()) as vmcore:
        assert vmcore.memory is not None
        assert vmcore.memory.read_word(writer.I386_BASE + 10 * PAGE) == 0x01010101


def test_a_truncated_dump_gives_what_is_there(tmp_path: Path) -> None:
    data = dump_of("amd64", 3).packed()
    with opened(tmp_path, data[: -PAGE - 8]) as vmcore:
        assert vmcore.problems == (
            f"the minidump is truncated: {PAGE + 8} bytes are gone",
        )
        assert "Fatal trap" in vmcore.message_buffer


@pytest.mark.parametrize(
    ("place", "value", "reason"),
    [
        (24, 9, "version 9"),
        (24, 0, "version 0"),
        (32, 0xFFFF_FFFF, "before its first page"),
        (36, 0xFFFF_F000, "before its first page"),
        (64, 0xFFFF_F000, "before its first page"),
    ],
)
def test_where_memory_cannot_be_read_messages_can(
    place: int, value: int, reason: str, tmp_path: Path
) -> None:
    data = bytearray(dump_of("amd64", 3).packed())
    data[place : place + 4] = value.to_bytes(4, "little")
    with opened(tmp_path, bytes(data)) as vmcore:
        assert vmcore.memory is None
        assert vmcore.architecture == "x86-64"
        assert vmcore.message_buffer == "Copyright\nFatal trap 12\n"
        (problem,) = vmcore.problems
        assert reason in problem
        assert problem.endswith("only the message buffer is read")


@pytest.mark.parametrize("value", [0, 0x7000_0000, 0xFFFF_FFFF])
def test_without_even_messages_it_is_refused(value: int, tmp_path: Path) -> None:
    data = bytearray(dump_of("amd64", 3).packed())
    data[28:32] = value.to_bytes(4, "little")
    data[24] = 9
    with pytest.raises(CoresnapError, match="version 9"):
        opened(tmp_path, bytes(data))


def test_a_dump_that_ends_within_its_map_has_its_messages(tmp_path: Path) -> None:
    data = dump_of("amd64", 3).packed()
    with opened(tmp_path, data[: 3 * PAGE + 100]) as vmcore:
        assert "Fatal trap" in vmcore.message_buffer
        assert "before its first page" in vmcore.problems[0]
    with pytest.raises(CoresnapError, match="before its first page"):
        opened(tmp_path, data[: PAGE + 100])


def test_a_bitmap_of_more_than_there_can_be_is_refused(tmp_path: Path) -> None:
    header = bytearray(dump_of("amd64", 3).packed()[:PAGE])
    header[32:36] = (0x8000_0000).to_bytes(4, "little")
    path = writer.write(tmp_path, "vmcore.0", bytes(header))
    with path.open("r+b") as file:
        file.truncate(4 << 30)
    with open_vmcore(path) as vmcore:
        assert vmcore.memory is None
        assert "a bitmap of 2147483648 bytes" in vmcore.problems[0]


def test_one_page_at_all_addresses_is_not_read_without_end(tmp_path: Path) -> None:
    dump = dump_of("amd64", 1)
    first = min(dump.virtual.values())
    for number in range(20_000):
        dump.virtual[writer.MAP_BASE + number * PAGE] = first
    with opened(tmp_path, dump.packed()) as vmcore:
        assert vmcore.memory is not None
        read = vmcore.memory.read_some(writer.MAP_BASE, 1 << 60)
        assert len(read) == 64 << 20


@pytest.mark.parametrize(
    ("machine", "order", "name"),
    [("riscv", "<", "riscv64"), ("powerpc", ">", "powerpc")],
)
def test_of_another_machine_there_are_messages(
    machine: str, order: str, name: str, tmp_path: Path
) -> None:
    magic = f"minidump FreeBSD/{machine}".encode()
    header = struct.pack(f"{order}24sIIII", magic, 2, 5, 4096, 4096)
    data = header.ljust(PAGE, b"\0") + b"said\n"
    with opened(tmp_path, data) as vmcore:
        assert (vmcore.architecture, vmcore.version) == (name, 2)
        assert (vmcore.message_buffer, vmcore.memory) == ("said\n", None)
        assert repr(machine) in vmcore.problems[0]


def test_beyond_the_map_there_is_nothing(tmp_path: Path) -> None:
    with opened(tmp_path, dump_of("amd64", 3).packed()) as vmcore:
        assert vmcore.memory is not None
        assert vmcore.memory.read_some(writer.MAP_BASE + (1 << 40), 1 << 20) == b""


@settings(max_examples=60, deadline=None)
@given(
    machine=st.sampled_from(MACHINES),
    changes=st.lists(
        st.tuples(st.integers(0, 1 << 16), st.integers(0, 255)), max_size=12
    ),
    length=st.integers(0, 1 << 17),
)
def test_damage_gives_an_error_or_a_part(
    tmp_path_factory: pytest.TempPathFactory,
    machine: tuple[str, int],
    changes: list[tuple[int, int]],
    length: int,
) -> None:
    data = bytearray(dump_of(*machine).packed())
    for place, value in changes:
        data[place % min(len(data), 9000)] = value
    path = tmp_path_factory.mktemp("damage") / "vmcore.0"
    path.write_bytes(data[:length])
    try:
        vmcore = open_vmcore(path)
    except CoresnapError:
        return
    with vmcore:
        if vmcore.memory is not None:
            some = vmcore.memory.read_some(BASES[machine[0]] + 10 * PAGE, 3 * PAGE)
            assert len(some) <= 3 * PAGE
