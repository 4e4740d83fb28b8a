"""Bytes on their way out, a part at a time."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import BinaryIO

import attrs
from starlette.datastructures import Headers
from starlette.types import Send

from coresnap.errors import StorageError
from coresnap.store.server.answers import Slice, send_head, slice_of
from coresnap.store.server.call import Content

__all__ = ["Transfer"]

_PART = 256 * 1024

Run = Callable[[Callable[[], bytes]], Awaitable[bytes]]
"""Does something in a thread."""


@attrs.frozen
class Transfer:
    """A content that is open, or of which only the head is wanted."""

    part: Slice
    stream: BinaryIO | None

    @classmethod
    def begin(cls, content: Content, headers: Headers, *, is_head: bool) -> Transfer:
        """Open what the request's headers ask for; raise what opening raises."""
        part = slice_of(content, headers)
        if is_head or part.size == 0:
            return cls(part, None)
        return cls(part, content.open(part.start, part.size))

    async def send(self, send: Send, run: Run) -> int:
        """Send it, and return its status.

        Raises StorageError if it ends too soon: the client sees that the connection
        breaks.
        """
        await send_head(send, self.part.status, self.part.headers)
        if self.stream is not None:
            with self.stream as stream:
                await self._send_body(stream, send, run)
        else:
            await send({"type": "http.response.body", "body": b""})
        return self.part.status

    async def _send_body(self, stream: BinaryIO, send: Send, run: Run) -> None:
        left = self.part.size
        while left > 0:
            size = min(left, _PART)
            data = await run(lambda size=size: stream.read(size))  # type: ignore[misc]
            if not data:
                raise StorageError("what was being sent became shorter")
            left -= len(data)
            message = {"type": "http.response.body", "body": data}
            await send({**message, "more_body": left > 0})
