"""What a minidump of a core would hold, as Breakpad's writer for Linux chooses it."""

from __future__ import annotations

import struct
from pathlib import Path

from coresnap.elfcore.corefile import CoreFile, CoreThread, open_core

__all__ = ["minidump_content"]

_CONTEXT_SIZE = 1232
"""MDRawContextAMD64 (google_breakpad/common/minidump_cpu_amd64.h)."""
_MODULE_SIZE = 108
"""MDRawModule; its CodeView record holds the build-id."""
_REGISTERS = struct.Struct("<Q")


def minidump_content(core_path: Path) -> bytes:
    """Registers and stacks of all threads, and the list of modules.

    A stack is stored from its stack pointer to the end of its mapping
    (client/linux/minidump_writer: ``GetStackInfo``).
    """
    with open_core(core_path) as core:
        threads = b"".join(_thread(core, thread) for thread in core.threads)
        modules = b"".join(
            bytes(_MODULE_SIZE)
            + module.path.encode("utf-16-le")
            + bytes.fromhex(module.build_id or "")
            for module in core.modules
        )
    return threads + modules


def _thread(core: CoreFile, thread: CoreThread) -> bytes:
    registers = b"".join(
        _REGISTERS.pack(v % (1 << 64)) for v in thread.registers.values()
    )
    pointer = thread.registers.get(core.architecture.stack_pointer, 0)
    context = registers[:_CONTEXT_SIZE].ljust(_CONTEXT_SIZE, b"\0")
    for mapping in core.mappings:
        if mapping.start <= pointer < mapping.end:
            return context + core.memory.read_some(pointer, mapping.end - pointer)
    return context
