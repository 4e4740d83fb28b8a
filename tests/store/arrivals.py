"""Arrivals for tests, with bodies that are no snapshots: nobody reads them here."""

from __future__ import annotations

import hashlib
import io

import attrs

from coresnap.store.accepting.arrival import Arrival
from coresnap.store.fault import Value
from coresnap.store.server.call import Staged

__all__ = ["Sent", "make_sent"]


@attrs.frozen
class Sent:
    """What was sent, as accept() takes it."""

    arrival: Arrival
    body: bytes

    @property
    def staged(self) -> Staged:
        """The body once more, at its start."""
        return Staged(io.BytesIO(self.body), len(self.body), self.arrival.digest)


def make_sent(
    number: int,
    *,
    body: bytes | None = None,
    kind: int = 0,
    time: int = 1_700_000_000,
    **attributes: Value,
) -> Sent:
    """Make the ``number``th crash of the ``kind``th bug."""
    body = b"snapshot %d" % number if body is None else body
    known: dict[str, Value] = {
        "application": "simple",
        "callstack": f"fail{kind}\nmain",
        "hostname": f"host{number % 7}",
    }
    return Sent(
        Arrival(
            object=hashlib.sha256(b"object %d" % number).hexdigest()[:32],
            digest=hashlib.sha256(body).hexdigest(),
            size=len(body),
            time=time,
            fingerprint=hashlib.sha256(b"bug %d" % kind).hexdigest(),
            title=f"simple fail{kind}",
            callstack=(f"fail{kind}", "main"),
            attributes={**known, **attributes},
        ),
        body,
    )
