"""Answers on their way out: JSON, compressed where it pays, and ranges of bytes."""

from __future__ import annotations

import gzip
import re
from collections.abc import Mapping, Sequence

import attrs
import msgspec
from starlette.datastructures import Headers
from starlette.types import Send

from coresnap.snapshot.zstandard import zstd
from coresnap.store.server.call import Content

__all__ = [
    "Reply",
    "Slice",
    "compressed",
    "json_reply",
    "send_head",
    "slice_of",
]

_COMPRESSED_FROM = 1400
"""Bytes: less fits in one packet anyhow."""


@attrs.frozen
class Reply:
    """A whole answer."""

    status: int
    body: bytes = b""
    headers: Mapping[str, str] = attrs.field(factory=dict)
    cookies: Sequence[str] = ()
    """Values of Set-Cookie."""

    async def send(self, send: Send, *, is_head: bool = False) -> None:
        """Send it; of an answer to HEAD the head alone."""
        headers = {**self.headers}
        if self.status != 204:
            headers["content-length"] = str(len(self.body))
        await send_head(send, self.status, headers, self.cookies)
        body = b"" if is_head else self.body
        await send({"type": "http.response.body", "body": body})


async def send_head(
    send: Send, status: int, headers: Mapping[str, str], cookies: Sequence[str] = ()
) -> None:
    """Send status and headers."""
    fields = {
        "cache-control": "no-store",
        "x-content-type-options": "nosniff",
        **headers,
    }
    pairs = [*fields.items(), *(("set-cookie", cookie) for cookie in cookies)]
    raw = [(name.encode(), value.encode("latin-1")) for name, value in pairs]
    await send({"type": "http.response.start", "status": status, "headers": raw})


def json_reply(answer: msgspec.Struct | None, accepted: str) -> Reply:
    """Return ``answer`` as JSON, in an encoding of the header Accept-Encoding."""
    if answer is None:
        return Reply(204)
    body = msgspec.json.encode(answer)
    return compressed(body, {"content-type": "application/json"}, accepted)


def compressed(
    body: bytes, headers: Mapping[str, str], accepted: str, status: int = 200
) -> Reply:
    """Return ``body`` in an encoding of the header Accept-Encoding, if that pays."""
    fields = dict(headers)
    if len(body) >= _COMPRESSED_FROM:
        fields["vary"] = "accept-encoding"
        names = {name.partition(";")[0].strip() for name in accepted.split(",")}
        if "zstd" in names:
            body, fields["content-encoding"] = zstd.compress(body, 1), "zstd"
        elif "gzip" in names:
            body = gzip.compress(body, compresslevel=1, mtime=0)
            fields["content-encoding"] = "gzip"
    return Reply(status, body, fields)


@attrs.frozen
class Slice:
    """What of a content is sent."""

    status: int
    start: int
    size: int
    headers: Mapping[str, str]


def slice_of(content: Content, headers: Headers) -> Slice:
    """Return which part of ``content`` the request's headers ask for (RFC 9110)."""
    tag = f'"{content.digest}"'
    fields = {
        "accept-ranges": "bytes",
        "content-type": content.media_type,
        "etag": tag,
    }
    if content.name:
        fields["content-disposition"] = f'attachment; filename="{content.name}"'
    if tag in (t.strip() for t in headers.get("if-none-match", "").split(",")):
        return Slice(304, 0, 0, fields)
    match = re.fullmatch(r"bytes=(\d{0,18})-(\d{0,18})", headers.get("range", ""))
    is_current = headers.get("if-range", tag) == tag
    if match is None or not is_current or match.group(1, 2) == ("", ""):
        return _slice(200, 0, content.size, fields)
    start, end = _bounds(match[1], match[2], content.size)
    if start >= end:
        fields["content-range"] = f"bytes */{content.size}"
        return _slice(416, 0, 0, fields)
    fields["content-range"] = f"bytes {start}-{end - 1}/{content.size}"
    return _slice(206, start, end - start, fields)


def _slice(status: int, start: int, size: int, fields: dict[str, str]) -> Slice:
    return Slice(status, start, size, {**fields, "content-length": str(size)})


def _bounds(first: str, last: str, size: int) -> tuple[int, int]:
    if not first:
        return max(0, size - int(last)), size
    return int(first), min(size, int(last) + 1) if last else size
