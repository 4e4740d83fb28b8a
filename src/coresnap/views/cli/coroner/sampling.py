"""``coroner sampling``: of which faults the snapshots are kept."""

from __future__ import annotations

import argparse
import re
from collections.abc import Callable
from typing import TYPE_CHECKING

from coresnap.errors import UsageError
from coresnap.views.cli.coroner import store_options
from coresnap.views.cli.coroner.answer import day, emit_json, emit_table
from coresnap.views.cli.output import emit

if TYPE_CHECKING:
    from coresnap.store.api.sampling import SamplingRule, SamplingStatus, Step
    from coresnap.store.client.client import Client

NAME = "sampling"
HELP = "keep only some of the snapshots of faults of a kind"
DESCRIPTION = """\
When the same crash comes a thousand times, the first snapshots tell as much as all.
Sampling keeps some and of the others the attributes alone: each fault counts, and can
be queried. A host asks before it sends, so that what is not kept is not sent.

  set PROJECT     sample by --backoff from now on
  status PROJECT  the rule, and what it keeps next of each kind
  reset PROJECT   begin again: the next snapshots are kept
  clear PROJECT   keep every snapshot

--backoff has steps COUNT:INTERVAL: so many snapshots of a fingerprint are kept, with at
least this time between them; after the last step none until --reset-interval has passed
since the first. So nothing is hidden for good.

  coroner sampling set blackhole --backoff '2:0 4:1m 8:1h' --first-of version
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of ``sampling``."""
    parser.add_argument(
        "action",
        metavar="ACTION",
        choices=tuple(_ACTIONS),
        help="set, status, reset or clear",
    )
    parser.add_argument(
        "--backoff", metavar="STEPS", help="steps COUNT:INTERVAL, separated by spaces"
    )
    parser.add_argument(
        "--reset-interval",
        metavar="TIME",
        default="1d",
        help="time after which the steps begin again (default: 1d)",
    )
    parser.add_argument(
        "--attribute",
        metavar="NAME",
        action="append",
        default=[],
        help="apply the steps to each value of this attribute; can be repeated",
    )
    parser.add_argument(
        "--first-of",
        metavar="NAME",
        action="append",
        default=[],
        help="keep the first of each value of this attribute; can be repeated",
    )
    parser.add_argument(
        "--buckets",
        metavar="N",
        type=int,
        default=512,
        help="kinds that are remembered (default: 512)",
    )
    parser.add_argument(
        "--fingerprint", metavar="HEX", help="reset this fingerprint, all its 64 digits"
    )
    store_options.add_project(parser)


def run(arguments: argparse.Namespace) -> int:
    """Do the action."""
    with store_options.client_of(arguments) as client:
        _ACTIONS[arguments.action](client, arguments)
    return 0


def _set(client: Client, arguments: argparse.Namespace) -> None:
    from coresnap.store.api.sampling import SET_SAMPLING

    _show(client.call(SET_SAMPLING, _rule(arguments)), arguments)


def _status(client: Client, arguments: argparse.Namespace) -> None:
    from coresnap.store.api.sampling import GET_SAMPLING

    _show(client.call(GET_SAMPLING), arguments)


def _reset(client: Client, arguments: argparse.Namespace) -> None:
    from coresnap.store.api.sampling import RESET_SAMPLING, Reset

    fingerprint = arguments.fingerprint
    if fingerprint is not None and not re.fullmatch("[0-9a-f]{64}", fingerprint):
        raise UsageError("a fingerprint has 64 hexadecimal digits")
    found = client.call(RESET_SAMPLING, Reset(fingerprint))
    if arguments.json:
        emit_json(found)
    else:
        emit(f"{found.count} begin again\n")


def _clear(client: Client, arguments: argparse.Namespace) -> None:
    from coresnap.store.api.sampling import CLEAR_SAMPLING

    client.call(CLEAR_SAMPLING)
    _status(client, arguments)


_ACTIONS: dict[str, Callable[[Client, argparse.Namespace], None]] = {
    "set": _set,
    "status": _status,
    "reset": _reset,
    "clear": _clear,
}


def _rule(arguments: argparse.Namespace) -> SamplingRule:
    from coresnap.config.quantities import parse_duration
    from coresnap.store.api.sampling import SamplingRule

    if not arguments.backoff:
        raise UsageError(
            "`coroner sampling set` needs --backoff",
            remedy="For example --backoff '2:0 4:1m 8:1h'.",
        )
    steps = tuple(_step(word) for word in arguments.backoff.replace(",", " ").split())
    try:
        reset = parse_duration(arguments.reset_interval)
    except ValueError as error:
        raise UsageError(
            f"--reset-interval: {arguments.reset_interval!r} {error}"
        ) from error
    return SamplingRule(
        steps,
        reset,
        tuple(arguments.attribute),
        tuple(arguments.first_of),
        arguments.buckets,
    )


def _step(word: str) -> Step:
    from coresnap.views.policies import parse_step

    try:
        return parse_step(word)
    except ValueError as error:
        raise UsageError(
            f"--backoff: {word!r} is no step: {error}",
            remedy="Write COUNT:INTERVAL, such as 2:0, 4:1m or 8:1h.",
        ) from error


def _show(status: SamplingStatus, arguments: argparse.Namespace) -> None:
    if arguments.json:
        emit_json(status)
        return
    if status.rule is None:
        emit(f"every snapshot is kept; {status.sampled} were not, before\n")
        return
    emit(f"{_words(status.rule)}\n{status.sampled} snapshots were not kept\n")
    if status.buckets:
        emit(f"{status.count} kinds, those that came last:\n\n")
        heading = ("FINGERPRINT", *status.rule.attributes, "KEPT", "NOT", "NEXT")
        rows = [
            (
                bucket.fingerprint[:16],
                *bucket.values,
                str(bucket.kept),
                str(bucket.sampled),
                day(bucket.next or None, "at once"),
            )
            for bucket in status.buckets
        ]
        emit_table(heading, rows)


def _words(rule: SamplingRule) -> str:
    from coresnap.snapshot.duration import duration
    from coresnap.snapshot.escape import printable

    steps = " ".join(
        f"{step.count}:{duration(step.interval).replace(' ', '')}"
        if step.interval
        else f"{step.count}:0"
        for step in rule.steps
    )
    text = f"back-off {steps}, again after {duration(rule.reset)}"
    if rule.attributes:
        text += f", by {', '.join(rule.attributes)}"
    if rule.first_of:
        text += f", the first of each {', '.join(rule.first_of)}"
    return printable(text)
