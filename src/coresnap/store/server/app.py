"""The application: every endpoint of the API with its handler."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import attrs
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp, Receive, Scope, Send

from coresnap.errors import MissingError, UsageError
from coresnap.store.api.endpoints import ENDPOINTS
from coresnap.store.server.answers import Reply
from coresnap.store.server.dispatch import Dispatch
from coresnap.store.server.plain import plain_post
from coresnap.store.server.routes import handlers_of
from coresnap.store.server.server import Server
from coresnap.store.server.statuses import failure_of

__all__ = ["make_app"]


def make_app(server: Server, faces: Sequence[BaseRoute] = ()) -> Starlette:
    """Return the application of ``server``; ``faces`` are what it shows to people."""
    handlers = handlers_of(server)
    by_path: dict[str, dict[str, ASGIApp]] = {}
    for endpoint in ENDPOINTS:
        handler = handlers.get(endpoint.operation)
        if handler is not None:
            dispatch = Dispatch(server, endpoint, handler)
            by_path.setdefault(endpoint.path, {})[endpoint.method] = dispatch
    routes: list[BaseRoute] = [
        Route(path, _Methods(methods)) for path, methods in by_path.items()
    ]
    routes.append(
        Route("/post", _Methods({"POST": plain_post(server, handlers["post_fault"])}))
    )
    routes += faces
    app = Starlette(routes=routes, exception_handlers={404: _not_found})
    # What a path means does not depend on a slash at its end.
    app.router.redirect_slashes = False
    return app


@attrs.frozen
class _Methods:
    """Serves one path by method."""

    by_method: Mapping[str, ASGIApp]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        method = scope["method"]
        app = self.by_method.get("GET" if method == "HEAD" else method)
        if app is not None:
            await app(scope, receive, send)
            return
        allowed = ", ".join(_allowed(self.by_method))
        error = UsageError(f"this takes {allowed}")
        headers = {"content-type": "application/json", "allow": allowed}
        await Reply(405, failure_of(error), headers).send(send)


def _allowed(methods: Iterable[str]) -> list[str]:
    return sorted({*methods, *(("HEAD",) if "GET" in methods else ())})


async def _not_found(request: Request, error: Any) -> Response:  # noqa: ANN401
    told = MissingError("there is nothing at this address")
    return Response(failure_of(told), 404, media_type="application/json")
