"""One snapshot's fingerprint, made again."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from coresnap.snapshot.escape import printable

if TYPE_CHECKING:
    from coresnap.config.rulesets import Ruleset
    from coresnap.store.api.reprocessing import Refingerprinted
    from coresnap.store.fault import Value

__all__ = ["refingerprint"]

_TITLE = 256
_TITLE_FRAMES = 3
_FRAMES = 64
_FRAME = 512


def refingerprint(
    object_id: str, path: Path, rulesets: tuple[Ruleset, ...]
) -> Refingerprinted:
    """Return what rules make of a snapshot.

    Raises InputError if it cannot be read.
    """
    from coresnap.analysis.fingerprint import VERSION, fingerprint_attributes
    from coresnap.snapshot.container import read_snapshot
    from coresnap.store.api.reprocessing import Refingerprinted
    from coresnap.views.cli.explain import application_of, make_fingerprint

    snapshot = read_snapshot(path)
    found = make_fingerprint(snapshot, rulesets)
    callstack = tuple(frame[:_FRAME] for frame in found.callstack[:_FRAMES])
    frames = " ← ".join(callstack[:_TITLE_FRAMES])
    if not frames and snapshot.signal is not None:
        frames = snapshot.signal.name
    title = ": ".join(part for part in (application_of(snapshot), frames) if part)
    attributes: dict[str, Value] = {
        name: value
        for name, value in fingerprint_attributes(found).items()
        if name.startswith("fingerprint.")
    }
    return Refingerprinted(
        object=object_id,
        fingerprint=found.digest,
        ruleset=VERSION,
        title=printable(title)[:_TITLE],
        callstack=callstack,
        attributes=attributes,
    )
