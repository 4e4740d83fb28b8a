"""A kernel's file with FreeBSD's names, and a minidump of what it would have left.

``kernel.c`` gives code, symbols and DWARF; the stacks are written here, by hand.
"""

from __future__ import annotations

import struct
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

from coresnap.elfcore.elffile import ElfFile, open_elf
from coresnap.elfcore.named_symbols import symbol_addresses
from vmcorewriter import Minidump, Physical

BASE = 0xFFFF_FFFF_8020_0000
PAGE = 4096
TRAPFRAME = "15Q I4x 7Q"
SIZE = struct.calcsize("<" + TRAPFRAME)
NAMES = frozenset(
    {
        *("doadump", "panic", "trap_fatal", "calltrap", "lab_rx", "usb_process"),
        *("fork_exit", "fork_trampoline", "mi_switch", "stacks", "dumppcb"),
        *(
            "sleeping_pcb",
            "stoppcbs",
            "stopped",
            "allproc",
            "dumptid",
            "panicked",
            "sleeping",
        ),
        *("kernel_proc", "lab_proc", "lab_ko", "idle"),
    }
)


def compile_kernel(directory: Path, *options: str) -> Path:
    path = directory / "kernel"
    source = Path(__file__).with_name("kernel.c")
    options = (
        *("-g", "-O0", "-ffreestanding", "-fno-pic", "-mcmodel=kernel", "-static"),
        *("-fno-stack-protector", "-mno-red-zone", "-fcf-protection=none"),
        *("-fasynchronous-unwind-tables", "-nostdlib", "-no-pie", "-Wl,--build-id"),
        *(f"-Wl,-Ttext-segment={BASE:#x}", "-Wl,-e,fork_exit"),
        *options,
    )
    subprocess.run(
        ["gcc", *options, "-o", str(path), str(source)], check=True, capture_output=True
    )
    return path


@dataclass
class Kernel:
    """The kernel's memory, by virtual address, ready to be changed."""

    path: Path
    elf: ElfFile = field(init=False)
    symbols: dict[str, int] = field(init=False)
    memory: dict[int, bytearray] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.elf = open_elf(self.path)
        self.symbols = symbol_addresses(self.elf, NAMES)
        for load in self.elf.loads:
            data = bytes(self.elf.slice(load.offset, load.filesz))
            self.write(load.vaddr, data.ljust(load.memsz, b"\0"))

    def write(self, address: int, data: bytes) -> None:
        while data:
            number, within = divmod(address, PAGE)
            page = self.memory.setdefault(number, bytearray(PAGE))
            count = min(len(data), PAGE - within)
            page[within : within + count] = data[:count]
            address, data = address + count, data[count:]

    def words(self, address: int, *values: int) -> None:
        self.write(address, struct.pack(f"<{len(values)}Q", *values))

    def after_call(self, caller: str, callee: str) -> int:
        """The address behind the first call of ``callee`` in ``caller``."""
        start, target = self.symbols[caller], self.symbols[callee]
        for at in range(start, start + 256):
            page = self.memory[at // PAGE]
            code = bytes(page[at % PAGE : at % PAGE + 5])
            if code[:1] == b"\xe8":
                (distance,) = struct.unpack("<i", code[1:])
                if at + 5 + distance == target:
                    return at + 5
        raise AssertionError(f"{caller} does not call {callee}")

    def pcb(self, name: str, index: int, rip: int, rsp: int, rbp: int) -> None:
        if name == "stoppcbs" and "stopped" in self.symbols:
            name = "stopped"
        place = self.symbols[name] + index * 72
        self.words(place + 8, 15, 14, 13, 12, rbp, rsp, 3, rip)

    def frame(self, at: int, saved_rbp: int, returns_to: int) -> None:
        """What a call and a prologue put at ``at``, the callee's rbp."""
        self.words(at, saved_rbp, returns_to)

    def minidump(self, messages: str) -> bytes:
        physical = Physical()
        virtual: dict[int, int] = {}
        for place, (number, data) in enumerate(sorted(self.memory.items()), 16):
            physical.write(place * PAGE, bytes(data))
            virtual[number * PAGE] = place * PAGE
        text = messages.encode().ljust(16384, b"\0")
        return Minidump(messages=text, memory=physical, virtual=virtual).packed()


def stacked_kernel(path: Path) -> Kernel:
    """Three threads: one that panicked in a trap, one that slept, one that ran."""
    kernel = Kernel(path)
    symbols = kernel.symbols
    top = symbols["stacks"] + 8192 - 64
    kernel.frame(top - 64, 0, kernel.after_call("fork_trampoline", "fork_exit"))
    usb = top - 128
    kernel.frame(usb, top - 64, kernel.after_call("fork_exit", "usb_process"))
    rx = top - 192
    kernel.frame(rx, usb, kernel.after_call("usb_process", "lab_rx"))
    trap = rx - 32 - SIZE
    general = [1, 2, 3, 4, 5, 6, 7, 8, rx, 10, 11, 12, 13, 14, 15]
    more = [0x10, 2, symbols["lab_rx"] + 14, 0x20, 0x10202, rx - 16, 0x28]
    kernel.write(trap, struct.pack("<" + TRAPFRAME, *general, 12, *more))
    fatal = trap - 16
    kernel.frame(fatal, rx, kernel.after_call("calltrap", "trap_fatal"))
    panic = fatal - 64
    kernel.frame(panic, fatal, kernel.after_call("trap_fatal", "panic"))
    dump = panic - 64
    kernel.frame(dump, panic, kernel.after_call("panic", "doadump"))
    kernel.pcb("dumppcb", 0, symbols["doadump"] + 4, dump, dump)
    for index, (name, number) in enumerate((("sleeping_pcb", 0), ("stoppcbs", 1)), 1):
        top = symbols["stacks"] + (index + 1) * 8192 - 64
        kernel.frame(top - 64, 0, kernel.after_call("fork_trampoline", "fork_exit"))
        kernel.frame(top - 128, top - 64, kernel.after_call("fork_exit", "usb_process"))
        kernel.pcb(name, number, symbols["mi_switch"] + 7, top - 128, top - 128)
    return kernel
