"""Bytes on their way in: streamed to a file without a name, digested as they come."""

from __future__ import annotations

import hashlib
import os
import tempfile
from pathlib import Path
from typing import IO, BinaryIO, cast

import attrs

from coresnap.errors import NoSpaceError, StorageError
from coresnap.store.server.call import Staged

__all__ = ["StagingFile"]

_NO_ROOM = (28, 122)  # ENOSPC, EDQUOT
_MEMFD = getattr(os, "memfd_create", None)  # Linux, FreeBSD 13
_IN_MEMORY = 64 * 1024
"""Bytes whose file need not be on a disk; what is flushed earlier is longer."""


@attrs.define
class StagingFile:
    """A file that grows as its bytes come, and is gone when it is closed."""

    directory: Path
    size: int = 0
    """Bytes that were written."""
    pending: bytearray = attrs.field(factory=bytearray)
    """What is still to be written."""
    _file: IO[bytes] | None = None
    _digest: hashlib._Hash = attrs.field(factory=hashlib.sha256)

    def add(self, data: bytes) -> None:
        """Append ``data``, in memory."""
        self.pending += data

    def flush(self) -> None:
        """Write what is pending; raise StorageError (NoSpaceError)."""
        data, self.pending = self.pending, bytearray()
        try:
            if self._file is None:
                self._file = self._create(len(data))
            self._digest.update(data)
            written = 0
            while written < len(data):
                written += self._file.write(memoryview(data)[written:]) or 0
        except OSError as error:
            kind = NoSpaceError if error.errno in _NO_ROOM else StorageError
            raise kind(f"cannot stage what is sent: {error.strerror}") from error
        self.size += len(data)

    def _create(self, size: int) -> IO[bytes]:
        if size <= _IN_MEMORY and _MEMFD is not None:
            return open(_MEMFD("staged"), "r+b", buffering=0)
        return tempfile.TemporaryFile(dir=self.directory, buffering=0)

    def staged(self) -> Staged:
        """Return all that was written, to be read from its start."""
        is_whole = self._file is None and len(self.pending) <= _IN_MEMORY
        data = bytes(self.pending) if is_whole else None
        self.flush()
        assert self._file is not None
        self._file.seek(0)
        file, digest = cast(BinaryIO, self._file), self._digest.hexdigest()
        return Staged(file, self.size, digest, data)

    def close(self) -> None:
        """Let the bytes go."""
        if self._file is not None:
            self._file.close()
