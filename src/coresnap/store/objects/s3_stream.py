"""A body that comes through a connection, as a file."""

from __future__ import annotations

import io
from typing import BinaryIO, cast

from botocore.exceptions import BotoCoreError, HTTPClientError
from botocore.response import StreamingBody

from coresnap.store.objects.s3_failures import meaning_of

__all__ = ["open_stream"]

_BUFFER = 1 << 16


class _Raw(io.RawIOBase):
    def __init__(self, body: StreamingBody, key: str) -> None:
        self._body = body
        self._key = key

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]
        try:
            part = self._body.read(len(buffer))
        except (BotoCoreError, HTTPClientError) as error:
            raise meaning_of(error, "read", self._key) from error
        buffer[: len(part)] = part
        return len(part)

    def close(self) -> None:
        if not self.closed:
            self._body.close()
        super().close()


def open_stream(body: StreamingBody, key: str) -> BinaryIO:
    """Return a file over what get_object gave.

    Reading raises StorageError if the connection ends before the body does.
    """
    return cast("BinaryIO", io.BufferedReader(_Raw(body, key), _BUFFER))
