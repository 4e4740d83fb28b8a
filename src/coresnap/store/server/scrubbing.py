"""Which secrets are taken out of a project's snapshots when they arrive."""

from __future__ import annotations

import threading
import time

import attrs
import msgspec
from sqlalchemy import Connection, select

from coresnap.errors import ConfigError, UsageError
from coresnap.snapshot.scrubbing.rules import Expression, Rules
from coresnap.snapshot.scrubbing.scrubber import compile_rules
from coresnap.store.api.scrubbing import Scrubbing
from coresnap.store.project import Project
from coresnap.store.state.dialect import upsert
from coresnap.store.state.state import State
from coresnap.store.state.tables.scrubbing import SCRUBBING

__all__ = ["ScrubbingRules", "find_scrubbing", "set_scrubbing"]

_REMEMBERED_SECONDS = 5.0


def find_scrubbing(connection: Connection, project: Project) -> Scrubbing:
    """Return what holds for ``project``."""
    rules = connection.scalar(
        select(SCRUBBING.c.rules).where(SCRUBBING.c.project == project.id)
    )
    if rules is None:
        return Scrubbing()
    return msgspec.msgpack.decode(rules, type=Scrubbing)


def set_scrubbing(connection: Connection, project: Project, wanted: Scrubbing) -> None:
    """Let ``wanted`` hold; raise UsageError if it makes no sense."""
    try:
        compile_rules(_rules(wanted))
    except ConfigError as error:
        raise UsageError(str(error), remedy=error.remedy) from error
    values = {"project": project.id, "rules": msgspec.msgpack.encode(wanted)}
    upsert(connection, SCRUBBING, values, ["project"])


@attrs.define
class ScrubbingRules:
    """What holds for each project, remembered for some seconds."""

    state: State
    _known: dict[int, tuple[Rules | None, float]] = attrs.field(factory=dict)
    _lock: threading.Lock = attrs.field(factory=threading.Lock)

    def of(self, project: Project) -> Rules | None:
        """Return the rules of ``project``; None if nothing is to be taken out."""
        found = self._known.get(project.id)
        if found is not None and found[1] > time.monotonic():
            return found[0]
        with self.state.read() as connection:
            rules = _rules(find_scrubbing(connection, project))
        wanted = None if rules.is_empty else rules
        with self._lock:
            self._known[project.id] = (wanted, time.monotonic() + _REMEMBERED_SECONDS)
        return wanted

    def forget(self) -> None:
        """Look them up again before the next snapshot."""
        with self._lock:
            self._known.clear()


def _rules(scrubbing: Scrubbing) -> Rules:
    expressions = (Expression(e.name, e.pattern) for e in scrubbing.expressions)
    return Rules(scrubbing.built_in, tuple(expressions))
