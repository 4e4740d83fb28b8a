"""The process that sends snapshots: it has the store's tokens, and reads no crash.

The daemon gives it one snapshot at a time, as a descriptor. It starts a program without
tokens or network to take secrets out (``scrubbing_program``), asks the store whether
what is left is wanted, and sends it. The daemon itself never reads coroner.cf.
"""

from __future__ import annotations

import contextlib
import io
import os
import signal
import socket
import struct
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import attrs
import msgspec

from coresnap.config import Config
from coresnap.config.store_config import StoreConfig
from coresnap.daemon.child import become_owner, shed_inheritance
from coresnap.daemon.log import Logger
from coresnap.daemon.parcel import Outcome, Parcel, Receipt, receive, send
from coresnap.daemon.scrubbing_program import LENGTH, Head
from coresnap.errors import (
    AccessError,
    ConfigError,
    ConflictError,
    CoresnapError,
    DeniedError,
    InputError,
    MissingError,
    UsageError,
)

__all__ = ["Sender", "start_sender"]

_SCRUB_SECONDS = 180.0
_LARGEST_HEAD = 16 << 20


@attrs.define
class Sender:
    """The daemon's end: gives away parcels and gets receipts, without waiting."""

    pid: int
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
        """Return the receipt that is there; None if the process has ended."""
        try:
            found = receive(self.connection, Receipt)
        except (OSError, msgspec.DecodeError):
            found = None
        self.busy_with = None
        if found is None:
            self.close()
            return None
        return found[0]

    def close(self) -> None:
        """End the process; what is on its way was not acknowledged."""
        if self.connection.fileno() >= 0:
            self.connection.close()
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, signal.SIGTERM)
            with contextlib.suppress(ChildProcessError):
                os.waitpid(self.pid, 0)


def start_sender(
    config: Config, owner: tuple[int, int] | None, log: Logger
) -> Sender | None:
    """Start the process; call it while still root, whose file coroner.cf may be.

    None if there is no coroner.cf. What is wrong with it is said, and nothing is sent.
    """
    path = config.store_config
    if path is None or not path.exists():
        return None
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    said, saying = os.pipe()
    pid = os.fork()
    if pid == 0:
        _be_sender(path, theirs, saying, owner)
    theirs.close()
    os.close(saying)
    with open(said, "rb") as stream:
        answer = stream.read().decode("utf-8", "replace")
    word, _, rest = answer.partition(" ")
    if word != "ready":
        log.error(f"nothing is sent: {rest or 'the sender ended'}")
        ours.close()
        os.waitpid(pid, 0)
        return None
    log.info(f"snapshots are sent to {rest}")
    return Sender(pid, rest, ours)


# --- in the process -----------------------------------------------------------------


def _be_sender(
    path: Path, connection: socket.socket, saying: int, owner: tuple[int, int] | None
) -> None:
    code = 1
    try:
        shed_inheritance([2, connection.fileno(), saying])
        try:
            config = _read_config(path)
        except CoresnapError as error:
            os.write(saying, f"failed {error}".encode())
            return
        become_owner(owner)
        os.write(saying, f"ready {config.write}".encode())
        os.close(saying)
        _serve(_Courier(config), connection)
        code = 0
    finally:
        os._exit(code)


def _read_config(path: Path) -> StoreConfig:
    from coresnap.config.store_reading import load_store_config

    try:
        import coresnap.store.client.putting  # noqa: F401 - needed later
    except ImportError as error:
        raise ConfigError(
            f"the client's libraries are not installed: {error.name}",
            remedy="pip install 'coresnap[client]'",
        ) from error
    return load_store_config(path)


def _serve(courier: _Courier, connection: socket.socket) -> None:
    while (message := receive(connection, Parcel)) is not None:
        parcel, descriptor = message
        with os.fdopen(descriptor, "rb") as snapshot:
            send(connection, courier.deliver(parcel, snapshot))


@attrs.define
class _Courier:
    config: StoreConfig

    def deliver(self, parcel: Parcel, snapshot: BinaryIO) -> Receipt:
        """Scrub, ask and send; whatever happens becomes a receipt."""
        try:
            with _scrubbed(parcel, snapshot) as (head, body):
                return self._send(parcel, head, body)
        except (DeniedError, ConfigError) as error:
            return Receipt(parcel.id, Outcome.DENIED, _sentence(error))
        except (ConflictError, InputError, MissingError, UsageError) as error:
            # Missing is the project: a route of one program must not stop the others.
            return Receipt(parcel.id, Outcome.REFUSED, _sentence(error))
        except CoresnapError as error:
            return Receipt(parcel.id, Outcome.AWAY, _sentence(error))

    def _send(self, parcel: Parcel, head: Head, body: BinaryIO) -> Receipt:
        from coresnap.snapshot.reduction import summary_alone
        from coresnap.store.api.faults import ASK, Question
        from coresnap.store.client.client import open_client
        from coresnap.store.client.connection import Patience
        from coresnap.store.client.putting import Pace, put_snapshot

        # Patience is the daemon's, over days; here it is one try.
        with open_client(
            self.config,
            parcel.project,
            self._token(parcel.project),
            patience=Patience(tries=1),
        ) as client:
            size = body.seek(0, os.SEEK_END)
            question = Question(parcel.id, head.fingerprint, size, head.attributes)
            wanted = "all" if parcel.again else client.call(ASK, question).wanted
            if wanted == "nothing":
                return Receipt(parcel.id, Outcome.SENT, facts={"stored": "before"})
            if wanted == "summary":
                body = io.BytesIO(summary_alone(os.dup(body.fileno())))
            # Whoever made the first one made this one: the last analysis counts.
            pace = Pace(parcel.bandwidth)
            accepted = put_snapshot(client, body, replace=True, pace=pace)
        facts: dict[str, str | int] = {
            "object": accepted.object,
            "group": accepted.group,
            "stored": accepted.stored,
            "size": size,
            **{f"scrubbed.{name}": n for name, n in head.scrubbed.items()},
        }
        return Receipt(parcel.id, Outcome.SENT, facts=facts)

    def _token(self, project: str) -> str:
        """That of the project, else the only one there is."""
        tokens = self.config.tokens
        if project not in tokens and len(tokens) == 1:
            return next(iter(tokens))
        return project


def _sentence(error: CoresnapError) -> str:
    return f"{error} ({error.remedy})" if error.remedy else str(error)


@contextlib.contextmanager
def _scrubbed(parcel: Parcel, snapshot: BinaryIO) -> Iterator[tuple[Head, BinaryIO]]:
    """Yield the head and the body of what may leave this machine."""
    from coresnap.snapshot.scrubbing.rules import Expression, Rules

    rules = Rules(
        parcel.scrubbers, tuple(Expression(n, p) for n, p in parcel.expressions)
    )
    words = [sys.executable, "-m", "coresnap.daemon.scrubbing_program"]
    with tempfile.TemporaryFile() as output:
        try:
            done = subprocess.run(
                [*words, msgspec.json.encode(rules).decode()],
                stdin=snapshot,
                stdout=output,
                stderr=subprocess.DEVNULL,
                env={"PYTHONPATH": os.pathsep.join(p for p in sys.path if p)},
                timeout=_SCRUB_SECONDS,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise InputError("to scrub it takes too long") from None
        except OSError as error:
            raise AccessError(f"the scrubber cannot be started: {error}") from error
        output.seek(0)
        head = _head(output, done.returncode)
        with tempfile.TemporaryFile() as body:
            while chunk := output.read(1 << 20):
                body.write(chunk)
            yield head, body


def _head(output: BinaryIO, code: int) -> Head:
    try:
        (size,) = LENGTH.unpack(output.read(LENGTH.size))
        if size > _LARGEST_HEAD:
            raise InputError("the scrubber says too much")
        head = msgspec.json.decode(output.read(size), type=Head)
    except (struct.error, msgspec.DecodeError):
        raise InputError(f"the scrubber died of it ({code})") from None
    if head.error:
        raise InputError(head.error)
    return head
