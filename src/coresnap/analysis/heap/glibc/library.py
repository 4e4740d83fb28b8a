"""The C library of a process: which one it is, and where its variables are."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from coresnap.elfcore.corefile import CoreFile, LoadedModule
from coresnap.elfcore.elfheader import ProgramHeader
from coresnap.elfcore.memory import Memory

__all__ = ["Library", "candidates", "is_musl", "read_version"]

_PT_LOAD = 1
_PF_W = 2
_DATA_LIMIT = 8 << 20
"""Bytes of variables that are looked through: a C library has some ten thousand."""
_TEXT_LIMIT = 8 << 20
_BANNER = b"GNU C Library ("
_BEFORE_VERSION = b" release version "


class Library(msgspec.Struct, frozen=True, eq=False):
    """A module that may contain malloc."""

    module: LoadedModule
    data: tuple[tuple[int, int], ...]
    """Where its variables are: addresses, ends excluded."""


def candidates(core: CoreFile) -> list[Library]:
    """libc by its name; without one the executable, which may contain it.

    A debugger maps parts of libraries to read them: what is loaded has its head in
    memory, with the build-id, and goes before what has none.
    """
    named = [module for module in core.modules if _is_libc(module.path)]
    named.sort(key=lambda module: module.build_id is None)
    executable = core.executable
    if not named and executable is not None:
        named = [executable]
    return [Library(module, tuple(_variables(core, module))) for module in named]


def is_musl(core: CoreFile) -> bool:
    """Whether the C library is another one, which calls itself musl."""
    return any("ld-musl" in module.path for module in core.modules)


def _is_libc(path: str) -> bool:
    name = path.rpartition("/")[2]
    return name.startswith(("libc.so.6", "libc-2."))


def _variables(core: CoreFile, module: LoadedModule) -> Iterator[tuple[int, int]]:
    loads = _loads(module)
    left = _DATA_LIMIT
    for load in loads:
        if load.flags & _PF_W and left > 0:
            start = module.load_bias + load.vaddr & core.architecture.pointer_mask
            yield start, start + min(load.memsz, left)
            left -= load.memsz
    if not loads:
        for mapping in core.mappings:
            if "w" in mapping.permissions and mapping.path == module.path:
                yield mapping.start, min(mapping.end, mapping.start + _DATA_LIMIT)


def _loads(module: LoadedModule) -> tuple[ProgramHeader, ...]:
    for elf in (module.elf, module.image):
        if elf is not None:
            loads = tuple(p for p in elf.program_headers if p.type == _PT_LOAD)
            if loads:
                return loads
    return ()


def read_version(core: CoreFile, module: LoadedModule) -> tuple[int, int] | None:
    """The version by the library's name, else by the text that it prints when run."""
    name = module.path.rpartition("/")[2]
    if name.startswith("libc-2."):
        return _parse(name.removeprefix("libc-").encode())
    mappings = [m for m in core.mappings if m.path == module.path]
    # It is a constant: older linkers put those beside the code.
    for mapping in sorted(mappings, key=lambda one: "x" in one.permissions):
        if "w" not in mapping.permissions:
            found = _version_in(core.memory, mapping.start, mapping.end)
            if found is not None:
                return found
    return None


def _version_in(memory: Memory, start: int, end: int) -> tuple[int, int] | None:
    data = memory.read_some(start, min(end - start, _TEXT_LIMIT))
    banner = data.find(_BANNER)
    if banner < 0:
        return None
    line = data[banner : banner + 200].partition(b"\n")[0]
    return _parse(line.partition(_BEFORE_VERSION)[2])


def _parse(text: bytes) -> tuple[int, int] | None:
    """``2.36`` at the start of ``text``."""
    major, _, rest = text.partition(b".")
    digits = rest[:3].rstrip(b".so")
    while digits and not digits.isdigit():
        digits = digits[:-1]
    return (int(major), int(digits)) if major.isdigit() and digits else None
