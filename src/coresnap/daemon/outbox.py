"""What is sent next, and when: the stage behind ``sending/``.

What the journal calls READY was not acknowledged by the store. It is sent until that
happens, however long the store is away and however often the daemon ends: an object id
makes one fault of any number of tries. Nothing here grows with the time that the store
is away: not memory, not the journal, not the log.
"""

from __future__ import annotations

import contextlib
import os
import random
import time
from collections.abc import Callable, Iterable

import attrs

from coresnap.collect.journal import Entry, Event, State
from coresnap.collect.sending_state import (
    SendingState,
    SetAside,
    write_sending_state,
)
from coresnap.collect.spool import Part
from coresnap.crash import Archive
from coresnap.daemon.log import Logger
from coresnap.daemon.parcel import DEFAULT_PROJECT, Outcome, Parcel, Receipt
from coresnap.daemon.sender import Sender
from coresnap.daemon.sending_warden import pause_after
from coresnap.daemon.stages import Pipeline
from coresnap.errors import CoresnapError, MissingError
from coresnap.model.message_id import MessageId

__all__ = ["Outbox"]

_PATIENCE = 3600 * 10**9
"""Nanoseconds after which a snapshot goes before others that count for more."""
_LONGEST_WISH = 3600
"""Seconds that the store may ask us to wait."""
_DEATHS = 3
"""Processes that may die over one snapshot; then it waits for somebody's wish."""


@attrs.define
class Outbox:
    """Sends the snapshots of one pipeline, one at a time, through ``sender``."""

    pipeline: Pipeline
    sender: Sender
    log: Logger
    clock: Callable[[], float] = time.monotonic
    next_try: float = 0
    """On the monotonic clock."""
    _failures: int = 0
    """Tries in a row that found the store away."""
    _is_denied: bool = False
    _sent: set[str] = attrs.field(factory=set)
    """Fingerprints that the store has seen from here since we started."""
    _deaths: dict[str, int] = attrs.field(factory=dict)
    """Processes that died over a snapshot, by its id."""
    _aside: dict[str, SetAside] = attrs.field(factory=dict)
    """What is not tried any more, by its id."""
    _told: SendingState | None = None

    def turn(self) -> None:
        """Take the receipt that is there, and give away what comes next."""
        sender = self.sender
        if self._told is None:
            self._tell("")
        if not sender.is_alive or self._is_denied:
            return
        if wishes := self.pipeline.take_wishes_to_send():
            self.next_try = 0
            self._forgive(wishes)
        if self._deaths:
            ready = {e.id for e in self.pipeline.journal.entries_in(State.READY)}
            self._forgive(self._deaths.keys() - ready)
        if sender.busy_with is None and self.clock() >= self.next_try:
            self._give_next()

    def take(self) -> None:
        """Act on what the sender says; call it when it is readable."""
        archive_id = self.sender.busy_with
        receipt = self.sender.take()
        if receipt is None:
            self.log.error(
                "the sender ended: nothing is sent until coresnapd is restarted",
                id=archive_id,
            )
            self._tell("the sender ended; it is started with coresnapd")
            return
        if receipt.outcome == Outcome.DIED:
            self._note_death(receipt)
        elif receipt.outcome == Outcome.SENT:
            self._note_sent(receipt)
        elif receipt.outcome == Outcome.REFUSED:
            self._note_refused(receipt)
        elif receipt.outcome == Outcome.DENIED:
            self._note_denied(receipt)
        else:
            self._note_away(receipt)

    @property
    def timeout(self) -> float | None:
        """Seconds until something may be sent; None if a receipt is waited for."""
        if not self.sender.is_alive or self._is_denied or self.sender.busy_with:
            return None
        return max(0.0, self.next_try - self.clock()) if self._waiting() else None

    # --- what comes next ------------------------------------------------------------

    def _give_next(self) -> None:
        for entry in sorted(self._waiting(), key=self._rank):
            archive = self.pipeline.spool.archive(entry.id)
            if archive is not None and archive.has_snapshot:
                with contextlib.suppress(MissingError):
                    self._give(archive, entry)
                    return

    def _waiting(self) -> list[Entry]:
        ready = self.pipeline.journal.entries_in(State.READY)
        return [entry for entry in ready if entry.id not in self._aside]

    def _rank(self, entry: Entry) -> tuple[int, bool, bool, bool, int]:
        """Sorts what nobody died of first, then what waited too long, then new kinds,
        then sure verdicts, then the newest."""
        deaths = self._deaths.get(entry.id, 0)
        waits_long = time.time_ns() - entry.arrived > _PATIENCE
        is_new = entry.detail.get("fingerprint") not in self._sent
        is_sure = entry.detail.get("sure") is True
        order = entry.arrived if waits_long else -entry.arrived
        return deaths, not waits_long, not is_new, not is_sure, order

    def _give(self, archive: Archive, entry: Entry) -> None:
        pipeline = self.pipeline
        snapshot = pipeline.spool.open(Part.SNAPSHOT, archive.id)
        try:
            config = pipeline.config
            policy = config.policy_for(archive.executable)
            project = str(entry.detail.get("project") or DEFAULT_PROJECT)
            history = pipeline.journal.history(archive.id)
            again = any(record.event is Event.SENT for record in history)
            expressions = tuple((e.name, e.pattern) for e in config.scrub_expressions)
            self.sender.give(
                Parcel(
                    archive.id,
                    project,
                    policy.scrub,
                    expressions,
                    config.send_bandwidth,
                    again,
                ),
                snapshot,
            )
        finally:
            os.close(snapshot)
        if not self._failures:
            where = f"{self.sender.store}, project {project}"
            path = pipeline.spool.path(Part.SNAPSHOT, archive.id)
            self.log.info(f"Sending {path} to {where}", id=archive.id)

    # --- what became of it ------------------------------------------------------------

    def _note_sent(self, receipt: Receipt) -> None:
        self._forgive({receipt.id})
        self._come_back()
        entry = self.pipeline.journal.entry(receipt.id)
        if entry is None or entry.state is not State.READY:
            return  # it was removed, or analysed again, meanwhile
        detail = {**entry.detail, **receipt.facts}
        self.pipeline.journal.record(receipt.id, Event.SENT, **detail)
        self._sent.add(str(entry.detail.get("fingerprint")))
        seconds = (time.time_ns() - entry.arrived) / 1e9
        self.log.info(
            f"crash {receipt.id} processed in {seconds:.2f} seconds",
            **receipt.facts,
            message_id=MessageId.SNAPSHOT_SENT,
            id=receipt.id,
            fingerprint=entry.detail.get("fingerprint"),
        )

    def _note_refused(self, receipt: Receipt) -> None:
        self._forgive({receipt.id})
        self._come_back()
        entry = self.pipeline.journal.entry(receipt.id)
        if entry is not None and entry.state is State.READY:
            detail = {**entry.detail, "reason": receipt.reason}
            self.pipeline.journal.record(receipt.id, Event.REFUSED, **detail)
        self.log.warning(
            f"the store refuses crash {receipt.id}: {receipt.reason}",
            message_id=MessageId.SNAPSHOT_REFUSED,
            id=receipt.id,
            remedy=f"`coresnap retry sending/{receipt.id[:12]}` sends it again.",
        )

    def _note_denied(self, receipt: Receipt) -> None:
        self._is_denied = True
        self.log.error(
            f"the store at {self.sender.store} lets us send nothing: {receipt.reason}",
            message_id=MessageId.STORE_DENIES,
            remedy="Correct coroner.cf, then restart coresnapd.",
        )
        self._tell(receipt.reason)

    def _note_away(self, receipt: Receipt) -> None:
        if not self._failures:
            self.log.warning(
                f"the store at {self.sender.store} is away: {receipt.reason}; "
                "snapshots wait",
                message_id=MessageId.STORE_AWAY,
            )
        self._failures += 1
        # Hosts that were refused together were told the same: chance comes on top.
        wish = min(receipt.wait, _LONGEST_WISH)
        self.next_try = self.clock() + wish + self._pause()
        self._tell(receipt.reason)

    def _note_death(self, receipt: Receipt) -> None:
        deaths = self._deaths.get(receipt.id, 0) + 1
        self.next_try = self.clock() + max(receipt.wait, pause_after(deaths))
        if not receipt.id:
            self.log.warning(f"{receipt.reason}: it is started again")
            return
        self._deaths[receipt.id] = deaths
        if deaths < _DEATHS:
            self.log.warning(
                f"{receipt.reason} over crash {receipt.id}: it is tried again",
                id=receipt.id,
            )
            self._tell(receipt.reason)
        else:
            self._set_aside(receipt.id, f"{receipt.reason} over it {deaths} times")

    def _set_aside(self, archive_id: str, reason: str) -> None:
        self._aside[archive_id] = SetAside(archive_id, reason)
        self.log.error(
            f"crash {archive_id} is set aside and not sent: {reason}",
            message_id=MessageId.SNAPSHOT_SET_ASIDE,
            id=archive_id,
            remedy=f"`coresnap retry sending/{archive_id[:12]}`, or a restart of "
            "coresnapd, sends it again.",
        )
        self._tell("")

    def _forgive(self, ids: Iterable[str]) -> None:
        """Count from the beginning: it is wanted, was sent, or is another one now."""
        for archive_id in list(ids):
            self._deaths.pop(archive_id, None)
            if self._aside.pop(archive_id, None) is not None:
                self._tell(self._told.trouble if self._told is not None else "")

    def _pause(self) -> float:
        """Full jitter: a fleet must not come back all at once."""
        config = self.pipeline.config
        doublings = min(self._failures - 1, 30)
        most = min(config.send_retry_first * 2**doublings, config.send_retry_most)
        return random.uniform(0.1, max(most, 0.2))

    def _come_back(self) -> None:
        if self._failures:
            waiting = len(self._waiting())
            self.log.info(
                f"the store is back; {waiting} snapshots wait for it",
                message_id=MessageId.STORE_BACK,
                waiting=waiting,
            )
        self._failures = 0
        self.next_try = 0
        self._tell("")

    def _tell(self, trouble: str) -> None:
        """Leave a note for ``coresnap status``, when something changed."""
        wait = max(0.0, self.next_try - self.clock())
        state = SendingState(
            self.sender.store,
            trouble,
            0 if not trouble else int(time.time() + wait),
            tuple(self._aside.values()),
        )
        if trouble or state != self._told:
            with contextlib.suppress(CoresnapError):
                write_sending_state(self.pipeline.config.sending_state, state)
        self._told = state
