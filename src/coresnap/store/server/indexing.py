"""The server's index: completed when it starts, made again when it is damaged."""

from __future__ import annotations

import attrs

from coresnap.errors import DamagedIndexError
from coresnap.model.message_id import MessageId
from coresnap.store.accepting.indexer import Indexer
from coresnap.store.access.projects import all_projects
from coresnap.store.index.rebuild import mend
from coresnap.store.index.recovery import SnapshotRecovery
from coresnap.store.project import Project
from coresnap.store.server.server import Server

__all__ = ["Indexing", "maintain"]


@attrs.define
class Indexing:
    """What the loop ``index`` does: it mends before it writes."""

    server: Server
    _indexer: Indexer = attrs.field(
        init=False,
        default=attrs.Factory(lambda self: Indexer(self.server.store), takes_self=True),
    )
    _is_checked: bool = attrs.field(init=False, default=False)

    def run_once(self) -> None:
        """Index what waits; an index that is missing, behind or damaged comes first."""
        if not self._is_checked:
            for project in _projects(self.server):
                self._mend(project)
            self._is_checked = True
        try:
            self._indexer.run_once()
        except DamagedIndexError:
            self._is_checked = False
            raise

    def _mend(self, project: Project) -> None:
        store, log = self.server.store, self.server.log
        recover = SnapshotRecovery(store.objects, self.server.validators)
        result = mend(store, project.id, recover)
        if result is not None:
            log.warning(
                "index completed from its segments",
                message_id=MessageId.INDEX_MENDED,
                project=str(project),
                segments=result.segments,
                faults=result.faults,
                recovered=result.recovered,
                lost=result.lost,
            )


def maintain(server: Server) -> None:
    """Let the index become faster for what is asked often."""
    for project in _projects(server):
        server.store.index.maintain(project.id)


def _projects(server: Server) -> tuple[Project, ...]:
    with server.store.state.read() as connection:
        return all_projects(connection)
