"""A kept file is saved where somebody asks for it."""

from __future__ import annotations

import os
from pathlib import Path

from coresnap.errors import StorageError, UsageError

__all__ = ["save"]


def save(data: bytes, name: str, wanted: str) -> Path:
    """Write ``data`` to the file ``wanted``, or to its own name in this directory.

    Raises UsageError if that file exists or its own name is none, StorageError.
    """
    path = Path(wanted).expanduser() if wanted else _own(name)
    if path.is_dir():
        path /= _own(name)
    if os.path.lexists(path):
        raise UsageError(f"{path} is there already", remedy="Give another name.")
    try:
        with open(path, "xb") as file:
            file.write(data)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise StorageError(f"cannot write {path}: {reason}") from error
    return path


def _own(name: str) -> Path:
    """The last part of a name that is somebody else's."""
    own = name.rpartition("/")[2]
    if not own or own.startswith((".", "-")) or not own.isprintable():
        raise UsageError(f"{name!r} is no name for a file", remedy="Give :s FILE.")
    return Path(own)
