"""``coresnap crashinfo``: why did the kernel panic?"""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from coresnap.errors import CoresnapError, UsageError
from coresnap.views.cli.output import complain, emit

if TYPE_CHECKING:
    from coresnap.analysis.kernel.evidence import Evidence
    from coresnap.collect.crash_directory import KernelDump
    from coresnap.model import Snapshot

NAME = "crashinfo"
HELP = "say why the kernel panicked, and keep that with the other crashes"
DESCRIPTION = """\
Reads a dump that savecore(8) wrote and prints why the kernel panicked: panic string,
trap, classifiers with their evidence, the stack, the end of the message buffer. With
the kernel's file and its debug information, which are looked for in /boot and
/usr/lib/debug, every thread of the kernel has its stack.

What the dump says is kept in the spool as a crash of `kernel`, once: the daemon makes
a snapshot of it, groups it and sends it as it does with all crashes. The dump itself
stays where it is.

It takes the options of FreeBSD's crashinfo(8) and can stand in for it.
"""

_EPILOG = """\
examples:
  coresnap crashinfo                      the newest dump in /var/crash
  coresnap crashinfo 3                    vmcore.3, textdump.tar.3, or info.3 alone
  coresnap crashinfo --all                all of them, a line each
  coresnap crashinfo -k /boot/kernel.old/kernel 3
  coresnap crashinfo --no-spool /mnt/vmcore.0.zst

at boot, in /etc/rc.conf:
  crashinfo_program="/usr/local/bin/coresnap crashinfo"
"""
_DIRECTORY = Path("/var/crash")
_TAIL = 40


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of ``crashinfo``."""
    parser.epilog = _EPILOG
    parser.add_argument(
        "dump",
        metavar="DUMP",
        nargs="?",
        help="a dump's number, or its file (default: the newest)",
    )
    parser.add_argument(
        "-d",
        "--directory",
        metavar="DIR",
        type=Path,
        default=_DIRECTORY,
        help=f"where savecore(8) keeps dumps (default: {_DIRECTORY})",
    )
    parser.add_argument(
        "-k",
        "--kernel",
        metavar="FILE",
        type=Path,
        help="the kernel that panicked (default: the one in /boot of that version)",
    )
    parser.add_argument(
        "-n", "--number", metavar="N", help="the dump's number, as crashinfo(8) has it"
    )
    parser.add_argument(
        "-b",
        "--batch",
        action="store_true",
        help="write the report to core.txt.N beside the dump; nothing if it is there",
    )
    parser.add_argument(
        "--all", action="store_true", help="all dumps in DIR, a line for each"
    )
    parser.add_argument(
        "--no-spool", action="store_true", help="print only, keep nothing"
    )
    parser.add_argument(
        "--json", action="store_true", help="print the snapshot as JSON; errors too"
    )


def run(arguments: argparse.Namespace) -> int:
    """Read the dumps; the first that failed decides the exit code."""
    if not arguments.all:
        _one(_chosen(arguments), arguments)
        return 0
    if arguments.dump is not None or arguments.number is not None:
        raise UsageError("`--all` takes no dump")
    from coresnap.collect.crash_directory import kernel_dumps

    code = 0
    for dump in kernel_dumps(arguments.directory):
        try:
            _one(dump, arguments)
        except CoresnapError as error:
            complain(f"{dump.path}: {error}", error.remedy)
            code = code or error.exit_code
    return code


def _chosen(arguments: argparse.Namespace) -> KernelDump:
    from coresnap.collect.crash_directory import KernelDump, find_dump

    text: str | None = arguments.dump if arguments.number is None else arguments.number
    if arguments.dump is not None and arguments.number is not None:
        raise UsageError("name the dump once: by `-n`, or by itself")
    if text is None or text.isdecimal():
        number = None if text is None else int(text)
        return find_dump(arguments.directory, number)
    path = Path(text)
    last = path.name.removesuffix(".gz").removesuffix(".zst").rpartition(".")[2]
    return KernelDump(int(last) if last.isdecimal() else 0, path)


def _one(dump: KernelDump, arguments: argparse.Namespace) -> None:
    if arguments.batch and dump.report.exists():
        return
    from coresnap.analysis.kernel.snapshot import snapshot_of_kernel

    evidence = _evidence(dump, arguments)
    snapshot = snapshot_of_kernel(evidence)
    kept = None if arguments.no_spool else _keep(evidence, arguments)
    if arguments.batch:
        _write_report(dump, snapshot, arguments)
    _print(dump, snapshot, kept, arguments)


def _evidence(dump: KernelDump, arguments: argparse.Namespace) -> Evidence:
    from coresnap.analysis.kernel.find_kernel import find_kernel
    from coresnap.analysis.search_places import SearchPlaces
    from coresnap.analysis.session import read_kernel
    from coresnap.views.cli.progress import Progress

    with Progress() as progress:
        progress(f"reading {dump.path.name}")
        kernel = arguments.kernel
        if kernel is None and dump.info.is_file():
            told = read_kernel(dump.info, SearchPlaces()).info
            kernel = find_kernel(told.version)
        return read_kernel(dump.path, SearchPlaces(executable=kernel))


def _keep(evidence: Evidence, arguments: argparse.Namespace) -> dict[str, Any]:
    from coresnap.analysis.kernel.evidence import pack_evidence
    from coresnap.backends import select
    from coresnap.collect.importers.kernel_dump import KernelCrash, record_kernel
    from coresnap.collect.spool import Spool
    from coresnap.config import load_config

    info = evidence.info
    facts = (info.hostname, info.time, info.panic, info.version)
    if not any(facts):
        facts = (evidence.path, None, evidence.message_buffer[-4096:], "")
    crash = KernelCrash(
        path=Path(evidence.path),
        kernel="kernel",
        identity=repr(facts),
        time=info.time or 0,
        hostname=info.hostname or None,
        members=pack_evidence(evidence),
    )
    config = load_config(arguments.config)
    with Spool(config.spool) as spool:
        recorded = record_kernel(spool, crash, config)
    if recorded.is_new:
        # Nobody may listen: the daemon looks into the spool when it starts.
        select(config).announce(recorded.id)
    return {"id": recorded.id, "result": "kept" if recorded.is_new else "known"}


def _print(
    dump: KernelDump,
    snapshot: Snapshot,
    kept: dict[str, Any] | None,
    arguments: argparse.Namespace,
) -> None:
    from coresnap.snapshot.text import headline

    if arguments.json:
        from coresnap.snapshot.json_form import to_bytes

        record = {"dump": str(dump.path), "kept": kept}
        record["snapshot"] = json.loads(to_bytes(snapshot))
        emit(json.dumps(record) + "\n")
    elif arguments.all or arguments.batch:
        where = f": {dump.report}" if arguments.batch else ""
        emit(f"{dump.path.name}  {headline(snapshot)}{where}\n")
    else:
        emit("\n".join([*_report(snapshot, arguments), *_kept_lines(kept)]) + "\n")


def _report(snapshot: Snapshot, arguments: argparse.Namespace) -> Iterator[str]:
    from coresnap.analysis.kernel.evidence import MESSAGES
    from coresnap.snapshot.escape import printable
    from coresnap.snapshot.text import render

    yield render(snapshot)
    said = snapshot.assets.get(MESSAGES, b"").decode("utf-8", "backslashreplace")
    if said:
        yield "messages"
        for line in said.rstrip().splitlines()[-_TAIL:]:
            yield f"  {printable(line.expandtabs())}"


def _kept_lines(kept: dict[str, Any] | None) -> Iterator[str]:
    if kept is not None:
        yield ""
        yield f"{kept['id']}: {kept['result']} in the spool (`coresnap list kernel`)"


def _write_report(
    dump: KernelDump, snapshot: Snapshot, arguments: argparse.Namespace
) -> None:
    """Write it so that only who may read the dump may read it, as crashinfo(8) does."""
    from coresnap.collect.temporary_file import storage_error

    text = "\n".join(_report(snapshot, arguments)) + "\n"
    try:
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
        descriptor = os.open(dump.report, flags, 0o600)
        with open(descriptor, "w", encoding="utf-8") as stream:
            stream.write(text)
    except OSError as error:
        raise storage_error(f"cannot write {dump.report}", error) from error
