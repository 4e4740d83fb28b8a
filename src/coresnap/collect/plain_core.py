"""Gives readers that map a core a plain one, whatever form it is stored in."""

from __future__ import annotations

import contextlib
import os
import stat
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO

from coresnap.collect.importers.unpacking import compression_of, unpack
from coresnap.collect.sparse import SparseWriter
from coresnap.collect.stored_core import Form, StoredCore, open_stored, write_pieces
from coresnap.collect.temporary_file import storage_error
from coresnap.errors import CoreFormatError, InputError, NoSpaceError

__all__ = ["restored"]

_READ_SIZE = 1 << 18
_UNPACKED = frozenset({"zstd", "gzip", "xz", "bzip2", "lz4"})
_MAGIC_SIZE = 6
_CORES = (b"\x7fELF", b"minidump FreeBSD/", b"KDUMP   ")
"""How cores begin, of processes and of kernels: FreeBSD's and Linux's own forms."""
_USTAR, _USTAR_OFFSET = b"ustar", 257
"""A text dump of FreeBSD's kernel is a tar archive."""
_LEAST_SIZE = 64
"""Bytes of a header: with less there is nothing to read."""


@contextlib.contextmanager
def restored(
    path: str | os.PathLike[str], tell: Callable[[str], object] = lambda damage: None
) -> Iterator[Path]:
    """Yield the path of the plain core; it is good until the block ends.

    The core may be in the compressed form of the archive, in that of FreeBSD's kernel
    (kern.compress_user_cores: gzip, or one zstd frame), or packed by a program: what is
    not compressed is yielded as it is. Of one that ends early, or is damaged, what came
    before is yielded, and ``tell`` is told why that is not all. Raises InputError if
    nothing came, or a core of the archive is damaged, CoreFormatError for what holds
    something else, NoSpaceError if the directory for temporary files has no room for
    it, AccessError or StorageError.
    """
    with contextlib.ExitStack() as files:
        try:
            plain = _restore(path, files, tell)
        except OSError as error:
            raise storage_error(f"cannot restore {os.fspath(path)}", error) from error
        yield Path(path) if plain is None else plain


def _restore(
    path: str | os.PathLike[str],
    files: contextlib.ExitStack,
    tell: Callable[[str], object],
) -> Path | None:
    with open(path, "rb") as stream:
        start = os.pread(stream.fileno(), _MAGIC_SIZE, 0)
        compression = compression_of(start)
        if compression not in _UNPACKED:
            return None
        core = _stored(stream.fileno())
        if core is not None:
            _require_room(core.data_size)
        target, plain = _temporary(files)
        if core is not None:
            write_pieces(core, target, lambda done: None)
        else:
            _unpack(stream, compression, os.fspath(path), target, tell)
    return plain


def _temporary(files: contextlib.ExitStack) -> tuple[int, Path]:
    """Return an empty file's descriptor and path, which has no name where it can."""
    nameless = tempfile.TemporaryFile(prefix="coresnap-")  # noqa: SIM115
    files.enter_context(nameless)
    place = Path(f"/dev/fd/{nameless.fileno()}")
    # FreeBSD has only 0, 1 and 2 there unless fdescfs(5) is mounted.
    with contextlib.suppress(OSError):
        if stat.S_ISREG(os.stat(place).st_mode):
            return nameless.fileno(), place
    named = tempfile.NamedTemporaryFile(prefix="coresnap-")  # noqa: SIM115
    files.enter_context(named)
    return named.fileno(), Path(named.name)


def _stored(fd: int) -> StoredCore | None:
    """The core if it is in the compressed form of the archive."""
    try:
        core = open_stored(fd)
    except InputError:
        return None  # another program's zstd
    return core if core.form == Form.ZSTD else None


def _unpack(
    stream: IO[bytes],
    compression: str,
    name: str,
    target: int,
    tell: Callable[[str], object],
) -> None:
    """Write step by step what no header says the size of, zeros as holes."""
    content = unpack(iter(lambda: stream.read(_READ_SIZE), b""), compression, name)
    writer = SparseWriter(target, _room())
    try:
        for piece in content.pieces:
            assert isinstance(piece, bytes)
            writer.append(piece)
    except OSError:
        if writer.bytes_stored >= writer.limit:
            raise _no_room(f"more than {writer.limit}") from None
        raise
    result = writer.finish()
    if result.error is not None:
        raise OSError(result.error, os.strerror(result.error))
    if content.damage and result.size < _LEAST_SIZE:
        raise InputError(f"{name} cannot be unpacked: {content.damage}")
    if not _is_core(target):
        raise CoreFormatError(f"{name} holds no ELF core, but something else in it")
    if content.damage:
        tell(f"the compressed core is damaged or cut: {content.damage}")


def _is_core(fd: int) -> bool:
    head = os.pread(fd, _USTAR_OFFSET + len(_USTAR), 0)
    return head.startswith(_CORES) or head[_USTAR_OFFSET:] == _USTAR


def _room() -> int:
    status = os.statvfs(tempfile.gettempdir())
    return status.f_bavail * status.f_frsize


def _require_room(size: int) -> None:
    if size > _room():
        raise _no_room(str(size))


def _no_room(size: str) -> NoSpaceError:
    return NoSpaceError(
        f"the plain core takes {size} bytes and {tempfile.gettempdir()} has no room",
        remedy="Set TMPDIR to a directory on another filesystem.",
    )
