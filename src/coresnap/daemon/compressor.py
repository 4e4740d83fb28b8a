"""Compresses cores that stay after their analysis, while nothing else waits.

A child compresses into a file that has no name yet, puts it on the disk, and compares
it with the core; only then does it take the core's name, in one step. So whatever
kills whom, under that name stands the whole core, in one form or the other. The core is
locked meanwhile: policy does not remove it, and what somebody reads is left for later.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from typing import Any

import attrs

from coresnap.collect.archive import check_space
from coresnap.collect.journal import Entry, Event, State
from coresnap.collect.parts import own
from coresnap.collect.spool import Part, TemporaryFile, storage_error
from coresnap.collect.stored_core import is_compressed
from coresnap.crash import Archive
from coresnap.daemon.job import Job
from coresnap.daemon.stages import Pipeline
from coresnap.daemon.worker import Outcome, Verdict, Worker
from coresnap.errors import MissingError, NoSpaceError

__all__ = ["Compressor", "compress_job"]

LEAST_GAIN = 10
"""Percent of a core's disk space that have to be gained."""
SMALLEST = 64 << 10
"""Bytes on disk below which it is not worth a process."""

_LOOK_EVERY = 16 << 20
_SLOWEST = 4 << 20
"""Bytes per second of a disk and a machine that are still healthy."""
_SLACK = 4 << 20
"""Bytes that are written before somebody looks."""
_NICENESS = 19


@attrs.define
class _Work:
    """One core that is being compressed."""

    worker: Worker
    source: int
    output: TemporaryFile

    @property
    def id(self) -> str:
        return self.worker.job.id

    def close(self) -> None:
        self.output.close()
        os.close(self.source)


@attrs.define
class Compressor:
    """Compresses the cores of a pipeline's spool, one at a time."""

    pipeline: Pipeline
    _work: _Work | None = None
    _settled: set[str] = attrs.field(factory=set)
    """Archives that are not looked at again: compressed, or not worth it."""

    @property
    def is_busy(self) -> bool:
        """A core is being compressed: ``turn`` wants to be called soon."""
        return self._work is not None

    def turn(self, *, may_start: bool) -> None:
        """Take a result that is there, and begin the next core if that is wanted.

        Raises StorageError if the spool cannot be written.
        """
        if self._work is not None and self._has_ended(self._work.worker):
            self._finish(self._work)
        if self._work is None and may_start:
            self._start_next()

    def abandon(self) -> None:
        """End what runs: the plain core is still there."""
        work, self._work = self._work, None
        if work is not None:
            work.worker.kill("the daemon ends")
            work.worker.wait()
            work.close()

    def _has_ended(self, worker: Worker) -> bool:
        return worker.has_ended() or time.monotonic() >= worker.deadline

    # --- begin ------------------------------------------------------------------

    def _start_next(self) -> None:
        config = self.pipeline.config
        if config.compress != "zstd":
            return
        for archive, entry in self._candidates():
            try:
                check_space(self.pipeline.spool.directory, config.dump_quota)
                self._work = self._begin(archive, entry)
            except NoSpaceError:
                return  # policy makes room, and the next look comes
            except MissingError:
                continue
            if self._work is not None:
                return

    def _candidates(self) -> Iterator[tuple[Archive, Entry]]:
        entries = self.pipeline.journal.entries()
        for entry in entries.values():
            if entry.id in self._settled or not _stays(entry):
                continue
            archive = self.pipeline.spool.archive(entry.id)
            if archive is None or not archive.has_core:
                self._settled.add(entry.id)
            else:
                yield archive, entry

    def _begin(self, archive: Archive, entry: Entry) -> _Work | None:
        """Lock a core and start a child on it; None if it is not to be compressed."""
        pipeline = self.pipeline
        source = pipeline.spool.open(Part.CORE, archive.id)
        try:
            if not self._is_wanted(source, archive, entry) or not own(source):
                os.close(source)
                return None
            output = pipeline.spool.create(Part.CORE)
        except BaseException:
            os.close(source)
            raise
        try:
            if pipeline.owner is not None and os.geteuid() == 0:
                os.fchown(output.fd, *pipeline.owner)
            worker = self._start_worker(archive, output)
        except BaseException:
            output.close()
            os.close(source)
            raise
        return _Work(worker, source, output)

    def _is_wanted(self, source: int, archive: Archive, entry: Entry) -> bool:
        try:
            compressed = is_compressed(source)
        except OSError as error:
            where = self.pipeline.spool.path(Part.CORE, archive.id)
            raise storage_error(f"cannot read {where}", error) from error
        if compressed and entry.detail.get("core") != "zstd":
            # Killed between the name and the journal, or analysed again since.
            self._note(entry, recovered=True)
        if compressed or archive.core_disk_size < SMALLEST:
            self._settled.add(archive.id)
            return False
        return True

    def _start_worker(self, archive: Archive, output: TemporaryFile) -> Worker:
        pipeline = self.pipeline
        room = archive.core_disk_size
        seconds = room // _SLOWEST
        config = attrs.evolve(
            pipeline.config,
            worker_time=pipeline.config.worker_time + seconds,
            worker_cpu=pipeline.config.worker_cpu + seconds,
        )
        job = Job(
            id=archive.id,
            core=pipeline.spool.path(Part.CORE, archive.id),
            core_size=0,
            assets=None,
            sysroot=None,
            debug_directories=(),
            output_limit=room + _SLACK,
        )
        limit = room * (100 - LEAST_GAIN) // 100
        quota = config.dump_quota

        def analyse(job: Job, fd: int) -> dict[str, Any]:
            return compress_job(job, fd, limit, quota)

        worker = Worker(
            job, output.fd, config, pipeline.backend, analyse, pipeline.owner
        )
        os.setpriority(os.PRIO_PROCESS, worker.pid, _NICENESS)
        return worker

    # --- end --------------------------------------------------------------------

    def _finish(self, work: _Work) -> None:
        self._work = None
        try:
            outcome = work.worker.wait()
            if outcome.verdict == Verdict.NO_ROOM:
                self.pipeline.log(
                    f"the core of {work.id} stays plain for now: {outcome.reason}",
                    id=work.id,
                )
                return
            self._settled.add(work.id)
            if outcome.verdict != Verdict.DONE:
                self.pipeline.log(
                    f"the core of {work.id} stays plain: {outcome.reason}", id=work.id
                )
            elif outcome.facts.get("worth") and self._is_still_there(work):
                self._put_in_place(work, outcome)
        finally:
            work.close()

    def _is_still_there(self, work: _Work) -> bool:
        """Say whether the core is the one that was read, and nobody works on it."""
        pipeline = self.pipeline
        entry = pipeline.journal.entry(work.id)
        if entry is None or not _stays(entry):
            self._settled.discard(work.id)
            return False
        try:
            now = os.stat(
                pipeline.spool.path(Part.CORE, work.id), follow_symlinks=False
            )
        except OSError:
            return False
        return os.path.samestat(now, os.fstat(work.source))

    def _put_in_place(self, work: _Work, outcome: Outcome) -> None:
        pipeline = self.pipeline
        status = os.fstat(work.source)
        # The time of a crash without assets is that of its core.
        os.utime(work.output.fd, ns=(status.st_atime_ns, status.st_mtime_ns))
        pipeline.spool.commit(Part.CORE, work.output, work.id, replace=True)
        entry = pipeline.journal.entry(work.id)
        assert entry is not None
        self._note(entry, stored_size=outcome.facts["stored_size"])
        before, after = outcome.facts["data_size"], outcome.facts["stored_size"]
        pipeline.log(
            f"the core of {work.id} is compressed: {before} bytes on disk are {after}",
            id=work.id,
            seconds=round(outcome.seconds, 2),
        )

    def _note(self, entry: Entry, **more: object) -> None:
        # The facts stay what the last event says, for `status` and policy.
        detail = {**entry.detail, "core": "zstd", **more}
        self.pipeline.journal.record(entry.id, Event.COMPRESSED, **detail)


def _stays(entry: Entry) -> bool:
    """Whether nobody works on it, so that what is left of it is what stays."""
    return entry.state.is_analysed or entry.state is State.FAILED


# --- in the child -----------------------------------------------------------------


def compress_job(job: Job, output: int, limit: int, quota: int) -> dict[str, Any]:
    """Compress the job's core into ``output`` and compare the two.

    ``worth`` is false if that takes more than ``limit`` bytes. Raises NoSpaceError as
    soon as fewer than ``quota`` percent of the disk are free, InputError if the
    compressed core cannot be read back, StorageError.
    """
    from coresnap.collect.compression import compress_core, verify_compressed

    watch = _Watch(output, quota, limit)
    try:
        source = os.open(job.core, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
        try:
            result = compress_core(source, output, watch)
            if result.stored_size > limit:
                return {"worth": False}
            os.fsync(output)
            verify_compressed(source, output)
        finally:
            os.close(source)
    except _NotWorthItError:
        return {"worth": False}
    except OSError as error:
        raise storage_error(f"cannot compress {job.core}", error) from error
    return {
        "worth": True,
        "data_size": result.data_size,
        "stored_size": result.stored_size,
    }


class _NotWorthItError(Exception):
    """So much was written that little can be gained."""


@attrs.define
class _Watch:
    """Looks after the room that a file may take."""

    fd: int
    quota: int
    limit: int
    looked: int = 0

    def __call__(self, written: int) -> None:
        if written > self.limit:
            raise _NotWorthItError
        if written - self.looked < _LOOK_EVERY:
            return
        self.looked = written
        free = os.fstatvfs(self.fd)
        if free.f_bavail * 100 < free.f_blocks * self.quota:
            raise NoSpaceError(f"dump.quota keeps {self.quota} % of the disk free")
