"""``coroner list``: groups of faults, or whatever else is asked of them."""

from __future__ import annotations

import argparse
import json
from typing import TYPE_CHECKING

from coresnap.errors import UsageError
from coresnap.views.cli.coroner.answer import emit_json
from coresnap.views.cli.coroner.query_options import (
    add_filters,
    add_query,
    derived_of,
    filter_of,
    folds_of,
)
from coresnap.views.cli.coroner.store_options import add_project, client_of
from coresnap.views.cli.output import complain, emit

if TYPE_CHECKING:
    from coresnap.store.client.client import Client
    from coresnap.store.query.query import Query
    from coresnap.store.query.result import Result

NAME = "list"
HELP = "list groups of faults, or ask anything of them"
DESCRIPTION = """\
Lists the groups of a project's faults, those with most faults first: dates, how often,
a trend of the last 30 days, histograms of attributes, classifiers and the frames of the
latest fault.

  coroner list blackhole --filter=application=simple -R -H1 -i1
  coroner list blackhole --age=1d --frequency=version,hostname

Any other question can be asked, too: group by another attribute, fold attributes, or
select faults. docs/query.md has the language.

  coroner list blackhole --factor=hostname --unique=fingerprint --sort=-count
  coroner list blackhole --filter='callstack~parse' --select=object --select='vm.*'
"""

_GROUPS = 20


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of ``list``."""
    add_project(parser)
    add_filters(parser)
    shown = parser.add_argument
    shown("-R", "--recent", action="store_true", help="the most recent groups first")
    shown(
        *("-H", "--limit"),
        dest="limit",
        metavar="N",
        type=int,
        default=_GROUPS,
        help=f"show at most N groups or faults (default: {_GROUPS})",
    )
    shown(
        *("-i", "--instances"),
        metavar="N",
        type=int,
        nargs="?",
        const=5,
        default=0,
        help="show N faults of each group (5 without N), the latest first",
    )
    shown(
        "--frequency",
        metavar="A,B",
        default="hostname,application",
        help="show histograms of these attributes (default: hostname,application)",
    )
    shown(
        "--expand",
        metavar="A,B",
        default="hostname,application",
        help="show these attributes of each fault (default: hostname,application)",
    )
    shown("--frames-full", action="store_true", help="do not shorten names of frames")
    add_query(parser)
    shown("--csv", action="store_true", help="print comma-separated values")
    shown("--table", action="store_true", help="print a table")
    shown("--query", action="store_true", help="print the query as JSON, ask nothing")
    shown("-v", "--verbose", action="store_true", help="say how long the store took")


def run(arguments: argparse.Namespace) -> int:
    """Ask, and print the answer."""
    if arguments.limit < 1:
        raise UsageError("-H is at least 1")
    query = _query(arguments)
    if arguments.query:
        import msgspec

        emit(msgspec.json.format(msgspec.json.encode(query)).decode() + "\n")
        return 0
    with client_of(arguments) as client:
        from coresnap.store.api.queries import QUERY

        result = client.call(QUERY, query)
        _print(client, arguments, query, result)
        if not (result.groups or result.rows or arguments.json):
            complain(_nothing(client, arguments, result), "", "coroner")
    if arguments.verbose:
        emit(_footer(client, result))
    return 0


def _is_plain(arguments: argparse.Namespace) -> bool:
    """Whether groups are listed as the announcement shows them."""
    asked = (
        *(arguments.folds, arguments.factor, arguments.select),
        *(arguments.csv, arguments.table),
    )
    return not any(asked)


def _query(arguments: argparse.Namespace) -> Query:
    if _is_plain(arguments):
        from coresnap.views.cli.coroner.group_query import group_query

        return group_query(arguments)
    from coresnap.store.query.order_words import parse_having, parse_order
    from coresnap.store.query.query import Query

    folds, select = folds_of(arguments), tuple(arguments.select)
    group = tuple(name for name in arguments.factor or ["group"] if name != "*")
    if select:
        group = ()
    orders = arguments.sort or (["-timestamp"] if arguments.recent and select else [])
    return Query(
        filter=filter_of(arguments),
        group=group,
        folds=folds,
        having=tuple(parse_having(word, folds) for word in arguments.having),
        order=tuple(
            parse_order(word, group=group, folds=folds, select=select)
            for word in orders
        ),
        select=select,
        derived=derived_of(arguments),
        limit=arguments.limit,
        offset=arguments.offset,
        until=arguments.until,
    )


def _print(
    client: Client, arguments: argparse.Namespace, query: Query, result: Result
) -> None:
    if arguments.json and _is_plain(arguments):
        from coresnap.views.cli.coroner.group_list import json_groups

        emit(json.dumps(json_groups(client, arguments, result), indent=2) + "\n")
    elif arguments.json:
        emit_json(result)
    elif arguments.csv:
        from coresnap.views.cli.coroner.result_table import as_csv

        emit(as_csv(query, result))
    elif _is_plain(arguments):
        from coresnap.views.cli.coroner.group_list import print_groups

        print_groups(client, arguments, query, result)
    else:
        from coresnap.views.cli.coroner.result_table import print_result

        print_result(client, query, result, as_table=arguments.table)


def _nothing(client: Client, arguments: argparse.Namespace, result: Result) -> str:
    where = f"{client.universe}/{client.project}"
    if not result.faults:
        return f"no fault of {where} was chosen"
    return f"{where}: none of {result.total} is shown"


def _footer(client: Client, result: Result) -> str:
    return (
        f"{client.universe}/{client.project}: {result.faults} faults, "
        f"{result.total} in all pages, until {result.until} "
        f"[{result.seconds * 1e6:.0f} us]\n"
    )
