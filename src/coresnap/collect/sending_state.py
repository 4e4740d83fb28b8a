"""How sending goes: a small file that the daemon leaves beside its journal.

The journal says what waits; this says why. It is written when something changes.
"""

from __future__ import annotations

import json
from pathlib import Path

import attrs

from coresnap.errors import AccessError, StorageError

__all__ = ["SendingState", "SetAside", "read_sending_state", "write_sending_state"]


@attrs.frozen
class SetAside:
    """A snapshot that waits and is not tried any more, until somebody wants it."""

    id: str
    reason: str


@attrs.frozen
class SendingState:
    """Where snapshots go, and what keeps them from it."""

    store: str
    """Address of the store."""
    trouble: str = ""
    """Why nothing is sent at the moment; empty if nothing is wrong."""
    next_try: int = 0
    """Seconds, UTC since the epoch; 0 for none that is planned."""
    aside: tuple[SetAside, ...] = ()

    def reason_aside(self, archive_id: str) -> str | None:
        """Return why a snapshot is set aside; None if it is not."""
        return next((a.reason for a in self.aside if a.id == archive_id), None)


def write_sending_state(path: Path, state: SendingState) -> None:
    """Replace the file at ``path``. Raises StorageError."""
    temporary = path.with_name(f"{path.name}.new")
    try:
        temporary.write_text(json.dumps(attrs.asdict(state)))
        temporary.replace(path)
    except OSError as error:
        raise StorageError(f"cannot write {path}: {error.strerror}") from error


def read_sending_state(path: Path) -> SendingState | None:
    """Return what the file says; None if nothing was ever sent from here.

    Raises AccessError. A damaged file says nothing.
    """
    try:
        found = json.loads(path.read_bytes())
        aside = (SetAside(str(a["id"]), str(a["reason"])) for a in found["aside"])
        return SendingState(
            str(found["store"]),
            str(found["trouble"]),
            int(found["next_try"]),
            tuple(aside),
        )
    except FileNotFoundError:
        return None
    except PermissionError as error:
        raise AccessError(f"cannot read {path}") from error
    except (OSError, ValueError, KeyError, TypeError):
        return None
