"""``coroner get``: fetch a fault's snapshot, and read it or keep it."""

from __future__ import annotations

import argparse
import json
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from coresnap.snapshot.escape import printable
from coresnap.views.cli import presentation
from coresnap.views.cli.coroner import viewer
from coresnap.views.cli.coroner.download import download_file
from coresnap.views.cli.coroner.named_object import find_object
from coresnap.views.cli.coroner.store_options import add_project, client_of
from coresnap.views.cli.output import emit
from coresnap.views.quantity import decimal_size

if TYPE_CHECKING:
    from coresnap.store.client.client import Client

NAME = "get"
HELP = "fetch a fault's snapshot, and read it"
DESCRIPTION = """\
Fetches the snapshot of a fault, named by its object id or the start of it, and opens
it in the terminal viewer, if textual is installed. Otherwise, and with an option that
shapes text, it is printed as `coresnap show` does, in a pager on a terminal. With -o it
is saved instead. A download that breaks goes on where it broke.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of ``get``."""
    add_project(parser)
    parser.add_argument("object", metavar="ID", help="an object id, or its start")
    parser.add_argument(
        "-o",
        "--output",
        metavar="FILE",
        type=Path,
        help="save the snapshot to FILE, or into it if it is a directory; - for "
        "standard output",
    )
    viewer.add_arguments(parser)
    presentation.add_view(parser)


def run(arguments: argparse.Namespace) -> int:
    """Fetch it; show or save it."""
    with client_of(arguments) as client:
        object_id = find_object(client, arguments.object)
        if arguments.output is not None:
            return _save(client, object_id, arguments)
        with tempfile.TemporaryDirectory(prefix="coroner.") as directory:
            path = Path(directory, f"{object_id}.csnap")
            _fetch(client, object_id, path)
            viewer.view(path, arguments)
    return 0


def _save(client: Client, object_id: str, arguments: argparse.Namespace) -> int:
    output: Path = arguments.output
    path = output / f"{object_id}.csnap" if output.is_dir() else output
    size = _fetch(client, object_id, path)
    if str(path) == "-":
        return 0
    if arguments.json:
        body = {"object": object_id, "file": str(path), "size": size}
        emit(json.dumps(body) + "\n")
    else:
        emit(f"{printable(str(path))}: {decimal_size(size)}\n")
    return 0


def _fetch(client: Client, object_id: str, path: Path) -> int:
    from coresnap.store.api.faults import GET_FAULT

    return download_file(client, GET_FAULT, path, object=object_id)
