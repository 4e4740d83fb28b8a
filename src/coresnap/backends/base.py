"""The contract between coresnap and a running operating system.

A backend knows one OS's ways to say "this process crashed" and to describe a live
process. Nothing else in the suite does. Its life:

``install(replace)``
    Makes the OS hand its crashes to coresnap: the handler or drop directory, the
    spool's directories with their owner, the settings the handler reads. What was
    there before is saved first and given back by ``uninstall``. Every setting is read
    back; one that the OS did not keep undoes the whole installation. Installing twice
    is installing once, and keeps the first saved state. Raises HandlerConflictError,
    naming the owner, if somebody else has the OS's crashes and ``replace`` is false;
    AccessError without the rights; CaptureError for everything else.
``uninstall()``
    Gives back what install found, but only where the value is still ours: what
    somebody changed since is left alone and named in the answer's ``problems``. The
    spool stays. Uninstalling what is not installed changes nothing.
``refresh()``
    Gives an installation's side of the OS today's settings, whole or not at all, and
    returns the names of those that are other than ``install`` left them and that only
    ``install`` can change: these stay. Where nothing is installed, or nothing differs,
    nothing is done. Raises AccessError without the rights, CaptureError or ConfigError
    if the settings cannot be given; then the old ones hold.
``status()``
    Says what is so now, without rights and without changing anything.
``socket_door()``
    The socket through which crashes may come while somebody serves it, as ``Door``;
    None where OS, settings or installation leave only the handler. Changes nothing.
``capabilities``
    What this OS, as it runs now, can do: data that the rest decides by.
``prepare()``
    Called once by a daemon that is still root, before ``listen`` and before it gives
    that up for good: keeps what receiving will take of root's rights, until ``close``.
``listen()``, ``waitables()``, ``wakes_in``, ``receive(timeout)``, ``close()``
    After ``listen`` the descriptors of ``waitables`` become readable when there may be
    something to receive, and after ``wakes_in`` seconds there may be something although
    none did. ``receive`` returns the next Crash, or None after ``timeout``
    seconds (0: at once; None: never). A Crash with ``archive_id`` is in the spool
    already; one with ``core_path`` is a file to be taken into it; one with neither was
    not kept. The spool's listing, not this, is the truth about what waits:
    announcements may be lost or repeated, and their pid and signal may be 0.
    What cannot be understood is skipped. ``listen`` raises CaptureError, and so does
    ``receive`` now and then while it cannot look for crashes.
``open_core(crash)``, ``remove_core(crash)``
    Of a crash with ``core_path``, as ``receive`` returned it. The first returns a
    descriptor of its file, to be closed by the caller: a plain file with one name, that
    belongs to ``crash.uid`` if that is known. Raises MissingError if it is gone or
    another has its place, CaptureError. The second removes the file, unless another
    has its place; a crash that was not removed may be received again.
``announce(id)``
    Tells a listening daemon of the archive ``id``, from another process; False when
    none listens.
``describe(pid)``
    Describes a live process; MissingError if there is none, AccessError if this user
    may not look.
``diagnose(pid)``
    Every reason this OS may have for leaving no core, in general or of one process.
``confine()``
    Called once in a worker that reads untrusted bytes, before it does: takes away what
    analysis does not need, as far as this OS lets a process do that to itself, dies
    with its parent, and returns the names of what it achieved. Never raises.
``confine_sender(writable)``
    Called once in the process that sends snapshots, before it knows any: leaves it the
    network, programs to start, and files below ``writable`` to make and change, and
    returns the names of what it achieved. Never raises.
``confine_watcher(unreadable, writable)``
    Called once in a process that tells others how capture does, before it listens to
    them: leaves it files to read but for those below the directory ``unreadable``,
    which it may list, and files below ``writable`` to make and change; it starts no
    program and no connection. Files that are made later may be out of its reach.
    Returns the names of what it achieved. Never raises.
"""

from __future__ import annotations

import abc
import enum
from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar, Protocol

import attrs

from coresnap.crash import Crash
from coresnap.errors import MissingError

__all__ = [
    "Capabilities",
    "CaptureBackend",
    "CaptureStatus",
    "Door",
    "Finding",
    "Level",
    "ProcessDescription",
]


@attrs.frozen
class Capabilities:
    """What the running OS can do for capture."""

    pipe: bool
    """It starts a handler for each crash and pipes the core into it."""
    socket: bool
    """It can send a core to a listening socket."""
    waits: bool
    """It keeps the crashed process until the handler is done."""
    pidfd: bool
    """It proves the identity of the process to the handler."""
    context_from_process: bool
    """The dead process can still be asked about itself, else its core's notes are."""
    drop_directory: bool
    """It writes cores as files, which have to be taken into the spool."""


class Level(enum.StrEnum):
    """How bad a finding is."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


@attrs.frozen
class Finding:
    """One answer to "why is there no core?"."""

    check: str
    """Short stable name, e.g. ``core-pattern``."""
    level: Level
    message: str
    remedy: str = ""
    """What to do about it; empty when all is well."""


@attrs.frozen
class CaptureStatus:
    """Who gets this machine's crashes, and how."""

    system: str
    installed: bool
    """Whether crashes come to us."""
    owner: str
    """Who has them: ``coresnap``, another handler's name, or ``the kernel``."""
    settings: dict[str, str]
    """The OS's own settings that matter, by their own names."""
    handler: str | None = None
    """Path of the program that the OS starts; None if it starts none."""
    door: str | None = None
    """How crashes come to us now: ``pipe`` or ``socket``; None if they do not."""
    daemon_door: str | None = None
    """How they come while the daemon runs."""
    problems: tuple[str, ...] = ()
    """What is not as it should be, a sentence each."""


@attrs.frozen
class ProcessDescription:
    """A live process, as far as its capture is concerned."""

    pid: int
    command: str
    executable: str | None
    arguments: tuple[str, ...]
    uid: int | None
    gid: int | None
    core_limit: int | None
    """Soft RLIMIT_CORE in bytes; None if unlimited."""
    started: int
    """UTC nanoseconds."""


class Door(Protocol):
    """A socket that the OS can send crashes to, for a server started by root."""

    @property
    def path(self) -> Path:
        """Where to listen."""

    @property
    def command(self) -> Sequence[str]:
        """The server: listening socket on 0, connection to who started it on 1.

        It says one byte when it serves, and stops when the connection ends.
        """

    @property
    def owner(self) -> int:
        """Uid that may have the socket's directory, beside root."""

    def enter(self) -> None:
        """Take the place from which the OS lets the socket be served, if need be."""

    def open(self) -> None:
        """Send crashes to the socket; CaptureError if that cannot be."""

    def shut(self) -> None:
        """Send them to the handler again; nothing if they do not come to the socket."""


class CaptureBackend(abc.ABC):
    """One operating system's side of capture; the module's text is the contract."""

    system: ClassVar[str]
    """``Linux``, ``FreeBSD``, …"""

    @property
    @abc.abstractmethod
    def capabilities(self) -> Capabilities:
        """What this OS can do as it runs now, found by probing."""

    @abc.abstractmethod
    def install(self, *, replace: bool = False) -> CaptureStatus:
        """Make the OS hand its crashes to coresnap."""

    @abc.abstractmethod
    def uninstall(self) -> CaptureStatus:
        """Give back what ``install`` found."""

    @abc.abstractmethod
    def refresh(self) -> tuple[str, ...]:
        """Give what ``install`` put in place the settings of today."""

    @abc.abstractmethod
    def status(self) -> CaptureStatus:
        """Say who gets the crashes now."""

    def socket_door(self) -> Door | None:
        """Return the socket that can be served; None if there is to be none."""
        return None

    def prepare(self) -> None:
        """Keep what receiving takes of root's rights; nothing by default."""
        return

    @abc.abstractmethod
    def listen(self) -> None:
        """Begin to receive."""

    @abc.abstractmethod
    def waitables(self) -> Sequence[int]:
        """Return the descriptors to wait on between calls of ``receive``."""

    @property
    def wakes_in(self) -> float | None:
        """Seconds after which to call ``receive`` whatever ``waitables`` say."""
        return None

    @abc.abstractmethod
    def receive(self, timeout: float | None) -> Crash | None:
        """Return the next announced crash, or None after ``timeout`` seconds."""

    @abc.abstractmethod
    def close(self) -> None:
        """Stop receiving; ``listen`` may follow again."""

    def open_core(self, crash: Crash) -> int:
        """Open the file of a crash with ``core_path``."""
        raise MissingError(f"{self.system} leaves no file at {crash.core_path}")

    def remove_core(self, crash: Crash) -> None:
        """Remove the file of a crash with ``core_path``."""
        raise MissingError(f"{self.system} leaves no file at {crash.core_path}")

    @abc.abstractmethod
    def announce(self, archive_id: str) -> bool:
        """Tell a listening daemon of an archive; False if none listens."""

    @abc.abstractmethod
    def describe(self, pid: int) -> ProcessDescription:
        """Describe a live process."""

    @abc.abstractmethod
    def diagnose(self, pid: int | None = None) -> tuple[Finding, ...]:
        """Check this OS for everything that prevents a core."""

    @abc.abstractmethod
    def confine(self) -> tuple[str, ...]:
        """Take from the calling worker what analysis does not need."""

    @abc.abstractmethod
    def confine_sender(self, writable: Sequence[Path]) -> tuple[str, ...]:
        """Take from the calling process what sending does not need."""

    @abc.abstractmethod
    def confine_watcher(
        self, unreadable: Path, writable: Sequence[Path]
    ) -> tuple[str, ...]:
        """Take from the calling process what telling of capture does not need."""
