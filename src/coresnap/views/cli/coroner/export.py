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
from coresnap.snapshot.escape import printable
from coresnap.views.cli.coroner.download import download_file
from coresnap.views.cli.coroner.query_options import add_filters, filter_of
from coresnap.views.cli.coroner.store_options import add_project, client_of
from coresnap.views.cli.output import complain, emit
from coresnap.views.cli.progress import Progress

if TYPE_CHECKING:
    from coresnap.store.client.client import Client
    from coresnap.store.query.query import Query
    from coresnap.store.query.result import Result

NAME = "export"
HELP = "write faults as lines, or their snapshots as files"
DESCRIPTION = """\
Writes every fault that the options choose, the last accepted first: as JSON lines with
all attributes, as comma-separated values of those that --select names, or with
--snapshots each one's snapshot as a file. Faults that come meanwhile are not among
them. With --output or --snapshots, the same command once more goes on with an export
that was interrupted.
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
        "-o",
        "--output",
        metavar="FILE",
        type=Path,
        help="write into FILE, which is there once it is whole; until then its lines "
        "are in FILE.part",
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
    if arguments.output is not None and arguments.snapshots is not None:
        raise UsageError("--output and --snapshots exclude each other")
    with client_of(arguments) as client, Progress() as progress:
        if arguments.snapshots is not None:
            return _write_snapshots(client, arguments, progress)
        if arguments.output is not None:
            return _write_file(client, arguments, progress)
        write = _csv if arguments.csv else _json_lines
        done = 0
        for number, (result, _) in enumerate(_pages(client, _query(arguments))):
            emit(write(result, is_first=number == 0))
            done += len(result.rows)
            progress(f"{done} faults, {result.total - len(result.rows)} to come")
    return 0


def _query(arguments: argparse.Namespace, *select: str) -> Query:
    from coresnap.store.query.query import Query

    select = select or tuple(arguments.select) or ("*",)
    return Query(filter=filter_of(arguments), select=select, limit=_PAGE)


def _pages(client: Client, query: Query) -> Iterator[tuple[Result, Query | None]]:
    """Yield each page with the query for the next one.

    A page begins behind the last fault of the one before, so that neither what comes
    nor what is forgotten meanwhile moves it.
    """
    import msgspec

    from coresnap.store.api.queries import QUERY

    following: Query | None = query
    while following is not None:
        result = client.call(QUERY, following)
        following = (
            None
            if result.next is None
            else msgspec.structs.replace(following, until=result.next)
        )
        yield result, following


def _write_file(
    client: Client, arguments: argparse.Namespace, progress: Progress
) -> int:
    from coresnap.views.cli.coroner.export_file import ExportFile

    path: Path = arguments.output
    write = _csv if arguments.csv else _json_lines
    try:
        with ExportFile(path, _asked(client, arguments), _query(arguments)) as file:
            for result, following in _pages(client, file.query):
                text = write(result, is_first=file.is_empty)
                file.add(text, len(result.rows), following)
                left = result.total - len(result.rows)
                progress(f"{file.faults} faults, {left} to come")
    except OSError as error:
        raise StorageError(f"cannot write {path}: {error.strerror}") from error
    if arguments.json:
        emit(json.dumps({"file": str(path), "faults": file.faults}) + "\n")
    else:
        emit(f"{file.faults} faults written to {printable(str(path))}\n")
    return 0


def _asked(client: Client, arguments: argparse.Namespace) -> str:
    """Return what an export has to have in common with the one it goes on with."""
    names = ("filter", "age", "time", "fingerprint", "classifier", "frames")
    words = [getattr(arguments, name) for name in (*names, "select", "csv")]
    return json.dumps([client.universe, client.project, *words])


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
    for result, _ in _pages(client, _query(arguments, "object")):
        for row in result.rows:
            path = directory / f"{row.values[0]}.csnap"
            progress(f"{written + there + gone} snapshots")
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
