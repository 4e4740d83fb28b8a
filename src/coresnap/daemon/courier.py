"""Delivers one snapshot: scrubbed by a program of its own, asked for, then sent."""

from __future__ import annotations

import contextlib
import io
import os
import signal
import struct
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from typing import TYPE_CHECKING, BinaryIO

import attrs
import msgspec

from coresnap.config.store_config import StoreConfig
from coresnap.daemon.child import describe_bug
from coresnap.daemon.parcel import Outcome, Parcel, Receipt
from coresnap.daemon.scrubbing_program import LENGTH, Head
from coresnap.errors import (
    AccessError,
    ConfigError,
    ConflictError,
    CoresnapError,
    DeniedError,
    InputError,
    MissingError,
    NetworkError,
    QuotaError,
    StorageError,
    UsageError,
    WorkerError,
)

if TYPE_CHECKING:
    from coresnap.store.client.client import Client

__all__ = ["Courier", "token_for"]

_SCRUB_SECONDS = 180.0
_LARGEST_HEAD = 16 << 20


@attrs.define
class Courier:
    """Takes snapshots to the store of ``config``."""

    config: StoreConfig
    _was_away: bool = False

    def deliver(self, parcel: Parcel, snapshot: BinaryIO) -> Receipt:
        """Scrub, ask and send; whatever happens becomes a receipt."""
        receipt = self._try(parcel, snapshot)
        self._was_away = receipt.outcome == Outcome.AWAY
        return receipt

    def _try(self, parcel: Parcel, snapshot: BinaryIO) -> Receipt:
        try:
            if self._was_away:
                self._knock(parcel)
            with _scrubbed(parcel, snapshot) as (head, body):
                return self._send(parcel, head, body)
        except (DeniedError, ConfigError) as error:
            return Receipt(parcel.id, Outcome.DENIED, _sentence(error))
        except (ConflictError, InputError, MissingError, UsageError) as error:
            # Missing is the project: a route of one program must not stop the others.
            return Receipt(parcel.id, Outcome.REFUSED, _sentence(error))
        except WorkerError as error:
            return Receipt(parcel.id, Outcome.DIED, str(error))
        except CoresnapError as error:
            wait = error.retry_after or 0
            return Receipt(parcel.id, Outcome.AWAY, _sentence(error), wait)
        except Exception as error:
            # A mistake of ours is to be read by somebody, and this process goes on.
            return Receipt(parcel.id, Outcome.DIED, describe_bug(error))

    def _knock(self, parcel: Parcel) -> None:
        """Raise what says that the store is still away.

        Scrubbing can take a minute, which is not to be done at each try of a day.
        """
        from coresnap.store.api.service import HEALTH

        with self._open(parcel) as client:
            url = client.connection.address(HEALTH.path, writes=True)
            try:
                client.connection.send(HEALTH.method, url)
            except (NetworkError, QuotaError, StorageError):
                raise
            except CoresnapError:
                pass  # somebody answers, and sending says more

    def _open(self, parcel: Parcel) -> Client:
        from coresnap.store.client.client import open_client
        from coresnap.store.client.connection import Patience

        # Patience is the daemon's, over days; here it is one try.
        return open_client(
            self.config,
            parcel.project,
            token_for(self.config, parcel.project),
            patience=Patience(tries=1),
        )

    def _send(self, parcel: Parcel, head: Head, body: BinaryIO) -> Receipt:
        from coresnap.snapshot.reduction import summary_alone
        from coresnap.store.api.faults import ASK, Question
        from coresnap.store.client.putting import Pace, put_snapshot

        with self._open(parcel) as client:
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


def token_for(config: StoreConfig, project: str) -> str:
    """Return the name of the project's token, else of the only one there is."""
    tokens = config.tokens
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
            # What is dear to scrub runs into the program's own limit of processor time:
            # this machine is too busy, which is no fault of the snapshot.
            raise WorkerError("the process that scrubs was too slow") from None
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
        if code == -signal.SIGKILL:
            raise WorkerError("the process that scrubs was killed") from None
        raise InputError(f"the scrubber died of it ({code})") from None
    if head.error:
        raise InputError(head.error)
    return head
