"""Fingerprints made again by other rules."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import Connection

from coresnap.store.api.reprocessing import Apply, Moved, ReprocessingPlan, Staging
from coresnap.store.groups.history import Author
from coresnap.store.groups.reprocessing import apply_some, discard, plan, stage
from coresnap.store.project import Project
from coresnap.store.server.call import Call, Handler

__all__ = ["HANDLERS"]


def _stage(call: Call) -> ReprocessingPlan:
    project, staging = _project(call), call.body
    assert isinstance(staging, Staging)

    def work(connection: Connection) -> ReprocessingPlan:
        stage(connection, project, staging.faults)
        return plan(connection, project)

    return call.store.state.transact(work)


def _get(call: Call) -> ReprocessingPlan:
    with call.store.state.read() as connection:
        return plan(connection, _project(call))


def _apply(call: Call) -> Moved:
    assert isinstance(call.body, Apply)
    author = Author(call.identity.name, call.body.reason)
    return Moved(*apply_some(call.store, _project(call), author))


def _discard(call: Call) -> None:
    project = _project(call)
    call.store.state.transact(lambda c: discard(c, project))


def _project(call: Call) -> Project:
    assert call.project is not None
    return call.project


HANDLERS: Mapping[str, Handler] = {
    "stage_reprocessing": _stage,
    "get_reprocessing": _get,
    "apply_reprocessing": _apply,
    "discard_reprocessing": _discard,
}
