"""The one name that a symbol is shown by."""

from __future__ import annotations

import functools
import re

from coresnap.snapshot.short_names import short_function

__all__ = ["display_name", "short_name"]

# What GCC and LLVM put behind the name of a part that they split off, a copy that they
# specialise, or a function that link-time optimisation made another file's.
_PART = (
    r"(?:\.(?:cold|hot|part|isra|constprop|clone|lto_priv|localalias|llvm|warm|exit"
    r"|resume|destroy|cleanup|actor|__uniq)(?:\.[0-9]+)*)+"
    r"(?=@|$)"
)
_NUMBERS = r"\.[0-9]+(?:\.[0-9]+)*$"
_VERSION = r"(?<=.)@@?[\w.]+$"


@functools.lru_cache(maxsize=65536)
def display_name(symbol: str) -> str:
    """A symbol's name for people: demangled, without return type and parameters.

    What compilers and the linker add is taken off: clone suffixes (``.constprop.0``),
    symbol versions (``@@GLIBC_2.34``), Rust's hashes.
    """
    plain = symbol
    if "." in symbol or "@" in symbol:
        plain = re.sub(_PART, "", re.sub(_VERSION, "", symbol)) or symbol
    if plain.startswith("_R"):
        # Most cores have no name of Rust.
        from coresnap.analysis.demangle.rust_v0 import demangle_rust_v0

        return demangle_rust_v0(plain) or plain
    if not plain.startswith("_Z"):
        return plain
    plain = re.sub(_NUMBERS, "", plain)
    rust = _legacy_rust(plain)
    if rust is not None:
        return rust
    # Most of a C program's core has none of C++ either.
    from coresnap.analysis.demangle.cplusplus import demangle_cplusplus
    from coresnap.analysis.demangle.parameters import without_parameters

    readable = demangle_cplusplus(plain)
    if readable is None:
        return symbol
    return without_parameters(readable)


def _legacy_rust(symbol: str) -> str | None:
    # They end in "17h", sixteen digits of a hash and "E".
    if symbol[-20:-17] != "17h":
        return None
    from coresnap.analysis.demangle.rust_legacy import demangle_rust_legacy

    return demangle_rust_legacy(symbol)


def short_name(function: str, linkage_name: str | None) -> str | None:
    """``function`` as it is shown; None if it cannot be shorter.

    rustc numbers the implementations of a module, ``{impl#3}``; its symbols say which
    type and which trait each is of.
    """
    name = function
    if "{impl#" in function and linkage_name is not None:
        name = display_name(linkage_name)
        if name == linkage_name:
            name = function
    short = short_function(name)
    return short if short != function else None
