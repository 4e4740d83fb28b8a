"""Takes the bytes of one core into the spool, as one archive, once.

An import never keeps less than its source, which stays where it is: what finds no room
is not imported at all. So the ladder of the handler does not apply, and whatever ends
an import leaves nothing that counts (docs/adr/0011-an-import-is-named-by-its-bytes.md).
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import itertools
import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import attrs

from coresnap.backends import crash_record
from coresnap.collect.archive import check_space
from coresnap.collect.assets import pack_assets
from coresnap.collect.importers.core_head import (
    HEAD_SIZE,
    CoreHead,
    far_table,
    read_head,
)
from coresnap.collect.importers.pieces import (
    BLOCK_SIZE,
    Gap,
    Piece,
    Stream,
    blocks_of,
)
from coresnap.collect.importers.story import Story
from coresnap.collect.sparse import SparseResult, SparseWriter
from coresnap.collect.spool import Part, Spool, TemporaryFile, storage_error
from coresnap.config import Config, Policy
from coresnap.crash import Crash
from coresnap.errors import CoreFormatError, InputError, NoSpaceError, StorageError

__all__ = ["CoreSource", "Taken", "take_core"]

_SECOND = 1_000_000_000
_ID_OF = b"coresnap import 1\0"
_ZEROS = bytes(BLOCK_SIZE)
_SPACE_EVERY = 64 << 20
_SURPLUS = 64 << 20
"""Bytes that may follow the last segment: gdb's gcore writes section headers there."""


@attrs.frozen
class CoreSource:
    """One core and what is told of it."""

    name: str
    """For messages."""
    path: Path
    """File that the bytes come from."""
    format: str
    time: int
    """UTC nanoseconds of the file's last change: where nothing better is known."""
    story: Story
    stream: Stream
    require_unchanged: Callable[[], None]
    """Raises InputError if the file was written to meanwhile."""
    way: str = "import"
    """``file`` for one that the kernel has just written for us."""


@attrs.frozen
class Taken:
    """What became of a core. Sizes are bytes."""

    id: str
    is_new: bool
    """False if the spool held the same bytes already."""
    size: int
    bytes_stored: int
    truncated: bool
    compression: str | None


def take_core(spool: Spool, source: CoreSource, config: Config) -> Taken:
    """Copy a core into the spool unless it is there.

    Raises CoreFormatError or InputError for bytes that are no core, or that changed,
    NoSpaceError at ``dump.quota``, ``limit.logical`` or ``limit.physical``,
    StorageError.
    """
    check_space(spool.directory, config.dump_quota)
    blocks, start = _with_start(blocks_of(source.stream.pieces))
    if not start and source.stream.damage:
        raise InputError(f"{source.name}: {source.stream.damage}")
    head = read_head(start, source.name)
    policy = config.policy_for(_crash(source, head).path or "")
    with spool.create(Part.CORE) as core, spool.create(Part.ASSETS) as assets:
        copy = _Copy(spool, source.name, SparseWriter(core.fd), head, policy, config)
        copy.run(blocks)
        result = copy.writer.finish()
        if result.error is not None:
            problem = OSError(result.error, os.strerror(result.error))
            raise storage_error(f"cannot store {source.name}", problem)
        source.require_unchanged()
        head = copy.head = _whole_head(head, start, source.name, core.fd)
        copy.require_bounds()
        taken = _taken(copy.name_of(result), source, head, result)
        if spool.archive(taken.id) is not None:
            return attrs.evolve(taken, is_new=False)
        crash = attrs.evolve(_crash(source, head), archive_id=taken.id)
        capture = _capture(source, head, taken, result)
        _write_assets(spool, assets, crash, source, capture)
        return _commit(spool, core, assets, taken)


def _whole_head(head: CoreHead, start: bytes, name: str, copy: int) -> CoreHead:
    """Read the head again where its program headers stand far behind the start."""
    place = far_table(start, name)
    if place is None:
        return head
    offset, size = place
    table = bytes(1)
    # EINVAL for a place that no file reaches.
    with contextlib.suppress(OSError):
        table = os.pread(copy, size, offset) or table
    return read_head(start, name, table)


def _with_start(blocks: Iterator[Piece]) -> tuple[Iterator[Piece], bytes]:
    """Return the blocks, and the bytes that they begin with."""
    taken: list[Piece] = []
    start = bytearray()
    for block in blocks:
        taken.append(block)
        if isinstance(block, Gap):
            start += bytes(min(block.size, HEAD_SIZE - len(start)))
        else:
            start += block
        if len(start) >= HEAD_SIZE:
            break
    return itertools.chain(taken, blocks), bytes(start)


@attrs.define
class _Copy:
    spool: Spool
    name: str
    writer: SparseWriter
    head: CoreHead
    policy: Policy
    config: Config
    _digest: Any = attrs.field(factory=hashlib.sha256)
    _checked: int = 0

    def run(self, blocks: Iterator[Piece]) -> None:
        for block in blocks:
            if isinstance(block, Gap):
                self.writer.skip(block.size)
            else:
                self._store(block)
            self.require_bounds()

    def _store(self, block: bytes) -> None:
        if block == _ZEROS[: len(block)]:
            self.writer.skip(len(block))
            return
        self._digest.update(self.writer.offset.to_bytes(8, "little"))
        self._digest.update(block)
        try:
            self.writer.append(block)
        except OSError as error:
            raise storage_error(f"cannot store {self.name}", error) from error

    def require_bounds(self) -> None:
        """Raise CoreFormatError or NoSpaceError if it has become too large."""
        size, stored = self.writer.offset, self.writer.bytes_stored
        expected = self.head.expected_size
        if expected is not None and size > expected + _SURPLUS:
            raise CoreFormatError(
                f"{self.name} goes on {size - expected} bytes behind its last segment"
            )
        for what, value, limit in (
            ("logical", size, self.policy.limit_logical),
            ("physical", stored, self.policy.limit_physical),
        ):
            if limit is not None and value > limit:
                raise NoSpaceError(
                    f"{self.name} is larger than limit.{what}, {limit} bytes",
                    remedy=f"Raise limit.{what} for it in coresnap.conf.",
                )
        if stored - self._checked >= _SPACE_EVERY:
            self._checked = stored
            check_space(self.spool.directory, self.config.dump_quota)

    def name_of(self, result: SparseResult) -> str:
        """Return the id of the archive of these bytes, whatever their holes."""
        self._digest.update(result.size.to_bytes(8, "little"))
        return hashlib.sha256(_ID_OF + self._digest.digest()).hexdigest()[:32]


def _crash(source: CoreSource, head: CoreHead) -> Crash:
    story = source.story
    path = story.path or head.path
    return Crash(
        pid=_first(story.pid, head.pid, 0),
        signal=_first(story.signal, head.signal, 0),
        time=_first(story.time, None, source.time),
        tid=_first(story.tid, head.tid, None),
        uid=_first(story.uid, head.uid, None),
        gid=_first(story.gid, head.gid, None),
        core_limit=story.core_limit,
        executable=path,
        path=path,
        command=story.command or head.command,
        hostname=story.hostname,
        kind=story.kind,
        suppressed=story.suppressed,
    )


def _first(told: int | None, read: int | None, default: Any) -> Any:  # noqa: ANN401
    if told is not None:
        return told
    return default if read is None else read


def _taken(
    archive_id: str, source: CoreSource, head: CoreHead, result: SparseResult
) -> Taken:
    is_short = head.expected_size is None or result.size < head.expected_size
    return Taken(
        id=archive_id,
        is_new=True,
        size=result.size,
        bytes_stored=result.bytes_stored,
        truncated=is_short or source.story.truncated or bool(source.stream.damage),
        compression=source.stream.compression,
    )


def _capture(
    source: CoreSource, head: CoreHead, taken: Taken, result: SparseResult
) -> bytes:
    """Return ``capture.json`` (``docs/formats.md``)."""
    record = {
        "version": 1,
        "way": source.way,
        "bytes_in": result.size,
        "bytes_stored": result.bytes_stored,
        "holes": result.holes,
        "size": result.size,
        "expected_size": head.expected_size,
        "truncated": taken.truncated,
        "cut": "source-ended" if taken.truncated else None,
        "source": {
            "format": source.format,
            "path": os.fsencode(source.path).decode("utf-8", "backslashreplace"),
            "compression": taken.compression,
            "damage": source.stream.damage,
        },
    }
    return json.dumps(record).encode()


def _write_assets(
    spool: Spool,
    file: TemporaryFile,
    crash: Crash,
    source: CoreSource,
    capture: bytes,
) -> None:
    assert crash.archive_id is not None
    members = {
        crash_record.NAME: crash_record.encode(crash),
        **source.story.context,
        "capture.json": capture,
    }
    view = memoryview(pack_assets(members, crash.time // _SECOND))
    try:
        while view:
            view = view[os.write(file.fd, view) :]
    except OSError as error:
        where = spool.path(Part.ASSETS, crash.archive_id)
        raise storage_error(f"cannot write {where}", error) from error


def _commit(
    spool: Spool, core: TemporaryFile, assets: TemporaryFile, taken: Taken
) -> Taken:
    """Name the assets, then the core: killed between, only a leftover stays."""
    for part, file in ((Part.ASSETS, assets), (Part.CORE, core)):
        _give_to_owner(spool.directory / part, file.fd)
    # An import that was killed between the two may have left assets of this id.
    spool.commit(Part.ASSETS, assets, taken.id, replace=True)
    try:
        spool.commit(Part.CORE, core, taken.id)
    except StorageError as error:
        if getattr(error.__cause__, "errno", None) != errno.EEXIST:
            raise
        # Another import of the same bytes was faster.
        return attrs.evolve(taken, is_new=False)
    return taken


def _give_to_owner(directory: Path, fd: int) -> None:
    """Let what root imports belong to whom the spool belongs to."""
    if os.geteuid() != 0:
        return
    try:
        owner = os.stat(directory)
        os.fchown(fd, owner.st_uid, owner.st_gid)
    except OSError as error:
        raise storage_error(
            f"cannot give a file to the owner of {directory}", error
        ) from error
