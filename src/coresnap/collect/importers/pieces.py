"""The bytes of a core on their way into the spool: pieces, and blocks made of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import attrs

__all__ = ["BLOCK_SIZE", "Gap", "Piece", "Stream", "blocks_of"]

BLOCK_SIZE = 256 * 1024
"""Bytes of a block; a multiple of the pages that holes are made of."""


@attrs.frozen
class Gap:
    """Zeros that nobody needs to read."""

    size: int


Piece = bytes | Gap


@attrs.define
class Stream:
    """The bytes of one core, in order; to be read once.

    ``damage`` is known when ``pieces`` has ended.
    """

    pieces: Iterator[Piece]
    compression: str | None = None
    """``zstd``, ``gzip``, ``xz``, ``bzip2``, ``zlib`` or ``lz4``; None for plain."""
    damage: str | None = None
    """Why the bytes end before they should."""


def blocks_of(pieces: Iterable[Piece]) -> Iterator[Piece]:
    """Cut pieces at every ``BLOCK_SIZE`` bytes from the start.

    Gaps become as many whole blocks as fit in them, so that equal contents give equal
    blocks of data wherever their holes are.
    """
    rest = bytearray()
    for piece in pieces:
        if isinstance(piece, bytes):
            rest += piece
            whole = len(rest) - len(rest) % BLOCK_SIZE
            for start in range(0, whole, BLOCK_SIZE):
                yield bytes(rest[start : start + BLOCK_SIZE])
            del rest[:whole]
            continue
        size = piece.size
        if rest:
            fitting = min(size, BLOCK_SIZE - len(rest))
            rest += bytes(fitting)
            size -= fitting
            if len(rest) == BLOCK_SIZE:
                yield bytes(rest)
                rest.clear()
        if size >= BLOCK_SIZE:
            yield Gap(size - size % BLOCK_SIZE)
        rest += bytes(size % BLOCK_SIZE)
    if rest:
        yield bytes(rest)
