"""Compresses a core of the spool, and proves that nothing of it was lost.

The compressed core is compared with the plain one, frame by frame, before anybody may
take its place.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable

import attrs

from coresnap.collect.seekable import SeekableReader, SeekableWriter
from coresnap.collect.stored_core import (
    Form,
    StoredCore,
    encode_facts,
    open_stored,
    update_digest,
)
from coresnap.errors import InputError

__all__ = ["Compressed", "compress_core", "verify_compressed"]

_DIGEST_LIMIT = 64 << 30
"""Bytes of core beyond which no SHA-256 is made: mostly holes, a minute's work."""


@attrs.frozen
class Compressed:
    """What came of one compression. Sizes are bytes."""

    size: int
    """Of the core."""
    data_size: int
    """On the disk before."""
    stored_size: int
    """Of the compressed file."""
    sha256: bytes | None
    """Of the core; None if it is so large that nobody made one."""


def compress_core(
    source: int, target: int, watch: Callable[[int], object]
) -> Compressed:
    """Compress the plain core ``source`` into ``target``, an empty file.

    ``watch`` is told how many bytes were written; what it raises ends the work.
    Raises InputError if the source is no plain core, OSError.
    """
    core = open_stored(source)
    if core.form != Form.PLAIN:
        raise InputError("the core is compressed already")
    writer = SeekableWriter(target)
    digest = hashlib.sha256() if core.size <= _DIGEST_LIMIT else None
    for piece in core.pieces():
        if digest is not None:
            update_digest(digest, piece)
        if piece.data is None:
            writer.skip(piece.size)
        else:
            writer.append(piece.data)
        watch(writer.stored_size)
    sha256 = digest.digest() if digest is not None else None
    writer.finish(encode_facts(core.size, core.data_size, sha256))
    return Compressed(core.size, core.data_size, writer.stored_size, sha256)


def verify_compressed(source: int, target: int) -> None:
    """Compare all that can be read back from ``target`` with the plain ``source``.

    Raises InputError if a byte differs, OSError.
    """
    core, reader = open_stored(source), SeekableReader(target)
    if reader.size != core.size:
        raise InputError(f"{reader.size} bytes were compressed of {core.size}")
    end = 0
    for entry, content in reader.frames():
        if not _is_same(core, entry.offset, entry.size, content):
            raise InputError(f"the compressed core differs behind {entry.offset}")
        end = entry.offset + entry.size
    if end != core.size:
        raise InputError(f"the compressed core ends at {end}, not at {core.size}")


def _is_same(core: StoredCore, offset: int, size: int, content: bytes | None) -> bool:
    if content is None and core.has_hole(offset, size):
        return True
    expected = os.pread(core.fd, size, offset)
    return expected == (bytes(size) if content is None else content)
