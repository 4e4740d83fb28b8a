"""``coresnap metrics``: what monitors are told, for who collects files."""

from __future__ import annotations

import argparse
import contextlib
import os
from pathlib import Path

from coresnap.views.cli.output import emit

NAME = "metrics"
HELP = "the numbers of this machine, for Prometheus"
DESCRIPTION = """\
Prints all metrics in Prometheus' text format: what coresnapd serves if metrics.listen
says where. With -o they replace FILE in one step, as node_exporter's textfile collector
needs it. What may not be read is absent, and coresnap_readable says so.

  coresnap metrics -o /var/lib/prometheus/node-exporter/coresnap.prom
"""
_MODE = 0o644  # node_exporter is another user


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of ``metrics``."""
    parser.add_argument(
        "-o",
        "--output",
        metavar="FILE",
        type=Path,
        help="write FILE instead of standard output",
    )


def run(arguments: argparse.Namespace) -> int:
    """Print them."""
    from coresnap.backends import select
    from coresnap.collect.overview import read_overview
    from coresnap.config import load_config
    from coresnap.daemon.metrics_page import check_library, metrics_page

    check_library()
    config = load_config(arguments.config)
    page, _ = metrics_page(read_overview(config, select(config)))
    if arguments.output is None:
        emit(page.decode())
    else:
        _replace(arguments.output, page)
    return 0


def _replace(path: Path, page: bytes) -> None:
    """Replace a file in one step. Raises AccessError or StorageError."""
    import tempfile

    from coresnap.collect.spool import storage_error

    try:
        # Collectors read all names that end in .prom.
        fd, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
        try:
            with os.fdopen(fd, "wb") as file:
                file.write(page)
                os.fchmod(file.fileno(), _MODE)
            os.replace(name, path)
        except BaseException:
            with contextlib.suppress(OSError):
                os.unlink(name)
            raise
    except OSError as error:
        raise storage_error(f"cannot write {path}", error) from error
