"""Snapshots as commands take them: a file, or the start of an id in the spool."""

from __future__ import annotations

import os
import re
from pathlib import Path

from coresnap.errors import MissingError

__all__ = ["open_named"]

# What Spool.find takes: [STAGE/]PREFIX of an id, with or without dashes.
_ID_PREFIX = re.compile(r"((pending|sending)/)?[0-9A-Fa-f-]+\.*")


def open_named(name: str, config: Path | None) -> str | int:
    """Return what ``SnapshotReader`` takes: the path, or a descriptor that it closes.

    Raises MissingError if there is neither, and as ``load_config`` and ``Spool.find``
    do.
    """
    return name if os.path.exists(name) else _open_in_spool(name, config)


def _open_in_spool(name: str, config: Path | None) -> int:
    from coresnap.collect.spool import Part, Spool
    from coresnap.config import load_config

    if not _ID_PREFIX.fullmatch(name):
        raise MissingError(
            f"no such snapshot: {name}",
            remedy="Give a file, or the start of an id that `coresnap list -a` shows.",
        )
    with Spool(load_config(config).spool) as spool:
        archive = spool.find(name)
        if archive.has_snapshot:
            return spool.open(Part.SNAPSHOT, archive.id)
        core = spool.path(Part.CORE, archive.id)
    if archive.dumping:
        raise MissingError(
            f"crash {archive.id} is just being dumped",
            remedy="The daemon analyses it as soon as the handler is done.",
        )
    remedy = (
        "The daemon makes it: `coresnap status` says whether it runs, `coresnap "
        f"retry pending/{archive.id[:12]}` tries again."
    )
    if archive.has_core:
        remedy += f" Or read the core yourself: coresnap analyze {core}"
    raise MissingError(f"crash {archive.id} has no snapshot yet", remedy=remedy)
