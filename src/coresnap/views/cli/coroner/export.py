"""``coroner export``: faults as lines, or their snapshots as files."""

from __future__ import annotations

import argparse
import csv
import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from coresnap.errors import MissingError, StorageError, UsageError
from coresnap.views.cli.coroner.download import download_file
from coresnap.views.cli.coroner.query_options import add_filters, filter_of
from coresnap.views.cli.coroner.store_options import add_project, client_of
from coresnap.views.cli.output import complain, emit
from coresnap.views.cli.progress import Progress

if TYPE_CHECKING:
    from coresnap.store.client.client import Client
    from coresnap.store.query.result import Result

NAME = "export"
HELP = "write faults as lines, or their snapshots as files"
DESCRIPTION = """\
Writes every fault that the options choose, the last accepted first: as JSON lines with
all attributes, as comma-separated values of those that --select names, or with
--snapshots each one's snapshot as a file. Faults that come meanwhile are not among
them.
"""

_PAGE = 1000


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of ``export``."""
    add_project(parser)
    add_filters(parser)
    parser.add_argument(
        "--select",
        metavar="ATTRIBUTE",
        action="append",
        default=[],
        help="only these attributes; * stands for any rest (default: all)",
    )
    parser.add_argument(
        "--csv", action="store_true", help="write comma-separated values"
    )
    parser.add_argument(
        "--snapshots",
        metavar="DIR",
        type=Path,
        help="write the snapshots into DIR; those that are there are left out",
    )


def run(arguments: argparse.Namespace) -> int:
    """Write them."""
    if arguments.csv and arguments.snapshots is not None:
        raise UsageError("--csv and --snapshots exclude each other")
    if arguments.csv and not arguments.select:
        raise UsageError("--csv needs --select: which columns there are")
    with client_of(arguments) as client, Progress() as progress:
        if arguments.snapshots is not None:
            return _write_snapshots(client, arguments, progress)
        select = tuple(arguments.select) or ("*",)
        for number, result in enumerate(_pages(client, arguments, select)):
            progress(f"{number * _PAGE} faults of {result.total}")
            write = _csv if arguments.csv else _json_lines
            emit(write(result, is_first=number == 0))
    return 0


def _pages(
    client: Client, arguments: argparse.Namespace, select: tuple[str, ...]
) -> Iterator[Result]:
    from coresnap.store.api.queries import QUERY
    from coresnap.store.query.query import Query

    chosen, until, offset = filter_of(arguments), None, 0
    while True:
        query = Query(
            filter=chosen, select=select, limit=_PAGE, offset=offset, until=until
        )
        result = client.call(QUERY, query)
        until, offset = result.until, offset + len(result.rows)
        yield result
        if len(result.rows) < _PAGE:
            return


def _json_lines(result: Result, *, is_first: bool) -> str:
    lines = (
        {
            name: value
            for name, value in zip(result.columns, row.values, strict=True)
            if value is not None
        }
        for row in result.rows
    )
    # ASCII alone: what a process chose may be shown by a terminal.
    return "".join(f"{json.dumps(line)}\n" for line in lines)


def _csv(result: Result, *, is_first: bool) -> str:
    from coresnap.views.cli.coroner.result_table import plain

    text = io.StringIO()
    writer = csv.writer(text)
    if is_first:
        writer.writerow(result.columns)
    writer.writerows(map(plain, row.values) for row in result.rows)
    return text.getvalue()


def _write_snapshots(
    client: Client, arguments: argparse.Namespace, progress: Progress
) -> int:
    from coresnap.store.api.faults import GET_FAULT

    directory: Path = arguments.snapshots
    try:
        directory.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StorageError(f"cannot make {directory}: {error.strerror}") from error
    written = there = gone = 0
    for result in _pages(client, arguments, ("object",)):
        for row in result.rows:
            path = directory / f"{row.values[0]}.csnap"
            progress(f"{written + there + gone} of {result.total}")
            if path.exists():
                there += 1
                continue
            try:
                download_file(client, GET_FAULT, path, object=str(row.values[0]))
                written += 1
            except MissingError:
                gone += 1  # only its attributes were kept
    emit(f"{written} snapshots written to {directory}, {there} were there\n")
    if gone:
        complain(f"{gone} faults have no snapshot any more", "", "coroner")
    return 0
