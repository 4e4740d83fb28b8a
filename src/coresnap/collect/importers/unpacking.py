"""Decompresses a core step by step, whatever it was packed with.

Each step gives at most a mebibyte, so that a small file that unpacks to a huge one
meets the limits of who writes it before it meets those of our memory.
"""

from __future__ import annotations

import bz2
import importlib
import itertools
import lzma
import sys
import zlib
from collections.abc import Callable, Iterator
from typing import Any, Protocol

import attrs

from coresnap.collect.importers.pieces import Piece, Stream
from coresnap.errors import InputError

__all__ = ["compression_of", "peek", "unpack"]

_STEP = 1 << 20
_XZ_MEMORY = 512 << 20
_MAGIC = {
    b"\x28\xb5\x2f\xfd": "zstd",
    b"\x1f\x8b": "gzip",
    b"\xfd7zXZ\x00": "xz",
    b"BZh": "bzip2",
    b"\x04\x22\x4d\x18": "lz4",
    b"\x78\x01": "zlib",
    b"\x78\x5e": "zlib",
    b"\x78\x9c": "zlib",
    b"\x78\xda": "zlib",
}


class _Decoder(Protocol):
    """What the decompressors of the standard library have in common."""

    @property
    def eof(self) -> bool: ...
    @property
    def needs_input(self) -> bool: ...
    @property
    def unused_data(self) -> bytes: ...
    def decompress(self, data: bytes, max_length: int = -1) -> bytes: ...


def compression_of(start: bytes) -> str | None:
    """Say what bytes that begin with ``start`` are compressed with."""
    found = (name for magic, name in _MAGIC.items() if start.startswith(magic))
    return next(found, None)


def unpack(chunks: Iterator[bytes], compression: str, name: str) -> Stream:
    """Return the bytes that ``chunks`` hold compressed; ``name`` is for errors.

    A file that ends early, or is damaged, gives what came before and says so. Raises
    InputError if it takes a library that is not there.
    """
    stream = Stream(iter(()), compression)
    stream.pieces = _unpacked(chunks, _factory(compression, name), stream)
    return stream


def _factory(compression: str, name: str) -> Callable[[], Any]:
    if compression == "gzip":
        return lambda: _Inflater(zlib.decompressobj(wbits=31))
    if compression == "zlib":
        return lambda: _Inflater(zlib.decompressobj())
    if compression == "xz":
        return lambda: lzma.LZMADecompressor(memlimit=_XZ_MEMORY)
    if compression == "bzip2":
        return bz2.BZ2Decompressor
    if compression == "zstd":
        return _zstd_factory()
    return _lz4_factory(name)


def _zstd_factory() -> Callable[[], Any]:
    if sys.version_info >= (3, 14):
        from compression import zstd
    else:
        from backports import zstd
    return zstd.ZstdDecompressor


def _lz4_factory(name: str) -> Callable[[], Any]:
    try:
        frame = importlib.import_module("lz4.frame")
    except ImportError as error:
        raise InputError(
            f"{name} is compressed with lz4, which needs a library that is not here",
            remedy="`pip install coresnap[lz4]`, or unpack it with `lz4 -d` first.",
        ) from error
    factory: Callable[[], Any] = frame.LZ4FrameDecompressor
    return factory


@attrs.define
class _Inflater:
    """zlib's decompressor with the manners of the others."""

    _object: Any

    @property
    def eof(self) -> bool:
        return bool(self._object.eof)

    @property
    def needs_input(self) -> bool:
        return not self._object.unconsumed_tail

    @property
    def unused_data(self) -> bytes:
        return bytes(self._object.unused_data)

    def decompress(self, data: bytes, max_length: int = -1) -> bytes:
        tail = self._object.unconsumed_tail
        return bytes(self._object.decompress(tail + data, max_length))


def _unpacked(
    chunks: Iterator[bytes], make: Callable[[], _Decoder], stream: Stream
) -> Iterator[Piece]:
    decoder = make()
    members = 0
    pending = False
    for chunk in chunks:
        data = chunk
        while True:
            try:
                piece = decoder.decompress(data, _STEP)
            except Exception as error:
                # Each library has its own; bz2 and lz4 raise OSError, RuntimeError.
                _require_decoding_error(error)
                # gzip(1) and zstd(1) leave alone what follows a whole member, too.
                if not members or pending:
                    stream.damage = f"{stream.compression}: {error}"
                return
            if piece:
                pending = True
                yield piece
            data = b""
            if decoder.eof:
                data = decoder.unused_data
                decoder = make()
                members, pending = members + 1, False
                if not data:
                    break
            elif decoder.needs_input and len(piece) < _STEP:
                break
    if pending or not members:
        stream.damage = f"the {stream.compression} data end early"


def _require_decoding_error(error: Exception) -> None:
    known = (ValueError, EOFError, OSError, RuntimeError, zlib.error, lzma.LZMAError)
    if not isinstance(error, known) and type(error).__name__ != "ZstdError":
        raise error


def peek(chunks: Iterator[bytes]) -> tuple[bytes, Iterator[bytes]]:
    """Return the first chunk, and an iterator over all of them."""
    first = next(chunks, b"")
    return first, itertools.chain([first], chunks)
