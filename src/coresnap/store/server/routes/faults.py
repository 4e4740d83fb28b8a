"""Sending snapshots, and getting them back."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import BinaryIO

from coresnap.errors import CoresnapError, MissingError
from coresnap.store.accepting.accept import accept
from coresnap.store.accepting.forgetting import drop_bodies, forget
from coresnap.store.accepting.rows import FaultRow, find_fault
from coresnap.store.api.faults import Accepted, Question, Wish
from coresnap.store.project import Project
from coresnap.store.retention.removals import no_body
from coresnap.store.sampling.deciding import ALL, answer
from coresnap.store.server.call import Call, Content, Handler, Staged
from coresnap.store.server.server import Server
from coresnap.store.store import Store

__all__ = ["accept_staged", "handlers"]


def handlers(server: Server) -> Mapping[str, Handler]:
    """Return the handlers of this topic."""

    def post(call: Call) -> Accepted:
        assert call.project is not None
        replace = bool(call.parameters.get("replace", False))
        return accept_staged(server, call.project, call.body, replace=replace)

    def delete(call: Call) -> None:
        assert call.project is not None
        _delete(call)
        server.fullness.forget(call.project)

    return {
        "ask": _ask,
        "delete_fault": delete,
        "get_fault": _get,
        "post_fault": post,
    }


def accept_staged(
    server: Server, project: Project, staged: Staged, *, replace: bool
) -> Accepted:
    """Check a snapshot that was sent, and accept it; raise what both raise."""
    server.quotas.check(project, staged.size)
    server.fullness.check(project, staged.size)
    try:
        arrival = server.validators.read(staged, server.scrubbing.of(project))
    except CoresnapError:
        server.counters.invalid += 1
        raise
    accepted = accept(server.store, project, arrival, staged, replace=replace)
    if not accepted.is_duplicate:
        server.quotas.add(project, staged.size)
        if accepted.stored == ALL:
            server.fullness.add(project, staged.size)
    return accepted


def _ask(call: Call) -> Wish:
    assert call.project is not None
    question: Question = call.body
    _object(question.object)
    with call.store.state.read() as connection:
        return answer(connection, call.project, question)


def _delete(call: Call) -> None:
    """Drop a body, or all; what is not there is told as when it never was."""
    assert call.project is not None
    object_id = _object(call.path["object"])
    with call.store.state.read() as connection:
        row = find_fault(connection, call.project, object_id)
    if row is None:
        raise _missing(call.project, object_id)
    if call.parameters.get("all", False):
        forget(call.store, call.project, [object_id])
    else:
        reason = f"it was deleted by {call.identity.name}"
        drop_bodies(call.store, call.project, [object_id], reason)


def _get(call: Call) -> Content:
    assert call.project is not None
    row = _existing(call.store, call.project, _object(call.path["object"]))
    key, objects = row.key, call.store.objects

    def open_part(start: int, size: int) -> BinaryIO:
        return objects.open(key, start, size)

    return Content(
        open=open_part,
        size=objects.stat(key).size,
        digest=f"{row.upload}-{row.body:d}",
        media_type="application/vnd.coresnap",
        name=f"{row.object}.csnap",
    )


def _existing(store: Store, project: Project, object_id: str) -> FaultRow:
    with store.state.read() as connection:
        row = find_fault(connection, project, object_id)
        if row is None:
            raise _missing(project, object_id)
        if not row.has_body:
            raise no_body(connection, project, row)
    return row


def _missing(project: Project, object_id: str) -> MissingError:
    return MissingError(f"there is no fault {object_id} in {project}")


def _object(text: str) -> str:
    """Return an object id without dashes; raise MissingError if it cannot be one."""
    plain = text.replace("-", "").lower()
    if not re.fullmatch("[0-9a-f]{32}", plain):
        raise MissingError(f"there is no fault {text[:40]!r}: ids are 32 hex digits")
    return plain
