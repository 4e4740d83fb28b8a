"""Gives readers that map a core a plain one, whatever form it is stored in."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

from coresnap.collect.stored_core import Form, StoredCore, open_stored, write_pieces
from coresnap.collect.temporary_file import storage_error
from coresnap.errors import InputError, NoSpaceError

__all__ = ["restored"]


@contextlib.contextmanager
def restored(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Yield the path of the plain core; it is good until the block ends.

    A file that is not in the compressed form of the archive is yielded as it is. Raises
    InputError if the core is damaged, NoSpaceError if the directory for temporary files
    has no room for it, AccessError or StorageError.
    """
    with contextlib.ExitStack() as files:
        try:
            plain = _restore(path, files)
        except OSError as error:
            raise storage_error(f"cannot restore {os.fspath(path)}", error) from error
        yield Path(path) if plain is None else Path(f"/dev/fd/{plain}")


def _restore(path: str | os.PathLike[str], files: contextlib.ExitStack) -> int | None:
    with open(path, "rb") as stream:
        core = _open(stream.fileno())
        if core is None:
            return None
        _require_room(core)
        plain = tempfile.TemporaryFile(prefix="coresnap-")  # noqa: SIM115
        files.enter_context(plain)
        write_pieces(core, plain.fileno(), lambda done: None)
    return plain.fileno()


def _open(fd: int) -> StoredCore | None:
    try:
        core = open_stored(fd)
    except InputError:
        # Somebody's plain zstd, or one that was cut: who opens it says what to do.
        return None
    return core if core.form == Form.ZSTD else None


def _require_room(core: StoredCore) -> None:
    directory = tempfile.gettempdir()
    status = os.statvfs(directory)
    if core.data_size > status.f_bavail * status.f_frsize:
        raise NoSpaceError(
            f"the plain core takes {core.data_size} bytes and {directory} has no room",
            remedy="Set TMPDIR to a directory on another filesystem.",
        )
