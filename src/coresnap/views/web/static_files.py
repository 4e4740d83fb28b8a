"""Style sheets, scripts and pictures, held in memory under a mark of their contents."""

from __future__ import annotations

import hashlib
import mimetypes
from collections.abc import Iterable, Mapping
from pathlib import Path

import attrs
from starlette.datastructures import QueryParams
from starlette.types import Receive, Scope, Send

from coresnap.store.server.answers import Reply, compressed

__all__ = ["StaticFiles"]

_FOR_GOOD = "public, max-age=31536000, immutable"
_ASK_AGAIN = "no-cache"


@attrs.frozen
class StaticFiles:
    """Serves ``/static/{name}``: an ASGI application."""

    contents: Mapping[str, bytes]
    versions: Mapping[str, str]
    """Name to a mark that changes with the contents."""

    @classmethod
    def of(cls, directories: Iterable[Path]) -> StaticFiles:
        """Read all files of some directories; their names are different ones."""
        files = [f for d in directories for f in sorted(d.iterdir()) if f.is_file()]
        contents = {file.name: file.read_bytes() for file in files}
        return cls(contents, {name: _mark(data) for name, data in contents.items()})

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer; what is asked for with its mark may be kept for good."""
        name = scope["path_params"]["name"]
        data = self.contents.get(name)
        if data is None:
            await Reply(404).send(send)
            return
        is_marked = QueryParams(scope["query_string"]).get("v") == self.versions[name]
        headers = {
            "content-type": mimetypes.guess_type(name)[0] or "application/octet-stream",
            "cache-control": _FOR_GOOD if is_marked else _ASK_AGAIN,
        }
        accepted = dict(scope["headers"]).get(b"accept-encoding", b"").decode("latin-1")
        reply = compressed(data, headers, accepted)
        await reply.send(send, is_head=scope["method"] == "HEAD")


def _mark(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()[:12]
