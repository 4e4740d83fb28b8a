"""What is taken out of snapshots when they arrive."""

from __future__ import annotations

from collections.abc import Mapping

from coresnap.store.api.scrubbing import Scrubbing
from coresnap.store.server.call import Call, Handler
from coresnap.store.server.scrubbing import find_scrubbing, set_scrubbing
from coresnap.store.server.server import Server

__all__ = ["handlers"]


def handlers(server: Server) -> Mapping[str, Handler]:
    """Return the handlers of this topic."""

    def change(call: Call) -> Scrubbing:
        project, wanted = call.project, call.body
        assert project is not None
        call.store.state.transact(lambda c: set_scrubbing(c, project, wanted))
        server.scrubbing.forget()
        return _get(call)

    return {"get_scrubbing": _get, "set_scrubbing": change}


def _get(call: Call) -> Scrubbing:
    assert call.project is not None
    with call.store.state.read() as connection:
        return find_scrubbing(connection, call.project)
