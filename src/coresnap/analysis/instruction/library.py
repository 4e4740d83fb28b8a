"""Capstone's shared library, without its Python package.

The package takes 100 ms to import, more than the analysis of a small core; what we need
of it is the library that lies inside, which takes one. Else the system's serves.
"""

from __future__ import annotations

import functools
import os
import sys
from typing import Any

import msgspec

__all__ = ["Library", "load_library"]

_VERSION = 5
"""Structures and constants are those of this major version."""
_SHIPPED = os.path.join("capstone", "lib", "libcapstone.so")
_INSTALLED = ("libcapstone.so.5", "libcapstone.so")
_RTLD_LAZY = 1
_X86, _MODE_64, _DETAIL, _ON = 3, 8, 2, 3
_SAMPLE = bytes.fromhex("48894c9808")
"""``mov [rax + rbx*4 + 8], rcx``"""


class Library(msgspec.Struct, frozen=True, eq=False):
    """The open library, or the reason why there is none."""

    ffi: Any = None
    lib: Any = None
    problem: str = ""
    """Empty if it can be used."""


@functools.cache
def load_library() -> Library:
    """Open capstone, once; what is found is tried before it is trusted."""
    try:
        from coresnap._capstone import ffi
    except ImportError as error:
        return Library(problem=f"coresnap._capstone is not built ({error})")
    problem = "capstone is not installed"
    for name in (*_shipped(), *_INSTALLED):
        try:
            lib = ffi.dlopen(name, _RTLD_LAZY)
        except OSError:
            continue
        doubt = _doubt(ffi, lib)
        if doubt is None:
            return Library(ffi, lib)
        problem = f"{name}: {doubt}"
    return Library(problem=problem)


def _shipped() -> list[str]:
    """Where the package is, as the import system would find it."""
    places = (os.path.join(entry or ".", _SHIPPED) for entry in sys.path)
    return [place for place in places if os.path.isfile(place)]


def _doubt(ffi: Any, lib: Any) -> str | None:  # noqa: ANN401 - cffi has no types
    """Why the library is not the one whose structures we know; None if it is."""
    version = ffi.new("int[2]")
    lib.cs_version(version, version + 1)
    if version[0] != _VERSION:
        return f"version {version[0]}.{version[1]}, not {_VERSION}"
    handle = ffi.new("csh *")
    if lib.cs_open(_X86, _MODE_64, handle) != 0:
        return "it does not know x86-64"
    try:
        lib.cs_option(handle[0], _DETAIL, _ON)
        found = ffi.new("cs_insn **")
        count = lib.cs_disasm(handle[0], _SAMPLE, len(_SAMPLE), 0, 1, found)
        if count != 1:
            return "it does not decode what every version does"
        detail = found[0].detail.x86
        memory = detail.operands[0].mem
        seen = (found[0].size, detail.op_count, memory.scale, memory.disp)
        lib.cs_free(found[0], count)
    finally:
        lib.cs_close(handle)
    return None if seen == (5, 2, 4, 8) else "its structures are not those of version 5"
