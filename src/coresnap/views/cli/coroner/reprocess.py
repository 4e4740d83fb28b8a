"""``coroner reprocess``: make fingerprints of stored faults again, by other rules."""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from coresnap.errors import InputError, MissingError
from coresnap.snapshot.escape import printable
from coresnap.views.cli import rule_options
from coresnap.views.cli.coroner.answer import emit_json
from coresnap.views.cli.coroner.group_lines import short
from coresnap.views.cli.coroner.query_options import add_filters, filter_of
from coresnap.views.cli.coroner.store_options import add_project, client_of
from coresnap.views.cli.output import complain, emit

if TYPE_CHECKING:
    from coresnap.config.rulesets import Ruleset
    from coresnap.store.api.reprocessing import Refingerprinted, ReprocessingPlan
    from coresnap.store.client.client import Client

NAME = "reprocess"
HELP = "make the fingerprints of stored faults again, by other rules"
DESCRIPTION = """\
Fetches the snapshots of a project, makes their fingerprints again by the rules of this
coresnap and those of --rules, and says what that would do to the groups. Nothing
changes until --apply puts it into use: then faults get new fingerprints, and groups
keep state, assignee, comments and ids wherever their faults go. Of a group that falls
apart the largest part keeps them; groups that become one are the one seen first.

Both can be interrupted, and go on when they are called again. It needs a token that
allows admin.

  coroner reprocess blackhole --rules house.conf
  coroner reprocess blackhole --apply --reason 'our logger is ignored'
"""

_PAGE = 500
_BATCH = 100
_SHOWN = 30


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of ``reprocess``."""
    add_project(parser)
    add_filters(parser)
    rule_options.add_arguments(parser, "--rules")
    what = parser.add_mutually_exclusive_group()
    what.add_argument(
        "--apply", action="store_true", help="put into use what was found before"
    )
    what.add_argument(
        "--discard", action="store_true", help="forget what was found before"
    )
    parser.add_argument(
        "--reason", metavar="TEXT", default="", help="why; it stays in the histories"
    )


def run(arguments: argparse.Namespace) -> int:
    """Find new fingerprints, or put them into use."""
    with client_of(arguments) as client:
        if arguments.discard:
            return _discard(client)
        if arguments.apply:
            return _apply(client, arguments)
        return _plan(client, arguments)


def _discard(client: Client) -> int:
    from coresnap.store.api.reprocessing import DISCARD_REPROCESSING

    client.call(DISCARD_REPROCESSING)
    return 0


def _apply(client: Client, arguments: argparse.Namespace) -> int:
    from coresnap.store.api.reprocessing import APPLY_REPROCESSING, Apply, Moved

    moved = 0
    while True:
        # What was done already is not done again.
        done = client.call(APPLY_REPROCESSING, Apply(arguments.reason), again=True)
        moved += done.moved
        if not done.moved or not done.left:
            break
        _progress(f"{moved} faults moved, {done.left} left")
    if arguments.json:
        emit_json(Moved(moved, done.left))
    else:
        left = f"; {done.left} wait for the index, so call again" if done.left else ""
        emit(f"{moved} faults moved{left}\n")
    return 0


def _plan(client: Client, arguments: argparse.Namespace) -> int:
    from coresnap.store.api.reprocessing import (
        GET_REPROCESSING,
        STAGE_REPROCESSING,
        Staging,
    )

    rulesets = rule_options.rulesets(
        argparse.Namespace(rules=arguments.rules, config=None)
    )
    read, without = 0, 0
    batch: list[Refingerprinted] = []
    with tempfile.TemporaryDirectory(prefix="coroner.") as directory:
        path = Path(directory, "fault.csnap")
        for object_id in _objects(client, arguments):
            found = _read(client, object_id, path, rulesets)
            if found is None:
                without += 1
                continue
            read += 1
            batch.append(found)
            if len(batch) == _BATCH:
                client.call(STAGE_REPROCESSING, Staging(tuple(batch)), again=True)
                batch.clear()
                _progress(f"{read} faults read")
    if batch:
        client.call(STAGE_REPROCESSING, Staging(tuple(batch)), again=True)
    plan = client.call(GET_REPROCESSING)
    if arguments.json:
        emit_json(plan)
    else:
        emit("".join(f"{line}\n" for line in _lines(plan, read, without)))
    return 0


def _objects(client: Client, arguments: argparse.Namespace) -> Iterator[str]:
    from coresnap.store.api.queries import QUERY
    from coresnap.store.query.query import Query

    chosen, until, offset = filter_of(arguments), None, 0
    while True:
        query = Query(
            filter=chosen, select=("object",), limit=_PAGE, offset=offset, until=until
        )
        result = client.call(QUERY, query)
        yield from (str(row.values[0]) for row in result.rows)
        offset += len(result.rows)
        until = result.until
        if len(result.rows) < _PAGE:
            return


def _read(
    client: Client, object_id: str, path: Path, rulesets: tuple[Ruleset, ...]
) -> Refingerprinted | None:
    """Return what the rules make of a fault; None if its snapshot cannot be read."""
    from coresnap.store.api.faults import GET_FAULT
    from coresnap.views.cli.coroner.refingerprinting import refingerprint

    try:
        with path.open("wb") as target:
            client.download(GET_FAULT, target, object=object_id)
        return refingerprint(object_id, path, rulesets)
    except MissingError:
        return None  # sampling or retention did not keep it
    except InputError as error:
        complain(f"{object_id} is left out: {error}", error.remedy, "coroner")
        return None


def _lines(plan: ReprocessingPlan, read: int, without: int) -> Iterator[str]:
    yield f"{read} snapshots read, {without} faults have none"
    if not plan.faults:
        yield "no fingerprint changes"
        return
    yield (
        f"{plan.faults} faults: {plan.groups_before} groups -> "
        f"{plan.groups_after} groups"
    )
    for move in plan.moves[:_SHOWN]:
        yield (
            f"  {move.faults:>6}  {short(move.old_group)} -> {short(move.new_group)}"
            f"  {printable(move.title)}"
        )
    if len(plan.moves) > _SHOWN:
        yield f"  … {len(plan.moves) - _SHOWN} more (see --json)"
    yield (
        "the rest is being put into use: --apply finishes it"
        if plan.is_begun
        else "--apply puts it into use, --discard forgets it"
    )


def _progress(text: str) -> None:
    if sys.stderr.isatty():
        sys.stderr.write(f"\r{text}\x1b[K")
        sys.stderr.flush()
