"""``coroner symbols``: send symbol files, and see which ones are missing."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING

from coresnap.errors import UsageError
from coresnap.snapshot.escape import printable
from coresnap.views.cli.coroner.answer import day, emit_json, emit_table
from coresnap.views.cli.coroner.outgoing_file import open_outgoing, unreadable
from coresnap.views.cli.coroner.single_failures import send_each
from coresnap.views.cli.coroner.store_options import add_project, client_of
from coresnap.views.cli.output import emit
from coresnap.views.cli.progress import Progress
from coresnap.views.quantity import decimal_size

if TYPE_CHECKING:
    from coresnap.store.api.symbols import SentSymbols
    from coresnap.store.client.client import Client

NAME = "symbols"
HELP = "send symbol files, and see which ones are missing"
DESCRIPTION = """\
Without FILE lists the build-ids whose symbols faults of the project miss, those of most
faults first, with the reason that the crashed host gave. With FILE sends executables,
libraries and debug files; a directory stands for all files below it. What they are is
read from themselves: other files are left out. Faults that missed them are read again,
and get the names that they had not.
"""

_ELF = b"\x7fELF"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of ``symbols``."""
    add_project(parser)
    parser.add_argument(
        "files",
        metavar="FILE",
        nargs="*",
        type=Path,
        help="executables, libraries, debug files, or directories of them",
    )
    parser.add_argument(
        "--list", action="store_true", help="list the files that the store has"
    )
    parser.add_argument(
        "--remove", metavar="BUILD-ID", help="remove the files of a build-id"
    )
    parser.add_argument(
        "-n",
        "--limit",
        metavar="N",
        type=int,
        default=50,
        help="list at most N missing ones (default: 50)",
    )


def run(arguments: argparse.Namespace) -> int:
    """Send, list, or remove."""
    wishes = (bool(arguments.files), arguments.list, arguments.remove is not None)
    if sum(wishes) > 1:
        raise UsageError("files, --list and --remove exclude each other")
    with client_of(arguments) as client:
        if arguments.files:
            return _send(client, arguments)
        if arguments.remove is not None:
            return _remove(client, arguments)
        if arguments.list:
            return _list(client, arguments)
        return _list_missing(client, arguments)


def _list_missing(client: Client, arguments: argparse.Namespace) -> int:
    from coresnap.store.api.symbols import MISSING_SYMBOLS

    limit: dict[str, str | int | bool] = {"limit": arguments.limit}
    found = client.call(MISSING_SYMBOLS, parameters=limit)
    if arguments.json:
        emit_json(found)
        return 0
    rows = [
        (str(n.faults), n.build_id[:20], n.wanted, n.path, n.reason)
        for n in found.symbols
    ]
    if rows:
        emit_table(("FAULTS", "BUILD-ID", "WANTED", "MODULE", "WHY"), rows)
    else:
        emit("no fault misses symbols\n")
    return 0


def _list(client: Client, arguments: argparse.Namespace) -> int:
    from coresnap.store.api.symbols import LIST_SYMBOLS

    found = client.call(LIST_SYMBOLS)
    if arguments.json:
        emit_json(found)
        return 0
    rows = [
        (
            one.build_id[:20],
            one.kind,
            decimal_size(one.size),
            day(one.sent, "?"),
            one.name + (" (being applied)" if one.is_being_applied else ""),
        )
        for one in found.symbols
    ]
    emit_table(("BUILD-ID", "KIND", "SIZE", "SENT", "NAME"), rows)
    return 0


def _remove(client: Client, arguments: argparse.Namespace) -> int:
    from coresnap.store.api.symbols import DELETE_SYMBOLS

    build_id: str = arguments.remove
    client.call(DELETE_SYMBOLS, build_id=build_id)
    if arguments.json:
        emit(json.dumps({"removed": build_id}) + "\n")
    else:
        emit(f"the symbols of {build_id} are removed; what was read with them stays\n")
    return 0


def _send(client: Client, arguments: argparse.Namespace) -> int:
    paths = _elf_files(arguments.files)
    if not paths:
        raise UsageError("there is no ELF file among these")
    with Progress() as progress:

        def send(path: Path) -> tuple[SentSymbols, None]:
            progress(f"sending {printable(str(path))}")
            return _send_one(client, path), None

        return send_each(paths, send, _line, as_json=arguments.json)


def _line(path: Path, answer: SentSymbols) -> str:
    return f"{printable(str(path))}: {_told(answer)}\n"


def _told(answer: SentSymbols) -> str:
    text = f"{answer.kind} of {answer.build_id[:20]}"
    if answer.is_duplicate:
        return f"{text}, there already"
    return f"{text}; {answer.faults} faults missed it and are read again"


def _elf_files(paths: list[Path]) -> list[Path]:
    found = []
    for path in paths:
        if path.is_dir():
            below = sorted(p for p in path.rglob("*") if p.is_file())
            found += [p for p in below if _begins_as_elf(p)]
        else:
            found.append(path)
    return found


def _begins_as_elf(path: Path) -> bool:
    try:
        with path.open("rb") as stream:
            return stream.read(len(_ELF)) == _ELF
    except OSError:
        return False


def _send_one(client: Client, path: Path) -> SentSymbols:
    from coresnap.store.api.symbols import SEND_SYMBOLS
    from coresnap.store.client.putting import file_chunks

    with open_outgoing(path) as file:
        try:
            return client.post_bytes(
                SEND_SYMBOLS,
                lambda: file_chunks(file.stream),
                file.size,
                parameters={"name": path.name},
            )
        except OSError as error:
            raise unreadable(path, error) from error
