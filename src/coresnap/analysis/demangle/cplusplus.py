"""C++ symbol names for people, through the C++ runtime's ``__cxa_demangle``.

The runtime is loaded at run time, so nothing needs it to be installed: where there is
none, names stay as the linker knows them.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from coresnap.analysis.demangle.expansion import expanded_size

__all__ = ["demangle_cplusplus"]

_RUNTIMES = (b"libstdc++.so.6", b"libc++abi.so.1", b"libcxxrt.so.1")
_NAME_LIMIT = 4096
"""Characters; the demanglers recurse, and GCC's takes no more than 1024."""
_SIZE_LIMIT = 1 << 20
"""Characters of what ``expanded_size`` tells, which is a few times too many."""
_RTLD_LAZY = 1
_SIGNATURE = "char *(*)(const char *, char *, size_t *, int *)"

_CData = Any
"""cffi types its objects at run time only."""

_Demangler = Callable[[bytes], str | None]


@functools.cache
def _demangler() -> _Demangler | None:
    ffi, lib = _dynamic_linker()
    address = _runtime_function(ffi, lib)
    if address is None:
        return None
    cxa_demangle = ffi.cast(_SIGNATURE, address)
    status = ffi.new("int *")

    def call(name: bytes) -> str | None:
        result = cxa_demangle(name, ffi.NULL, ffi.NULL, status)
        if result == ffi.NULL:
            return None
        try:
            text: bytes = ffi.string(result)
        finally:
            lib.free(result)
        return text.decode("utf-8", "backslashreplace")

    return call


def _dynamic_linker() -> tuple[_CData, _CData]:
    """(ffi, lib) with dlopen, dlsym and free.

    From the compiled extension if there is one: declaring them at run time takes
    cffi's C parser, 50 ms of every C++ core's analysis.
    """
    try:
        from coresnap import _libdw
    except ImportError:
        import cffi

        ffi = cffi.FFI()
        ffi.cdef(
            "void *dlopen(const char *, int); void *dlsym(void *, const char *);"
            "void free(void *);"
        )
        return ffi, ffi.dlopen(None)
    return _libdw.ffi, _libdw.lib


def _runtime_function(ffi: _CData, lib: _CData) -> _CData | None:
    for runtime in _RUNTIMES:
        handle = lib.dlopen(runtime, _RTLD_LAZY)
        if handle != ffi.NULL:
            address = lib.dlsym(handle, b"__cxa_demangle")
            if address != ffi.NULL:
                return address
    return None


def demangle_cplusplus(name: str) -> str | None:
    """The name as one writes it in C++, with parameters.

    None if ``name`` is not a mangled name or grows beyond all bounds, or no C++
    runtime is installed.
    """
    if not name.startswith("_Z") or len(name) > _NAME_LIMIT:
        return None
    if expanded_size(name) > _SIZE_LIMIT:
        return None
    call = _demangler()
    return call(name.encode("utf-8", "replace")) if call is not None else None
