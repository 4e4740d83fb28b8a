"""One simulated host: a real spool, journal, outbox and sender, and recorded crashes.

What coresnapd has beside these, capture and the worker, is not there: the snapshots of
crashes are left in ``sending/`` as a worker leaves them.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

import attrs

from coresnap.backends.base import CaptureBackend
from coresnap.backends.fake import FakeBackend
from coresnap.collect.journal import Event, Journal, State
from coresnap.collect.spool import Part, Spool, make_id
from coresnap.config import Config, load_config
from coresnap.crash import Crash as Announced
from coresnap.daemon.outbox import Outbox
from coresnap.daemon.parcel import Parcel, Receipt
from coresnap.daemon.sender import Sender, start_sender
from coresnap.daemon.stages import Pipeline
from fleet.orders import Crash, Given, HostOrder, Left, Note, Said, Taken
from fleet.recordings import fingerprint_of, is_sure, recorded_crash

__all__ = ["Host", "open_host"]

Write = Callable[[Note], None]


@attrs.define
class _NotingSender(Sender):
    """The real one, with a note of each parcel and receipt."""

    host: str = ""
    write: Write = lambda note: None

    def give(self, parcel: Parcel, snapshot: int) -> None:
        self.write(Given(time.monotonic_ns(), self.host, parcel.id))
        super().give(parcel, snapshot)

    def take(self) -> Receipt | None:
        receipt = super().take()
        if receipt is not None:
            note = Taken(
                time.monotonic_ns(),
                self.host,
                receipt.id,
                receipt.outcome,
                receipt.reason,
                receipt.wait,
                str(receipt.facts.get("stored", "")),
            )
            self.write(note)
        return receipt


@attrs.frozen
class _Log:
    """Notes what an operator should see."""

    host: str
    write: Write

    def info(self, event: str, **facts: object) -> None:
        pass

    def warning(self, event: str, **facts: object) -> None:
        self.write(Said(time.monotonic_ns(), self.host, event))

    error = warning


@attrs.define
class Host:
    """A host, and its daemon while that runs."""

    order: HostOrder
    backend: CaptureBackend
    write: Write
    config: Config
    spool: Spool
    journal: Journal
    outbox: Outbox | None = None

    @property
    def name(self) -> str:
        return self.order.name

    def start(self) -> None:
        """Start the daemon's part that sends, from settings that are read now."""
        self.stop()
        self.config = load_config(self._settings)
        log = _Log(self.name, self.write)
        sender = start_sender(self.config, None, self.backend, log)
        if sender is None:
            raise RuntimeError(f"{self.name}: no sender")
        noting = _NotingSender(
            sender.pid,
            sender.store,
            sender.connection,
            host=self.name,
            write=self.write,
        )
        pipeline = Pipeline(
            self.config, self.spool, self.journal, FakeBackend(), _no_worker, log.info
        )
        pipeline.scan()
        self.outbox = Outbox(pipeline, noting, log)
        self.outbox.turn()

    def stop(self) -> None:
        """End the daemon."""
        if self.outbox is not None:
            self.outbox.sender.close()
        self.outbox = None

    def close(self) -> None:
        """End the daemon, and leave the directory alone."""
        self.stop()
        self.journal.close()
        self.spool.close()

    def crash(self, crash: Crash) -> None:
        """Leave the snapshot of a crash, as the worker and the pipeline do."""
        archive_id, kind = make_id(), crash.kind
        body = recorded_crash(
            kind,
            {
                "coresnap.object": archive_id,
                "hostname": self.name,
                "machine.id": self.order.machine_id,
                "timestamp": int(time.time()) + crash.offset,
                "version": f"1.{kind % 3}.0",
                **crash.attributes,
            },
            ballast=crash.ballast,
        )
        self.journal.record(archive_id, Event.ARRIVED)
        with self.spool.create(Part.SNAPSHOT) as file:
            _write_all(file.fd, body)
            self.spool.commit(Part.SNAPSHOT, file, archive_id)
        fingerprint, sure = fingerprint_of(kind), is_sure(kind)
        self.journal.record(
            archive_id,
            Event.FINISHED,
            fingerprint=fingerprint,
            sure=sure,
            project=crash.project,
        )
        left = Left(
            time.monotonic_ns(),
            self.name,
            archive_id,
            kind,
            fingerprint,
            crash.project,
            sure,
            len(body),
        )
        self.write(left)

    def want(self) -> None:
        """Ask for all that waits, as ``coresnap retry`` announces it."""
        assert self.outbox is not None
        for entry in self.journal.entries_in(State.READY):
            self.outbox.pipeline.take(
                Announced(pid=0, signal=0, time=0, archive_id=entry.id)
            )

    @property
    def waiting(self) -> int:
        """Snapshots that the store has not acknowledged."""
        return len(self.journal.entries_in(State.READY))

    @property
    def _settings(self) -> Path:
        return Path(self.order.directory) / "coresnap.conf"


def open_host(order: HostOrder, backend: CaptureBackend, write: Write) -> Host:
    """Open the host in a directory with its coresnap.conf; its daemon does not run."""
    config = load_config(Path(order.directory) / "coresnap.conf")
    for part in Part:
        (config.spool / part).mkdir(parents=True, exist_ok=True)
    config.journal.parent.mkdir(exist_ok=True)
    return Host(
        order, backend, write, config, Spool(config.spool), Journal(config.journal)
    )


def _write_all(descriptor: int, body: bytes) -> None:
    rest = memoryview(body)
    while rest:
        rest = rest[os.write(descriptor, rest) :]


def _no_worker(*arguments: object) -> dict[str, object]:
    raise AssertionError("nothing is analysed here")
