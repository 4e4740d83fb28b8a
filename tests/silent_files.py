"""A filesystem whose server never says what is in its file (FUSE).

It stands for a network filesystem whose server is away, and for one whose server is the
process that crashes.
"""

from __future__ import annotations

import contextlib
import errno
import os
import stat
import struct
import subprocess
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

import attrs

# include/uapi/linux/fuse.h
LOOKUP, GETATTR, OPEN, READ, INIT = 1, 3, 14, 15, 26
OPENDIR, RELEASE, FORGET, BATCH_FORGET, INTERRUPT = 27, 18, 2, 42, 36
REQUEST = struct.Struct("=IIQQIIII")
ROOT, FILE = 1, 2
KEEP_CACHE = 2
NAME = b"file"
SIZE = 1 << 20
FOREVER = 1 << 30
"""Seconds for which the kernel need not ask again."""


@attrs.define
class SilentFiles:
    """A directory with one file, ``file``, that can be opened and not be read."""

    directory: Path
    _fd: int
    asked: threading.Event = attrs.field(factory=threading.Event)
    """Set when somebody waits for what is in the file."""

    @property
    def file(self) -> Path:
        return self.directory / NAME.decode()

    def fail(self) -> None:
        """Let all who wait have an error, from now on."""
        # The mount stays while somebody uses it, and then this says so.
        umount = ["umount", "-f", str(self.directory)]
        subprocess.run(umount, check=False, capture_output=True)

    def serve(self) -> None:
        """Answer the kernel until the filesystem is unmounted."""
        with contextlib.suppress(OSError):
            while True:
                self._answer(os.read(self._fd, 1 << 17))

    def _answer(self, request: bytes) -> None:
        _, operation, unique, node, *_ = REQUEST.unpack_from(request)
        if operation in (FORGET, BATCH_FORGET, INTERRUPT):
            return
        if operation == READ:
            self.asked.set()
            return
        answer = self._reply(operation, node, request[REQUEST.size :])
        error = 0 if answer is not None else -errno.ENOSYS
        body = answer or b""
        os.write(self._fd, struct.pack("=IiQ", 16 + len(body), error, unique) + body)

    def _reply(self, operation: int, node: int, body: bytes) -> bytes | None:
        if operation == INIT:
            _, minor = struct.unpack_from("=II", body)
            # 24 bytes beyond what is said here are reserved and zero.
            return struct.pack("=IIIIHHI", 7, min(minor, 31), 0, 0, 0, 0, 4096) + bytes(
                40
            )
        if operation == LOOKUP and body.rstrip(b"\0") == NAME:
            return struct.pack("=QQQQII", FILE, 1, FOREVER, FOREVER, 0, 0) + _status(
                FILE
            )
        if operation == GETATTR:
            return struct.pack("=QII", FOREVER, 0, 0) + _status(node)
        if operation in (OPEN, OPENDIR):
            return struct.pack("=QII", 0, KEEP_CACHE, 0)
        return b"" if operation == RELEASE else None


def _status(node: int) -> bytes:
    mode = stat.S_IFDIR | 0o755 if node == ROOT else stat.S_IFREG | 0o755
    size = 0 if node == ROOT else SIZE
    return struct.pack("=6Q10I", node, size, 1, 0, 0, 0, *[0] * 3, mode, 1, *[0] * 5)


def why_no_silent_files() -> str | None:
    """Say why there cannot be such a filesystem here, or None."""
    try:
        os.close(os.open("/dev/fuse", os.O_RDWR))
    except OSError as problem:
        return f"no FUSE: {problem.strerror}"
    return None


@contextlib.contextmanager
def silent_files() -> Iterator[SilentFiles]:
    """Mount the filesystem for a while."""
    fd = os.open("/dev/fuse", os.O_RDWR)
    try:
        with tempfile.TemporaryDirectory(prefix="cs-") as directory:
            options = f"fd={fd},rootmode=40000,user_id=0,group_id=0,allow_other"
            subprocess.run(
                ["mount", "-i", "-t", "fuse", "-o", options, "silent", directory],
                pass_fds=[fd],
                check=True,
            )
            files = SilentFiles(Path(directory), fd)
            server = threading.Thread(target=files.serve, daemon=True)
            server.start()
            try:
                yield files
            finally:
                files.fail()
                umount = ["umount", "-l", directory]
                subprocess.run(umount, check=False, capture_output=True)
                server.join(timeout=10)
    finally:
        os.close(fd)
