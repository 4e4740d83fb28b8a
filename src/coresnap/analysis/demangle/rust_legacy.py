"""Rust's legacy mangling: a C++ nested name whose last part is a hash.

``_ZN4core3ptr13drop_in_place17h0123456789abcdefE``; what C++ does not allow in a name
is escaped (rust-lang/rust, ``compiler/rustc_symbol_mangling/src/legacy.rs``).
"""

from __future__ import annotations

import re

__all__ = ["demangle_rust_legacy"]

_SYMBOL = re.compile(r"_ZN(.+)17h[0-9a-f]{16}E", re.ASCII)
_LENGTH = re.compile(r"[1-9][0-9]{0,4}", re.ASCII)
_ESCAPE = re.compile(
    r"\$(?:(SP|BP|RF|LT|GT|LP|RP|C)|u([0-9a-f]{1,6}))\$|\.\.", re.ASCII
)
_CHARACTERS = {
    "SP": "@",
    "BP": "*",
    "RF": "&",
    "LT": "<",
    "GT": ">",
    "LP": "(",
    "RP": ")",
    "C": ",",
}


def demangle_rust_legacy(name: str) -> str | None:
    """The path without its hash; None if ``name`` is not of this mangling."""
    match = _SYMBOL.fullmatch(name)
    if match is None:
        return None
    parts = _parts(match[1])
    return None if parts is None else "::".join(map(_unescaped, parts))


def _parts(text: str) -> list[str] | None:
    parts = []
    at = 0
    while at < len(text):
        length = _LENGTH.match(text, at)
        if length is None or length.end() + int(length[0]) > len(text):
            return None
        at = length.end() + int(length[0])
        parts.append(text[length.end() : at])
    return parts


def _unescaped(part: str) -> str:
    # A part may not begin with `$`: the compiler puts `_` before it.
    return _ESCAPE.sub(_character, part[1:] if part.startswith("_$") else part)


def _character(match: re.Match[str]) -> str:
    if match[1]:
        return _CHARACTERS[match[1]]
    if not match[2]:
        return "::"
    code = int(match[2], 16)
    is_character = code <= 0x10FFFF and not 0xD800 <= code <= 0xDFFF
    return chr(code) if is_character else match[0]
