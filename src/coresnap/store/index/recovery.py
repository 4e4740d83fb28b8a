"""A fault's record from its snapshot, read as on arrival: by a limited child."""

from __future__ import annotations

import shutil
import tempfile

import attrs

from coresnap.errors import InputError, MissingError
from coresnap.store.accepting.rows import FaultRow
from coresnap.store.fault import Fault, Value
from coresnap.store.objects.contract import Objects
from coresnap.store.server.call import Staged
from coresnap.store.server.validation.pool import Validators

__all__ = ["SnapshotRecovery"]


@attrs.frozen
class SnapshotRecovery:
    """Reads faults from the snapshots that are kept."""

    objects: Objects
    validators: Validators

    def __call__(self, row: FaultRow) -> Fault | None:
        """Return a fault's record; None if its snapshot is not kept, or unreadable."""
        if not row.has_body:
            return None
        with tempfile.TemporaryFile() as file:
            try:
                with self.objects.open(row.key) as body:
                    shutil.copyfileobj(body, file)
                arrival = self.validators.read(
                    Staged(file=file, digest=row.digest, size=file.tell())
                )
            except (MissingError, InputError):
                return None
        ours: dict[str, Value] = {
            "object": row.object,
            "object.size": row.size,
            "fingerprint": row.fingerprint,
            "timestamp": row.time,
            "timestamp.received": row.received,
        }
        return Fault(
            object=row.object,
            sequence=row.sequence,
            time=row.time,
            received=row.received,
            fingerprint=row.fingerprint,
            attributes={**arrival.attributes, **ours},
        )
