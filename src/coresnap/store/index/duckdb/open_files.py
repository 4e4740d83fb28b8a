"""Which projects' files are open: those that were used last."""

from __future__ import annotations

import contextlib
import shutil
import threading
from collections.abc import Iterator
from pathlib import Path

import attrs

from coresnap.errors import DamagedIndexError, StorageError
from coresnap.store.index.duckdb.engine import is_broken
from coresnap.store.index.duckdb.project_file import ProjectFile
from coresnap.store.index.duckdb.settings import DuckDBSettings

__all__ = ["OpenFiles"]

_DAMAGED = "damaged"


@attrs.define(eq=False)
class _Lease:
    file: ProjectFile
    users: int = 0


@attrs.define(eq=False)
class OpenFiles:
    """Files by project, opened when they are first used, closed when others are."""

    directory: Path
    settings: DuckDBSettings
    _leases: dict[int, _Lease] = attrs.field(init=False, factory=dict)
    _changed: threading.Condition = attrs.field(init=False, factory=threading.Condition)

    @contextlib.contextmanager
    def lease(self, project: int) -> Iterator[ProjectFile]:
        """Yield a project's file, which stays open as long as somebody has it."""
        with self._changed:
            lease = self._leases.pop(project, None)
            if lease is None:
                self._close_idle(self.settings.open_projects - 1)
                lease = _Lease(self._open(project))
            self._leases[project] = lease  # the last one: used most recently
            lease.users += 1
        try:
            yield lease.file
        except BaseException as error:
            if isinstance(error, DamagedIndexError):
                self._mark(project).touch()
            if isinstance(error, DamagedIndexError) or is_broken(error):
                self._give_up(project, lease)
            raise
        finally:
            with self._changed:
                lease.users -= 1
                self._changed.notify_all()

    def project_directory(self, project: int) -> Path:
        """Return where a project's files are: named by its number, by nothing else."""
        return self.directory / f"{project:d}"

    def remove(self, project: int) -> None:
        """Remove a project's files, once nobody uses them."""
        with self._changed:
            self._changed.wait_for(lambda: self._is_idle(project))
            lease = self._leases.pop(project, None)
            if lease is not None:
                lease.file.close()
            try:
                shutil.rmtree(self.project_directory(project))
            except FileNotFoundError:
                pass
            except OSError as error:
                raise StorageError(f"the index cannot be removed: {error}") from error

    def close(self) -> None:
        """Close all of them, once nobody uses them."""
        with self._changed:
            self._changed.wait_for(lambda: all(map(self._is_idle, self._leases)))
            self._close_idle(0)

    def _mark(self, project: int) -> Path:
        return self.project_directory(project) / _DAMAGED

    def _open(self, project: int) -> ProjectFile:
        """Open a file that was not found to be damaged before.

        What is damaged in the middle can be opened again: the mark keeps it from that.
        """
        if self._mark(project).exists():
            path = self.project_directory(project)
            raise DamagedIndexError(f"the index in {path} was found to be damaged")
        return ProjectFile(self.project_directory(project), self.settings)

    def _is_idle(self, project: int) -> bool:
        lease = self._leases.get(project)
        return lease is None or lease.users == 0

    def _close_idle(self, most: int) -> None:
        for project, lease in list(self._leases.items()):
            if len(self._leases) <= most:
                return
            if lease.users == 0:
                del self._leases[project]
                lease.file.close()

    def _give_up(self, project: int, lease: _Lease) -> None:
        """Close what DuckDB calls broken: opened again, its log repairs it."""
        with self._changed:
            if self._leases.get(project) is lease:
                del self._leases[project]
                with contextlib.suppress(StorageError):
                    lease.file.close()
