"""zstd frames, with or without our dictionary; bounded on the way back."""

from __future__ import annotations

import functools

from coresnap.errors import SnapshotFormatError
from coresnap.snapshot.dictionary import dictionary_1
from coresnap.snapshot.zstandard import zstd

__all__ = ["compress", "compress_slowly", "decompress"]

_THOROUGH_LEVEL = 15
_FAST_LEVEL = 3
_SLOW_LEVEL = 22
_THOROUGH_UP_TO = 1 << 18

# Our own levels need windows of 4 MiB at most; a frame that asks for more is hostile.
_WINDOW_LOG_MAX = 24


def compress(data: bytes, *, dictionary: bool = False) -> bytes:
    """Return ``data`` as one zstd frame; large inputs get a faster level.

    ``dictionary`` prepares the compressor with dictionary 1, which helps inputs of
    some kilobytes.
    """
    level = _THOROUGH_LEVEL if len(data) <= _THOROUGH_UP_TO else _FAST_LEVEL
    return zstd.compress(data, level, zstd_dict=_dictionary() if dictionary else None)


def compress_slowly(data: bytes, *, dictionary: bool = False) -> bytes:
    """The same as small as it gets: ten to fifty times slower, and read as fast."""
    options: dict[int, int] = {
        zstd.CompressionParameter.compression_level: _SLOW_LEVEL,
        # The level's own window is larger than readers allow.
        zstd.CompressionParameter.window_log: _WINDOW_LOG_MAX,
    }
    return zstd.compress(
        data, options=options, zstd_dict=_dictionary() if dictionary else None
    )


def decompress(data: bytes, size: int, *, dictionary: bool = False) -> bytes:
    """Return the ``size`` bytes that one zstd frame holds.

    Never produces more than ``size`` + 1 bytes, whatever the frame claims. Raises
    SnapshotFormatError unless the frame is whole and holds exactly ``size`` bytes.
    """
    decompressor = zstd.ZstdDecompressor(
        zstd_dict=_dictionary() if dictionary else None,
        options={zstd.DecompressionParameter.window_log_max: _WINDOW_LOG_MAX},
    )
    try:
        content = decompressor.decompress(data, size + 1)
        # The end of a frame can hide behind a full output buffer.
        if not decompressor.eof and len(content) == size:
            content += decompressor.decompress(b"", 1)
    except zstd.ZstdError as error:
        raise SnapshotFormatError(f"damaged zstd frame: {error}") from error
    if not decompressor.eof or len(content) != size:
        raise SnapshotFormatError(f"a zstd frame does not hold the {size} bytes told")
    return content


@functools.cache
def _dictionary() -> zstd.ZstdDict:
    return zstd.ZstdDict(dictionary_1(), is_raw=True)
