"""``coroner integrations``: who is told what, where, and what became of it."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import TYPE_CHECKING

from coresnap.errors import UsageError
from coresnap.snapshot.escape import printable
from coresnap.views.cli.coroner import store_options
from coresnap.views.cli.coroner.answer import emit_json
from coresnap.views.cli.coroner.telling_lines import (
    show_kinds,
    show_log,
    show_previews,
    show_status,
)
from coresnap.views.cli.coroner.telling_words import channel_of, rule_of
from coresnap.views.cli.output import emit

if TYPE_CHECKING:
    from coresnap.store.client.client import Client
    from coresnap.store.query.query import Filter

NAME = "integrations"
HELP = "say who is told of which groups, and see what was"
DESCRIPTION = """\
A channel is a way to people: a Slack channel, a project of Jira, mail, a webhook. A
rule says what is told there. Deliveries wait in a queue, are tried again, and stand in
a log.

  list PROJECT                      channels and rules
  kinds PROJECT                     what can be set of each kind of channel
  set PROJECT CHANNEL kind=KIND NAME=VALUE…
                                    make or change a channel; a secret is @FILE, or -
                                    for a line of the standard input, and stays if
                                    it is not given
  test PROJECT CHANNEL              send a test now
  remove PROJECT CHANNEL            with its rules and what waits for it
  rule PROJECT RULE channel=CHANNEL WORD…
                                    make or change a rule, see below
  remove-rule PROJECT RULE
  log PROJECT                       deliveries, the latest first
  retry PROJECT ID                  try a delivery of the log again now
  preview PROJECT [GROUP]           what would be sent; nothing is (without GROUP:
                                    digests)

The words of a rule: event=new-group,regression,state,merge  count=N  hosts=N
rate=N/TIME  digest=daily@HOUR or digest=mon@HOUR (UTC)  attributes=NAME,NAME
follows=no (what was told is not followed)  enabled=no; and --filter for its groups.

  coroner integrations set blackhole ops kind=slack channel=#crashes token=@slack.token
  coroner integrations rule blackhole news channel=ops event=new-group,regression
  coroner integrations rule blackhole storm channel=ops rate=500/1h hosts=20 \\
      --filter application=simple
  coroner integrations preview blackhole 431991db --event regression
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of ``integrations``."""
    parser.add_argument(
        "action", metavar="ACTION", choices=tuple(_ACTIONS), help=", ".join(_ACTIONS)
    )
    parser.add_argument(
        "project", metavar="PROJECT", help="the project, or UNIVERSE/PROJECT"
    )
    parser.add_argument(
        "name", metavar="NAME", nargs="?", help="a channel, rule, delivery or group"
    )
    parser.add_argument("words", metavar="NAME=VALUE", nargs="*", help="what is set")
    parser.add_argument(
        "--filter",
        metavar="FILTER",
        action="append",
        default=[],
        help="with rule: only groups that have a fault which passes; can be repeated",
    )
    parser.add_argument(
        "--event",
        metavar="EVENT",
        default="new-group",
        help="with preview: what would have happened (default: new-group)",
    )
    parser.add_argument("--rule", metavar="NAME", help="with preview: only this rule")
    parser.add_argument("--channel", metavar="NAME", help="with log: only this channel")
    parser.add_argument(
        "--group", metavar="ID", help="with log: only this group, all its 64 digits"
    )
    parser.add_argument(
        "--state",
        choices=("waiting", "delivered", "failed", "dropped"),
        help="with log: only what is in this state",
    )
    parser.add_argument(
        "--before", metavar="ID", type=int, help="with log: only what is older"
    )
    parser.add_argument(
        "--limit", metavar="N", type=int, default=50, help="with log (default: 50)"
    )
    store_options.add_arguments(parser)


def run(arguments: argparse.Namespace) -> int:
    """Do the action."""
    action: str = arguments.action
    if action in _NAMED and arguments.name is None:
        raise UsageError(
            f"`coroner integrations {action}` needs {_NAMED[action]}",
            remedy="`coroner integrations list` shows what there is.",
        )
    if arguments.words and action not in ("set", "rule"):
        raise UsageError(f"`coroner integrations {action}` takes no NAME=VALUE")
    with store_options.client_of(arguments) as client:
        _ACTIONS[action](client, arguments)
    return 0


def _list(client: Client, arguments: argparse.Namespace) -> None:
    from coresnap.store.api.telling import GET_TELLING

    status = client.call(GET_TELLING)
    emit_json(status) if arguments.json else show_status(status)


def _kinds(client: Client, arguments: argparse.Namespace) -> None:
    from coresnap.store.api.telling import LIST_CHANNEL_KINDS

    found = client.call(LIST_CHANNEL_KINDS)
    emit_json(found) if arguments.json else show_kinds(found)


def _set(client: Client, arguments: argparse.Namespace) -> None:
    from coresnap.store.api.telling import LIST_CHANNEL_KINDS, SET_CHANNEL

    kinds = client.call(LIST_CHANNEL_KINDS).kinds
    wanted = channel_of(arguments.words, kinds)
    status = client.call(SET_CHANNEL, wanted, channel=arguments.name)
    emit_json(status) if arguments.json else show_status(status)


def _remove(client: Client, arguments: argparse.Namespace) -> None:
    from coresnap.store.api.telling import REMOVE_CHANNEL

    status = client.call(REMOVE_CHANNEL, channel=arguments.name)
    emit_json(status) if arguments.json else show_status(status)


def _test(client: Client, arguments: argparse.Namespace) -> None:
    from coresnap.store.api.telling import TEST_CHANNEL

    tested = client.call(TEST_CHANNEL, channel=arguments.name)
    if arguments.json:
        emit_json(tested)
    else:
        emit(printable(tested.line) + "\n")


def _rule(client: Client, arguments: argparse.Namespace) -> None:
    from coresnap.store.api.telling import SET_TELLING_RULE

    wanted = rule_of(arguments.words, _filter(arguments))
    status = client.call(SET_TELLING_RULE, wanted, rule=arguments.name)
    emit_json(status) if arguments.json else show_status(status)


def _filter(arguments: argparse.Namespace) -> Filter | None:
    from coresnap.store.query.filter_words import all_of, parse_filter

    if not arguments.filter:
        return None
    return all_of(parse_filter(word) for word in arguments.filter)


def _remove_rule(client: Client, arguments: argparse.Namespace) -> None:
    from coresnap.store.api.telling import REMOVE_TELLING_RULE

    status = client.call(REMOVE_TELLING_RULE, rule=arguments.name)
    emit_json(status) if arguments.json else show_status(status)


def _log(client: Client, arguments: argparse.Namespace) -> None:
    from coresnap.store.api.telling import TELLING_LOG

    names = ("channel", "group", "state", "before", "limit")
    given = {name: getattr(arguments, name) for name in names}
    log = client.call(
        TELLING_LOG, parameters={k: v for k, v in given.items() if v is not None}
    )
    emit_json(log) if arguments.json else show_log(log)


def _retry(client: Client, arguments: argparse.Namespace) -> None:
    from coresnap.store.api.telling import RETRY_DELIVERY, DeliveryLog

    delivery = client.call(RETRY_DELIVERY, delivery=arguments.name)
    if arguments.json:
        emit_json(delivery)
    else:
        show_log(DeliveryLog((delivery,)))


def _preview(client: Client, arguments: argparse.Namespace) -> None:
    from coresnap.model.notice import Event
    from coresnap.store.api.telling import PREVIEW_TELLING, WantedPreview

    if arguments.event not in list(Event):
        raise UsageError(
            f"there is no event {arguments.event[:40]!r}",
            remedy=f"Events are {', '.join(Event)}.",
        )
    wanted = WantedPreview(arguments.name, Event(arguments.event), arguments.rule)
    found = client.call(PREVIEW_TELLING, wanted)
    emit_json(found) if arguments.json else show_previews(found)


_ACTIONS: dict[str, Callable[[Client, argparse.Namespace], None]] = {
    "list": _list,
    "kinds": _kinds,
    "set": _set,
    "test": _test,
    "remove": _remove,
    "rule": _rule,
    "remove-rule": _remove_rule,
    "log": _log,
    "retry": _retry,
    "preview": _preview,
}
_NAMED = {
    "set": "the channel's name",
    "test": "a channel",
    "remove": "a channel",
    "rule": "the rule's name",
    "remove-rule": "a rule",
    "retry": "the id of a delivery",
}
