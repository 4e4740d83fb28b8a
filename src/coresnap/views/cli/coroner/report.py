"""``coroner report``: a fault of the store as one file."""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

from coresnap.views.cli import report_options
from coresnap.views.cli.coroner.download import download_file
from coresnap.views.cli.coroner.named_object import find_object
from coresnap.views.cli.coroner.store_options import add_project, client_of

NAME = "report"
HELP = "make one file of a fault that any browser, mail or ticket takes"
DESCRIPTION = """\
Fetches the snapshot of a fault, named by its object id or the start of it, and writes
what it says as one page of HTML that needs no network and runs no script; as text; or
as Markdown for a ticket.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of ``report``."""
    add_project(parser)
    parser.add_argument("object", metavar="ID", help="an object id, or its start")
    report_options.add_arguments(parser)


def run(arguments: argparse.Namespace) -> int:
    """Fetch the snapshot, and write the report."""
    from coresnap.snapshot.container import open_snapshot
    from coresnap.store.api.faults import GET_FAULT
    from coresnap.views.fault.fault import Fault

    with tempfile.TemporaryDirectory(prefix="coroner.") as directory:
        path = Path(directory, "fault.csnap")
        with client_of(arguments) as client:
            object_id = find_object(client, arguments.object)
            download_file(client, GET_FAULT, path, object=object_id)
        with open_snapshot(path) as reader:
            report_options.write_report(Fault.opened(reader), arguments)
    return 0
