"""Linux: a pipe handler or a socket named by kernel.core_pattern, and /proc."""

from __future__ import annotations

import importlib.resources
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from coresnap.backends import archive_files, linux_diagnosis, linux_files
from coresnap.backends.base import (
    Capabilities,
    CaptureBackend,
    CaptureStatus,
    Door,
    Finding,
    ProcessDescription,
)
from coresnap.backends.core_pattern import owner_of, pattern_for, program_of
from coresnap.backends.linux_confinement import (
    confine,
    confine_sender,
    confine_watcher,
)
from coresnap.backends.linux_door import (
    LinuxDoor,
    chosen_door,
    is_served,
    socket_pattern,
)
from coresnap.backends.linux_sysctl import (
    CORE_PATTERN,
    CORE_PIPE_LIMIT,
    SUID_DUMPABLE,
    Sysctl,
)
from coresnap.backends.notify_socket import NotifySocket, send
from coresnap.backends.previous_settings import load_previous, save_previous
from coresnap.backends.process import describe
from coresnap.config import SETTINGS, Config
from coresnap.crash import Crash
from coresnap.errors import (
    AccessError,
    CaptureError,
    HandlerConflictError,
)

__all__ = ["LinuxBackend"]

_PIPE_LIMIT = "16"
"""Crashes handled at once; above 0 the kernel keeps the process for its handler."""
_SUID_DUMPABLE = "2"
"""Set-id programs dump too, for root only (``%d`` tells the handler)."""
# The kernel calls it unsafe, and says so in its log, if set-id programs may dump while
# cores go to a file in whatever directory (validate_coredump_safety): 2 comes after the
# pattern, and goes before it.
_RESTORED = (SUID_DUMPABLE, CORE_PATTERN, CORE_PIPE_LIMIT)


class LinuxBackend(CaptureBackend):
    """Capture through core_pattern; ``sysctl`` is /proc/sys but for tests."""

    system = "Linux"

    def __init__(self, config: Config, sysctl: Sysctl | None = None) -> None:
        """Serve the paths and the user that ``config`` names."""
        self._config = config
        self._sysctl = sysctl or Sysctl()
        self._socket: NotifySocket | None = None

    @property
    def capabilities(self) -> Capabilities:
        """What this kernel can do, found by probing its settings."""
        modes = self._sysctl.read("kernel.core_modes").split()
        return Capabilities(
            pipe=self._sysctl.path(CORE_PATTERN).exists(),
            socket="socket" in modes,
            waits=self._sysctl.path(CORE_PIPE_LIMIT).exists(),
            # %F has no probe of its own; it came with core_modes (Linux 6.16).
            pidfd=bool(modes),
            context_from_process=True,
            drop_directory=False,
        )

    # --- install and uninstall ------------------------------------------------

    def install(self, *, replace: bool = False) -> CaptureStatus:
        """Put the handler, its settings and the spool in place, then the pattern."""
        config = self._config
        if os.geteuid() != 0:
            raise AccessError(
                "only root may set kernel.core_pattern",
                remedy="Run `coresnap install` as root.",
            )
        current = self._sysctl.read(CORE_PATTERN)
        self._refuse_conflict(current, replace=replace)
        wanted = self._wanted()
        owner = linux_files.ensure_user(config.user)
        archive_files.make_directories(config, owner)
        if not _came_with_us(config.handler):
            linux_files.install_handler(handler_program(), config.handler)
        linux_files.check_trusted(config.handler)
        linux_files.write_handler_settings(config, owner)
        if self._owner_of(current) != "coresnap":
            config.previous_settings.unlink(missing_ok=True)
            previous = {name: self._sysctl.read(name) for name in _RESTORED}
            save_previous(config.previous_settings, previous)
        self._sysctl.write_all(wanted)
        return self.status()

    def _refuse_conflict(self, current: str, *, replace: bool) -> None:
        owner = self._owner_of(current)
        if owner in ("coresnap", "the kernel") or replace:
            return
        raise HandlerConflictError(
            f"{owner} handles this machine's crashes: core_pattern is {current!r}",
            remedy="Turn it off first, or run `coresnap install --replace`; "
            "`coresnap uninstall` gives it back.",
        )

    def _wanted(self) -> dict[str, str]:
        # From the pattern on crashes arrive, so what their handler needs comes before.
        wanted = {
            CORE_PIPE_LIMIT: _PIPE_LIMIT,
            CORE_PATTERN: self._pipe_pattern(),
            SUID_DUMPABLE: _SUID_DUMPABLE,
        }
        optional = (CORE_PIPE_LIMIT, SUID_DUMPABLE)
        return {
            name: value
            for name, value in wanted.items()
            if name not in optional or self._sysctl.path(name).exists()
        }

    def _pipe_pattern(self) -> str:
        default = next(Path(s.default) for s in SETTINGS if s.name == "root")
        return pattern_for(
            self._config.handler,
            self._config.handler_settings,
            default_settings=default / self._config.handler_settings.name,
            pidfd=self.capabilities.pidfd,
        )

    def uninstall(self) -> CaptureStatus:
        """Give the kernel's settings back and remove handler and settings."""
        if os.geteuid() != 0:
            raise AccessError(
                "only root may set kernel.core_pattern",
                remedy="Run `coresnap uninstall` as root.",
            )
        kept = self._restore()
        if not self._is_ours():
            if not _came_with_us(self._config.handler):
                self._config.handler.unlink(missing_ok=True)
            self._config.handler_settings.unlink(missing_ok=True)
            self._config.previous_settings.unlink(missing_ok=True)
        status = self.status()
        return CaptureStatus(
            system=status.system,
            installed=status.installed,
            owner=status.owner,
            settings=status.settings,
            door=status.door,
            daemon_door=status.daemon_door,
            problems=kept,
        )

    def _restore(self) -> tuple[str, ...]:
        previous = load_previous(self._config.previous_settings)
        if not self._is_ours():
            if not previous:
                return ()
            current = self._sysctl.read(CORE_PATTERN)
            return (f"{CORE_PATTERN} was changed since to {current!r}: left alone",)
        previous = {CORE_PATTERN: "core", CORE_PIPE_LIMIT: "0"} | previous
        ours = {CORE_PIPE_LIMIT: _PIPE_LIMIT, SUID_DUMPABLE: _SUID_DUMPABLE}
        kept = []
        for name in _RESTORED:
            if name not in previous or not self._sysctl.path(name).exists():
                continue
            value = self._sysctl.read(name)
            if value == ours.get(name, value):
                self._sysctl.write(name, previous[name])
            else:
                kept.append(f"{name} was changed since to {value!r}: left alone")
        return tuple(kept)

    def _is_ours(self) -> bool:
        return self._owner_of(self._sysctl.read(CORE_PATTERN)) == "coresnap"

    def _owner_of(self, pattern: str) -> str:
        return owner_of(pattern, self._config.handler, self._config.door_socket)

    def refresh(self) -> tuple[str, ...]:
        """Write the handler's settings again; root, socket and user stay."""
        return linux_files.refresh_handler_settings(self._config)

    def status(self) -> CaptureStatus:
        """Read the kernel's settings and judge them."""
        pattern = self._sysctl.read(CORE_PATTERN)
        program = program_of(pattern)
        installed = self._is_ours()
        return CaptureStatus(
            system=self.system,
            installed=installed,
            owner=self._owner_of(pattern),
            settings={name: self._sysctl.read(name) for name in _RESTORED},
            handler=program,
            door=_door_of(pattern) if installed else None,
            daemon_door=self._daemon_door() if installed else None,
            problems=self._problems() if installed else (),
        )

    def _problems(self) -> tuple[str, ...]:
        findings = linux_diagnosis.check_installation(self._config, self._sysctl)
        return tuple(f.message for f in findings if f.level != "ok")

    # --- the socket -----------------------------------------------------------

    def _daemon_door(self) -> str:
        try:
            served = linux_files.is_compiled(self._config.handler)
        except OSError:
            served = False
        return chosen_door(self._config, self.capabilities) if served else "pipe"

    def socket_door(self) -> Door | None:
        """Return the socket that the installed handler can serve."""
        config = self._config
        if not self._is_ours() or self._daemon_door() != "socket":
            return None
        owner = archive_files.owner_ids(config.user)
        pattern = socket_pattern(config.door_socket)
        current = self._sysctl.read(CORE_PATTERN)
        if current.startswith("@") and is_served(current):
            return None  # by another daemon
        # A server and its warden may have been killed together.
        way_back = self._pipe_pattern() if current.startswith("@") else current
        settings = str(config.handler_settings)
        command = (str(config.handler), "-c", settings, "-l", pattern, way_back)
        return LinuxDoor(
            path=config.door_socket,
            command=command,
            owner=owner[0] if owner else 0,
            pattern=pattern,
            way_back=way_back,
            sysctl=self._sysctl,
        )

    # --- receive --------------------------------------------------------------

    def listen(self) -> None:
        """Bind the notification socket."""
        owner = archive_files.owner_ids(self._config.user)
        mine = None if os.geteuid() != 0 else owner
        self._socket = NotifySocket(self._config.socket, mine)

    def waitables(self) -> Sequence[int]:
        """Return the socket's descriptor."""
        return [] if self._socket is None else [self._socket.fileno()]

    def receive(self, timeout: float | None) -> Crash | None:
        """Return the crash of the next hint."""
        if self._socket is None:
            raise CaptureError("listen() comes before receive()")
        return self._socket.receive(timeout)

    def close(self) -> None:
        """Close the socket."""
        if self._socket is not None:
            self._socket.close()
        self._socket = None

    def announce(self, archive_id: str) -> bool:
        """Send a hint to the daemon."""
        return send(self._config.socket, archive_id)

    # --- processes ------------------------------------------------------------

    def describe(self, pid: int) -> ProcessDescription:
        """Read the process through psutil."""
        return describe(pid)

    def diagnose(self, pid: int | None = None) -> tuple[Finding, ...]:
        """Check kernel, installation and limits."""
        return linux_diagnosis.diagnose(self._config, self._sysctl, pid)

    def confine(self) -> tuple[str, ...]:
        """No new privileges, no network, first to die when memory runs out."""
        return confine()

    def confine_sender(self, writable: Sequence[Path]) -> tuple[str, ...]:
        """No new privileges, no file to change but below ``writable``."""
        return confine_sender(writable)

    def confine_watcher(
        self, unreadable: Path, writable: Sequence[Path]
    ) -> tuple[str, ...]:
        """Leave reading, but not below ``unreadable``."""
        return confine_watcher(unreadable, writable)


def _door_of(pattern: str) -> str:
    return "socket" if pattern.startswith("@") else "pipe"


def _came_with_us(handler: Path) -> bool:
    """Whether it is our own file, which a package manager put there and will remove."""
    ours = importlib.resources.files("coresnap") / "libexec" / "coresnap-catch"
    try:
        return os.path.samefile(handler, str(ours))
    except OSError:
        return False


def handler_program() -> bytes:
    """Return the program for the kernel: compiled, else in Python.

    Raises CaptureError if there is neither it nor an interpreter that root may trust.
    """
    package = importlib.resources.files("coresnap")
    compiled = package / "libexec" / "coresnap-catch"
    if compiled.is_file():
        return compiled.read_bytes()
    script = (package / "collect" / "handler.py").read_bytes()
    # -I -S: nothing of the environment, the user's site or site-packages is imported.
    return f"#!{_trusted_interpreter()} -IS\n".encode() + script


def _trusted_interpreter() -> Path:
    candidates = (Path(sys.executable).resolve(), Path("/usr/bin/python3"))
    for candidate in candidates:
        try:
            linux_files.check_trusted(candidate)
        except CaptureError:
            continue
        if candidate.exists() and " " not in str(candidate):
            return candidate
    raise CaptureError(
        "coresnap-catch is not built, and no Python here belongs to root alone",
        remedy="Install a C compiler and build coresnap again.",
    )
