"""``coresnap core``: have the core of a crash back, or ask what there is of it."""

from __future__ import annotations

import argparse
import json
import os
import stat
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import attrs

from coresnap.errors import InputError, MissingError, NoSpaceError, UsageError
from coresnap.snapshot.escape import printable, without_surrogates
from coresnap.views.cli.output import emit
from coresnap.views.cli.progress import Progress
from coresnap.views.quantity import decimal_size

if TYPE_CHECKING:
    from coresnap.collect.spool import Spool
    from coresnap.collect.stored_core import StoredCore
    from coresnap.config import Config
    from coresnap.crash import Archive

NAME = "core"
HELP = "have the core of a crash back as a file"
DESCRIPTION = """\
extract ID  writes the core of a crash into a file, with its holes, whether it is stored
            plain or compressed. A core of which everything was kept is, byte by byte,
            the file that the kernel would have written; of one that was made thin the
            command says so.
info ID     says what there is of a core, and writes nothing

Name the crash as `coresnap list` does: its stage, a slash, and the start of its id.
"""

_STANDARD_OUTPUT = "-"
_SHORT = 12
_REPORTED = 256 << 20
"""Bytes between two reports of progress."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of ``core``."""
    parser.add_argument(
        "action", metavar="extract|info", choices=("extract", "info"), help="what to do"
    )
    parser.add_argument(
        "crash", metavar="ID", help="[STAGE/]PREFIX of an id, as for `coresnap retry`"
    )
    parser.add_argument(
        "-o",
        "--output",
        metavar="FILE",
        help="extract: write to FILE, or to standard output if it is - "
        "(default: core.ID in this directory)",
    )
    parser.add_argument(
        "--force", action="store_true", help="extract: replace FILE if it is there"
    )
    parser.add_argument("--json", action="store_true", help="print JSON")


@attrs.frozen
class _Found:
    """An open core, and what is known about how it was taken."""

    archive: Archive
    core: StoredCore
    stored_size: int
    rung: str | None
    reason: str | None
    cut: bool
    """The core ended before the kernel had written all of it."""

    @property
    def is_whole(self) -> bool | None:
        """It is the kernel's own file; None if nobody recorded how it was taken."""
        if self.rung is None and not self.cut:
            return None
        return self.rung == "full" and not self.cut

    @property
    def verdict(self) -> str:
        """How it compares with the file that the kernel would have written."""
        if self.is_whole:
            return "whole: byte by byte what the kernel would have written"
        if self.is_whole is None:
            return "nothing was recorded about how it was taken"
        why = f" ({printable(self.reason)})" if self.reason else ""
        if self.rung not in (None, "full"):
            return (
                f"rung {printable(self.rung)}{why}: less than the kernel would have "
                "written, with headers that claim only what is there"
            )
        return f"cut{why}: it ends before the kernel's file would"

    def as_json(self) -> dict[str, object]:
        """Return every fact under its own name."""
        sha256 = self.core.sha256
        return {
            "id": self.archive.id,
            "size": self.core.size,
            "data_size": self.core.data_size,
            "form": self.core.form,
            "stored_size": self.stored_size,
            "sha256": sha256.hex() if sha256 is not None else None,
            "rung": without_surrogates(self.rung),
            "rung_reason": without_surrogates(self.reason),
            "cut": self.cut,
            "identical": self.is_whole,
        }


def run(arguments: argparse.Namespace) -> int:
    """Extract the core, or say what there is of it."""
    from coresnap.collect.spool import Part, Spool
    from coresnap.config import load_config

    if arguments.action == "info" and (arguments.output or arguments.force):
        raise UsageError("-o and --force belong to `coresnap core extract`")
    config = load_config(arguments.config)
    with Spool(config.spool) as spool:
        archive = spool.find(arguments.crash)
        _require_core(archive)
        fd = spool.open(Part.CORE, archive.id)
        try:
            found = _look(spool, archive, fd)
            if arguments.action == "info":
                _print_info(found, arguments)
            else:
                _extract(found, arguments, config)
        finally:
            os.close(fd)
    return 0


def _require_core(archive: Archive) -> None:
    if archive.has_core:
        return
    if archive.dumping:
        raise MissingError(
            f"crash {archive.id} is just being dumped",
            remedy="Its core is there as soon as the handler is done.",
        )
    if archive.is_record:
        raise MissingError(f"no core was kept of crash {archive.id}, only a record")
    raise MissingError(
        f"the core of crash {archive.id} was removed",
        remedy="`purge.core = never` in coresnap.conf keeps cores that were analysed.",
    )


def _look(spool: Spool, archive: Archive, fd: int) -> _Found:
    from coresnap.collect.spool import storage_error
    from coresnap.collect.stored_core import open_stored

    try:
        core = open_stored(fd)
    except OSError as error:
        raise storage_error(f"cannot read the core of {archive.id}", error) from error
    except InputError as error:
        raise InputError(
            f"the compressed core of {archive.id} is damaged: {error}",
            remedy=error.remedy,
        ) from error
    capture = spool.capture(archive.id)
    rung, reason = capture.get("rung"), capture.get("rung_reason")
    cut = capture.get("cut") or (capture.get("error") if "error" in capture else None)
    return _Found(
        archive,
        core,
        os.fstat(fd).st_size,
        rung if isinstance(rung, str) else None,
        reason if isinstance(reason, str) else cut if isinstance(cut, str) else None,
        bool(capture.get("truncated")),
    )


def _print_info(found: _Found, arguments: argparse.Namespace) -> None:
    if arguments.json:
        emit(json.dumps(found.as_json()) + "\n")
        return
    core = found.core
    stored = f"{core.form}, {decimal_size(found.stored_size)}"
    if core.form == "plain":
        stored = f"plain, {decimal_size(core.data_size)} on disk"
    sha256 = core.sha256.hex() if core.sha256 is not None else "not recorded"
    emit(
        f"core     {found.archive.stage}/{found.archive.id}\n"
        f"size     {decimal_size(core.size)} ({core.size} bytes)\n"
        f"stored   {stored}\n"
        f"sha256   {sha256}\n"
        f"kept     {found.verdict}\n"
    )


# --- extract --------------------------------------------------------------------


def _extract(found: _Found, arguments: argparse.Namespace, config: Config) -> None:
    if arguments.output == _STANDARD_OUTPUT:
        _to_standard_output(found, arguments)
        return
    name = arguments.output or f"core.{found.archive.id[:_SHORT]}"
    path = Path(name)
    checked = _to_file(found, path, arguments.force)
    if arguments.json:
        said = {**found.as_json(), "output": without_surrogates(name)}
        emit(json.dumps({**said, "verified": checked}) + "\n")
        return
    emit(
        f"{printable(name)}: {decimal_size(found.core.size)}, "
        f"{decimal_size(found.core.data_size)} on disk"
        f"{', SHA-256 verified' if checked else ''}\n{found.verdict}\n"
    )


def _to_standard_output(found: _Found, arguments: argparse.Namespace) -> None:
    if arguments.json:
        raise UsageError("--json and the core cannot both go to standard output")
    if sys.stdout.isatty():
        raise UsageError(
            "a core is not for a terminal", remedy="Send it into a file or a pipe."
        )
    sys.stdout.flush()
    print(f"coresnap: {found.verdict}", file=sys.stderr)
    _write(found, sys.stdout.fileno(), "standard output", holes=False)


def _to_file(found: _Found, path: Path, force: bool) -> bool:
    """Let the file appear whole or not at all; say whether a digest was compared."""
    from coresnap.collect.temporary_file import TemporaryFile, storage_error

    _require_room_for_name(path, force)
    try:
        directory = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except FileNotFoundError as error:
        raise MissingError(f"there is no directory {path.parent}") from error
    except OSError as error:
        raise storage_error(f"cannot write into {path.parent}", error) from error
    try:
        _require_space(found, path, directory)
        with TemporaryFile(directory) as file:
            checked = _write(found, file.fd, str(path), holes=True)
            file.commit(path.name, replace=force)
    except FileExistsError as error:
        raise _exists(path) from error
    except OSError as error:
        raise storage_error(f"cannot write {path}", error) from error
    finally:
        os.close(directory)
    return checked


def _require_room_for_name(path: Path, force: bool) -> None:
    try:
        status = os.lstat(path)
    except OSError:
        return
    if stat.S_ISDIR(status.st_mode):
        raise UsageError(f"{path} is a directory", remedy="Name a file in it.")
    if not force:
        raise _exists(path)
    if not stat.S_ISREG(status.st_mode):
        # A rename would put a file where a device or a link was.
        raise UsageError(f"{path} is not a regular file and is not replaced")


def _exists(path: Path) -> UsageError:
    return UsageError(f"{path} exists", remedy="--force replaces it.")


def _require_space(found: _Found, path: Path, directory: int) -> None:
    status = os.fstatvfs(directory)
    free = status.f_bavail * status.f_frsize
    if found.core.data_size > free:
        needed = decimal_size(found.core.data_size)
        raise NoSpaceError(
            f"the core needs {needed}, {path.parent} has {decimal_size(free)} free",
            remedy="Name a file on another filesystem with -o.",
        )


def _write(found: _Found, target: int, name: str, *, holes: bool) -> bool:
    from coresnap.collect.spool import storage_error
    from coresnap.collect.stored_core import write_pieces

    with Progress() as progress:
        watch = _Watch(progress, found.core.size)
        watch(0)
        try:
            return write_pieces(found.core, target, watch, holes=holes) is not None
        except BrokenPipeError:
            raise
        except OSError as error:
            raise storage_error(f"cannot write {name}", error) from error


@attrs.define
class _Watch:
    """Tells progress in percent, not more often than anybody can read it."""

    progress: Progress
    size: int
    reported: int = -_REPORTED

    def __call__(self, done: int) -> None:
        if done - self.reported >= _REPORTED:
            self.reported = done
            percent = done * 100 // self.size if self.size else 100
            self.progress(f"extracting {decimal_size(self.size)}: {percent} %")
