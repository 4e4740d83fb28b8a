"""Files that come from the store: whole under their name, or not there."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from coresnap.errors import AccessError, StorageError
from coresnap.views.cli.output import abandon_output

if TYPE_CHECKING:
    from coresnap.store.api.endpoint import Endpoint
    from coresnap.store.client.client import Client

__all__ = ["download_file"]


def download_file(
    client: Client, endpoint: Endpoint[Any, Any], path: Path, **names: str
) -> int:
    """Write what an endpoint gives to ``path``, for us alone; return the bytes.

    ``-`` is standard output. What is there already stays until all has come. Raises
    AccessError and StorageError if it cannot be written, and as ``Client.download``
    does.
    """
    if str(path) == "-":
        return _print(client, endpoint, names)
    partial = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        # A snapshot holds memory of the process.
        descriptor = os.open(
            partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600
        )
        try:
            with open(descriptor, "wb") as target:
                size = client.download(endpoint, target, **names)
            partial.replace(path)
        except BaseException:
            partial.unlink(missing_ok=True)
            raise
    except PermissionError as error:
        raise AccessError(f"{path} may not be written") from error
    except OSError as error:
        raise StorageError(f"cannot write {path}: {error.strerror}") from error
    return size


def _print(client: Client, endpoint: Endpoint[Any, Any], names: dict[str, str]) -> int:
    try:
        size = client.download(endpoint, sys.stdout.buffer, **names)
        sys.stdout.buffer.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        abandon_output()
        reason = error.strerror or str(error)
        raise StorageError(f"cannot write to standard output: {reason}") from error
    return size
