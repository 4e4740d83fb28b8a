"""``coroner get``: fetch a fault's snapshot, and read it or keep it."""

from __future__ import annotations

import argparse
import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from coresnap.errors import AccessError, StorageError
from coresnap.views.cli import presentation
from coresnap.views.cli.coroner.named_object import find_object
from coresnap.views.cli.coroner.store_options import add_project, client_of
from coresnap.views.cli.coroner.viewer import view
from coresnap.views.cli.output import emit
from coresnap.views.cli.quantity import decimal_size

if TYPE_CHECKING:
    from coresnap.store.client.client import Client

NAME = "get"
HELP = "fetch a fault's snapshot, and read it"
DESCRIPTION = """\
Fetches the snapshot of a fault, named by its object id or the start of it, and shows it
as `coresnap show` does, in a pager on a terminal. With -o it is saved instead. A
download that breaks goes on where it broke.
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
        help="save the snapshot to FILE, or into it if it is a directory",
    )
    presentation.add_view(parser)


def run(arguments: argparse.Namespace) -> int:
    """Fetch it; show or save it."""
    with client_of(arguments) as client:
        object_id = find_object(client, arguments.object)
        if arguments.output is not None:
            return _save(client, object_id, arguments.output)
        with tempfile.TemporaryDirectory(prefix="coroner.") as directory:
            path = Path(directory, f"{object_id}.csnap")
            _fetch(client, object_id, path)
            view(path, arguments)
    return 0


def _save(client: Client, object_id: str, output: Path) -> int:
    path = output / f"{object_id}.csnap" if output.is_dir() else output
    partial = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        size = _fetch(client, object_id, partial)
        partial.replace(path)
    except OSError as error:
        raise StorageError(f"cannot write {path}: {error.strerror}") from error
    finally:
        partial.unlink(missing_ok=True)
    emit(f"{path}: {decimal_size(size)}\n")
    return 0


def _fetch(client: Client, object_id: str, path: Path) -> int:
    from coresnap.store.api.faults import GET_FAULT

    try:
        # A snapshot holds memory of the process.
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    except PermissionError as error:
        raise AccessError(f"cannot write {path}") from error
    with open(descriptor, "wb") as target:
        return client.download(GET_FAULT, target, object=object_id)
