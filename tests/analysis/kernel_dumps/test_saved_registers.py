"""Registers that a kernel saved, by layouts as each machine's headers have them."""

from __future__ import annotations

import struct

from coresnap.analysis.kernel.kernel_core import DumpMemory
from coresnap.analysis.kernel.saved_registers import (
    MACHINES,
    context_registers,
    trapped_registers,
)
from coresnap.analysis.kernel.structures import Layout
from coresnap.elfcore.memory import Memory
from coresnap.elfcore.registers import ARCHITECTURES, Architecture
from coresnap.elfcore.vmcore.kernel_memory import KernelMemory

PLACE = 0x2000


def architecture(name: str) -> Architecture:
    return next(one for one in ARCHITECTURES if one.name == name)


def memory(data: bytes, pointer_size: int = 8) -> Memory:
    pages = memoryview(data.ljust(4096, b"\0"))
    dump = KernelMemory(
        pages, lambda page: 0 if page == PLACE else None, pointer_size=pointer_size
    )
    dump.translate_with(lambda address: address)
    return DumpMemory(dump)


def test_arm64_since_a_switch_saves_twelve() -> None:
    layout = Layout(120, {"pcb_x": (0, 96), "pcb_sp": (96, 8)})
    data = struct.pack("<13Q", *range(119, 131), 0xFFFF0000A1B2C3D0)

    found = context_registers(layout, memory(data), PLACE, architecture("aarch64"))

    assert found == {
        **{number: 100 + number for number in range(19, 31)},
        31: 0xFFFF0000A1B2C3D0,
        architecture("aarch64").program_counter: 130,
    }


def test_arm64_when_all_were_saved() -> None:
    layout = Layout(256, {"pcb_x": (0, 240), "pcb_lr": (240, 8), "pcb_sp": (248, 8)})
    data = struct.pack("<32Q", *range(100, 130), 0xABC, 0xDEF)

    found = context_registers(layout, memory(data), PLACE, architecture("aarch64"))

    assert [found[n] for n in (0, 19, 29, 30, 31)] == [100, 119, 129, 0xABC, 0xDEF]
    assert found[architecture("aarch64").program_counter] == 0xABC


def test_arm64s_trap_frame() -> None:
    members = {"tf_sp": (0, 8), "tf_lr": (8, 8), "tf_elr": (16, 8), "tf_x": (32, 240)}
    data = struct.pack("<3QII30Q", 0x50, 0x60, 0x70, 5, 6, *range(100, 130))

    found = trapped_registers(
        Layout(272, members), memory(data), PLACE, architecture("aarch64")
    )

    assert (found[0], found[29], found[30], found[31]) == (100, 129, 0x60, 0x50)
    assert found[architecture("aarch64").program_counter] == 0x70


def test_i386() -> None:
    names = ("edi", "esi", "ebp", "esp", "ebx", "eip")
    layout = Layout(24, {f"pcb_{name}": (at * 4, 4) for at, name in enumerate(names)})
    data = struct.pack("<6I", *range(1, 7))

    machine = architecture("i386")
    found = context_registers(layout, memory(data, 4), PLACE, machine)

    assert found == {machine.numbers[name]: at for at, name in enumerate(names, 1)}


def test_what_is_not_there_is_left_out() -> None:
    for name in sorted(MACHINES):
        machine = architecture(name)
        full = Layout(8, {"pcb_x": (0, 96), "pcb_rip": (0, 8), "pcb_eip": (0, 4)})
        for layout, place in ((Layout(0, {}), PLACE), (full, 0x9000)):
            assert context_registers(layout, memory(b""), place, machine) == {}
            assert trapped_registers(layout, memory(b""), place, machine) == {}
