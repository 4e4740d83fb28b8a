"""coresnap-catch under test: built here, registered with the kernel, and watched."""

from __future__ import annotations

import contextlib
import json
import shlex
import socket
import subprocess
import tarfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import attrs
import pytest

from kernel import core_pattern, run_unlimited, why_no_linux

NATIVE = Path(__file__).parent.parent / "native"
SPECIFIERS = "%P %I %s %t %u %g %d %c %F -- %E"
WARNINGS = ["-std=c11", "-D_GNU_SOURCE", "-Wall", "-Wextra", "-Werror"]


def build(target: Path, *flags: str, drop: Sequence[str] = ()) -> Path:
    """Compile coresnap-catch from the tree; the build line lies beside it.

    Skips where it would be nobody's: other kernels start no handler.
    """
    if reason := why_no_linux():
        pytest.skip(reason)
    sources = sorted(
        str(path)
        for part in ("catch", "library")
        for path in (NATIVE / part).glob("*.c")
        if path.name not in drop
    )
    library = f"-I{NATIVE / 'library'}"
    line = ["cc", *WARNINGS, *flags, library, *sources, "-o", str(target)]
    subprocess.run(line, check=True)
    target.with_name(target.name + ".build").write_text(shlex.join(line) + "\n")
    return target


@attrs.frozen
class Caught:
    """One archived crash, read back."""

    id: str
    core: Path
    members: dict[str, bytes]
    """Of the assets tar, by name."""

    @property
    def crash(self) -> dict[str, Any]:
        return dict(json.loads(self.members["crash.json"]))

    @property
    def capture(self) -> dict[str, Any]:
        return dict(json.loads(self.members["capture.json"]))

    @property
    def checks(self) -> dict[str, str]:
        return {check["name"]: check["result"] for check in self.capture["checks"]}


@attrs.define
class Catcher:
    """A spool, its settings, and the daemon's end of the socket."""

    program: Path
    directory: Path
    listener: socket.socket
    settings: dict[str, str] = attrs.field(factory=dict)

    @property
    def spool(self) -> Path:
        return self.directory / "spool"

    @property
    def settings_file(self) -> Path:
        return self.directory / "conf"

    def write_settings(self, **settings: str) -> None:
        self.settings.update(settings)
        text = "".join(f"{key}={value}\n" for key, value in self.settings.items())
        self.settings_file.write_text(text)
        self.settings_file.chmod(0o600)

    @contextlib.contextmanager
    def registered(
        self, *, pipe_limit: int = 16, specifiers: str = SPECIFIERS
    ) -> Iterator[None]:
        """Be the kernel's core handler for a while."""
        pattern = f"|{self.program} -c {self.settings_file} {specifiers}"
        with core_pattern(pattern, pipe_limit=pipe_limit):
            yield

    def wait(self, timeout: float = 60) -> str:
        """Return the next message to the daemon."""
        self.listener.settimeout(timeout)
        return self.listener.recv(4096).decode()

    def settle(self) -> None:
        """Wait for the helpers that run: each lives longer than what has crashed."""
        deadline = time.monotonic() + 60
        while self._runs():
            assert time.monotonic() < deadline, "a helper does not end"
            time.sleep(0.005)

    def wait_for_archives(self, count: int) -> list[Path]:
        """Return the archives once there are ``count`` or more."""
        deadline = time.monotonic() + 60
        while len(found := list((self.spool / "pending").iterdir())) < count:
            assert time.monotonic() < deadline, f"{len(found)} instead of {count}"
            time.sleep(0.01)
        return found

    def _runs(self) -> bool:
        for process in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):
                if (process / "exe").readlink() == self.program:
                    return True
        return False

    def read(self, archive: str) -> Caught:
        return Caught(
            id=archive,
            core=self.spool / "pending" / archive,
            members=read_tar(self.spool / "assets" / archive),
        )

    def catch(
        self,
        argv: Sequence[str | Path],
        *,
        env: dict[str, str] | None = None,
        pipe_limit: int = 16,
        specifiers: str = SPECIFIERS,
    ) -> Caught:
        """Let a program crash and read what was archived."""
        with self.registered(pipe_limit=pipe_limit, specifiers=specifiers):
            run = run_unlimited(argv, env=env)
            if run.returncode >= 0:
                raise AssertionError(f"{argv[0]} did not crash: {run}")
            message = self.wait()
        return self.read(message.split()[0])


@attrs.frozen
class Run:
    """How one start of the helper ended."""

    code: int
    message: str
    """To the daemon; "" if there was none."""

    @property
    def id(self) -> str:
        return self.message.split()[0]


def feed(catcher: Catcher, core: bytes, pid: int, *, pidfd: int | None = None) -> Run:
    """Start the helper as the kernel would, except that ``core`` is given."""
    numbers = [pid, pid, 11, int(time.time()), 0, 0, 1, 0]
    arguments = [*map(str, numbers), "" if pidfd is None else str(pidfd), "--", "!x"]
    run = subprocess.run(
        [catcher.program, "-c", catcher.settings_file, *arguments],
        input=core,
        pass_fds=[] if pidfd is None else [pidfd],
        check=False,
        timeout=60,
    )
    try:
        # It has exited: what it has sent is there.
        return Run(run.returncode, catcher.wait(timeout=0.001))
    except TimeoutError:
        return Run(run.returncode, "")


def assert_empty(catcher: Catcher) -> None:
    assert not list((catcher.spool / "pending").iterdir())
    assert not list((catcher.spool / "assets").iterdir())


@contextlib.contextmanager
def catcher(program: Path, directory: Path) -> Iterator[Catcher]:
    """Prepare an empty spool in ``directory``, whose path should be short."""
    for name in ("spool", "spool/pending", "spool/assets"):
        (directory / name).mkdir(mode=0o700, exist_ok=True)
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        path = directory / "notify"
        listener.bind(str(path))
        result = Catcher(program, directory, listener)
        result.write_settings(
            spool=str(result.spool), socket=str(path), quota="0%", admission=""
        )
        yield result
        path.unlink()


def read_tar(path: Path) -> dict[str, bytes]:
    with tarfile.open(path, "r:") as archive:
        members = {}
        for member in archive.getmembers():
            content = archive.extractfile(member)
            assert content is not None
            members[member.name] = content.read()
        return members
