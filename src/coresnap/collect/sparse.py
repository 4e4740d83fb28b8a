"""Writes a stream into a file with holes: in C where it could be compiled, else here.

The kernel pushes every hole of a core through the pipe as zero bytes, so the reader
has to find them again. ``write_sparse`` is the one of the two writers that was chosen
at import; both give the same file and the same counts.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os

import attrs

try:
    from coresnap._native import ffi, lib
except ImportError:  # no compiler was there: the twin below serves
    lib = None  # type: ignore[assignment]

__all__ = [
    "PAGE_SIZE",
    "SparseResult",
    "SparseWriter",
    "write_sparse",
    "write_sparse_python",
]

PAGE_SIZE = 4096
"""A hole is a multiple of this, counted from the start of the file."""

_BUFFER_SIZE = 256 * 1024
_PIPE_SIZE = 1 << 20
_CALL_SIZE = 64 << 20
"""Bytes per call into C, so that Python's signal handlers run in between."""
_NO_LIMIT = (1 << 64) - 1
_ZERO_PAGE = bytes(PAGE_SIZE)


@attrs.frozen
class SparseResult:
    """What one copy did. Sizes are bytes."""

    bytes_in: int
    """Read from the source, stored or not."""
    bytes_stored: int
    """Written to the target; the rest of its size is holes."""
    size: int
    """Apparent size of the target: how far it equals the source."""
    holes: int
    """Number of gaps between, before and after stored bytes."""
    error: int | None = None
    """errno of what stopped the copy; EFBIG at ``limit``; None at the end."""

    @property
    def complete(self) -> bool:
        """Say whether the source was read to its end and all of it is in the target."""
        return self.error is None


def write_sparse_python(
    source_fd: int,
    target_fd: int,
    *,
    limit: int | None = None,
    enlarge_pipe: bool = True,
) -> SparseResult:
    """Copy ``source_fd`` to its end into ``target_fd``, a regular file, from its start.

    The target's content is replaced. At most ``limit`` bytes are stored; holes are
    free. An error of reading or writing ends the copy and is part of the result: the
    target then holds what came before it. Leave the pipe as it is
    (``enlarge_pipe=False``) where the writer must not get ahead of the reader.
    """
    if enlarge_pipe:
        _enlarge_pipe(source_fd)
    writer = SparseWriter(target_fd, _NO_LIMIT if limit is None else limit)
    try:
        os.ftruncate(target_fd, 0)
        writer.copy(source_fd)
    except OSError as problem:
        return writer.finish(problem.errno)
    return writer.finish(None)


def _enlarge_pipe(fd: int) -> None:
    command = getattr(fcntl, "F_SETPIPE_SZ", None)  # Linux only
    if command is not None:
        # Not a pipe, or over /proc/sys/fs/pipe-max-size: the size is only speed.
        with contextlib.suppress(OSError):
            fcntl.fcntl(fd, command, _PIPE_SIZE)


@attrs.define
class SparseWriter:
    """Writes pieces one behind the other into an empty file, zeros as holes."""

    fd: int
    limit: int = _NO_LIMIT
    """Bytes that may be stored."""
    offset: int = 0
    bytes_in: int = 0
    bytes_stored: int = 0
    holes: int = 0
    data_end: int = 0

    def copy(self, source: int) -> None:
        """Write what a descriptor gives until its end. Raises OSError."""
        while True:
            want = _BUFFER_SIZE - self.offset % PAGE_SIZE
            data, problem = _fill(source, want)
            self.bytes_in += len(data)
            self.append(data)
            if problem:
                raise problem
            if len(data) < want:
                return

    def append(self, data: bytes) -> None:
        """Write ``data`` behind what is there.

        Raises OSError: EFBIG at the limit, and what the disk says.
        """
        position = 0
        while position < len(data):
            end, zero = _run(data, position, self.offset)
            if zero:
                self.offset += end - position
            else:
                self._store(data[position:end])
            position = end

    def skip(self, size: int) -> None:
        """Leave a hole of ``size`` bytes."""
        self.offset += size

    def _store(self, data: bytes) -> None:
        fits = data[: self.limit - self.bytes_stored]
        if fits and self.offset > self.data_end:
            self.holes += 1
        written = 0
        while written < len(fits):
            count = os.pwrite(self.fd, fits[written:], self.offset)
            written += count
            self.bytes_stored += count
            self.offset += count
            self.data_end = self.offset
        if len(fits) < len(data):
            raise OSError(errno.EFBIG, os.strerror(errno.EFBIG))

    def finish(self, error: int | None = None) -> SparseResult:
        """Give the file its size, and return what was done; ``error`` ended it."""
        if self.offset > self.data_end:
            self.holes += 1
        try:
            os.ftruncate(self.fd, self.offset)
        except OSError as problem:
            error = error or problem.errno
        return SparseResult(
            bytes_in=self.bytes_in,
            bytes_stored=self.bytes_stored,
            size=self.offset,
            holes=self.holes,
            error=error,
        )


def _fill(source: int, size: int) -> tuple[bytes, OSError | None]:
    pieces: list[bytes] = []
    while size:
        try:
            piece = os.read(source, size)
        except OSError as problem:
            return b"".join(pieces), problem
        if not piece:
            break
        pieces.append(piece)
        size -= len(piece)
    return b"".join(pieces), None


def _run(data: bytes, start: int, offset: int) -> tuple[int, bool]:
    """Find the end of the run of zero or other pages that begins at ``start``."""
    head = -offset % PAGE_SIZE
    if head:
        end = min(start + head, len(data))
        return end, not any(data[start:end])
    end, zero = start, None
    while end < len(data):
        page = data[end : end + PAGE_SIZE]
        is_zero = page == _ZERO_PAGE[: len(page)]
        if zero is not None and is_zero != zero:
            break
        zero = is_zero
        end = min(end + PAGE_SIZE, len(data))
    return end, bool(zero)


def _write_sparse_native(
    source_fd: int,
    target_fd: int,
    *,
    limit: int | None = None,
    enlarge_pipe: bool = True,
) -> SparseResult:
    if enlarge_pipe:
        _enlarge_pipe(source_fd)
    writer = ffi.new("struct sparse_writer *")
    if lib.sparse_writer_init(writer, target_fd, _NO_LIMIT if limit is None else limit):
        raise MemoryError
    try:
        error = _copy_native(writer, source_fd, target_fd)
        error = lib.sparse_writer_finish(writer) or error
        return SparseResult(
            bytes_in=writer.bytes_in,
            bytes_stored=writer.bytes_stored,
            size=writer.offset,
            holes=writer.holes,
            error=-error or None,
        )
    finally:
        lib.sparse_writer_deinit(writer)


def _copy_native(writer: object, source_fd: int, target_fd: int) -> int:
    try:
        os.ftruncate(target_fd, 0)
    except OSError as problem:
        return -(problem.errno or errno.EIO)
    count = ffi.new("uint64_t *")
    while True:
        error = lib.sparse_writer_copy(writer, source_fd, _CALL_SIZE, count)
        if error == -errno.EINTR:
            continue
        if error or count[0] < _CALL_SIZE:
            return error


write_sparse = write_sparse_python if lib is None else _write_sparse_native
