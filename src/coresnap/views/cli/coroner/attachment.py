"""``coroner attachment``: files that people add to a fault."""

from __future__ import annotations

import argparse
import json
import mimetypes
import os
from pathlib import Path
from typing import TYPE_CHECKING

from coresnap.errors import MissingError, UsageError
from coresnap.snapshot.escape import printable
from coresnap.views.cli.coroner.answer import day, emit_json, emit_table
from coresnap.views.cli.coroner.download import download_file
from coresnap.views.cli.coroner.named_object import find_object
from coresnap.views.cli.coroner.outgoing_file import open_outgoing, unreadable
from coresnap.views.cli.coroner.store_options import add_project, client_of
from coresnap.views.cli.output import emit
from coresnap.views.quantity import decimal_size

if TYPE_CHECKING:
    from coresnap.store.api.attachments import Attachment
    from coresnap.store.client.client import Client

NAME = "attachment"
HELP = "add files to a fault, and get them back"
DESCRIPTION = """\
Lists the files that people have added to a fault: logs, configurations, whatever
explains it. With --add, --get or --delete it changes or fetches one, which is named by
its id or its name.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of ``attachment``."""
    add_project(parser)
    parser.add_argument("object", metavar="ID", help="an object id, or its start")
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--add", metavar="FILE", type=Path, help="add this file")
    what.add_argument("--get", metavar="NAME", help="fetch the file with this name")
    what.add_argument("--delete", metavar="NAME", help="remove the file")
    parser.add_argument(
        "-o",
        "--output",
        metavar="FILE",
        type=Path,
        help="where --get writes (default: its name, in this directory; - for "
        "standard output)",
    )
    parser.add_argument(
        "--content-type",
        metavar="TYPE",
        help="what --add sends (default: by the file's name)",
    )


def run(arguments: argparse.Namespace) -> int:
    """List, add, fetch or remove."""
    with client_of(arguments) as client:
        object_id = find_object(client, arguments.object)
        if arguments.add is not None:
            _add(client, object_id, arguments)
        elif arguments.get is not None:
            _get(client, object_id, arguments)
        elif arguments.delete is not None:
            _delete(client, object_id, arguments)
        else:
            _list(client, object_id, arguments)
    return 0


def _list(client: Client, object_id: str, arguments: argparse.Namespace) -> None:
    from coresnap.store.api.attachments import LIST_ATTACHMENTS

    found = client.call(LIST_ATTACHMENTS, object=object_id)
    if arguments.json:
        emit_json(found)
        return
    rows = [
        (one.id, decimal_size(one.size), day(one.added, "?"), one.by, one.name)
        for one in found.attachments
    ]
    emit_table(("ID", "SIZE", "ADDED", "BY", "NAME"), rows)


def _add(client: Client, object_id: str, arguments: argparse.Namespace) -> None:
    from coresnap.store.api.attachments import ADD_ATTACHMENT
    from coresnap.store.client.putting import file_chunks

    path: Path = arguments.add
    kind = arguments.content_type or mimetypes.guess_type(path.name)[0]
    with open_outgoing(path) as file:
        try:
            added = client.post_bytes(
                ADD_ATTACHMENT,
                lambda: file_chunks(file.stream),
                file.size,
                parameters={
                    "name": path.name,
                    "content_type": kind or "application/octet-stream",
                },
                object=object_id,
            )
        except OSError as error:
            raise unreadable(path, error) from error
    if arguments.json:
        emit_json(added)
    else:
        emit(f"{added.id}  {printable(path.name)} is added to {object_id}\n")


def _named(client: Client, object_id: str, name: str) -> Attachment:
    from coresnap.store.api.attachments import LIST_ATTACHMENTS

    found = client.call(LIST_ATTACHMENTS, object=object_id).attachments
    fitting = [one for one in found if name in (one.id, one.name)]
    if not fitting:
        raise MissingError(
            f"fault {object_id} has no attachment {name}",
            remedy="Without --get and --delete they are listed.",
        )
    if len(fitting) > 1:
        ids = ", ".join(one.id for one in fitting)
        raise UsageError(f"{name} is the name of several: {ids}", remedy="Give an id.")
    return fitting[0]


def _get(client: Client, object_id: str, arguments: argparse.Namespace) -> None:
    from coresnap.store.api.attachments import GET_ATTACHMENT

    one = _named(client, object_id, arguments.get)
    output = arguments.output or _own_name(one)
    size = download_file(
        client, GET_ATTACHMENT, output, object=object_id, attachment=one.id
    )
    if str(output) == "-":
        return
    if arguments.json:
        emit(json.dumps({"file": str(output), "size": size}) + "\n")
    else:
        emit(f"{printable(str(output))}: {decimal_size(size)}\n")


def _own_name(one: Attachment) -> Path:
    """Where an attachment is written that nobody gave another name."""
    # The name is somebody else's: nothing of a path in it counts, and it is no
    # setting of a program.
    output = Path(Path(one.name).name)
    if output.name.startswith(".") or not output.name or output.name == "-":
        raise UsageError(f"{one.name!r} is no name for a file", remedy="Give -o FILE.")
    if os.path.lexists(output):
        raise UsageError(f"{output} is there already", remedy="Give -o FILE.")
    return output


def _delete(client: Client, object_id: str, arguments: argparse.Namespace) -> None:
    from coresnap.store.api.attachments import DELETE_ATTACHMENT

    one = _named(client, object_id, arguments.delete)
    client.call(DELETE_ATTACHMENT, object=object_id, attachment=one.id)
    if arguments.json:
        emit(json.dumps({"removed": one.id}) + "\n")
    else:
        emit(f"{one.id} is removed\n")
