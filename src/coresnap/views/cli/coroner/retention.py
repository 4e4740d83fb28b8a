"""``coroner retention``: what is removed when."""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

from coresnap.errors import StorageError, UsageError
from coresnap.views.cli.coroner import store_options
from coresnap.views.cli.coroner.answer import day, emit_json, emit_table
from coresnap.views.cli.output import emit
from coresnap.views.quantity import decimal_size

if TYPE_CHECKING:
    from coresnap.store.api.retention import (
        Outcome,
        Planned,
        RetentionPolicy,
        RetentionRule,
        RetentionStatus,
    )
    from coresnap.store.client.client import Client

T = TypeVar("T")

NAME = "retention"
HELP = "say what is removed when, and remove it now"
DESCRIPTION = """\
A policy says what becomes of snapshots that are old, or too many. It stands at a
project or a universe, or in the settings of the server; the nearest one to a project
holds, as a whole. Without any, everything is kept.

  set PROJECT     put a policy in the place of the one before
  list            all policies of the universe
  status PROJECT  what holds, what snapshots take, what was removed
  clear PROJECT   let the policy of the universe or server hold
  run PROJECT     remove now what the server would remove within minutes;
                  with --dry-run only say what that is

The first snapshot of a group stays, so that none is without: --last-body gives it up.

  coroner retention set blackhole --compress-age 14d --drop-age 90d --forget-age 400d
  coroner retention set blackhole --drop-size 50GB --keep 10,10 --quota 80GB
  coroner retention run blackhole --dry-run
"""
_PAUSE = 1.0
_ROUNDS = 3600


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of ``retention``."""
    parser.add_argument(
        "action",
        metavar="ACTION",
        choices=tuple(_ACTIONS),
        help="set, list, status, clear or run",
    )
    parser.add_argument(
        "project", metavar="PROJECT", nargs="?", help="the project, or UNIVERSE/PROJECT"
    )
    parser.add_argument(
        "--universe",
        action="store_true",
        help="set or clear the policy of the universe, for projects without one",
    )
    for option, what in (
        ("--compress-age", "compress snapshots this old slowly, to fewer bytes"),
        ("--drop-age", "remove snapshots this old; their attributes stay"),
        ("--forget-age", "forget faults this old altogether"),
    ):
        parser.add_argument(option, metavar="AGE", help=what)
    parser.add_argument(
        "--drop-size",
        metavar="SIZE",
        help="remove the oldest snapshots when all take more; their attributes stay",
    )
    parser.add_argument(
        "--keep",
        metavar="FIRST,LAST",
        help="of each fingerprint keep so many of the first and last snapshots",
    )
    parser.add_argument(
        "--last-body",
        action="store_true",
        help="with --drop-age and --drop-size: take also the first of a group",
    )
    parser.add_argument(
        "--quota",
        metavar="SIZE",
        help="refuse more when snapshots and attachments take so much",
    )
    parser.add_argument(
        "--dry-run", action="store_true", help="with run: say what would be removed"
    )
    store_options.add_arguments(parser)


def run(arguments: argparse.Namespace) -> int:
    """Do the action."""
    needs_project = arguments.action != "list" and not arguments.universe
    if needs_project and arguments.project is None:
        raise UsageError(f"`coroner retention {arguments.action}` needs a project")
    if arguments.universe and arguments.action not in ("list", "set", "clear"):
        raise UsageError(f"`coroner retention {arguments.action}` is for a project")
    with store_options.client_of(arguments) as client:
        _ACTIONS[arguments.action](client, arguments)
    return 0


def _set(client: Client, arguments: argparse.Namespace) -> None:
    from coresnap.store.api.retention import SET_RETENTION, SET_UNIVERSE_RETENTION

    policy = _policy(arguments)
    if arguments.universe:
        client.call(SET_UNIVERSE_RETENTION, policy)
        _list(client, arguments)
    else:
        _show(client.call(SET_RETENTION, policy), arguments)


def _clear(client: Client, arguments: argparse.Namespace) -> None:
    from coresnap.store.api.retention import (
        CLEAR_RETENTION,
        CLEAR_UNIVERSE_RETENTION,
    )

    if arguments.universe:
        client.call(CLEAR_UNIVERSE_RETENTION)
        _list(client, arguments)
    else:
        _show(client.call(CLEAR_RETENTION), arguments)


def _status(client: Client, arguments: argparse.Namespace) -> None:
    from coresnap.store.api.retention import RETENTION_STATUS

    _show(client.call(RETENTION_STATUS), arguments)


def _list(client: Client, arguments: argparse.Namespace) -> None:
    from coresnap.store.api.retention import LIST_RETENTION

    found = client.call(LIST_RETENTION)
    if arguments.json:
        emit_json(found)
        return
    rows = [("(server)", "instance", _words(found.instance))] if found.instance else []
    if found.universe:
        rows.append(("(universe)", "universe", _words(found.universe)))
    rows += [(p.name, p.level, _words(p.policy)) for p in found.projects]
    emit_table(("PROJECT", "FROM", "POLICY"), rows)


def _run(client: Client, arguments: argparse.Namespace) -> None:
    if arguments.dry_run:
        _plan(client, arguments)
        return
    from coresnap.store.api.retention import RETENTION_STATUS, RUN_RETENTION

    status = client.call(RUN_RETENTION)
    for _ in range(_ROUNDS):
        if status.started is None:
            break
        if status.is_running:  # the server's own loop is at it
            time.sleep(_PAUSE)
            status = client.call(RETENTION_STATUS)
        else:
            status = client.call(RUN_RETENTION)
    _show(status, arguments)
    if status.error:
        raise StorageError(f"retention stopped: {status.error}")


def _plan(client: Client, arguments: argparse.Namespace) -> None:
    from coresnap.store.api.retention import PLAN_RETENTION

    found = client.call(PLAN_RETENTION)
    if arguments.json:
        emit_json(found)
        return
    rows = [_planned(planned) for planned in found.planned]
    emit_table(("RULE", "FAULTS", "SIZE"), rows)


def _planned(planned: Planned) -> tuple[str, str, str]:
    from coresnap.store.retention.words import rule_words

    return rule_words(planned.rule), str(planned.count), decimal_size(planned.size)


_ACTIONS: dict[str, Callable[[Client, argparse.Namespace], None]] = {
    "set": _set,
    "list": _list,
    "status": _status,
    "clear": _clear,
    "run": _run,
}


def _policy(arguments: argparse.Namespace) -> RetentionPolicy:
    from coresnap.config.quantities import parse_size
    from coresnap.store.api.retention import RetentionPolicy

    rules = _rules(arguments)
    quota = _parsed("--quota", arguments.quota, parse_size)
    if not rules and quota is None:
        raise UsageError(
            "a policy without any rule is none",
            remedy="Give a rule, such as --drop-age 90d, or let another policy hold: "
            "`coroner retention clear`.",
        )
    return RetentionPolicy(rules, quota)


def _rules(arguments: argparse.Namespace) -> tuple[RetentionRule, ...]:
    from coresnap.config.quantities import parse_duration, parse_size
    from coresnap.store.api.retention import Action
    from coresnap.views.policies import retention_rules

    ages = {
        Action.COMPRESS: arguments.compress_age,
        Action.DROP_BODY: arguments.drop_age,
        Action.FORGET: arguments.forget_age,
    }
    return retention_rules(
        {a: _parsed(f"--{a}", text, parse_duration) for a, text in ages.items()},
        _parsed("--drop-size", arguments.drop_size, parse_size),
        _parsed("--keep", arguments.keep, _two_counts),
        last_body=arguments.last_body,
    )


def _two_counts(text: str) -> tuple[int, int]:
    first, comma, last = text.partition(",")
    if not (comma and first.isdecimal() and last.isdecimal()):
        raise ValueError("is not FIRST,LAST, such as 10,10")
    return int(first), int(last)


def _parsed(option: str, text: str | None, parse: Callable[[str], T]) -> T | None:
    if text is None:
        return None
    try:
        return parse(text.strip())
    except ValueError as error:
        raise UsageError(f"{option}: {text!r} {error}") from error


def _words(policy: RetentionPolicy) -> str:
    from coresnap.store.retention.words import rule_words

    words = [rule_words(rule) for rule in policy.rules]
    if policy.quota is not None:
        words.append(f"quota {decimal_size(policy.quota)}")
    return "; ".join(words) or "keep everything"


def _show(status: RetentionStatus, arguments: argparse.Namespace) -> None:
    if arguments.json:
        emit_json(status)
        return
    state = "runs now" if status.is_running else day(status.finished, "never")
    lines = [
        ("policy", f"{_words(status.policy)} (from: {status.level})"),
        ("snapshots", f"{status.bodies}, {decimal_size(status.size)}"),
        ("files", f"{decimal_size(status.attachments)} attached"),
        ("last run", f"{state}: {_done(status.last)}"),
        ("all runs", _done(status.total)),
    ]
    if status.forgotten_before is not None:
        lines.append(("forgotten", f"before {day(status.forgotten_before, '')}"))
    lines += [("notice", status.notice)] if status.notice else []
    lines += [("error", status.error)] if status.error else []
    from coresnap.snapshot.escape import printable

    emit("".join(f"{name:<10} {printable(text)}\n" for name, text in lines))


def _done(outcome: Outcome) -> str:
    return (
        f"{outcome.compressed} compressed, {outcome.dropped} dropped, "
        f"{outcome.forgotten} forgotten, {decimal_size(outcome.freed)} freed"
    )
