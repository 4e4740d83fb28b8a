"""Where an allocator's data can be: in its module, its threads, and mapped memory."""

from __future__ import annotations

from array import array
from collections.abc import Iterator

from coresnap.analysis.expression import ExpressionError
from coresnap.analysis.thread_local import THREAD_POINTERS, ThreadLocalStorage
from coresnap.elfcore.corefile import CoreFile, CoreThread, LoadedModule
from coresnap.elfcore.elfheader import ProgramHeader
from coresnap.elfcore.memory import Memory
from coresnap.elfcore.pointer_scan import SPAN_LIMIT, AddressSpan

__all__ = [
    "anonymous_memory",
    "module_data",
    "thread_data",
    "threads_inside",
]

_PT_TLS = 7
_WRITABLE = 2
_LOCAL_LIMIT = 1 << 20
"""Bytes of a thread's local data that are read; jemalloc 5.2.1 has 6,216."""
_STACK_TOP = 2048
"""Bytes of a stack in which an allocator's frames would be."""


def module_data(module: LoadedModule, least: int) -> list[AddressSpan]:
    """The writable segments of at least so many bytes, ascending."""
    headers = module.image or module.elf
    return sorted(
        (module.load_bias + load.vaddr, module.load_bias + load.vaddr + load.memsz)
        for load in (headers.loads if headers else ())
        if load.flags & _WRITABLE and load.memsz >= least
    )


def anonymous_memory(core: CoreFile, least: int) -> list[AddressSpan]:
    """Writable mappings of no file and so many bytes, ascending and disjoint: those of
    the largest, if there are more than one scan can look for."""
    spans = [
        (mapping.start, mapping.end)
        for mapping in core.mappings
        if mapping.permissions.startswith("rw")
        and mapping.path is None
        and mapping.end - mapping.start >= least
    ]
    spans.sort(key=lambda span: span[0] - span[1])
    disjoint: list[AddressSpan] = []
    for start, end in sorted(spans[:SPAN_LIMIT]):
        # A damaged segment may lie over others.
        start = max(start, disjoint[-1][1] if disjoint else 0)
        if start < end:
            disjoint.append((start, end))
    return disjoint


def thread_data(core: CoreFile, module: LoadedModule) -> Iterator[tuple[int, bytes]]:
    """Every thread's id with its local data of the module; none where it has none."""
    segment = _local_segment(module)
    name = THREAD_POINTERS.get(core.architecture.name, "")
    number = core.architecture.numbers.get(name)
    if segment is None or number is None:
        return
    storage = ThreadLocalStorage(core)
    for thread in core.threads:
        try:
            start = storage.block(module, thread.registers.get(number))
        except ExpressionError:
            continue
        size = min(segment.memsz, _LOCAL_LIMIT)
        yield thread.tid, core.memory.read_some(start, size)


def _local_segment(module: LoadedModule) -> ProgramHeader | None:
    for elf in (module.elf, module.image):
        found = None if elf is None else elf.segment(_PT_TLS)
        if found is not None:
            return found
    return None


def threads_inside(core: CoreFile, module: LoadedModule) -> frozenset[int]:
    """Ids of threads that may execute the module's code, or what that calls.

    Old return addresses may be what is seen on a stack: then less is said of such a
    thread's data, nothing wrong.
    """
    return frozenset(t.tid for t in core.threads if _is_inside(core, module, t))


def _is_inside(core: CoreFile, module: LoadedModule, thread: CoreThread) -> bool:
    architecture, memory = core.architecture, core.memory
    found = [thread.registers.get(architecture.program_counter, 0)]
    stack = thread.registers.get(architecture.stack_pointer, 0)
    data = memory.read_some(stack, _STACK_TOP)
    found += array("Q", data[: len(data) // 8 * 8])
    return any(_is_code(memory, module, address) for address in found)


def _is_code(memory: Memory, module: LoadedModule, address: int) -> bool:
    if not module.start <= address < module.end:
        return False
    mapping = memory.find_mapping(address)
    return mapping is not None and "x" in mapping.permissions
