"""The hosts of one network namespace, in one process: ``python -m fleet.site LEDGER``.

Orders come on standard input, notes go to the file LEDGER and how the hosts stand to
standard output. Each host has its own sender, which are two processes; what they all
load is loaded once, before they are forked.
"""

from __future__ import annotations

import gc
import heapq
import os
import random
import select
import sys
import time
import traceback
from collections.abc import Iterator
from typing import BinaryIO

import attrs
import msgspec

import coresnap.snapshot.reduction
import coresnap.snapshot.scrubbing.rules
import coresnap.store.client.client
import coresnap.store.client.putting  # noqa: F401 - loaded once, for all couriers
from coresnap.backends import select as select_backend
from coresnap.backends.base import CaptureBackend
from coresnap.config import load_config
from fleet.host import Host, open_host
from fleet.orders import (
    Crash,
    Crashes,
    Hosts,
    Note,
    Order,
    Restart,
    Standing,
    Want,
)

__all__: list[str] = []

_TELL_SECONDS = 0.5
_BUSY = 3
"""Hosts of a site that send at the same time."""
_CHUNK = 1 << 16


@attrs.define
class _Site:
    ledger: BinaryIO
    backend: CaptureBackend
    hosts: dict[str, Host] = attrs.field(factory=dict)
    due: list[tuple[float, int, Crash]] = attrs.field(factory=list)
    """Crashes that are to come, a heap."""
    is_ending: bool = False
    _count: int = 0

    def write(self, note: Note) -> None:
        self.ledger.write(msgspec.json.encode(note) + b"\n")

    def obey(self, order: Order) -> None:
        if isinstance(order, Hosts):
            self._open(order)
        elif isinstance(order, Crashes):
            for crash in order.crashes:
                self._count += 1
                when = time.monotonic() + crash.after
                heapq.heappush(self.due, (when, self._count, crash))
        elif isinstance(order, Restart):
            for name in order.hosts:
                self.hosts[name].start()
        elif isinstance(order, Want):
            for name in order.hosts:
                self.hosts[name].want()
                self._turn(self.hosts[name])
        else:
            self.is_ending = True

    def _open(self, order: Hosts) -> None:
        for wanted in order.hosts:
            self.hosts[wanted.name] = open_host(wanted, self.backend, self.write)
        gc.freeze()  # the couriers share what is here until somebody writes it
        if order.is_started:
            for host in self.hosts.values():
                if host.outbox is None:
                    host.start()

    def act(self) -> None:
        """Do what is due by now."""
        now = time.monotonic()
        touched: dict[str, Host] = {}
        while self.due and self.due[0][0] <= now:
            crash = heapq.heappop(self.due)[2]
            host = touched.setdefault(crash.host, self.hosts[crash.host])
            host.crash(crash)
            # A daemon looks after its sender between two crashes; so do all of them.
            self._turn(host)
            if time.monotonic() - now > _TELL_SECONDS:
                return
        idle = [host for host in self.hosts.values() if self._is_due(host)]
        random.shuffle(idle)
        for host in idle:
            self._turn(host)

    def _is_due(self, host: Host) -> bool:
        return host.outbox is not None and host.outbox.timeout == 0

    def _turn(self, host: Host) -> None:
        """Let a host do what it does next, unless the processors are taken.

        Real hosts have their own. Here hundreds that scrub at once would each take
        minutes, and run into limits of time that are meant for one host alone.
        """
        if host.outbox is not None and self._busy() < _BUSY:
            host.outbox.turn()

    def _busy(self) -> int:
        return sum(
            host.outbox is not None and host.outbox.sender.busy_with is not None
            for host in self.hosts.values()
        )

    def descriptors(self) -> Iterator[tuple[int, Host]]:
        for host in self.hosts.values():
            if host.outbox is not None and host.outbox.sender.is_alive:
                yield host.outbox.sender.fileno(), host

    def timeout(self) -> float:
        waits = [_TELL_SECONDS]
        is_full = self._busy() >= _BUSY
        if self.due:
            waits.append(self.due[0][0] - time.monotonic())
        for host in self.hosts.values():
            if host.outbox is not None and (wait := host.outbox.timeout) is not None:
                waits.append(max(wait, _TELL_SECONDS) if is_full else wait)
        return max(0.0, min(waits))

    def standing(self) -> Standing:
        waiting = sum(host.waiting for host in self.hosts.values())
        return Standing(time.monotonic_ns(), not self.due, waiting)


def _run(site: _Site) -> None:
    unread, told = b"", 0.0
    while not site.is_ending:
        site.act()
        watched = dict(site.descriptors())
        ready, _, _ = select.select([0, *watched], [], [], site.timeout())
        for descriptor in ready:
            if descriptor:
                host = watched[descriptor]
                assert host.outbox is not None
                host.outbox.take()
            else:
                chunk = os.read(0, _CHUNK)
                unread += chunk
                *lines, unread = unread.split(b"\n")
                for line in lines:
                    site.obey(msgspec.json.decode(line, type=Order))
                told = 0.0
                if not chunk:
                    return
        if time.monotonic() - told > _TELL_SECONDS:
            _tell(site.standing())
            told = time.monotonic()


def _tell(standing: Standing) -> None:
    os.write(1, msgspec.json.encode(standing) + b"\n")


def main() -> int:
    """Run until the order to end, or the end of the input."""
    backend = select_backend(load_config())
    # Unbuffered: what was noted is there when this process is killed.
    with open(sys.argv[1], "ab", buffering=0) as ledger:
        site = _Site(ledger, backend)
        try:
            _run(site)
        except Exception:
            _tell(Standing(time.monotonic_ns(), False, 0, traceback.format_exc()))
            return 1
        finally:
            for host in site.hosts.values():
                host.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
