"""Whether threads beside the crashed one may have been changing a library's data."""

from __future__ import annotations

from coresnap.elfcore.corefile import CoreFile, LoadedModule

__all__ = ["is_running_in"]

_SYSTEM_CALLS = {
    "x86-64": b"\x0f\x05",
    "aarch64": b"\x01\x00\x00\xd4",
    "riscv64": b"\x73\x00\x00\x00",
}
"""The instruction before the one to which a waiting thread returns."""


def is_running_in(core: CoreFile, module: LoadedModule) -> bool:
    """Whether one was stopped between two instructions of the module, not waiting."""
    call = _SYSTEM_CALLS.get(core.architecture.name)
    for thread in core.threads[1:]:
        pc = thread.registers.get(core.architecture.program_counter, 0)
        if module.start <= pc < module.end:
            size = len(call or b"")
            if call is None or core.memory.read_some(pc - size, size) != call:
                return True
    return False
