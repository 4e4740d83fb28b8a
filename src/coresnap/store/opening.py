"""From settings to an open store."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

import attrs

from coresnap.errors import StorageError
from coresnap.store.accepting.takeover import take_over
from coresnap.store.index.opening import open_index
from coresnap.store.objects.opening import open_objects
from coresnap.store.ownership import Ownership
from coresnap.store.state.state import State
from coresnap.store.store import Store

__all__ = ["StoreSettings", "open_store"]


@attrs.frozen
class StoreSettings:
    """Where a store keeps what it keeps."""

    directory: Path
    """Of what has no URL, and is this process's alone."""
    database_url: str = ""
    """``postgresql://…``; empty: ``state.sqlite`` in ``directory``."""
    objects_url: str = ""
    """``s3://…`` or a path; empty: ``objects`` in ``directory``."""
    index_url: str = ""
    """``clickhouse://…``; empty: ``index`` in ``directory``."""

    @property
    def is_embedded(self) -> bool:
        """Whether something lies in ``directory``."""
        return not (self.database_url and self.objects_url and self.index_url)


def open_store(settings: StoreSettings) -> Store:
    """Open the three places, creating what is not there.

    A state that is older than the objects, as one from a backup is, takes over what it
    does not know.

    Raises ConfigError for a URL that cannot be used; StorageError for a place that
    fails, is of a newer version, or is another process's.
    """
    directory = settings.directory
    with contextlib.ExitStack() as undo:
        owned = None
        if settings.is_embedded:
            owned = Ownership(directory)
            undo.callback(owned.release)
        state = State(settings.database_url or _sqlite_url(directory))
        undo.callback(state.close)
        state.prepare()
        objects = open_objects(settings.objects_url or str(directory / "objects"))
        undo.callback(objects.close)
        index = open_index(settings.index_url, directory / "index")
        undo.callback(index.close)
        store = Store(state, objects, index, owned)
        take_over(store)
        undo.pop_all()
        return store


def _sqlite_url(directory: Path) -> str:
    path = (directory / "state.sqlite").absolute()
    try:
        # SQLite would make it readable for all; its other files take after it.
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600))
    except OSError as error:
        raise StorageError(f"cannot create {path}: {error.strerror}") from error
    return f"sqlite:///{path}"
