"""Finds words that point into given spans: in C where it could be compiled, else here.

``scan_pointers`` is the one of the two that was chosen at import; both give the same
matches. The C half reads several gigabytes a second, this one some ten megabytes.
"""

from __future__ import annotations

import struct
from bisect import bisect_right
from collections.abc import Sequence

try:
    from coresnap._native import ffi, lib
except ImportError:  # no compiler was there: the twin below serves
    lib = None  # type: ignore[assignment]

__all__ = [
    "SPAN_LIMIT",
    "AddressSpan",
    "Match",
    "scan_pointers",
    "scan_pointers_python",
]

SPAN_LIMIT = 4096
"""Spans of one scan, at most."""

AddressSpan = tuple[int, int]
"""Addresses from the first to before the second."""
Match = tuple[int, int]
"""Offset in the scanned bytes, and the word that stands there."""

_BATCH = 1024
_CALL_SIZE = 64 << 20
"""Bytes per call into C, so that Python's signal handlers run in between."""


def scan_pointers_python(
    data: bytes | memoryview,
    spans: Sequence[AddressSpan],
    *,
    pointer_size: int,
    byte_order: str,
    limit: int,
) -> list[Match]:
    """The first ``limit`` words of ``data`` whose value lies in one of ``spans``.

    Words are ``pointer_size`` bytes, 4 or 8, aligned as ``data`` is; what is left at
    the end is no word. ``spans`` are ascending, disjoint, and at most ``SPAN_LIMIT``.
    """
    _require_valid(spans)
    order = ">" if byte_order == "big" else "<"
    word = struct.Struct(order + ("Q" if pointer_size == 8 else "I"))
    starts = [start for start, _ in spans]
    lowest, highest = starts[0], spans[-1][1]
    whole = memoryview(data)[: len(data) - len(data) % pointer_size]
    matches: list[Match] = []
    for index, (value,) in enumerate(word.iter_unpack(whole)):
        if not lowest <= value < highest or len(matches) >= limit:
            continue
        if value < spans[bisect_right(starts, value) - 1][1]:
            matches.append((index * pointer_size, value))
    return matches


def _require_valid(spans: Sequence[AddressSpan]) -> None:
    ends = [0, *(end for _, end in spans)]
    if not 0 < len(spans) <= SPAN_LIMIT or any(
        not previous <= start < end
        for previous, (start, end) in zip(ends, spans, strict=False)
    ):
        raise ValueError("spans are not ascending, disjoint and few")


def _scan_pointers_native(
    data: bytes | memoryview,
    spans: Sequence[AddressSpan],
    *,
    pointer_size: int,
    byte_order: str,
    limit: int,
) -> list[Match]:
    scan = ffi.new("struct pointer_scan *")
    wanted = ffi.new("struct pointer_span[]", list(spans))
    if lib.pointer_scan_init(scan, wanted, len(spans)):
        raise ValueError("spans are not ascending, disjoint and few")
    found = ffi.new("struct pointer_match[]", _BATCH)
    position, count = ffi.new("size_t *"), ffi.new("size_t *")
    source = ffi.from_buffer(data)
    matches: list[Match] = []
    while len(matches) < limit:
        end = min(len(data), position[0] + _CALL_SIZE)
        room = min(_BATCH, limit - len(matches))
        narrow, big = pointer_size == 4, byte_order == "big"
        lib.pointer_scan_run(
            scan, source, end, narrow, big, found, room, position, count
        )
        matches += [(one.offset, one.value) for one in found[0 : count[0]]]
        if count[0] < room and end == len(data):
            break
    return matches


scan_pointers = scan_pointers_python if lib is None else _scan_pointers_native
