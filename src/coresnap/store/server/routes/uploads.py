"""Sending a snapshot in pieces."""

from __future__ import annotations

from collections.abc import Mapping

from coresnap.errors import InputError, UsageError
from coresnap.store.api.faults import Accepted
from coresnap.store.api.uploads import Upload
from coresnap.store.project import Project
from coresnap.store.server.call import Call, Handler
from coresnap.store.server.routes.faults import accept_staged
from coresnap.store.server.server import Server
from coresnap.store.server.staging import StagingFile
from coresnap.store.server.uploads import uploads_of

__all__ = ["handlers"]


def handlers(server: Server) -> Mapping[str, Handler]:
    """Return the handlers of this topic."""

    def begin(call: Call) -> Upload:
        limit = server.config.limit_snapshot
        return uploads_of(server).begin(_project(call), call.body, limit)

    def find(call: Call) -> Upload:
        return uploads_of(server).find(_project(call), call.path["upload"])

    def go_on(call: Call) -> Upload:
        offset = int(call.parameters["offset"])
        if offset < 0:
            raise UsageError("an offset is not negative")
        return uploads_of(server).add(
            _project(call), call.path["upload"], offset, call.body
        )

    def finish(call: Call) -> Accepted:
        project, id = _project(call), call.path["upload"]
        replace = bool(call.parameters.get("replace", False))
        uploads, file = uploads_of(server), StagingFile(server.staging)
        try:
            staged = uploads.assemble(project, id, file)
            answer = accept_staged(server, project, staged, replace=replace)
        except InputError:
            uploads.remove(project, id)  # what is no snapshot will not become one
            raise
        finally:
            file.close()
        uploads.remove(project, id)
        return answer

    def cancel(call: Call) -> None:
        project, uploads = _project(call), uploads_of(server)
        uploads.remove(project, uploads.find(project, call.path["upload"]).id)

    return {
        "begin_upload": begin,
        "cancel_upload": cancel,
        "continue_upload": go_on,
        "finish_upload": finish,
        "get_upload": find,
    }


def _project(call: Call) -> Project:
    assert call.project is not None
    return call.project
