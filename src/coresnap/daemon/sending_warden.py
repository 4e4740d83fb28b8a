"""The sender's two processes, which look after each other.

The courier delivers snapshots and may die of one, or of the kernel that needs memory.
The warden only passes parcels and receipts on, and starts the courier again. A warden
that ends first has the courier for its heir, which holds the daemon's connection too::

    coresnapd ──parcel──▶ warden ──parcel──▶ courier ──▶ the store
              ◀─receipt──        ◀─receipt──

A courier that died is started again after a pause, which doubles with each that
delivered nothing. The daemon is told which snapshot it died over; that goes on waiting.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import socket
from collections.abc import Callable
from typing import BinaryIO, NoReturn, TypeVar

import attrs
import msgspec

from coresnap.daemon.child import how_it_ended
from coresnap.daemon.parcel import Outcome, Parcel, Receipt, receive, send

__all__ = ["FIRST_PAUSE", "LONGEST_PAUSE", "Deliver", "keep_sending", "pause_after"]

T = TypeVar("T", bound=msgspec.Struct)

FIRST_PAUSE = 0.1
LONGEST_PAUSE = 60.0
"""Seconds before a courier is started again."""

Deliver = Callable[[Parcel, BinaryIO], Receipt]
"""What a courier does with a snapshot; it returns a receipt, whatever happens."""


def pause_after(failures: int) -> float:
    """Seconds to wait after so many couriers in a row that delivered nothing."""
    doublings = min(max(failures, 1) - 1, 30)
    return float(min(FIRST_PAUSE * 2**doublings, LONGEST_PAUSE))


def keep_sending(daemon: socket.socket, deliver: Deliver) -> None:
    """Deliver what ``daemon`` gives, through couriers, until it ends."""
    failures = 0
    while not _is_over(daemon):
        life = _run_courier(daemon, deliver)
        if _is_over(daemon):
            return
        failures = 1 if life.has_delivered else failures + 1
        pause = pause_after(failures)
        with contextlib.suppress(OSError):
            reason = f"the process that sends {life.end}"
            send(daemon, Receipt(life.busy_with, Outcome.DIED, reason, wait=pause))
        # A parcel ends it too: somebody does not want to wait.
        select.select([daemon], [], [], pause)


@attrs.define
class _Life:
    """What is known of one courier."""

    busy_with: str = ""
    """Id of the snapshot that it has."""
    has_delivered: bool = False
    end: str = ""
    """How it ended, as a predicate."""


def _run_courier(daemon: socket.socket, deliver: Deliver) -> _Life:
    """Start a courier and return when it, or the daemon, has ended."""
    life = _Life()
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with ours, theirs:
        try:
            pid = os.fork()
        except OSError as error:
            life.end = f"cannot be started: {error.strerror}"
            return life
        if pid == 0:
            ours.close()
            _be_courier(theirs, daemon, deliver)
        theirs.close()
        _pass_on(daemon, ours, life)
        if _is_over(daemon):
            os.kill(pid, signal.SIGTERM)
    _, status = os.waitpid(pid, 0)
    life.end = how_it_ended(status)
    return life


def _pass_on(daemon: socket.socket, courier: socket.socket, life: _Life) -> None:
    """Pass parcels and receipts on until one end is gone."""
    while True:
        poll = select.poll()
        # With no event asked for, the end alone is told: one parcel at a time.
        poll.register(daemon, 0 if life.busy_with else select.POLLIN)
        poll.register(courier, select.POLLIN)
        ready = dict(poll.poll())
        if courier.fileno() in ready:
            receipt = _received(courier, Receipt)
            if receipt is None:
                return
            life.busy_with, life.has_delivered = "", True
            with contextlib.suppress(OSError):
                send(daemon, receipt[0])
        elif life.busy_with or (parcel := _received(daemon, Parcel)) is None:
            return
        else:
            life.busy_with = parcel[0].id
            # If it has just died, its end is what comes next.
            with contextlib.suppress(OSError):
                send(courier, *parcel)
            os.close(parcel[1])


def _be_courier(
    warden: socket.socket, daemon: socket.socket, deliver: Deliver
) -> NoReturn:
    # Nothing may return into the warden's program, whatever happens here.
    code = 1
    try:
        while (parcel := _received(warden, Parcel)) is not None:
            with os.fdopen(parcel[1], "rb") as snapshot:
                receipt = deliver(parcel[0], snapshot)
            try:
                send(warden, receipt)
            except OSError:
                # It died meanwhile, and the daemon still waits for this.
                send(daemon, receipt)
                break
        warden.close()
        if not _is_over(daemon):
            _inherit(daemon, deliver)
        code = 0
    finally:
        os._exit(code)


def _inherit(daemon: socket.socket, deliver: Deliver) -> None:
    """Become the warden. What the dead one had in its hands nobody has any more."""
    send(daemon, Receipt("", Outcome.DIED, "the process that looks after sending died"))
    keep_sending(daemon, deliver)


def _received(connection: socket.socket, kind: type[T]) -> tuple[T, int] | None:
    try:
        return receive(connection, kind)
    except (OSError, msgspec.DecodeError):
        return None


def _is_over(connection: socket.socket) -> bool:
    poll = select.poll()
    poll.register(connection, 0)
    return bool(poll.poll(0))
