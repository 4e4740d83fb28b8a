"""Finds CPython in a core: which module holds it, which version, where ``_PyRuntime``.

The symbol is exported by every build that extension modules can be loaded into. Where
the module's file is not there, its data is: the cookie of 3.13 and later stands at the
start of ``_PyRuntime``, and before that its list of interpreters is recognised.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import msgspec

from coresnap.analysis.interpreters.cpython.debug_offsets import (
    COOKIE,
    layout_of,
    read_debug_offsets,
)
from coresnap.analysis.interpreters.cpython.layouts import LAYOUTS, Layout, Version
from coresnap.analysis.interpreters.presence import PYTHON_NAME, PYTHON_SECTION
from coresnap.elfcore.corefile import CoreFile, LoadedModule
from coresnap.elfcore.elffile import ElfFile
from coresnap.elfcore.named_symbols import symbol_addresses
from coresnap.errors import InputError

__all__ = ["Runtime", "find_runtime"]

_VERSIONED = re.compile(r"(?:python(3)\.(\d+)/|\.cpython-(3)(\d+)[a-z]*-)")
"""In the paths of extension modules."""
_SCAN_LIMIT = 16 << 20
"""Bytes of data searched; a libpython has 2 MB."""
_RUNTIME, _VERSION = "_PyRuntime", "Py_Version"


class Runtime(msgspec.Struct, frozen=True):
    """A CPython that was found."""

    module: LoadedModule
    address: int
    """Of ``_PyRuntime``."""
    layout: Layout
    version: str
    """``3.12.1``, or ``3.9`` where only that is known."""


def find_runtime(core: CoreFile, modules: list[LoadedModule]) -> Runtime | None:
    """Find the runtime in one of ``modules``; None if it is in none of them.

    Raises ``InputError`` for a CPython that cannot be read, with the reason.
    """
    for module in modules:
        version = _version_by_symbol(core, module) or _version_by_path(core, module)
        for address in _candidates(core, module, version):
            runtime = _runtime_at(core, module, address, version)
            if runtime is not None:
                return runtime
    return None


def _candidates(
    core: CoreFile, module: LoadedModule, version: tuple[int, ...] | None
) -> Iterator[int]:
    if module.elf is not None:
        address = _address(module.elf, _RUNTIME)
        if address is None and (section := module.elf.section(PYTHON_SECTION)):
            address = section.address
        if address is not None:
            yield module.load_bias + address
            return
    yield from _scan(core, module, version)


def _runtime_at(
    core: CoreFile,
    module: LoadedModule,
    address: int,
    version: tuple[int, ...] | None,
) -> Runtime | None:
    if core.memory.pointer_size != 8:
        raise InputError("CPython of 32 bits: its frames are not read")
    told = read_debug_offsets(core.memory, address)
    if told is not None:
        name = f"{told.version[0]}.{told.version[1]}"
        if told.free_threaded:
            raise InputError(f"CPython {name} without GIL: its frames are not read")
        layout = layout_of(told)
        if layout is None:
            raise InputError(f"CPython {name} is not known: its frames are not read")
        return Runtime(module, address, layout, f"{name}.{told.micro}")
    if version is None:
        return None
    layout = LAYOUTS.get((version[0], version[1]))
    name = ".".join(map(str, version))
    if layout is None:
        raise InputError(f"CPython {name} is not known: its frames are not read")
    return Runtime(module, address, layout, name)


# --- version -----------------------------------------------------------------------


def _version_by_symbol(core: CoreFile, module: LoadedModule) -> tuple[int, ...] | None:
    """``Py_Version`` (3.11): PY_VERSION_HEX."""
    address = _address(module.elf, _VERSION) if module.elf is not None else None
    if address is None:
        return None
    data = core.memory.read_some(module.load_bias + address, 8)
    number = int.from_bytes(data, core.memory.byte_order)
    return (number >> 24, number >> 16 & 0xFF, number >> 8 & 0xFF) if number else None


def _version_by_path(core: CoreFile, module: LoadedModule) -> Version | None:
    """By the module's name, else by where its extension modules are."""
    paths = [module.path, *(other.path for other in core.modules)]
    name = re.fullmatch(PYTHON_NAME, module.path.rpartition("/")[2])
    if name is not None and name[1]:
        return int(name[1]), int(name[2])
    for path in paths:
        match = _VERSIONED.search(path)
        if match is not None:
            major, minor = (group for group in match.groups() if group)
            return int(major), int(minor)
    return None


# --- address -----------------------------------------------------------------------


def _address(elf: ElfFile, name: str) -> int | None:
    return symbol_addresses(elf, (name,)).get(name)


def _scan(
    core: CoreFile, module: LoadedModule, version: tuple[int, ...] | None
) -> Iterator[int]:
    """Addresses in the module's data that look like ``_PyRuntime``."""
    layout = LAYOUTS.get((version[0], version[1])) if version else None
    for start, data in _data_of(core, module):
        at = data.find(COOKIE)
        while at >= 0:
            yield start + at
            at = data.find(COOKIE, at + 1)
        if layout is not None and layout.version < (3, 13):
            for at in _twins(data):
                address = start + at - layout.runtime.interpreters_head
                if _is_runtime(core, address, layout):
                    yield address


def _data_of(core: CoreFile, module: LoadedModule) -> Iterator[tuple[int, bytes]]:
    """Writable memory of the module, and what follows it (its .bss), as stored."""
    end, left = module.start, _SCAN_LIMIT
    for mapping in core.memory.mappings:
        within = mapping.start >= module.start and (
            mapping.start < module.end or (mapping.start == end and not mapping.path)
        )
        if not within:
            continue
        end = mapping.end
        if mapping.permissions.startswith("rw") and left > 0:
            size = min(mapping.end - mapping.start, left)
            left -= size
            yield from core.memory.read_pieces(mapping.start, mapping.start + size)


def _twins(data: bytes) -> Iterator[int]:
    """Offsets of two equal words that may be pointers: first and main interpreter."""
    words = memoryview(data)[: len(data) & ~7].cast("Q")
    previous = 0
    for index, word in enumerate(words):
        if word == previous and word > 0xFFFF:
            yield 8 * (index - 1)
        previous = word


def _is_runtime(core: CoreFile, address: int, layout: Layout) -> bool:
    """Its first interpreter's first thread knows that interpreter, and where its own
    ``struct pthread`` is."""
    word = core.memory.read_word
    try:
        interpreter = word(address + layout.runtime.interpreters_head)
        thread = word(interpreter + layout.runtime.threads_head)
        known = word(thread + layout.thread.interpreter)
        pthread = word(thread + layout.thread.thread_id)
        # On x86 it begins with its own address, by the ABI of thread-local storage.
        begins = word(pthread) == pthread or not core.architecture.is_x86
        return known == interpreter and begins
    except InputError:
        return False
