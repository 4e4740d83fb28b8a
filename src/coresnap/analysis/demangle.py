"""C++ symbol names for people, through the C++ runtime's ``__cxa_demangle``.

The runtime is loaded at run time, so nothing needs it to be installed: where there is
none, names stay as the linker knows them.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable
from typing import Any

__all__ = ["demangle", "display_name", "without_parameters"]

_RUNTIMES = (b"libstdc++.so.6", b"libc++abi.so.1", b"libcxxrt.so.1")
_NAME_LIMIT = 16384
"""Longer mangled names are left alone: a substitution can double a name's length with
every byte, and the demangler allocates the result."""
_RTLD_LAZY = 1
_SIGNATURE = "char *(*)(const char *, char *, size_t *, int *)"

_RUST_HASH = re.compile(r"::h[0-9a-f]{16}$")
"""What rustc's legacy mangling puts behind a path."""

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


@functools.lru_cache(maxsize=65536)
def demangle(name: str) -> str | None:
    """The name as one writes it in C++, with parameters.

    None if ``name`` is not a mangled name, or no C++ runtime is installed.
    """
    if not name.startswith("_Z") or len(name) > _NAME_LIMIT:
        return None
    call = _demangler()
    # GCC names the parts that it splits off or specialises `_Z3foov.cold`.
    base = name.partition(".")[0]
    return call(base.encode("utf-8", "replace")) if call is not None else None


@functools.lru_cache(maxsize=65536)
def display_name(name: str) -> str:
    """A symbol's name for people: demangled, without return type and parameters."""
    readable = demangle(name)
    if readable is None:
        return name
    return without_parameters(_RUST_HASH.sub("", readable))


def without_parameters(name: str) -> str:
    """Take return type, parameter list and trailing qualifiers off a C++ name."""
    end = _parameters_start(name)
    if end is None:
        return name
    head = name[:end]
    return head[_return_type_end(head) :].strip() or name


_TOKEN = re.compile(
    r"\boperator(?:\(\)|\[\]|<=>|<<=|>>=|->\*?|<<|>>|<=|>=|<|>|\b)|[(<{\[)>}\] ]"
)
"""Brackets and spaces, and operators' names with those symbols that look alike."""


def _parameters_start(name: str) -> int | None:
    """Index of the parenthesis that opens the function's own parameters.

    It is the last one at depth 0, because what follows is at most `const`, `&` and
    `[clone …]`; but ``(anonymous namespace)`` has parentheses too, and so have the
    parameters of an enclosing function: ``f(int)::{lambda()#1}``.
    """
    depth = 0
    start: int | None = None
    for token in _TOKEN.finditer(name):
        text = token[0]
        if text == "(" and depth == 0:
            start = token.start()
        if text in _OPENING:
            depth += 1
        elif text in _CLOSING:
            depth = max(depth - 1, 0)
            if depth == 0 and name.startswith(")::", token.start()):
                start = None
    if start is not None and name.startswith("(anonymous namespace)", start):
        return None
    return start


_OPENING = frozenset("(<{[")
_CLOSING = frozenset(")>}]")


def _return_type_end(head: str) -> int:
    """Index where the function's name starts: after the last space at depth 0.

    The spaces of ``operator new`` and ``operator< <int>`` belong to the name.
    """
    depth = 0
    end = 0
    for token in _TOKEN.finditer(head):
        text = token[0]
        if text in _OPENING:
            depth += 1
        elif text in _CLOSING:
            depth = max(depth - 1, 0)
        elif depth == 0 and text != " ":
            break
        elif depth == 0 and not _QUALIFIER.match(head, token.end()):
            end = token.end()
    return end


_QUALIFIER = re.compile(r"(?:const|volatile|&&?|noexcept|\s)+::")
"""Behind an enclosing member function: ``f() const::{lambda()#1}``."""
