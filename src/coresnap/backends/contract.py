"""Checks that every backend must pass, shipped for authors of backends.

Each function takes what the check needs to make a situation and raises AssertionError
with a sentence where the backend breaks the contract of ``backends.base``. ``CHECKS``
names those that need nothing but a fresh backend whose OS has its own handling.
"""

from __future__ import annotations

import os
import select
import time
from collections.abc import Callable

import attrs

from coresnap.backends.base import Capabilities, CaptureBackend, Level
from coresnap.crash import Crash
from coresnap.errors import HandlerConflictError, MissingError

__all__ = ["CHECKS", "check_conflict_is_refused", "check_foreign_change_is_kept"]

_NO_PROCESS = 2**22 + 1  # above every pid_max of Linux and FreeBSD
_ID = "0123456789abcdef0123456789abcdef"


def _require(condition: bool, sentence: str) -> None:
    if not condition:
        raise AssertionError(sentence)


def check_capabilities_are_data(backend: CaptureBackend) -> None:
    """Capabilities are booleans, and there is at least one way to get a core."""
    capabilities = backend.capabilities
    for field in attrs.fields(Capabilities):
        value = getattr(capabilities, field.name)
        _require(isinstance(value, bool), f"{field.name} is not a bool: {value!r}")
    ways = capabilities.pipe, capabilities.socket, capabilities.drop_directory
    _require(any(ways), "a backend without any way to get a core")


def check_install_and_uninstall_restore(backend: CaptureBackend) -> None:
    """Uninstall gives back every setting that install found."""
    before = backend.status()
    _require(not before.installed, "the check needs a backend that is not installed")
    installed = backend.install()
    _require(installed.installed, "install() does not end installed")
    _require(installed.owner == "coresnap", f"installed, but owner {installed.owner}")
    _require(not installed.problems, f"installed, but {installed.problems}")
    _require(backend.status() == installed, "status() disagrees with install()")
    after = backend.uninstall()
    _require(after.settings == before.settings, f"{after.settings} not given back")
    _require(after.owner == before.owner, f"owner is {after.owner}")
    _require(not after.problems, f"uninstalled, but {after.problems}")


def check_install_twice_is_once(backend: CaptureBackend) -> None:
    """A second install keeps what the first one saved."""
    before = backend.status()
    first = backend.install()
    _require(backend.install() == first, "the second install differs")
    after = backend.uninstall()
    _require(after.settings == before.settings, "the first saved state was lost")


def check_refresh_changes_no_owner(backend: CaptureBackend) -> None:
    """Settings that did not change are nothing to do, installed or not."""
    before = backend.status()
    _require(backend.refresh() == (), "nothing is installed, but settings stay")
    _require(backend.status() == before, "refresh() installed something")
    installed = backend.install()
    _require(backend.refresh() == (), "just installed, but settings stay")
    _require(backend.status() == installed, "refresh() changed what install() set")
    backend.uninstall()


def check_uninstall_without_install(backend: CaptureBackend) -> None:
    """Uninstalling what is not installed changes nothing."""
    before = backend.status()
    after = backend.uninstall()
    _require(after.settings == before.settings, "uninstall() changed settings")
    _require(not after.problems, f"nothing was installed, but {after.problems}")


def check_receive_times_out(backend: CaptureBackend) -> None:
    """``receive`` returns None when its time is over, and does not block at 0."""
    backend.listen()
    try:
        started = time.monotonic()
        _require(backend.receive(0) is None, "a crash out of nowhere")
        _require(time.monotonic() - started < 5, "receive(0) blocks")
    finally:
        backend.close()


def check_announcement_arrives(backend: CaptureBackend) -> None:
    """What ``announce`` sends wakes a waiter and is received, once."""
    backend.listen()
    try:
        _require(len(backend.waitables()) > 0, "nothing to wait on after listen()")
        _require(backend.announce(_ID), "announce() says that nobody listens")
        ready, _, _ = select.select(backend.waitables(), [], [], 10)
        _require(bool(ready), "the announcement wakes nobody")
        crash = backend.receive(10)
        _require(crash is not None, "the announcement was lost")
        _require(getattr(crash, "archive_id", None) == _ID, f"not the id: {crash}")
        _require(backend.receive(0) is None, "the announcement comes twice")
    finally:
        backend.close()


def check_nobody_listens(backend: CaptureBackend) -> None:
    """``announce`` without a listener says so; closing twice is closing once."""
    backend.listen()
    backend.close()
    backend.close()
    _require(not backend.waitables(), "something to wait on after close()")
    _require(not backend.announce(_ID), "announce() claims a listener")


def check_preparation_ends_with_close(backend: CaptureBackend) -> None:
    """A prepared backend listens like any other, and can be prepared again."""
    for _ in range(2):
        backend.prepare()
        backend.listen()
        try:
            _require(backend.receive(0) is None, "a crash out of nowhere")
            wait = backend.wakes_in
            _require(wait is None or wait >= 0, f"wakes in {wait} seconds")
        finally:
            backend.close()
    _require(backend.wakes_in is None, "something to wake for after close()")


def check_core_that_nobody_left(backend: CaptureBackend) -> None:
    """A core that ``receive`` did not return is not opened, wherever it lies."""
    crash = Crash(pid=1, signal=11, time=1, core_path="/nonexistent/core")
    try:
        os.close(backend.open_core(crash))
    except MissingError as error:
        _require("/nonexistent/core" in str(error), "the error does not say which")
    else:
        raise AssertionError("a core that is not there was opened")


def check_missing_process(backend: CaptureBackend) -> None:
    """Describing a process that is not there raises MissingError."""
    try:
        backend.describe(_NO_PROCESS)
    except MissingError as error:
        _require(str(_NO_PROCESS) in str(error), "the error does not say which")
    else:
        raise AssertionError("a process that cannot exist was described")


def check_findings_explain(backend: CaptureBackend) -> None:
    """Every bad finding says what to do, and an uninstalled backend has one."""
    findings = backend.diagnose()
    _require(any(f.level is Level.FAIL for f in findings), "no finding says why")
    for finding in findings:
        _require(bool(finding.check and finding.message), f"empty: {finding}")
        bad = finding.level is not Level.OK
        _require(bool(finding.remedy) == bad, f"remedy and level differ: {finding}")


def check_confinement_of_a_child(backend: CaptureBackend) -> None:
    """``confine`` returns names and leaves a child able to finish."""
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        names = backend.confine()
        os.write(writer, "\n".join(names).encode() or b"nothing")
        os._exit(0)
    os.close(writer)
    with open(reader, "rb") as stream:
        said = stream.read()
    _, status = os.waitpid(pid, 0)
    _require(os.waitstatus_to_exitcode(status) == 0, "the confined child died")
    _require(bool(said), "the confined child could not speak")


def check_conflict_is_refused(
    backend: CaptureBackend, take: Callable[[], object], name: str
) -> None:
    """Another owner is named and left alone, unless it is to be replaced.

    ``take`` lets another handler, called ``name``, have the crashes.
    """
    take()
    before = backend.status()
    try:
        backend.install()
    except HandlerConflictError as error:
        _require(name in str(error), f"the owner is not named: {error}")
    else:
        raise AssertionError("install() took the crashes from another handler")
    _require(backend.status() == before, "a refused install() changed something")
    _require(backend.install(replace=True).installed, "replace=True does not replace")
    after = backend.uninstall()
    _require(after.settings == before.settings, "the replaced handler is not back")


def check_foreign_change_is_kept(
    backend: CaptureBackend, take: Callable[[], object]
) -> None:
    """What somebody changed after install stays, and uninstall says so."""
    backend.install()
    take()
    before = backend.status()
    _require(not before.installed, "status() does not see that another took over")
    after = backend.uninstall()
    _require(after.settings == before.settings, "uninstall() undid a foreign change")
    _require(bool(after.problems), "uninstall() does not say what it left alone")


CHECKS: tuple[Callable[[CaptureBackend], None], ...] = (
    check_capabilities_are_data,
    check_install_and_uninstall_restore,
    check_install_twice_is_once,
    check_refresh_changes_no_owner,
    check_uninstall_without_install,
    check_receive_times_out,
    check_announcement_arrives,
    check_nobody_listens,
    check_preparation_ends_with_close,
    check_core_that_nobody_left,
    check_missing_process,
    check_findings_explain,
    check_confinement_of_a_child,
)
