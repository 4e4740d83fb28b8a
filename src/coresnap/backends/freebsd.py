"""FreeBSD: kern.corefile into a drop directory, devd's event, the core's own notes.

The kernel has no pipe. It writes a file, then announces it on devctl after the process
is gone, so there is nothing to wait for and no process left to ask: the contract's
``Crash.core_path`` and the notes take the place of handler and /proc.
"""

from __future__ import annotations

import os
import select
import time
from collections import deque
from collections.abc import Callable, Sequence
from pathlib import Path

import attrs

from coresnap.backends import archive_files, freebsd_diagnosis
from coresnap.backends.base import (
    Capabilities,
    CaptureBackend,
    CaptureStatus,
    Finding,
    ProcessDescription,
)
from coresnap.backends.freebsd_arrivals import LOOK_SECONDS, Arrival, Arrivals
from coresnap.backends.freebsd_confinement import (
    confine,
    confine_sender,
    confine_watcher,
)
from coresnap.backends.freebsd_devd import SOCKET, DevdSocket
from coresnap.backends.freebsd_drops import Box, DroppedFile, LocalBox
from coresnap.backends.freebsd_installation import (
    RESTORED,
    close_drop_directory,
    ensure_user,
    make_admission_table,
    make_drop_directory,
    owner_of,
    wanted_settings,
)
from coresnap.backends.freebsd_keeper import Keeper, start_keeper
from coresnap.backends.freebsd_process import describe
from coresnap.backends.freebsd_sysctl import (
    COREFILE,
    FreeBSDKernel,
    SystemKernel,
    write_all,
)
from coresnap.backends.notify_socket import NotifySocket, send
from coresnap.backends.previous_settings import load_previous, save_previous
from coresnap.config import Config
from coresnap.crash import Crash
from coresnap.errors import (
    AccessError,
    CaptureError,
    HandlerConflictError,
    MissingError,
)

__all__ = ["FreeBSDBackend"]


class FreeBSDBackend(CaptureBackend):
    """Capture through kern.corefile; ``kernel`` and ``devd`` are others in tests."""

    system = "FreeBSD"

    def __init__(
        self,
        config: Config,
        kernel: FreeBSDKernel | None = None,
        devd: Path = SOCKET,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Serve the paths and the user that ``config`` names."""
        self._config = config
        self._kernel = kernel or SystemKernel()
        self._clock = clock
        self._devd = DevdSocket(devd, clock)
        self._box: Box = LocalBox(self._kernel, config.drop_directory)
        self._keeper: Keeper | None = None
        self._notify: NotifySocket | None = None
        self._arrivals = Arrivals(clock)
        self._next_look = 0.0
        self._ready: deque[Crash] = deque()
        self._given: dict[str, DroppedFile] = {}

    @property
    def capabilities(self) -> Capabilities:
        """What every FreeBSD since 10.4 offers."""
        return Capabilities(
            pipe=False,
            socket=False,
            waits=False,
            pidfd=False,
            context_from_process=False,
            drop_directory=True,
        )

    # --- install and uninstall ------------------------------------------------

    def install(self, *, replace: bool = False) -> CaptureStatus:
        """Make the user, the archive and the drop directory, then set the pattern."""
        config = self._config
        if os.geteuid() != 0:
            raise AccessError(
                f"only root may set {COREFILE}",
                remedy="Run `coresnap install` as root.",
            )
        current = self._kernel.read(COREFILE)
        self._refuse_conflict(current, replace=replace)
        wanted = wanted_settings(self._kernel, config.drop_directory)
        owner = ensure_user(config.user)
        archive_files.make_directories(config, owner)
        make_admission_table(config.admission, owner)
        make_drop_directory(config.drop_directory)
        if self._owner_of(current) != "coresnap":
            config.previous_settings.unlink(missing_ok=True)
            found = {name: self._kernel.read(name) for name in RESTORED}
            previous = {name: v for name, v in found.items() if v is not None}
            save_previous(config.previous_settings, previous)
        write_all(self._kernel, wanted)
        return self.status()

    def _refuse_conflict(self, current: str | None, *, replace: bool) -> None:
        owner = self._owner_of(current)
        if owner in ("coresnap", "the kernel") or replace:
            return
        raise HandlerConflictError(
            f"{owner} handles this machine's crashes: {COREFILE} is {current!r}",
            remedy="Turn it off first, or run `coresnap install --replace`; "
            "`coresnap uninstall` gives it back.",
        )

    def uninstall(self) -> CaptureStatus:
        """Give the kernel's settings back; cores that still wait stay."""
        if os.geteuid() != 0:
            raise AccessError(
                f"only root may set {COREFILE}",
                remedy="Run `coresnap uninstall` as root.",
            )
        kept = self._restore()
        if not self._is_ours():
            close_drop_directory(self._config.drop_directory)
            self._config.previous_settings.unlink(missing_ok=True)
        return attrs.evolve(self.status(), problems=kept)

    def _restore(self) -> tuple[str, ...]:
        previous = load_previous(self._config.previous_settings)
        if not self._is_ours():
            if not previous:
                return ()
            current = self._kernel.read(COREFILE)
            return (f"{COREFILE} was changed since to {current!r}: left alone",)
        # The kernel's own defaults, should what was saved be lost.
        previous = {COREFILE: "%N.core"} | previous
        ours = wanted_settings(self._kernel, self._config.drop_directory)
        kept = []
        for name in RESTORED:
            if name not in previous or name not in ours:
                continue
            value = self._kernel.read(name)
            if value == ours[name]:
                write_all(self._kernel, {name: previous[name]})
            else:
                kept.append(f"{name} was changed since to {value!r}: left alone")
        return tuple(kept)

    def _is_ours(self) -> bool:
        return self._owner_of(self._kernel.read(COREFILE)) == "coresnap"

    def _owner_of(self, pattern: str | None) -> str:
        return owner_of(pattern, self._config.drop_directory)

    def refresh(self) -> tuple[str, ...]:
        """Nothing on the kernel's side reads our settings."""
        return ()

    def status(self) -> CaptureStatus:
        """Read the kernel's settings and judge them."""
        found = {name: self._kernel.read(name) for name in RESTORED}
        installed = self._is_ours()
        return CaptureStatus(
            system=self.system,
            installed=installed,
            owner=self._owner_of(found[COREFILE]),
            settings={name: v for name, v in found.items() if v is not None},
            problems=self._problems() if installed else (),
        )

    def _problems(self) -> tuple[str, ...]:
        findings = freebsd_diagnosis.check_installation(self._config, self._kernel)
        return tuple(f.message for f in findings if f.level != "ok")

    # --- receive --------------------------------------------------------------

    def prepare(self) -> None:
        """Leave a process behind that may open what the kernel gives to others."""
        if self._keeper is None:
            self._box = self._keeper = start_keeper(self._box)

    def listen(self) -> None:
        """Bind the notification socket, and connect to devd if it runs."""
        owner = archive_files.owner_ids(self._config.user)
        mine = None if os.geteuid() != 0 else owner
        self._notify = NotifySocket(self._config.socket, mine)
        self._devd.connect()
        self._next_look = self._clock()

    def waitables(self) -> Sequence[int]:
        """Return the descriptors of the notification socket and of devd's."""
        if self._notify is None:
            return []
        devd = self._devd.fileno()
        return [self._notify.fileno(), *([] if devd is None else [devd])]

    @property
    def wakes_in(self) -> float | None:
        """Seconds until the next look at the directories, or try to reach devd."""
        if self._notify is None:
            return None
        waits = [self._next_look - self._clock(), self._devd.wakes_in]
        return max(0.0, min(wait for wait in waits if wait is not None))

    def receive(self, timeout: float | None) -> Crash | None:
        """Return the next announced archive, else the next core that is complete."""
        end = None if timeout is None else time.monotonic() + timeout
        while True:
            if (crash := self._look()) is not None:
                return crash
            left = None if end is None else end - time.monotonic()
            if left is not None and left <= 0:
                return None
            waits = [wait for wait in (left, self.wakes_in) if wait is not None]
            select.select(self.waitables(), [], [], min(waits))

    def _look(self) -> Crash | None:
        if self._notify is None:
            raise CaptureError("listen() comes before receive()")
        if (crash := self._notify.receive(0)) is not None:
            return crash
        if self._devd.connect():
            self._next_look = self._clock()
        while (event := self._devd.receive()) is not None:
            self._arrivals.note(event)
            self._next_look = self._clock()
        if not self._ready and self._clock() >= self._next_look:
            self._next_look = self._clock() + LOOK_SECONDS
            for arrival in self._arrivals.look(self._files()):
                self._given[arrival.file.path] = arrival.file
                self._ready.append(_crash(arrival))
            self._next_look = self._clock() + self._arrivals.wakes_in
        return self._ready.popleft() if self._ready else None

    def _files(self) -> list[DroppedFile]:
        """List the drop directories; nothing where nothing is installed."""
        try:
            return self._box.files(self._arrivals.told)
        except (FileNotFoundError, NotADirectoryError):
            return []
        except OSError as error:
            raise CaptureError(
                f"cannot look for cores: {error.strerror or error}",
                remedy="Restart coresnapd, as root.",
            ) from error

    def open_core(self, crash: Crash) -> int:
        """Open the file of a crash that ``receive`` returned."""
        file = self._given.get(crash.core_path or "")
        if file is None:
            raise MissingError(f"no core is known at {crash.core_path}")
        try:
            return self._box.open(file)
        except FileNotFoundError as error:
            raise MissingError(f"the core {file.path} is gone") from error
        except OSError as error:
            reason = error.strerror or str(error)
            raise CaptureError(f"cannot open {file.path}: {reason}") from error

    def remove_core(self, crash: Crash) -> None:
        """Remove that file."""
        file = self._given.pop(crash.core_path or "", None)
        if file is None:
            return
        try:
            self._box.remove(file)
        except FileNotFoundError:
            return
        except OSError as error:
            reason = error.strerror or str(error)
            raise CaptureError(f"cannot remove {file.path}: {reason}") from error

    def close(self) -> None:
        """Close the sockets; the keeper ends with the daemon, or here."""
        if self._notify is not None:
            self._notify.close()
        self._notify = None
        self._devd.close()
        if self._keeper is not None:
            self._keeper.close()
            self._keeper = None
            self._box = LocalBox(self._kernel, self._config.drop_directory)

    def announce(self, archive_id: str) -> bool:
        """Send a hint to the daemon."""
        return send(self._config.socket, archive_id)

    # --- processes ------------------------------------------------------------

    def describe(self, pid: int) -> ProcessDescription:
        """Ask sysctl(3) for the process."""
        return describe(self._kernel, pid)

    def diagnose(self, pid: int | None = None) -> tuple[Finding, ...]:
        """Check kernel, installation, jails and limits."""
        devd = self._devd.path
        return freebsd_diagnosis.diagnose(self._config, self._kernel, devd, pid)

    def confine(self) -> tuple[str, ...]:
        """No new privileges, no new process, not to be traced, dies with its parent."""
        return confine()

    def confine_sender(self, writable: Sequence[Path]) -> tuple[str, ...]:
        """No new privileges, not to be traced."""
        return confine_sender(writable)

    def confine_watcher(
        self, unreadable: Path, writable: Sequence[Path]
    ) -> tuple[str, ...]:
        """Leave reading, but not below ``unreadable``."""
        return confine_watcher(unreadable, writable)


def _crash(arrival: Arrival) -> Crash:
    """Return what name, owner and event say; the core's notes say more."""
    file, event = arrival.file, arrival.event
    pid, _, signal, command = file.told or (0, 0, 0, None)
    executable = None
    if event is not None:
        pid, signal = event.pid or pid, event.signal or signal
        if event.executable is not None:
            executable = event.executable.decode("utf-8", "replace")
    return Crash(
        pid=pid,
        signal=signal,
        # Whose file it is can give it any time.
        time=max(0, min(file.modified, time.time_ns())),
        uid=file.uid,
        executable=executable,
        path=executable,
        command=command,
        core_path=file.path,
    )
