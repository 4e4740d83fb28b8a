"""``POST /post?token=…``: a snapshot as ``curl --data-binary`` sends it.

The token says where it goes, and it stands in the address: the one place of this server
that takes a token there.
"""

from __future__ import annotations

from collections.abc import Mapping

import attrs
from starlette.requests import Request
from starlette.types import ASGIApp

from coresnap.errors import UsageError
from coresnap.store.access.holder import Holder
from coresnap.store.access.projects import project_of
from coresnap.store.api.faults import POST_FAULT
from coresnap.store.project import Project
from coresnap.store.server.call import Handler
from coresnap.store.server.dispatch import Dispatch
from coresnap.store.server.requests import secret_of
from coresnap.store.server.server import Server

__all__ = ["plain_post"]


def plain_post(server: Server, handler: Handler) -> ASGIApp:
    """Return what serves it."""
    return _PlainPost(server, POST_FAULT, handler)


@attrs.frozen
class _PlainPost(Dispatch):
    def _secret(self, request: Request) -> str:
        return request.query_params.get("token") or secret_of(request)

    async def _project(self, request: Request, holder: Holder | None) -> Project | None:
        assert holder is not None
        name, only = request.query_params.get("project"), holder.only_project
        if name is None and only is not None:
            state = self.server.store.state

            def find() -> Project:
                with state.read() as connection:
                    return project_of(connection, only)

            return await self._run(find)
        if name is None:
            raise UsageError(
                "the token is good for several projects",
                remedy="Name one: /post?token=…&project=NAME",
            )
        request.path_params.update(universe=holder.universe, project=name)
        return await super()._project(request, holder)

    def _parameters(self, request: Request) -> Mapping[str, str | int | bool]:
        # What else the original's clients say of format and compression is in the
        # bytes themselves.
        return {}
