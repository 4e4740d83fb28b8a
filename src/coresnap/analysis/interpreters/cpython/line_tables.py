"""From an instruction to its line: the three encodings of CPython's line tables.

``Objects/lnotab_notes.txt`` (3.9, 3.10), ``Objects/locations.md`` (3.11), or
``InternalDocs/code_objects.md`` in later sources. Offsets count bytes of code.
"""

from __future__ import annotations

from collections.abc import Iterator

from coresnap.analysis.interpreters.cpython.layouts import Version

__all__ = ["line_at"]

_NO_LINE_DELTA = -128
_LONG, _NO_COLUMNS, _NONE = 14, 13, 15
_ONE_LINE = (10, 11, 12)


def line_at(table: bytes, first: int, offset: int, version: Version) -> int | None:
    """The line of the instruction at byte ``offset``.

    ``first`` is the function's own line, which counts before its first instruction.
    None where the table has no line for it, or ends before.
    """
    if offset < 0:
        return first
    if version <= (3, 9):
        return _line_in_lnotab(table, first, offset)
    entries = _ranges(table) if version <= (3, 10) else _locations(table)
    line, end = first, 0
    for size, delta in entries:
        end += size
        line += delta or 0
        if offset < end:
            return None if delta is None else line
    return None


def _line_in_lnotab(table: bytes, first: int, offset: int) -> int:
    """Pairs: bytes to advance, lines to advance (signed)."""
    address, line = 0, first
    for size, delta in zip(table[::2], table[1::2], strict=False):
        address += size
        if address > offset:
            break
        line += _signed(delta)
    return line


def _ranges(table: bytes) -> Iterator[tuple[int, int | None]]:
    """Pairs: bytes that a range is long, lines to advance first; -128 is no line."""
    for size, delta in zip(table[::2], table[1::2], strict=False):
        lines = _signed(delta)
        yield size, None if lines == _NO_LINE_DELTA else lines


def _signed(byte: int) -> int:
    return byte - 256 if byte > 127 else byte


def _locations(table: bytes) -> Iterator[tuple[int, int | None]]:
    """Entries that begin with a byte of bit 7 set: kind, and length in code units."""
    at, end = 0, len(table)
    while at < end:
        first = table[at]
        kind, size = first >> 3 & 15, 2 * ((first & 7) + 1)
        if kind == _NONE:
            yield size, None
        elif kind in (_LONG, _NO_COLUMNS):
            yield size, _signed_varint(table, at + 1)
        else:
            yield size, kind - _ONE_LINE[0] if kind in _ONE_LINE else 0
        at += 1
        while at < end and not table[at] & 0x80:
            at += 1


def _signed_varint(table: bytes, at: int) -> int:
    """Six bits a byte, the lowest first; bit 6 says that there are more; bit 0 of the
    whole is the sign."""
    value, shift = 0, 0
    for byte in table[at : at + 6]:
        value |= (byte & 63) << shift
        shift += 6
        if not byte & 64:
            break
    return -(value >> 1) if value & 1 else value >> 1
