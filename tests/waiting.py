"""A helper stopped in the middle of a core, at a known place."""

from __future__ import annotations

import contextlib
import fcntl
import subprocess
import sys
import termios
import time
from collections.abc import Iterator
from pathlib import Path

import attrs

from catcher import Catcher
from livecore import core_of

PAGE = 4096


@attrs.define
class Helper:
    """A helper that waits in the middle of a core of a process that is there."""

    process: subprocess.Popen[bytes]
    archive: Path

    def finish(self) -> int:
        code = self.process.wait(timeout=60)
        assert self.process.stdin is not None
        self.process.stdin.close()
        return code


@contextlib.contextmanager
def wait_in_core(catcher: Catcher, pid: int) -> Iterator[Helper]:
    """Start a helper with a core of the process ``pid``, and keep the end from it."""
    deadline = time.monotonic() + 60
    while Path(f"/proc/{pid}/comm").read_text() != "sleep\n":
        assert time.monotonic() < deadline
    core = core_of(pid)
    helper = [str(catcher.program), "-c", str(catcher.settings_file)]
    process = subprocess.Popen(
        [*helper, str(pid), str(pid), "11"], stdin=subprocess.PIPE
    )
    assert process.stdin is not None
    process.stdin.write(core[: len(core) - 8 * PAGE])
    process.stdin.flush()
    assets = catcher.spool / "assets"
    while not list(assets.iterdir()):
        assert time.monotonic() < deadline
    (archive,) = assets.iterdir()
    while _unread(process.stdin.fileno()):
        assert time.monotonic() < deadline
        time.sleep(0.01)
    yield Helper(process, archive)
    process.kill()
    process.wait()
    process.stdin.close()


def _unread(pipe: int) -> int:
    answer = fcntl.ioctl(pipe, termios.FIONREAD, bytes(4))
    return int.from_bytes(answer, sys.byteorder)
