"""Sampling's rule of a project."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import Connection

from coresnap.store.api.sampling import (
    Reset,
    ResetBuckets,
    SamplingRule,
    SamplingStatus,
)
from coresnap.store.project import Project
from coresnap.store.sampling import rules
from coresnap.store.server.call import Call, Handler

__all__ = ["HANDLERS"]


def _get(call: Call) -> SamplingStatus:
    with call.store.state.read() as connection:
        return rules.sampling_status(connection, _project(call))


def _set(call: Call) -> SamplingStatus:
    project, rule = _project(call), call.body
    assert isinstance(rule, SamplingRule)

    def work(connection: Connection) -> SamplingStatus:
        rules.set_rule(connection, project, rule)
        return rules.sampling_status(connection, project)

    return call.store.state.transact(work)


def _clear(call: Call) -> None:
    project = _project(call)
    call.store.state.transact(lambda c: rules.clear_rule(c, project))


def _reset(call: Call) -> ResetBuckets:
    project, reset = _project(call), call.body
    assert isinstance(reset, Reset)
    return ResetBuckets(
        call.store.state.transact(
            lambda c: rules.reset_buckets(c, project, reset.fingerprint)
        )
    )


def _project(call: Call) -> Project:
    assert call.project is not None
    return call.project


HANDLERS: Mapping[str, Handler] = {
    "get_sampling": _get,
    "set_sampling": _set,
    "clear_sampling": _clear,
    "reset_sampling": _reset,
}
