"""Where a file with holes has data, as far as its filesystem tells."""

from __future__ import annotations

import errno
import os

__all__ = ["next_data"]

_SEEK_DATA: int | None = getattr(os, "SEEK_DATA", None)  # not in every Python


def next_data(fd: int, offset: int, size: int) -> int:
    """Return where data begins at ``offset`` or behind it; ``size`` if none does.

    A filesystem that does not tell has data everywhere. Raises OSError.
    """
    if _SEEK_DATA is None:
        return offset
    try:
        return min(os.lseek(fd, offset, _SEEK_DATA), size)
    except OSError as error:
        if error.errno == errno.ENXIO:
            return size
        if error.errno in (errno.EINVAL, errno.ENOTSUP):
            return offset
        raise
