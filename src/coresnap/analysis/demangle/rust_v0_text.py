"""What Rust's v0 mangling calls by letters or codes: types, identifiers, literals."""

from __future__ import annotations

__all__ = ["BASIC_TYPES", "identifier_text", "quoted_characters"]

BASIC_TYPES = {
    "a": "i8",
    "b": "bool",
    "c": "char",
    "d": "f64",
    "e": "str",
    "f": "f32",
    "h": "u8",
    "i": "isize",
    "j": "usize",
    "l": "i32",
    "m": "u32",
    "n": "i128",
    "o": "u128",
    "p": "_",
    "s": "i16",
    "t": "u16",
    "u": "()",
    "v": "...",
    "x": "i64",
    "y": "u64",
    "z": "!",
}

_PUNYCODE_LIMIT = 1000
"""Characters: decoding takes the square of their number."""
_ESCAPES = {"\t": "\\t", "\n": "\\n", "\r": "\\r", "\\": "\\\\", "\0": "\\0"}


def identifier_text(name: str) -> str:
    """An identifier from Punycode with ``_`` for ``-`` (RFC 3492)."""
    basic, _, extended = name.rpartition("_")
    encoded = f"{basic}-{extended}" if basic else extended
    if extended and len(name) <= _PUNYCODE_LIMIT:
        try:
            text = encoded.encode("ascii").decode("punycode")
            # Python decodes surrogates too, which no encoder takes.
            text.encode("utf-8")
        except (UnicodeError, OverflowError, ValueError):
            pass
        else:
            return text
    return f"punycode{{{name}}}"


def quoted_characters(text: str, quote: str) -> str:
    """A literal as Rust writes it."""
    return quote + "".join(_escaped(c, quote) for c in text) + quote


def _escaped(character: str, quote: str) -> str:
    if character == quote:
        return f"\\{quote}"
    if character in _ESCAPES:
        return _ESCAPES[character]
    return character if character.isprintable() else f"\\u{{{ord(character):x}}}"
