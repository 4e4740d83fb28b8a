"""Those who send snapshots: they have the store's tokens, and read no crash.

The daemon gives them one snapshot at a time, as a descriptor. They start a program
without tokens or network to take secrets out (``scrubbing_program``), ask the store
whether what is left is wanted, and send it (``courier``). They are two processes, of
which either survives the other (``sending_warden``). The daemon itself never reads
coroner.cf.
"""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import tempfile
from pathlib import Path

import attrs
import msgspec

from coresnap.backends.base import CaptureBackend
from coresnap.config import Config
from coresnap.config.store_config import StoreConfig
from coresnap.daemon.child import become_owner, shed_inheritance
from coresnap.daemon.courier import Courier
from coresnap.daemon.log import Logger
from coresnap.daemon.parcel import Parcel, Receipt, receive, send
from coresnap.daemon.sending_warden import keep_sending
from coresnap.errors import ConfigError, CoresnapError

__all__ = ["Sender", "read_store", "start_sender"]


class _Start(msgspec.Struct, frozen=True):
    """What the process says when it has begun, or why it has not."""

    store: str = ""
    confinement: tuple[str, ...] = ()
    error: str = "the sender ended"


@attrs.define
class Sender:
    """The daemon's end: gives away parcels and gets receipts, without waiting."""

    pid: int
    """Also the group of all its processes, whichever of them are left."""
    store: str
    """The store's address, for the log."""
    connection: socket.socket
    busy_with: str | None = None
    """Id of the snapshot that is on its way."""

    def __enter__(self) -> Sender:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def fileno(self) -> int:
        """For ``select``: there is a receipt, or the process has ended."""
        return self.connection.fileno()

    @property
    def is_alive(self) -> bool:
        """Whether anything can be sent through it."""
        return self.connection.fileno() >= 0

    def give(self, parcel: Parcel, snapshot: int) -> None:
        """Give away a snapshot; ``snapshot`` stays the caller's to close."""
        try:
            send(self.connection, parcel, snapshot)
        except OSError:
            self.close()
        else:
            self.busy_with = parcel.id

    def take(self) -> Receipt | None:
        """Return the receipt that is there; None if all of its processes have ended."""
        try:
            found = receive(self.connection, Receipt)
        except (OSError, msgspec.DecodeError):
            found = None
        if found is None:
            self.busy_with = None
            self.close()
            return None
        # Without an id it says that whatever was on its way is not any more.
        if found[0].id in ("", self.busy_with):
            self.busy_with = None
        return found[0]

    def close(self) -> None:
        """End the processes; what is on its way was not acknowledged."""
        if self.connection.fileno() >= 0:
            self.connection.close()
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.pid, signal.SIGTERM)
            with contextlib.suppress(ChildProcessError):
                os.waitpid(self.pid, 0)


def start_sender(
    config: Config,
    owner: tuple[int, int] | None,
    backend: CaptureBackend,
    log: Logger,
) -> Sender | None:
    """Start the processes; call it while still root, whose file coroner.cf may be.

    None if there is no coroner.cf. What is wrong with it is said, and nothing is sent.
    """
    path = config.store_file
    if path is None:
        return None
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    said, saying = os.pipe()
    pid = os.fork()
    if pid == 0:
        _be_sender(path, theirs, saying, owner, backend)
    theirs.close()
    os.close(saying)
    with open(said, "rb") as stream:
        start = _understood(stream.read())
    if start.error:
        log.error(f"nothing is sent: {start.error}")
        ours.close()
        os.waitpid(pid, 0)
        return None
    _welcome(start, log)
    return Sender(pid, start.store, ours)


def _understood(said: bytes) -> _Start:
    try:
        return msgspec.json.decode(said, type=_Start)
    except msgspec.DecodeError:
        return _Start()


def _welcome(start: _Start, log: Logger) -> None:
    log.info(f"snapshots are sent to {start.store}", confinement=start.confinement)
    if "landlock-files" not in start.confinement:
        log.warning(
            "what sends snapshots can write wherever its user can: this system has no "
            "Landlock"
        )


def read_store(path: Path) -> StoreConfig:
    """Return what coroner.cf says, with all there to send by it.

    Raises ConfigError, AccessError, and MissingError if it says nothing.
    """
    from coresnap.config.store_reading import load_store_config

    try:
        import coresnap.store.client.putting  # noqa: F401 - needed later
    except ImportError as error:
        raise ConfigError(
            f"the client's libraries are not installed: {error.name}",
            remedy="pip install 'coresnap[client]'",
        ) from error
    return load_store_config(path)


# --- in the process -----------------------------------------------------------------


def _be_sender(
    path: Path,
    connection: socket.socket,
    saying: int,
    owner: tuple[int, int] | None,
    backend: CaptureBackend,
) -> None:
    code = 1
    try:
        os.setpgid(0, 0)
        shed_inheritance([2, connection.fileno(), saying])
        try:
            config = read_store(path)
        except CoresnapError as error:
            os.write(saying, msgspec.json.encode(_Start(error=str(error))))
            return
        become_owner(owner)
        confinement = backend.confine_sender((Path(tempfile.gettempdir()),))
        start = _Start(config.write, confinement, error="")
        os.write(saying, msgspec.json.encode(start))
        os.close(saying)
        keep_sending(connection, Courier(config).deliver)
        code = 0
    finally:
        os._exit(code)
