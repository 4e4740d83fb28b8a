"""What ties a program to its separate debug file: build-id and .gnu_debuglink."""

from __future__ import annotations

import os
import zlib
from pathlib import Path
from typing import Any

import attrs

from coresnap.analysis.debuginfo.dwarf import open_descriptor, unavailable
from coresnap.errors import InputError

__all__ = ["DebugLinks", "file_crc", "read_debug_links"]

_BUILD_ID_LIMIT = 64
_CHUNK = 1 << 20


@attrs.frozen
class DebugLinks:
    """``build_id`` in hex digits, ``debuglink`` a file name with its CRC-32."""

    build_id: str | None = None
    debuglink: str | None = None
    debuglink_crc: int = 0


def read_debug_links(path: Path) -> DebugLinks:
    """Read them from the ELF file at ``path``.

    Raises ``AccessError`` if it may not be read, ``InputError`` if it is not there or
    no ELF file.
    """
    reason = unavailable()
    if reason is not None:
        raise InputError(reason)
    from coresnap import _libdw

    ffi, lib = _libdw.ffi, _libdw.lib
    descriptor = open_descriptor(path)
    try:
        lib.elf_version(lib.EV_CURRENT)
        elf = lib.elf_begin(descriptor, lib.ELF_C_READ_MMAP, ffi.NULL)
        if elf == ffi.NULL or lib.elf_kind(elf) != lib.ELF_K_ELF:
            lib.elf_end(elf)
            raise InputError(f"{path} is not an ELF file")
        try:
            return _links(ffi, lib, elf)
        finally:
            lib.elf_end(elf)
    finally:
        os.close(descriptor)


_Handle = Any


def _links(ffi: _Handle, lib: _Handle, elf: _Handle) -> DebugLinks:
    data = ffi.new("const void **")
    size = lib.dwelf_elf_gnu_build_id(elf, data)
    build_id = None
    if 0 < size <= _BUILD_ID_LIMIT:
        build_id = bytes(ffi.buffer(data[0], size)).hex()
    crc = ffi.new("uint32_t *")
    name = lib.dwelf_elf_gnu_debuglink(elf, crc)
    if name == ffi.NULL:
        return DebugLinks(build_id)
    return DebugLinks(build_id, os.fsdecode(ffi.string(name)), crc[0])


def file_crc(path: Path) -> int:
    """The CRC-32 that .gnu_debuglink records (GDB manual, "Separate Debug Files")."""
    crc = 0
    with path.open("rb") as stream:
        while chunk := stream.read(_CHUNK):
            crc = zlib.crc32(chunk, crc)
    return crc
