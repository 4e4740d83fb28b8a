"""Through a signal handler of FreeBSD, whose trampoline is in the shared page.

Written by ``struct sigframe`` and ``mcontext_t``: the corpus's cores have the page
blanked.
"""

from __future__ import annotations

import struct
from pathlib import Path

import pytest

import freebsd_corewriter as w
from coresnap.analysis.unwind.unwinder import Stack, Unwinder
from coresnap.elfcore.corefile import open_core
from coresnap.model import Trust

TEXT, STACK, SHARED = 0x201000, 0x8_2000_0000, 0x7FFF_FFFF_F000
SHARED_I386, STACK_I386 = 0xFFFF_E000, 0xFFBF_0000
CODE = {
    "amd64": "ff1424 488d7c2410 6a00 48c7c0a1010000 0f05 f4 ebfd",
    # Which segments are loaded between push and mov differs between kernels.
    "i386": "ff542410 8d44242050 8e6824 b8a1010000 50 cd80 ebfe",
    "arm64": "00013fd6 e0030091 00400191 283480d2 010000d4",
}
"""``sigcode``: it calls the handler, and then the kernel."""
HANDLER, INTERRUPTED, CALLER = TEXT + 0x10, TEXT + 0x100, TEXT + 0x204


def amd64_memory() -> tuple[bytes, dict[str, int]]:
    """A handler's frame, the signal's above it, and that of what was interrupted."""
    memory = bytearray(0x1000)
    # The handler's own frame ends where the call pushed its return address.
    struct.pack_into("<QQ", memory, 0xF0, 0, SHARED + 3)
    context, outer = 0x100 + 32, STACK + 0x800
    values = {8: 0xD1, 16: 0x51, 64: 0xB0, 72: outer, 120: 0x15, 184: outer - 0x20}
    for offset, value in (values | {160: INTERRUPTED}).items():
        struct.pack_into("<Q", memory, context + offset, value)
    struct.pack_into("<QQ", memory, 0x800, 0, CALLER)
    registers = {"rip": HANDLER, "rsp": STACK + 0xC0, "rbp": STACK + 0xF0}
    return bytes(memory), registers


def i386_memory() -> tuple[bytes, dict[str, int]]:
    memory = bytearray(0x1000)
    struct.pack_into("<II", memory, 0xF8, 0, SHARED_I386 + 4)
    context, outer = 0x100 + 32 + 16, STACK_I386 + 0x800
    values = {20: 0xD1, 24: 0x51, 28: outer, 48: 0xA, 60: INTERRUPTED, 72: outer - 16}
    for offset, value in values.items():
        struct.pack_into("<I", memory, context + offset, value)
    struct.pack_into("<II", memory, 0x800, 0, CALLER)
    registers = {"eip": HANDLER, "esp": STACK_I386 + 0xC0, "ebp": STACK_I386 + 0xF8}
    return bytes(memory), registers


def arm64_memory() -> tuple[bytes, dict[str, int]]:
    """The handler keeps its record at its frame's bottom."""
    memory = bytearray(0x1000)
    # The frame record's first word leads to where the stack pointer was.
    struct.pack_into("<QQ", memory, 0xC0, STACK + 0x100, SHARED + 4)
    context, outer = 0x100 + 96, STACK + 0x800
    values = {0: 0xA0, 29 * 8: outer, 240: 0x30, 248: outer - 0x20, 256: INTERRUPTED}
    for offset, value in values.items():
        struct.pack_into("<Q", memory, context + offset, value)
    struct.pack_into("<QQ", memory, 0x800, 0, CALLER)
    return bytes(memory), {"elr": HANDLER, "sp": STACK + 0xC0, "x29": STACK + 0xC0}


def unwound(
    path: Path, target: w.Target, memory: bytes, registers: dict[str, int], name: str
) -> Stack:
    stack = STACK_I386 if target is w.I386 else STACK
    shared = SHARED_I386 if target is w.I386 else SHARED
    entries = [
        w.vm_entry(TEXT, TEXT + 0x1000, protection=5, kind=2, path=b"/bin/p"),
        w.vm_entry(stack, stack + len(memory)),
        w.vm_entry(shared, shared + w.PAGE, protection=5, kind=5),
    ]
    notes = [
        w.prpsinfo(target, pid=7),
        *w.thread(target, tid=100001, registers=registers, signal=6),
        w.vmmap(entries),
    ]
    code = bytes.fromhex(CODE[name])
    segments = [
        w.Segment(stack, memory),
        w.Segment(shared, code.ljust(w.PAGE, b"\0"), w.PF_R | w.PF_X),
    ]
    path.write_bytes(w.write_core(target, notes=notes, segments=segments))
    with open_core(path) as core:
        return Unwinder(core).unwind(core.threads[0].registers)


@pytest.mark.parametrize("name", ["amd64", "i386", "arm64"])
def test_what_a_signal_interrupted_is_found_with_its_registers(
    name: str, tmp_path: Path
) -> None:
    target, (memory, registers), expected = {
        "amd64": (w.AMD64, amd64_memory(), {5: 0xD1, 4: 0x51, 3: 0xB0, 15: 0x15}),
        "i386": (w.I386, i386_memory(), {7: 0xD1, 6: 0x51, 0: 0xA}),
        "arm64": (w.ARM64, arm64_memory(), {0: 0xA0, 30: 0x30}),
    }[name]
    stack = unwound(tmp_path / "core", target, memory, registers, name)

    pcs = [frame.pc for frame in stack.frames]
    shared = (SHARED_I386 if name == "i386" else SHARED) + (3 if name == "amd64" else 4)
    assert pcs[:4] == [HANDLER, shared, INTERRUPTED, CALLER]
    assert [frame.signal_frame for frame in stack.frames[:3]] == [False, True, False]
    assert stack.frames[2].trust is not Trust.FRAME_POINTER
    found = stack.frames[2].registers
    assert {number: found[number] for number in expected} == expected


def test_other_code_that_looks_alike_on_i386_is_no_trampoline(tmp_path: Path) -> None:
    memory, registers = i386_memory()
    CODE["other"] = "90909090 8d44242050"
    try:
        stack = unwound(tmp_path / "core", w.I386, memory, registers, "other")
    finally:
        del CODE["other"]
    assert not any(frame.signal_frame for frame in stack.frames)
