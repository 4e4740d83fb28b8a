"""The daemon's pipeline over a spool; its analysis copies the core, or is ours."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Mapping, Set
from pathlib import Path
from typing import Any

import attrs

from catcher import Catcher
from coresnap.backends.fake import FakeBackend
from coresnap.collect.journal import Event, Journal, State
from coresnap.collect.spool import Part, Spool
from coresnap.config import load_config
from coresnap.crash import Archive
from coresnap.daemon.job import Job, analyse_core
from coresnap.daemon.stages import Pipeline
from coresnap.model import Snapshot
from coresnap.snapshot.container import read_snapshot


def copy_core(job: Job, fd: int) -> dict[str, Any]:
    """Analyse: the snapshot is the core, backwards."""
    assert job.core is not None
    data = job.core.read_bytes()[::-1]
    os.write(fd, data)
    return {"checks": [], "truncated": False, "size": len(data)}


def process(root: Path) -> None:
    """Do all the work that the spool ``root/archive`` holds."""
    (root / "conf").touch()
    config = load_config(root / "conf")
    config = attrs.evolve(config, root=root, user="root", dump_quota=0)
    config.journal.parent.mkdir(exist_ok=True)
    with Spool(config.spool) as spool, Journal(config.journal) as journal:
        pipeline = Pipeline(
            config, spool, journal, FakeBackend(), copy_core, lambda *_, **__: None
        )
        pipeline.scan()
        while pipeline.start_next() is not None:
            pipeline.finish()


def assert_all_processed_once(
    root: Path, cores: Mapping[str, bytes], records: Set[str] = frozenset()
) -> None:
    """Process the spool twice, and find one snapshot of each core."""
    process(root)
    process(root)
    with Spool(root / "archive") as spool:
        for archive, core in cores.items():
            assert spool.path(Part.SNAPSHOT, archive).read_bytes() == core[::-1]
        assert {a.id for a in spool.archives()} - cores.keys() <= records
        assert spool.intruders() == []
    with Journal(root / "journal" / "journal.sqlite") as journal:
        for archive in cores:
            counts = Counter(record.event for record in journal.history(archive))
            assert (counts[Event.ARRIVED], counts[Event.FINISHED]) == (1, 1)
            assert journal.entries()[archive].state is State.READY


def analysed(catcher: Catcher, tmp_path: Path) -> tuple[Archive, Snapshot]:
    """Let the daemon's stages have the one crash that the catcher's spool holds."""
    (catcher.spool / "sending").mkdir(mode=0o700)
    (tmp_path / "conf").touch()
    config = attrs.evolve(load_config(tmp_path / "conf"), root=tmp_path, user="root")
    with Spool(catcher.spool) as spool, Journal(tmp_path / "journal") as journal:
        pipeline = Pipeline(
            config, spool, journal, FakeBackend(), analyse_core, lambda *_, **__: None
        )
        pipeline.scan()
        while pipeline.start_next() is not None:
            pipeline.finish()
        (archive,) = spool.archives()
        (entry,) = journal.entries().values()
        assert entry.state is State.READY, entry.detail
        return archive, read_snapshot(spool.path(Part.SNAPSHOT, archive.id))
