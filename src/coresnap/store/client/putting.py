"""Sending a snapshot: in one request while it is small, in pieces that stay if not."""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Callable, Iterator
from typing import BinaryIO

import attrs

from coresnap.errors import ConflictError, MissingError
from coresnap.store.api.faults import POST_FAULT, Accepted
from coresnap.store.api.uploads import (
    BEGIN_UPLOAD,
    CONTINUE_UPLOAD,
    FINISH_UPLOAD,
    NewUpload,
    Upload,
)
from coresnap.store.client.client import Client

__all__ = ["Pace", "file_chunks", "put_snapshot"]

_AT_ONCE = 4 << 20
"""Bytes up to which a broken connection is not worth the requests of an upload."""
_PIECE = 4 << 20
_CHUNK = 1 << 16

Progress = Callable[[int, int], None]
"""Called with the bytes that were sent, and all of them."""


@attrs.define
class Pace:
    """Lets at most ``rate`` bytes a second pass, on average; None lets all."""

    rate: int | None = None
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    _due: float = 0.0

    def wait(self, size: int) -> None:
        """Wait until ``size`` bytes may pass."""
        if not self.rate:
            return
        now = self.clock()
        self._due = max(self._due, now) + size / self.rate
        if self._due > now:
            self.sleep(self._due - now)


def file_chunks(file: BinaryIO) -> Iterator[bytes]:
    """Yield a file's bytes from its start, as a request takes them."""
    file.seek(0)
    while chunk := file.read(_CHUNK):
        yield chunk


def put_snapshot(
    client: Client,
    file: BinaryIO,
    *,
    replace: bool = False,
    progress: Progress = lambda sent, size: None,
    pace: Pace | None = None,
) -> Accepted:
    """Send the snapshot in ``file``, from its start, and return what became of it.

    It is on the store's disk when this returns. Sent once more, also after a crash of
    ours, it is the same fault. Raises what the server raised, and NetworkError.
    """
    size = file.seek(0, os.SEEK_END)
    sender = _Sender(client, file, size, progress, pace or Pace())
    return sender.at_once(replace) if size <= _AT_ONCE else sender.in_pieces(replace)


@attrs.frozen
class _Sender:
    client: Client
    file: BinaryIO
    size: int
    progress: Progress
    pace: Pace

    def at_once(self, replace: bool) -> Accepted:
        return self.client.post_bytes(
            POST_FAULT,
            lambda: self._read(0, self.size),
            self.size,
            parameters={"replace": True} if replace else {},
        )

    def in_pieces(self, replace: bool) -> Accepted:
        wanted = NewUpload(self.size, self._digest())
        upload = self.client.call(BEGIN_UPLOAD, wanted, again=True)
        while upload.offset < self.size:
            upload = self._continue(upload, wanted)
        return self.client.call(
            FINISH_UPLOAD,
            upload=upload.id,
            parameters={"replace": True} if replace else {},
            again=True,
        )

    def _continue(self, upload: Upload, wanted: NewUpload) -> Upload:
        size = min(_PIECE, self.size - upload.offset)
        try:
            return self.client.post_bytes(
                CONTINUE_UPLOAD,
                lambda: self._read(upload.offset, size),
                size,
                parameters={"offset": upload.offset},
                upload=upload.id,
            )
        except (ConflictError, MissingError):
            # Somebody else sends the same, or it was forgotten: ask how far it is.
            return self.client.call(BEGIN_UPLOAD, wanted, again=True)

    def _read(self, start: int, size: int) -> Iterator[bytes]:
        sent = 0
        while sent < size:
            self.file.seek(start + sent)
            chunk = self.file.read(min(_CHUNK, size - sent))
            if not chunk:
                return
            self.pace.wait(len(chunk))
            yield chunk
            sent += len(chunk)
            self.progress(start + sent, self.size)

    def _digest(self) -> str:
        digest = hashlib.sha256()
        self.file.seek(0)
        while chunk := self.file.read(_PIECE):
            digest.update(chunk)
        return digest.hexdigest()
