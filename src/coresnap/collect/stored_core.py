"""A core as the spool keeps it, plain or compressed, and its content piece by piece.

Holes stay holes all the way: a piece without data is one, or zeros that can become one.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import struct
from collections.abc import Callable, Iterator

import attrs

from coresnap.collect.holes import next_data
from coresnap.collect.seekable import FRAME_SIZE, MAGIC, SeekableReader
from coresnap.collect.sparse import SparseWriter
from coresnap.errors import InputError

__all__ = [
    "Form",
    "Piece",
    "StoredCore",
    "decode_facts",
    "encode_facts",
    "is_compressed",
    "open_stored",
    "update_digest",
    "write_pieces",
]

_BLOCK = 512  # st_blocks (POSIX sys/stat.h)
_ZEROS = bytes(FRAME_SIZE)
_FACTS = struct.Struct("<8sIIQQ32s")
_FACTS_MAGIC = b"CSNPCORE"
_FACTS_VERSION = 1
_NO_DIGEST = bytes(32)


@attrs.frozen
class Piece:
    """Content of a core, in order and without gaps."""

    offset: int
    size: int
    data: bytes | None
    """None for zeros."""


class Form:
    """How a core is stored."""

    PLAIN = "plain"
    ZSTD = "zstd"


@attrs.frozen(eq=False)
class StoredCore:
    """An open core of the spool; its descriptor stays the caller's."""

    fd: int
    form: str
    """One of ``Form``."""
    size: int
    """Bytes of the core, holes included."""
    data_size: int
    """Bytes that it takes on the disk when it is plain."""
    sha256: bytes | None
    """Of the whole core; None if nobody made one."""
    _reader: SeekableReader | None = None

    def pieces(self) -> Iterator[Piece]:
        """Yield the content; one piece of data is at most some mebibytes.

        Raises InputError if it is damaged, OSError if the disk fails.
        """
        if self._reader is None:
            yield from _plain_pieces(self.fd, self.size)
            return
        for entry, content in self._reader.frames():
            yield Piece(entry.offset, entry.size, content)

    def has_hole(self, offset: int, size: int) -> bool:
        """Say whether the plain file holds nothing there, without reading it."""
        return next_data(self.fd, offset, self.size) >= offset + size


def is_compressed(fd: int) -> bool:
    """Say whether an open core is in the compressed form. Raises OSError."""
    return os.pread(fd, len(MAGIC), 0) == MAGIC


def open_stored(fd: int) -> StoredCore:
    """Look at an open core, in whichever form.

    Raises InputError if it is compressed and its seek table is not whole, OSError.
    """
    status = os.fstat(fd)
    if not is_compressed(fd):
        taken = status.st_blocks * _BLOCK
        return StoredCore(fd, Form.PLAIN, status.st_size, taken, None)
    reader = SeekableReader(fd)
    taken, sha256 = decode_facts(reader.facts(), reader.size)
    return StoredCore(fd, Form.ZSTD, reader.size, taken, sha256, reader)


def encode_facts(size: int, data_size: int, sha256: bytes | None) -> bytes:
    """Return what a compressed core says about the plain one."""
    digest = sha256 if sha256 is not None else _NO_DIGEST
    return _FACTS.pack(_FACTS_MAGIC, _FACTS_VERSION, 0, size, data_size, digest)


def decode_facts(facts: bytes | None, size: int) -> tuple[int, bytes | None]:
    """Return ``data_size`` and the digest; what is not known is ``size`` and None."""
    if facts is None or len(facts) < _FACTS.size:
        return size, None
    magic, version, _, told, taken, digest = _FACTS.unpack_from(facts)
    if magic != _FACTS_MAGIC or version != _FACTS_VERSION or told != size:
        return size, None
    return taken, digest if digest != _NO_DIGEST else None


# --- plain ----------------------------------------------------------------------


def _plain_pieces(fd: int, size: int) -> Iterator[Piece]:
    offset = 0
    while offset < size:
        start = next_data(fd, offset, size)
        # A piece begins where a frame would, so that both forms have the same ones.
        start -= start % FRAME_SIZE if start < size else 0
        if start > offset:
            yield Piece(offset, start - offset, None)
            offset = start
            continue
        data = os.pread(fd, min(FRAME_SIZE, size - offset), offset)
        if not data:
            raise InputError(f"the core became shorter than {size} bytes")
        yield Piece(offset, len(data), data)
        offset += len(data)


# --- restoring --------------------------------------------------------------------


def write_pieces(
    core: StoredCore, target: int, watch: Callable[[int], object], *, holes: bool = True
) -> bytes | None:
    """Write the whole core to ``target``: with holes into an empty file, or a stream.

    ``watch`` is told how many bytes of content are done. Returns the SHA-256 of what
    was written if one is recorded that it was compared with. Raises InputError if the
    core is damaged or its digest differs, OSError.
    """
    digest = hashlib.sha256() if core.sha256 is not None else None
    writer = SparseWriter(target)
    if holes:
        os.ftruncate(target, core.size)
    for piece in core.pieces():
        if digest is not None:
            update_digest(digest, piece)
        if not holes:
            _stream(target, piece)
        elif piece.data is None:
            writer.skip(piece.size)
        else:
            writer.append(piece.data)
        watch(piece.offset + piece.size)
    if digest is not None and digest.digest() != core.sha256:
        assert core.sha256 is not None
        raise InputError(
            f"the core's SHA-256 is {digest.hexdigest()}, not {core.sha256.hex()}",
            remedy="It was changed after it was compressed.",
        )
    return core.sha256


def update_digest(digest: hashlib._Hash, piece: Piece) -> None:
    """Let a digest see a piece, zeros too."""
    if piece.data is not None:
        digest.update(piece.data)
        return
    for chunk in _zero_chunks(piece.size):
        digest.update(chunk)


def _zero_chunks(size: int) -> Iterator[bytes | memoryview]:
    for _ in range(size // FRAME_SIZE):
        yield _ZEROS
    if rest := size % FRAME_SIZE:
        yield memoryview(_ZEROS)[:rest]


def _stream(target: int, piece: Piece) -> None:
    chunks = [piece.data] if piece.data is not None else _zero_chunks(piece.size)
    for chunk in chunks:
        _write_all(target, chunk)


def _write_all(target: int, data: bytes | memoryview) -> None:
    """Write all of ``data``. Raises OSError."""
    view = memoryview(data)
    while view:
        with contextlib.suppress(InterruptedError):
            view = view[os.write(target, view) :]
