"""Takes a core that the kernel wrote into a drop directory: as an archive, or a record.

The file stays until its archive is safe, and the archive's id is made from its bytes,
so that taking it again after any end of ours is taking it once. An empty file, and a
core that policy does not keep, become the record of a crash. What the file's name and
devd's event say is believed as far as the core's own notes do not differ: a slot of
kern.corefile that was used again has another process's event.
"""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Callable
from pathlib import Path

import attrs

from coresnap.backends import crash_record
from coresnap.collect.admitting import Admitter, Request, kind_of
from coresnap.collect.archive import check_space
from coresnap.collect.assets import pack_assets
from coresnap.collect.importers.core_head import HEAD_SIZE, CoreHead, read_head
from coresnap.collect.importers.intake import CoreSource, take_core
from coresnap.collect.importers.pieces import Stream
from coresnap.collect.importers.source_file import SourceFile
from coresnap.collect.importers.story import Story
from coresnap.collect.importers.unpacking import compression_of, unpack
from coresnap.collect.parts import is_plain
from coresnap.collect.spool import Part, Spool, storage_error
from coresnap.config import Config, Policy
from coresnap.crash import Crash
from coresnap.errors import CoresnapError, InputError

__all__ = ["Arrived", "take_dropped"]

_SECOND = 1_000_000_000
_PATIENCE = 600 * _SECOND
"""Nanoseconds without a change after which a core that is too short gets no longer."""
_ID_OF = b"coresnap empty core 1\0"
_COMMAND_SIZE = 15
"""Bytes of a command that every kernel and note keeps."""


@attrs.frozen
class Arrived:
    """What became of a core; no id if policy keeps nothing, or it was one too many."""

    id: str | None
    is_new: bool
    crash: Crash
    """What is known of it now."""
    tell: bool = True
    """Of a crash that was not archived: somebody has to hear of it."""


def take_dropped(
    spool: Spool,
    crash: Crash,
    fd: int,
    config: Config,
    clock: Callable[[], int] = time.time_ns,
) -> Arrived | None:
    """Copy the core that ``fd`` is open on into the spool; None if it still grows.

    Raises CoreFormatError or InputError for what is no core, or was written to
    meanwhile, NoSpaceError and StorageError: then the file has to stay.
    """
    source = SourceFile(Path(crash.core_path or "?"), fd, os.fstat(fd))
    if not is_plain(source.status) or crash.uid not in (None, source.status.st_uid):
        raise InputError(f"{source.path} is not a plain file of its process's user")
    place = ""
    if source.status.st_size:
        head = read_head(_start(source), str(source.path))
        if _is_short(source, head) and clock() - source.status.st_mtime_ns < _PATIENCE:
            return None
        crash, place = _agreed(crash, head), head.place
    return _admit(spool, crash, source, place, config)


def _admit(
    spool: Spool, crash: Crash, source: SourceFile, place: str, config: Config
) -> Arrived:
    """Archive a crash that is complete, unless it is one of too many."""
    policy = config.policy_for(crash.path or "")
    request = _request(crash, source, place)
    admitter = Admitter(config.admission)
    decision = admitter.decide(request, config, policy)
    if decision.counted:
        kind = f"{request.fault:016x}"
        crash = attrs.evolve(crash, kind=kind, suppressed=decision.missed)
    if not decision.admitted:
        return Arrived(None, is_new=False, crash=crash, tell=decision.tell)
    try:
        return _archive(spool, crash, source, policy, config)
    except CoresnapError:
        admitter.withdraw(request, decision, config, policy)
        raise


def _request(crash: Crash, source: SourceFile, place: str) -> Request:
    path = crash.path or crash.command or "?"
    return kind_of(path, source.status.st_uid, crash.signal, place)


def _archive(
    spool: Spool, crash: Crash, source: SourceFile, policy: Policy, config: Config
) -> Arrived:
    if (reason := _reason_for_a_record(source, policy)) is not None:
        return _record(spool, crash, source, reason, config)
    taken = take_core(spool, _core_source(crash, source), config)
    return Arrived(taken.id, taken.is_new, crash)


def _start(source: SourceFile) -> bytes:
    """Return the first bytes of the plain core. Raises InputError."""
    stream = _stream(source)
    if stream.compression is None:
        return source.start(HEAD_SIZE)
    start = bytearray()
    for piece in stream.pieces:
        if isinstance(piece, bytes):
            start += piece
        if len(start) >= HEAD_SIZE:
            break
    if not start and stream.damage:
        raise InputError(f"{source.path}: {stream.damage}")
    return bytes(start[:HEAD_SIZE])


def _stream(source: SourceFile) -> Stream:
    compression = compression_of(source.start(4))
    if compression is None:
        return Stream(source.pieces())
    return unpack(source.chunks(), compression, str(source.path))


def _is_short(source: SourceFile, head: CoreHead) -> bool:
    """Say whether a plain core ends before its last segment does."""
    if compression_of(source.start(4)) is not None:
        return False
    return head.expected_size is None or source.status.st_size < head.expected_size


def _agreed(crash: Crash, head: CoreHead) -> Crash:
    """Return what is known of a crash once its core had its say."""
    if head.pid is not None and crash.pid not in (0, head.pid):
        crash = attrs.evolve(crash, executable=None, path=None, command=None)
    name = os.fsencode((crash.path or "").rpartition("/")[2])[:_COMMAND_SIZE]
    if head.command and name != os.fsencode(head.command)[:_COMMAND_SIZE]:
        crash = attrs.evolve(crash, executable=None, path=None)
    return attrs.evolve(
        crash,
        pid=head.pid or crash.pid,
        signal=crash.signal if head.signal is None else head.signal,
        tid=head.tid,
        command=head.command or crash.command,
    )


def _reason_for_a_record(source: SourceFile, policy: Policy) -> str | None:
    if not source.status.st_size:
        return "core-limit"
    if policy.keep == "record":
        return "policy"
    size, stored = source.status.st_size, source.status.st_blocks * 512
    if policy.limit_logical is not None and size > policy.limit_logical:
        return "logical-limit"
    if policy.limit_physical is not None and stored > policy.limit_physical:
        return "physical-limit"
    return None


def _core_source(crash: Crash, source: SourceFile) -> CoreSource:
    story = Story(
        pid=crash.pid or None,
        tid=crash.tid,
        signal=crash.signal or None,
        time=crash.time,
        uid=crash.uid,
        path=crash.path,
        command=crash.command,
        hostname=crash.hostname or os.uname().nodename,
        kind=crash.kind,
        suppressed=crash.suppressed,
        context=_context(crash),
    )
    return CoreSource(
        name=str(source.path),
        path=source.path,
        format="core",
        time=source.status.st_mtime_ns,
        story=story,
        stream=_stream(source),
        require_unchanged=source.require_unchanged,
        way="file",
    )


def _context(crash: Crash) -> dict[str, bytes]:
    context = {"system/uname": "\n".join([*os.uname(), ""]).encode()}
    if crash.path is not None:
        context["process/exe"] = os.fsencode(crash.path) + b"\n"
    return context


def _record(
    spool: Spool, crash: Crash, source: SourceFile, reason: str, config: Config
) -> Arrived:
    """Archive that there was a crash, once for each file."""
    archive_id = _id_of(source)
    if spool.archive(archive_id) is not None:
        return Arrived(archive_id, is_new=False, crash=crash)
    check_space(spool.directory, config.dump_quota)
    hostname = crash.hostname or os.uname().nodename
    crash = attrs.evolve(crash, archive_id=archive_id, hostname=hostname)
    members = {
        crash_record.NAME: crash_record.encode(crash),
        **_context(crash),
        "capture.json": _capture(source, reason),
    }
    with spool.create(Part.ASSETS) as assets:
        try:
            with open(assets.fd, "wb", closefd=False) as stream:
                stream.write(pack_assets(members, crash.time // _SECOND))
        except OSError as error:
            where = spool.path(Part.ASSETS, archive_id)
            raise storage_error(f"cannot write {where}", error) from error
        source.require_unchanged()
        spool.commit(Part.ASSETS, assets, archive_id)
    return Arrived(archive_id, is_new=True, crash=crash)


def _id_of(source: SourceFile) -> str:
    status = source.status
    facts = status.st_dev, status.st_ino, status.st_mtime_ns, os.fspath(source.path)
    return hashlib.sha256(_ID_OF + repr(facts).encode()).hexdigest()[:32]


def _capture(source: SourceFile, reason: str) -> bytes:
    """Return ``capture.json`` of a record (``docs/formats.md``)."""
    size = source.status.st_size
    record = {
        "version": 1,
        "way": "file",
        "rung": "record",
        "rung_reason": reason,
        "bytes_in": size,
        "bytes_stored": 0,
        "size": 0,
        "truncated": False,
        "cut": None if size else "empty",
        "source": {
            "format": "core",
            "path": os.fsencode(source.path).decode("utf-8", "backslashreplace"),
        },
    }
    return json.dumps(record).encode()
