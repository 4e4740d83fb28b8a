"""A fault at every boundary of a capture: killed, or refused by the system, between any
two calls of coresnap-catch.

The helper gets the core of a stopped process on its standard input, and that process
to describe, so it goes the whole way: settings, spool, context, core, commit, hint.
"""

from __future__ import annotations

import errno
import itertools
import os
import signal
import subprocess
import tarfile
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import attrs
import psutil
import pytest

import catcher as catching
import faults as faulting
from catcher import Catcher, Run, feed
from conftest import Tally
from coresnap.backends import crash_record
from coresnap.collect.spool import create_spool
from coresnap.errors import CoresnapError
from faults import Faults
from kernel import KernelLog
from livecore import core_of
from pipelines import assert_all_processed_once

pytestmark = [pytest.mark.compiler, pytest.mark.root]

WAYS = {
    "pipe": {"fetch": "pipe"},
    "memory": {"fetch": "memory"},
    "important-pipe": {"fetch": "pipe", "important": "0"},
    "important-memory": {"fetch": "memory", "important": "0"},
}
"""How the core comes: by settings of the helper."""
WRITES = ("pwrite", "pwritev")
STORING = {*WRITES, "ftruncate", "fallocate", "fchown"}
FULL = (errno.ENOSPC, errno.EDQUOT, errno.EIO)
ERRORS: dict[str, tuple[int, ...]] = {
    "pwrite": (*FULL, errno.EINTR),
    "pwritev": (*FULL, errno.EINTR),
    "write": (errno.EAGAIN,),
    "ftruncate": FULL,
    "fallocate": (*FULL, errno.EOPNOTSUPP),
    "fsync": (errno.EIO, errno.ENOSPC, errno.EDQUOT),
    "fdatasync": (errno.EIO,),
    "fchown": (errno.EPERM, errno.EDQUOT, errno.EIO),
    "fchmod": (errno.EPERM, errno.EROFS),
    "linkat": (*FULL, errno.EROFS, errno.EEXIST),
    "unlinkat": (errno.EIO, errno.EROFS),
    "open": (errno.EMFILE, errno.ENFILE, errno.ENOMEM),
    "openat": (errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.EOPNOTSUPP),
    "read": (errno.EIO, errno.EINTR),
    # From /proc/PID/mem EIO is a page that the kernel cannot dump either.
    "pread": (errno.EINTR, errno.ESRCH),
    "readlinkat": (errno.ENOMEM, errno.EACCES),
    "fstat": (errno.EIO,),
    "fstatvfs": (errno.EIO,),
    "flock": (errno.EWOULDBLOCK, errno.ENOLCK),
    "mmap": (errno.ENOMEM,),
    "aligned_alloc": (errno.ENOMEM,),
    "splice": (errno.EINVAL, errno.EINTR),
    "socket": (errno.EMFILE, errno.ENFILE),
    "sendto": (errno.EAGAIN, errno.ECONNREFUSED),
    "getrandom": (errno.EINTR,),
}
"""What each call may answer when the system is at its end."""


@pytest.fixture(scope="module")
def faults() -> Iterator[Faults]:
    with tempfile.TemporaryDirectory(prefix="cs-") as directory:
        yield faulting.build(Path(directory))


@pytest.fixture
def stage(faults: Faults) -> Iterator[Stage]:
    """The helper with its faults, a spool, and a crash."""
    process = subprocess.Popen(["sleep", "1000"])
    status = psutil.Process(process.pid)
    while status.name() != "sleep" or status.status() != psutil.STATUS_STOPPED:
        time.sleep(0.02)
        process.send_signal(signal.SIGSTOP)
    with (
        tempfile.TemporaryDirectory(prefix="cs-") as directory,
        catching.catcher(faults.program, Path(directory)) as catcher,
    ):
        yield Stage(faults, catcher, process.pid, core_of(process.pid))
    process.kill()
    process.wait()


@attrs.frozen
class Stage:
    faults: Faults
    catcher: Catcher
    pid: int
    core: bytes

    def run(self) -> Run:
        return feed(self.catcher, self.core, self.pid)

    def calls(self) -> list[str]:
        """The calls of a run to which nothing happens."""
        self.faults.none()
        assert self.run().code == 0
        return self.faults.trace()

    def names(self, part: str) -> set[str]:
        return set(os.listdir(self.catcher.spool / part))

    def clear(self) -> None:
        for part in ("pending", "assets"):
            for name in self.names(part):
                (self.catcher.spool / part / name).unlink()

    def move(self, spool: Path) -> None:
        """Move what there is into another spool."""
        for part in ("pending", "assets"):
            for name in self.names(part):
                (self.catcher.spool / part / name).rename(spool / part / name)

    def left(self) -> str:
        """What is in the spool, which was empty: "nothing", "record" or "whole".

        Anything else fails.
        """
        pending, assets = self.names("pending"), self.names("assets")
        assert pending <= assets
        assert len(assets) <= 1
        if not assets:
            return "nothing"
        (archive,) = assets
        if not pending:
            assert self.recorded_pid(archive) == self.pid
            return "record"
        self.check_core(archive)
        return "whole"

    def recorded_pid(self, archive: str) -> int | None:
        with (self.catcher.spool / "assets" / archive).open("rb") as file:
            crash = crash_record.read_first(file.fileno())
        return crash.pid if crash else None

    def check_core(self, archive: str) -> None:
        """A core that does not say it is cut is the whole core."""
        core = (self.catcher.spool / "pending" / archive).read_bytes()
        try:
            caught = self.catcher.read(archive)
        except tarfile.ReadError:  # no member could be written
            caught = None
        if caught is None or "capture.json" not in caught.members:
            # The tar met the fault. Then nothing vouches for the core, and it is not
            # taken for whole; it still has to be what the kernel sent.
            assert self.core.startswith(core)
            return
        capture = caught.capture
        if "crash.json" not in caught.members:
            assert capture["assets"]["left_out"] > 0
        is_full = capture.get("rung", "full") == "full"
        if capture["cut"] is None and is_full:
            assert core == self.core
        else:
            assert capture["truncated"] or not is_full
            if is_full:
                assert len(core) == capture["size"]
                assert self.core.startswith(core.rstrip(b"\0"))


def deaths(stage: Stage) -> Iterator[str]:
    """Kill the helper at one boundary after the other; yield which."""
    killed = [("kill", "any"), *(("torn", name) for name in WRITES)]
    for action, name in killed:
        for number in itertools.count(1):
            stage.faults.plan(action, name, number)
            code = stage.run().code
            if code == 0:
                stage.clear()
                break
            assert code == -signal.SIGKILL
            yield f"{action} {name} {number}"


@pytest.mark.parametrize("fetch", WAYS)
def test_r27_killed_at_every_boundary_leaves_nothing_a_record_or_a_whole_archive(
    stage: Stage, tmp_path: Path, tally: Tally, fetch: str
) -> None:
    stage.catcher.write_settings(**WAYS[fetch])
    kept = tmp_path / "archive"
    create_spool(kept)
    found: dict[str, set[str]] = {"nothing": set(), "record": set(), "whole": set()}
    for death in deaths(stage):
        found[stage.left()] |= stage.names("assets") or {death}
        stage.move(kept)
    tally(
        "handler killed between any two calls, or in a write",
        whole=len(found["whole"]),
        less=len(found["record"]),
        nothing=len(found["nothing"]),
    )
    # Most of what it does comes after the record has its name.
    assert 0 < len(found["nothing"]) < len(found["record"])
    assert found["whole"]
    assert_all_processed_once(
        tmp_path, dict.fromkeys(found["whole"], stage.core), found["record"]
    )


@pytest.mark.parametrize("fetch", WAYS)
def test_what_is_linked_into_pending_is_on_the_disk(stage: Stage, fetch: str) -> None:
    stage.catcher.write_settings(**WAYS[fetch])
    calls = stage.calls()
    links = [at for at, name in enumerate(calls) if name == "linkat"]
    last_store = max(at for at, name in enumerate(calls) if name in STORING)
    assert last_store < links[-1]
    # Assets and core before it, the directory after it.
    assert calls[last_store : links[-1]].count("fsync") >= 2
    assert "fsync" in calls[links[-1] :]


def errors(calls: list[str]) -> Iterator[tuple[str, str, int, int]]:
    """Every fault that makes sense: action, name, number and error."""
    for name, count in Counter(calls).items():
        for number in range(1, count + 1):
            if name in WRITES:
                yield "short", name, number, 0
            for error in ERRORS[name]:
                yield "once", name, number, error
                if error not in (errno.EINTR, errno.EEXIST):
                    yield "always", name, number, error


@pytest.mark.parametrize("fetch", WAYS)
def test_r12_an_error_at_any_call_is_a_lower_rung_or_a_refusal_that_is_said(
    stage: Stage, tally: Tally, fetch: str
) -> None:
    stage.catcher.write_settings(**WAYS[fetch])
    calls = stage.calls()
    stage.clear()
    wrong = []
    left: Counter[str] = Counter()
    with KernelLog() as log:
        for action, name, number, error in errors(calls):
            stage.faults.plan(action, name, number, error)
            log.said()
            run = stage.run()
            said = [run.message, *log.said()]
            if (action, name) == ("always", "open"):
                said.append("neither the daemon nor the log can be reached")
            try:
                left[check_outcome(stage, run, said)] += 1
            except (AssertionError, CoresnapError, KeyError, ValueError) as problem:
                fault = f"{action} {name} {number} {errno.errorcode.get(error, '')}"
                wrong.append(f"{fault}: {run.code} {said}: {problem!r}"[:500])
            stage.clear()
    assert not wrong, "\n".join(wrong)
    tally(
        "an error at any call of the handler (ENOSPC, EDQUOT, EIO, EMFILE, ...)",
        whole=left["whole"],
        less=left["record"],
        nothing=left["nothing"],
    )


def check_outcome(stage: Stage, run: Run, said: list[str]) -> str:
    """What is said, in the datagram or the kernel's log, is what is there: ``left``."""
    left = stage.left()
    names = stage.names("assets")
    if run.code == 0:
        assert left in ("whole", "record")
        assert any(name in text for name in names for text in said)
    else:
        assert run.code == 1
        assert left in ("nothing", "record")
        assert any(said)
    return left
