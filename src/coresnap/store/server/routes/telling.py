"""Channels, rules, their log, tests and dry runs."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Mapping

from sqlalchemy import Connection

from coresnap.errors import ConfigError, DeliveryError, UsageError
from coresnap.model.notice import Event, Notice
from coresnap.store.api.telling import (
    ChannelKinds,
    Delivery,
    DeliveryLog,
    NewChannel,
    Previews,
    TellingRule,
    TellingStatus,
    Tested,
    WantedPreview,
)
from coresnap.store.project import Project
from coresnap.store.server.call import Call, Handler
from coresnap.store.server.server import Server
from coresnap.store.telling.configured import (
    channel_statuses,
    find_channel,
    remove_channel,
    scrubbed,
    set_channel,
)
from coresnap.store.telling.deliveries import log_of, retry
from coresnap.store.telling.delivering import words_of
from coresnap.store.telling.previewing import previews_of
from coresnap.store.telling.ruling import remove_rule, rule_statuses, set_rule

__all__ = ["handlers"]

_RULE = "test"


def handlers(server: Server) -> Mapping[str, Handler]:
    """Return the handlers by operation."""

    def kinds(call: Call) -> ChannelKinds:
        return ChannelKinds(tuple(server.ways.kinds.values()))

    def get(call: Call) -> TellingStatus:
        with call.store.state.read() as connection:
            return _status(connection, _project(call), server)

    def put_channel(call: Call) -> TellingStatus:
        wanted: NewChannel = call.body
        name = call.path["channel"]
        try:
            return _change(
                call, server, lambda c, p: set_channel(c, p, name, wanted, server.ways)
            )
        except ConfigError as error:  # of the request, not of the server
            raise UsageError(str(error), remedy=error.remedy) from None

    def drop_channel(call: Call) -> TellingStatus:
        return _change(
            call, server, lambda c, p: remove_channel(c, p, call.path["channel"])
        )

    def put_rule(call: Call) -> TellingStatus:
        wanted: TellingRule = call.body
        now = int(time.time())
        return _change(
            call, server, lambda c, p: set_rule(c, p, call.path["rule"], wanted, now)
        )

    def drop_rule(call: Call) -> TellingStatus:
        return _change(call, server, lambda c, p: remove_rule(c, p, call.path["rule"]))

    def test(call: Call) -> Tested:
        return _test(call, server)

    def preview(call: Call) -> Previews:
        wanted: WantedPreview = call.body
        return Previews(previews_of(call.store, _project(call), wanted, server.ways))

    return {
        "list_channel_kinds": kinds,
        "get_telling": get,
        "set_channel": put_channel,
        "remove_channel": drop_channel,
        "test_channel": test,
        "set_telling_rule": put_rule,
        "remove_telling_rule": drop_rule,
        "telling_log": _log,
        "retry_delivery": _retry,
        "preview_telling": preview,
    }


def _status(connection: Connection, project: Project, server: Server) -> TellingStatus:
    return TellingStatus(
        channel_statuses(connection, project, server.ways),
        rule_statuses(connection, project),
        server.ways.url,
    )


def _change(
    call: Call, server: Server, change: Callable[[Connection, Project], None]
) -> TellingStatus:
    project = _project(call)

    def work(connection: Connection) -> TellingStatus:
        change(connection, project)
        return _status(connection, project, server)

    return call.store.state.transact(work)


def _test(call: Call, server: Server) -> Tested:
    """Send a test now: who asked waits for what becomes of it."""
    project = _project(call)
    with call.store.state.read() as connection:
        settings = find_channel(connection, project, call.path["channel"], server.ways)
    notice = Notice(
        id=secrets.token_hex(16),
        event=Event.TEST,
        time=int(time.time()),
        universe=project.universe,
        project=project.name,
        rule=_RULE,
        title="This is a test",
        who=call.identity.name,
        url=server.ways.url,
    )
    channel = server.ways.open(settings.kind, settings.settings)
    try:
        return Tested(scrubbed(channel.deliver(notice, {}).line, settings))
    except DeliveryError as error:
        raise DeliveryError(
            words_of(error, settings), remedy="", is_final=error.is_final
        ) from None
    finally:
        channel.close()


def _log(call: Call) -> DeliveryLog:
    asked = call.parameters
    channel, group, state = (asked.get(n) for n in ("channel", "group", "state"))
    before = asked.get("before")
    with call.store.state.read() as connection:
        return log_of(
            connection,
            _project(call),
            channel=None if channel is None else str(channel),
            group=None if group is None else str(group),
            state=None if state is None else str(state),
            before=None if before is None else int(before),
            limit=int(asked.get("limit", 100)),
        )


def _retry(call: Call) -> Delivery:
    project = _project(call)
    return call.store.state.transact(lambda c: retry(c, project, call.path["delivery"]))


def _project(call: Call) -> Project:
    assert call.project is not None
    return call.project
