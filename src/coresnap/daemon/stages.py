"""The stages of an archive, driven one small durable step at a time.

``pending`` → a worker makes the snapshot → ``sending``, where it waits for the object
store. Each step is written into the journal before it begins and after it is safe, so
that whatever kills us, the next start finds exactly the work that is left.
"""

from __future__ import annotations

import contextlib
import os
import time
from typing import TYPE_CHECKING, Any

import attrs

from coresnap.backends.base import CaptureBackend
from coresnap.collect.importers.dropped import take_dropped
from coresnap.collect.journal import Entry, Event, Journal, State
from coresnap.collect.spool import Part, Spool, TemporaryFile
from coresnap.config import Config
from coresnap.crash import Archive, Crash
from coresnap.daemon.clock import PatientClock
from coresnap.daemon.debug_keeper import DebugKeeper, take_debug_files
from coresnap.daemon.policy import decide_removals, may_remove_core
from coresnap.daemon.preparation import hand_over, prepare
from coresnap.daemon.removal import Removal, Remover, size_limit
from coresnap.daemon.worker import Analyse, Outcome, Verdict, Worker
from coresnap.errors import (
    CoresnapError,
    InputError,
    MissingError,
    NoSpaceError,
    StorageError,
    UsageError,
)
from coresnap.model.message_id import MessageId

if TYPE_CHECKING:
    from coresnap.daemon.job import Job
    from coresnap.daemon.log import Log

__all__ = ["Pipeline", "check_retriable"]

_LEFTOVER_AGE = 24 * 3600
"""Seconds after which an unfinished file belongs to nobody."""
_TOLD = (
    "checks",
    "core_size",
    "fingerprint",
    "parked",
    "project",
    "quality",
    "rung",
    "signal",
    "size",
    "sure",
    "truncated",
)
"""What the log is told of what a worker says, who may be in an attacker's hands."""
_HISTORY_AGE = 90 * 24 * 3600 * 1_000_000_000
"""Nanoseconds that the journal remembers what is gone."""


@attrs.define
class Pipeline:
    """Moves the archives of one spool through their stages, one at a time."""

    config: Config
    spool: Spool
    journal: Journal
    backend: CaptureBackend
    analyse: Analyse
    log: Log
    owner: tuple[int, int] | None = None
    """Whom workers become if this runs as root."""
    clock: PatientClock = attrs.field(factory=PatientClock)
    worker: Worker | None = None
    is_sending: bool = False
    """There is a store that snapshots are sent to."""
    _wanted_at_once: set[str] = attrs.field(factory=set)
    _keeper: DebugKeeper = attrs.field(factory=DebugKeeper)
    _output: TemporaryFile | None = None
    _queue: list[Entry] = attrs.field(factory=list)

    # --- what there is to do --------------------------------------------------

    def scan(self) -> None:
        """Compare spool and journal; finish what a crash of ours cut short."""
        if self.worker is not None:
            return
        archives = self.spool.archives()
        known = self.journal.entries()
        self._queue = self.journal.replay(archives)
        for archive in archives:
            entry = known.get(archive.id)
            if entry is None and archive.is_waiting:
                self._welcome(archive)
            elif archive.has_core and entry is not None and _is_of_record(entry):
                # Only where locks do not work: the handler was thought to be dead.
                self.retry(archive.id)

    def _welcome(self, archive: Archive) -> None:
        path = self.spool.path(_source(archive), archive.id)
        what = "Record of a crash without a core" if archive.is_record else "Crash dump"
        self.log(
            f"{what} archived in {path}",
            message_id=MessageId.CRASH_ARCHIVED,
            id=archive.id,
            **_of_process(archive),
        )

    def take(self, crash: Crash) -> None:
        """Act on what the OS announced."""
        if crash.archive_id is not None:
            self._wake(crash.archive_id)
        elif crash.core_path is not None:
            self._take_file(crash)
        else:
            self._note_missing(crash)

    def _take_file(self, crash: Crash) -> None:
        """Take a core that the kernel wrote; it stays until its archive is safe."""
        try:
            fd = self.backend.open_core(crash)
        except MissingError:
            return
        try:
            arrived = take_dropped(self.spool, crash, fd, self.config)
        except InputError as error:
            self.log(f"{crash.core_path} is left where it is: {error}", pid=crash.pid)
            return
        finally:
            os.close(fd)
        if arrived is None:
            return
        self.backend.remove_core(crash)
        if arrived.id is None and arrived.tell:
            self._note_missing(arrived.crash)

    def _note_missing(self, crash: Crash) -> None:
        self.log(
            _without_archive(crash),
            message_id=MessageId.CRASH_NOT_ARCHIVED,
            pid=crash.pid,
            signal=crash.signal,
            kind=crash.kind,
        )

    def _wake(self, archive_id: str) -> None:
        # A hint about an archive that was given up is somebody's wish to try again,
        # one about a snapshot the wish to have it sent.
        entry = self.journal.entry(archive_id)
        if entry is not None and entry.state is State.FAILED:
            self.retry(archive_id)
        elif entry is not None and entry.state.is_analysed:
            archive = self.spool.archive(archive_id)
            if archive is not None and archive.has_snapshot:
                self.journal.record(archive_id, Event.SEND_ASKED, **entry.detail)
                self._wanted_at_once.add(archive_id)

    def take_wishes_to_send(self) -> frozenset[str]:
        """Return the ids of snapshots that somebody wants sent at once, and forget."""
        wishes = frozenset(self._wanted_at_once)
        self._wanted_at_once.clear()
        return wishes

    def retry(self, archive_id: str) -> None:
        """Let an archive be analysed again.

        Raises MissingError if it is not there and UsageError if its core is gone.
        """
        archive = self.spool.archive(archive_id)
        if archive is None:
            raise MissingError(f"no crash {archive_id} in the spool")
        check_retriable(archive)
        if self.worker is not None and self.worker.job.id == archive_id:
            return
        if self.journal.entry(archive_id) is None:
            self.journal.record(archive_id, Event.ARRIVED)
        # A snapshot that stays would make the archive finished (Journal.replay).
        self.spool.remove(Part.SNAPSHOT, archive_id)
        self.journal.record(archive_id, Event.RETRIED, reason="asked for")
        self.log(f"crash {archive_id} is tried again", id=archive_id)

    @property
    def waiting(self) -> int:
        """How many archives are known to wait for a worker."""
        return len(self._queue)

    # --- one archive ----------------------------------------------------------

    def start_next(self) -> Worker | None:
        """Start a worker on what has waited longest; None if nothing waits."""
        while self.worker is None and self._queue:
            entry = self._queue.pop(0)
            archive = self.spool.archive(entry.id)
            if archive is not None and archive.is_waiting:
                self._start(archive)
        return self.worker

    def _start(self, archive: Archive) -> None:
        with contextlib.ExitStack() as files:
            job = prepare(archive, self.spool, self.config, self.owner, files)
            self._start_worker(archive, job)

    def _start_worker(self, archive: Archive, job: Job) -> None:
        self._output = self.spool.create(Part.SNAPSHOT)
        try:
            hand_over(self._output.fd, self.owner)
            self.journal.record(archive.id, Event.STARTED)
            self.worker = Worker(
                job,
                self._output.fd,
                self.config,
                self.backend,
                self.analyse,
                self.owner,
            )
        except CoresnapError:
            self._drop_output()
            raise
        source = self.spool.path(_source(archive), archive.id)
        self.log(f"Executing worker {self.worker.pid}: {source}", id=archive.id)

    def finish(self) -> Outcome:
        """Take the result of the worker that has ended, or wait for it."""
        assert self.worker is not None
        assert self._output is not None
        worker = self.worker
        outcome = worker.wait()
        self.worker = None
        debug_files = take_debug_files(outcome.facts)
        try:
            if outcome.verdict == Verdict.DONE:
                outcome = self._name_snapshot(worker.job.id, outcome)
            if outcome.verdict == Verdict.DONE:
                self._note_success(worker.job.id, outcome)
                self._keeper.keep(self.config, self.owner, debug_files)
            else:
                # First its room: the journal may need it to say that there is none.
                self._drop_output()
                self._note_failure(worker.job.id, outcome)
        finally:
            self._drop_output()
        return outcome

    def _drop_output(self) -> None:
        if self._output is not None:
            self._output.close()
        self._output = None

    def _name_snapshot(self, archive_id: str, outcome: Outcome) -> Outcome:
        """Give the snapshot its place; the outcome changes if that is not possible."""
        assert self._output is not None
        try:
            # The facts first: whoever finds the snapshot knows what to think of its
            # core.
            self.journal.record(archive_id, Event.MADE, **_facts(outcome))
            self.spool.commit(Part.SNAPSHOT, self._output, archive_id)
        except NoSpaceError as error:
            # It may have taken the last block itself.
            return attrs.evolve(outcome, verdict=Verdict.NO_ROOM, reason=str(error))
        except StorageError as error:
            # Something stands under its name: no reason to let the others wait.
            return attrs.evolve(outcome, verdict=Verdict.BROKE, reason=str(error))
        return outcome

    def _note_success(self, archive_id: str, outcome: Outcome) -> None:
        entry = self.journal.record(archive_id, Event.FINISHED, **_facts(outcome))
        done = "analysed" if self.is_sending else "processed"
        archive = self.spool.archive(archive_id)
        self.log(
            f"crash {archive_id} {done} in {outcome.seconds:.2f} seconds",
            **{name: outcome.facts.get(name) for name in _TOLD},
            **_of_process(archive),
            message_id=MessageId.CRASH_ANALYSED,
            id=archive_id,
        )
        if archive is not None and may_remove_core(archive, entry, self.config):
            reason = "its snapshot is safe"
            self._apply(Removal(archive_id, (Part.CORE,), reason), entry)

    def _note_failure(self, archive_id: str, outcome: Outcome) -> None:
        entry = self.journal.entry(archive_id)
        assert entry is not None
        detail = {
            "reason": outcome.reason,
            "verdict": outcome.verdict,
            "confinement": list(outcome.confinement),
        }
        if outcome.verdict == Verdict.NO_ROOM:
            self.journal.record(archive_id, Event.POSTPONED, **detail)
            said = f"crash {archive_id} waits for room: {outcome.reason}"
            kind = MessageId.ANALYSIS_WAITS_FOR_ROOM
        elif (
            outcome.verdict == Verdict.HOPELESS
            or entry.attempts + 1 >= self.config.worker_attempts
        ):
            self.journal.record(archive_id, Event.GAVE_UP, **detail)
            said = f"crash {archive_id} is given up: {outcome.reason}"
            kind = MessageId.ANALYSIS_GIVEN_UP
        else:
            self._queue.append(self.journal.record(archive_id, Event.BROKE, **detail))
            said = f"crash {archive_id} will be tried again: {outcome.reason}"
            kind = MessageId.ANALYSIS_BROKE
        self.log(said, message_id=kind, id=archive_id, reason=outcome.reason)

    def abandon(self) -> None:
        """End a running worker because we end; it will be started again."""
        if self.worker is None:
            return
        worker = self.worker
        worker.kill("the daemon ends")
        worker.wait()
        self.worker = None
        self._drop_output()
        self.journal.record(worker.job.id, Event.INTERRUPTED)

    def process(self, archive_id: str) -> Outcome | None:
        """Do all work on one archive here and now; None if there is none to do."""
        outcome = None
        self.scan()
        while any(entry.id == archive_id for entry in self._queue):
            self._queue = [entry for entry in self._queue if entry.id == archive_id]
            if self.start_next() is None:
                break
            outcome = self.finish()
        return outcome

    # --- policy ---------------------------------------------------------------

    def purge(self) -> None:
        """Remove what policy lets go, and what nobody will finish.

        What somebody reads stays until the next time.
        """
        entries = self.journal.entries()
        now = self.clock.now()
        limit = size_limit(self.config.purge_size, self.config.spool)
        for removal in decide_removals(
            self.spool.archives(),
            entries,
            self.config,
            now,
            limit,
            is_sending=self.is_sending,
        ):
            if self.worker is None or removal.id != self.worker.job.id:
                self._apply(removal, entries.get(removal.id))
        for part, name in self.spool.leftovers(time.time() - _LEFTOVER_AGE):
            self.spool.remove(part, name)
        self.journal.forget(now - _HISTORY_AGE)

    def _apply(self, removal: Removal, entry: Entry | None) -> None:
        Remover(self.spool, self.journal, self.log).apply(removal, entry)


def _facts(outcome: Outcome) -> dict[str, Any]:
    return {
        **outcome.facts,
        "seconds": round(outcome.seconds, 3),
        "confinement": list(outcome.confinement),
    }


def _of_process(archive: Archive | None) -> dict[str, str]:
    """What the log is told of whose crash it is."""
    if archive is None:
        return {}
    return {"application": archive.application, "executable": archive.executable}


def _without_archive(crash: Crash) -> str:
    if crash.kind is None:
        return f"crash of process {crash.pid} was not archived"
    # The handler says so at most once a second.
    return (
        f"crash of process {crash.pid}, signal {crash.signal}, is one of too many and "
        f"only counted (kind {crash.kind})"
    )


def _source(archive: Archive) -> Part:
    """What a worker makes the snapshot from."""
    return Part.CORE if archive.has_core else Part.ASSETS


def _is_of_record(entry: Entry) -> bool:
    return entry.state.is_analysed and entry.detail.get("rung") == "record"


def check_retriable(archive: Archive) -> None:
    """Raise UsageError if an archive cannot be analysed again, or not yet."""
    if archive.dumping:
        raise UsageError(
            f"{archive.stage}/{archive.id} is just being dumped",
            remedy="It is analysed as soon as the handler is done.",
        )
    if archive.has_snapshot and not archive.has_core:
        raise UsageError(
            f"{archive.stage}/{archive.id} has its snapshot and no core any more",
            remedy="There is nothing to do again: `coresnap show` reads the snapshot.",
        )
