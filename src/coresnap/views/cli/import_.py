"""``coresnap import``: take cores that others have kept."""

from __future__ import annotations

import argparse
import gc
import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import attrs

from coresnap.errors import UsageError
from coresnap.views.cli.output import complain, emit

if TYPE_CHECKING:
    from coresnap.backends.base import CaptureBackend
    from coresnap.collect.importers.importer import Importer, Result
    from coresnap.views.cli.progress import Progress

NAME = "import"
HELP = "take cores that others have kept"
DESCRIPTION = """\
Takes cores into the spool as if they had been caught: core files, plain or compressed
(zstd, gzip, xz, bzip2, lz4), directories of them, what systemd-coredump has stored,
its entries of the journal, and reports of apport. They are analysed by the daemon, or
by `coresnap retry`.

A core that is imported twice is one crash. The source is only read, never changed.
"""

_SOURCES = """\
sources:
  core        an ELF core, plain or compressed
  directory   all cores and reports in a directory, without what is below it
  systemd     a file of /var/lib/systemd/coredump, with its extended attributes
  journal     entries of the journal: journalctl -o export (or json) COREDUMP_PID=1234
  apport      a report of /var/crash

examples:
  coresnap import core.1234
  coresnap import /var/lib/systemd/coredump
  journalctl -o export MESSAGE_ID=fc2e22bc6ee647b6b90729ab34a250b1 > crashes.export
  coresnap import crashes.export
  coresnap import --watch /srv/cores
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of ``import``."""
    parser.epilog = _SOURCES
    parser.add_argument(
        "paths",
        metavar="PATH",
        nargs="+",
        type=Path,
        help="a core, a directory, an export of the journal, or a report",
    )
    parser.add_argument(
        "--from",
        dest="format",
        metavar="SOURCE",
        default="auto",
        help="what the paths are: auto (default), core, directory, systemd, journal "
        "or apport",
    )
    parser.add_argument(
        "--watch",
        action="store_true",
        help="go on: import what comes into the directories, until interrupted",
    )
    parser.add_argument(
        "--json", action="store_true", help="print a JSON object per core, one per line"
    )


def run(arguments: argparse.Namespace) -> int:
    """Import the paths; the first that failed decides the exit code."""
    from coresnap.backends import select
    from coresnap.collect.importers.importer import FORMATS, Importer
    from coresnap.collect.journal import is_locked
    from coresnap.collect.spool import Spool
    from coresnap.config import load_config

    if arguments.format not in FORMATS:
        raise UsageError(
            f"there is no source {arguments.format!r}", remedy=", ".join(FORMATS)
        )
    config = load_config(arguments.config)
    tally = _Tally(arguments.json, select(config))
    with Spool(config.spool) as spool:
        work = _Work("watching" if arguments.watch else "")
        importer = Importer(spool, config, arguments.format, work.begin)
        for result in work.shown(_results(importer, arguments)):
            tally.add(result)
    if not arguments.json:
        emit(tally.summary(is_daemon_there=is_locked(config.journal) is not None))
    return tally.code


def _results(importer: Importer, arguments: argparse.Namespace) -> Iterator[Result]:
    if not arguments.watch:
        for path in arguments.paths:
            yield from importer.take(path)
        return
    from coresnap.collect.importers.watch import Watch

    gc.enable()  # see process.py: this one does not end soon

    for path in arguments.paths:
        if not path.is_dir():
            raise UsageError(
                f"{path} is not a directory", remedy="`--watch` takes directories."
            )
    yield from Watch(importer, arguments.paths).run()


@attrs.define
class _Work:
    """Tells of what takes long, and is silent while a result is printed."""

    idle: str
    """What is said while no file is read."""
    _progress: Progress | None = None

    def begin(self, name: str) -> None:
        if self._progress is not None:
            self._progress(f"importing {_plain(name)}")

    def shown(self, results: Iterator[Result]) -> Iterator[Result]:
        from coresnap.views.cli.progress import Progress

        while True:
            with Progress() as self._progress:
                self._progress(self.idle)
                result = next(results, None)
            if result is None:
                return
            yield result


@attrs.define
class _Tally:
    """Prints each result, tells the daemon of it, and counts."""

    json: bool
    backend: CaptureBackend
    code: int = 0
    new: int = 0
    known: int = 0
    skipped: int = 0
    failed: int = 0

    def add(self, result: Result) -> None:
        self._count(result)
        if self.json:
            emit(json.dumps(_as_json(result)) + "\n")
        elif result.taken is not None:
            emit(_line(result))
        elif result.is_skipped:
            emit(_plain(f"skipped: {result.problem}") + "\n")
        elif result.problem is not None:
            complain(str(result.problem), result.problem.remedy)
        if result.taken is not None and result.taken.is_new:
            # Nobody may listen: the daemon looks into the spool when it starts.
            self.backend.announce(result.taken.id)

    def _count(self, result: Result) -> None:
        if result.taken is not None:
            self.new += result.taken.is_new
            self.known += not result.taken.is_new
        elif result.is_skipped:
            self.skipped += 1
        elif result.problem is not None:
            self.failed += 1
            self.code = self.code or result.problem.exit_code

    def summary(self, *, is_daemon_there: bool) -> str:
        words = [f"{self.new} imported", f"{self.known} known already"]
        words += [f"{self.skipped} skipped"] if self.skipped else []
        words += [f"{self.failed} failed"] if self.failed else []
        line = ", ".join(words) + "\n"
        if self.new and not is_daemon_there:
            line += "No daemon runs: `coresnap retry pending/ID` analyses one now.\n"
        return line


def _line(result: Result) -> str:
    from coresnap.views.quantity import decimal_size

    assert result.taken is not None
    taken = result.taken
    what = "imported" if taken.is_new else "known already"
    notes = [f"{decimal_size(taken.size)}, {decimal_size(taken.bytes_stored)} stored"]
    notes += [f"from {taken.compression}"] if taken.compression else []
    notes += ["truncated"] if taken.truncated else []
    return f"{taken.id}  {what}: {_plain(result.name)} ({', '.join(notes)})\n"


def _as_json(result: Result) -> dict[str, Any]:
    record: dict[str, Any] = {"source": result.name, "format": result.format}
    if result.taken is not None:
        taken = attrs.asdict(result.taken)
        return (
            record | {"result": "imported" if taken.pop("is_new") else "known"} | taken
        )
    record["result"] = "skipped" if result.is_skipped else "failed"
    if result.problem is not None:
        record["error"] = {
            "class": type(result.problem).__name__,
            "message": str(result.problem),
            "remedy": result.problem.remedy,
            "exit_code": result.problem.exit_code,
        }
    return record


def _plain(text: str) -> str:
    from coresnap.snapshot.escape import printable

    return printable(text)
