"""Strings: bytes up to their terminator, as a person reads them."""

from __future__ import annotations

from collections.abc import Callable

__all__ = ["CODECS", "TextDecoder", "text_decoder"]

CODECS = {1: "utf-8", 2: "utf-16", 4: "utf-32"}
"""The encoding by size of a character; programs may of course use others."""

TextDecoder = Callable[[bytes], str]


def text_decoder(size: int, *, little_endian: bool) -> TextDecoder:
    """Make a function from whole characters to text up to the first NUL.

    Bytes that are no text stay visible as ``\\xNN``.
    """
    if size == 1:
        return _decode_bytes
    codec = f"{CODECS[size]}-{'le' if little_endian else 'be'}"

    def decode(data: bytes) -> str:
        return data[: _terminator(data, size)].decode(codec, "backslashreplace")

    return decode


def _decode_bytes(data: bytes) -> str:
    return data.partition(b"\0")[0].decode("utf-8", "backslashreplace")


def _terminator(data: bytes, size: int) -> int:
    zero = bytes(size)
    for at in range(0, len(data) - size + 1, size):
        if data[at : at + size] == zero:
            return at
    return len(data) - len(data) % size
