"""Accepting a snapshot: first its body is durable, then everything else at once."""

from __future__ import annotations

import io
import secrets
import time

import attrs
import msgspec
from sqlalchemy import Connection

from coresnap.errors import ConflictError, StorageError
from coresnap.store.accepting.arrival import Arrival
from coresnap.store.accepting.queue import add_fault
from coresnap.store.accepting.rows import (
    FaultRow,
    find_fault,
    next_sequence,
    write_fault,
)
from coresnap.store.api.faults import Accepted, Question
from coresnap.store.attributes import discovery
from coresnap.store.fault import Fault, Value
from coresnap.store.groups import noting
from coresnap.store.objects.keys import body_key
from coresnap.store.project import Project
from coresnap.store.sampling import deciding
from coresnap.store.sampling.rules import find_rule
from coresnap.store.server.call import Staged
from coresnap.store.state.tables.faults import Body
from coresnap.store.store import Store
from coresnap.store.symbols.needs import note_missing

__all__ = ["MOST_SECONDS", "accept"]

MOST_SECONDS = 1800
"""From the first byte of a body to the commit; the sweeper waits for longer."""
_UNASKED = 64 * 1024
"""Bytes up to which a body is written first."""


@attrs.frozen
class _Upload:
    """A snapshot on its way, whose body is at a place of its own."""

    project: Project
    arrival: Arrival
    staged: Staged
    id: str = attrs.field(factory=lambda: secrets.token_hex(8))
    """16 hex digits, never the same again: what nothing refers to a while after it
    was written nothing will ever refer to, and what replaces leaves alone."""
    begun: float = attrs.field(factory=time.monotonic)

    @property
    def key(self) -> str:
        return body_key(self.project.id, self.arrival.object, self.id)

    @property
    def size(self) -> int:
        body = self.arrival.body  # other bytes than were sent, if it was scrubbed
        return self.staged.size if body is None else len(body)


@attrs.frozen
class _Outcome:
    """What the transaction did."""

    accepted: Accepted
    superseded: tuple[str, ...] = ()
    """Keys of bodies that nothing refers to any more."""


class _BodyIsWantedError(Exception):
    """Sampling decided otherwise than it seemed, and the body is not stored."""


def accept(
    store: Store,
    project: Project,
    arrival: Arrival,
    staged: Staged,
    *,
    replace: bool = False,
) -> Accepted:
    """Make a checked snapshot a fault of ``project``; it is durable on return.

    The same object with the same bytes again changes nothing, whenever that is, and
    says so. ``replace`` lets other bytes take the place of the first.
    Raises ConflictError for other bytes without it, StorageError (NoSpaceError) if a
    place fails; then nothing was accepted, and doing it again is safe.
    """
    upload = _Upload(project, arrival, staged)
    has_body = _place_body(store, upload, replace=replace)
    if isinstance(has_body, Accepted):
        return has_body
    try:
        outcome = _commit(store, upload, replace=replace, has_body=has_body)
    except _BodyIsWantedError:
        _put(store, upload)
        outcome = _commit(store, upload, replace=replace, has_body=True)
    for key in outcome.superseded:
        store.objects.remove(key)
    return outcome.accepted


def _place_body(store: Store, upload: _Upload, *, replace: bool) -> Accepted | bool:
    """Make the body durable, unless it seems unwanted; or answer for what is there.

    Writing a small body, and removing it where nobody wants it, takes less time than
    to ask first. But what is there already, or is not kept, needs no place: so if there
    is none, it is asked for all the same.
    """
    failure: StorageError | None = None
    if upload.size <= _UNASKED:
        try:
            _put(store, upload)
        except StorageError as error:
            failure = error
        else:
            return True
    arrival, project = upload.arrival, upload.project
    found = store.state.look(lambda c: _look(c, project, arrival, replace=replace))
    if found is not True:
        return found
    if failure is not None:
        raise failure
    _put(store, upload)
    return True


def _look(
    connection: Connection, project: Project, arrival: Arrival, *, replace: bool
) -> Accepted | bool:
    """Answer for what is there already; else say whether a body seems wanted."""
    known = find_fault(connection, project, arrival.object)
    if known is not None and known.digest == arrival.digest:
        return _duplicate(connection, project, arrival, known)
    if known is not None and not replace:
        raise _conflict(arrival)
    return _is_wanted(connection, project, arrival)


def _is_wanted(connection: Connection, project: Project, arrival: Arrival) -> bool:
    """Guess what sampling will decide: a storm's bodies need not be written first."""
    if find_rule(connection, project) is None:
        return True
    question = Question(
        arrival.object, arrival.fingerprint, arrival.size, arrival.attributes
    )
    return deciding.answer(connection, project, question).wanted != deciding.SUMMARY


def _commit(
    store: Store, upload: _Upload, *, replace: bool, has_body: bool
) -> _Outcome:
    try:
        return store.state.share(
            lambda c: _accept(c, upload, replace=replace, has_body=has_body)
        )
    except ConflictError:
        store.objects.remove(upload.key)
        raise


def _put(store: Store, upload: _Upload) -> None:
    body = upload.arrival.body
    body = upload.staged.data if body is None else body
    file = upload.staged.file if body is None else io.BytesIO(body)
    file.seek(0)
    if not store.objects.put(upload.key, file, upload.size):
        # Nobody else has this key: an attempt of ours whose answer was lost, and of
        # which nobody knows how much came.
        file.seek(0)
        store.objects.replace(upload.key, file, upload.size)


def _accept(
    connection: Connection, upload: _Upload, *, replace: bool, has_body: bool
) -> _Outcome:
    """Do all that belongs to one arrival, in a transaction."""
    project, arrival = upload.project, upload.arrival
    sequence = next_sequence(connection)
    known = find_fault(connection, project, arrival.object)
    if known is not None:
        if known.digest == arrival.digest:
            return _known_already(connection, upload, known)
        if not replace:
            raise _conflict(arrival)
        sequence = known.sequence
    if time.monotonic() - upload.begun > MOST_SECONDS:
        raise StorageError(
            f"object {arrival.object} took too long to be stored",
            remedy="Send it again: its body may be swept away by now.",
        )
    stored = deciding.decide(connection, project, arrival).kept
    if stored == deciding.ALL and not has_body:
        raise _BodyIsWantedError
    fault = _fault(connection, upload, sequence, received=int(time.time()))
    row = _row(upload, fault, stored)
    write_fault(connection, project, row, is_new=known is None)
    note_missing(connection, project, arrival, fault.received)
    replaced = None if known is None else known.fingerprint
    noted = noting.note(connection, project, fault, arrival, replaced)
    add_fault(connection, project.id, fault)
    gone = {row.key} if known is None else {row.key, known.key}
    if row.has_body:
        gone.remove(row.key)
    answer = Accepted(
        object=fault.object,
        fingerprint=fault.fingerprint,
        group=noted.group,
        is_new_group=noted.is_new,
        is_regression=noted.is_regression,
        stored=stored,
    )
    return _Outcome(answer, superseded=tuple(gone))


def _known_already(
    connection: Connection, upload: _Upload, known: FaultRow
) -> _Outcome:
    """Answer for what another thread, or our own lost attempt, accepted meanwhile."""
    answer = _duplicate(connection, upload.project, upload.arrival, known)
    is_ours = known.upload == upload.id
    answer = msgspec.structs.replace(answer, is_duplicate=not is_ours)
    return _Outcome(answer, superseded=() if is_ours else (upload.key,))


def _fault(
    connection: Connection, upload: _Upload, sequence: int, received: int
) -> Fault:
    arrival = upload.arrival
    attributes = discovery.note(connection, upload.project, arrival)
    ours: dict[str, Value] = {
        "object": arrival.object,
        "object.size": arrival.size,
        "fingerprint": arrival.fingerprint,
        "timestamp": arrival.time,
        "timestamp.received": received,
    }
    return Fault(
        object=arrival.object,
        sequence=sequence,
        time=arrival.time,
        received=received,
        fingerprint=arrival.fingerprint,
        attributes={**attributes, **ours},
        digest=arrival.digest,
        upload=upload.id,
    )


def _row(upload: _Upload, fault: Fault, stored: str) -> FaultRow:
    return FaultRow(
        project=upload.project.id,
        object=fault.object,
        sequence=fault.sequence,
        fingerprint=fault.fingerprint,
        digest=upload.arrival.digest,
        upload=upload.id,
        size=0 if stored == deciding.SUMMARY else upload.size,
        body=Body.SUMMARY if stored == deciding.SUMMARY else Body.KEPT,
        time=fault.time,
        received=fault.received,
    )


def _duplicate(
    connection: Connection, project: Project, arrival: Arrival, known: FaultRow
) -> Accepted:
    return Accepted(
        object=arrival.object,
        fingerprint=known.fingerprint,
        group=noting.group_of(connection, project, known.fingerprint),
        is_duplicate=True,
        stored=deciding.SUMMARY if known.body is Body.SUMMARY else "all",
    )


def _conflict(arrival: Arrival) -> ConflictError:
    return ConflictError(
        f"object {arrival.object} is there already, with other bytes",
        remedy="Send it with `coroner put --replace` if these are the right ones.",
    )
