"""What one server says of itself; several servers of a store each say their own."""

from __future__ import annotations

import os
from collections.abc import Iterator
from importlib.metadata import version

import attrs
from prometheus_client import Metric
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily

from coresnap.store.server.server import Server

__all__ = ["OwnNumbers"]


@attrs.frozen
class OwnNumbers:
    """What prometheus_client collects from."""

    server: Server

    def collect(self) -> Iterator[Metric]:
        """Yield the numbers of now."""
        server = self.server
        counters = server.counters
        info = _gauge("coroner_build_info", "1; which version serves.", ["version"])
        info.add_metric([version("coresnap")], 1)
        yield info
        yield _gauge("coroner_started_timestamp_seconds", "When it was started.").of(
            counters.started
        )
        yield _gauge("coroner_active_requests", "Requests being answered now.").of(
            counters.active
        )
        yield _counter(
            "coroner_snapshots_invalid", "Snapshots refused for what is in them."
        ).of(counters.invalid)
        yield _counter(
            "coroner_readers_replaced", "Children that read snapshots and had to go."
        ).of(server.validators.replaced)
        yield from self._disk()
        yield from self._loops()

    def _disk(self) -> Iterator[Metric]:
        disk = os.statvfs(self.server.staging)
        size = "Size of the filesystem with the server's directory."
        yield _gauge("coroner_disk_bytes", size).of(disk.f_blocks * disk.f_frsize)
        free = "What is free of it."
        available = disk.f_bavail * disk.f_frsize
        yield _gauge("coroner_disk_available_bytes", free).of(available)

    def _loops(self) -> Iterator[Metric]:
        label = ["loop"]
        runs = _counter("coroner_loop_runs", "What it does by itself: times.", label)
        failures = _counter("coroner_loop_failures", "Times that it failed.", label)
        failing = _gauge("coroner_loop_failing", "Whether the last time did.", label)
        last = _gauge(
            "coroner_loop_last_success_timestamp_seconds", "The last good time.", label
        )
        loops = dict(self.server.counters.loops)
        for name, loop in sorted(loops.items()):
            runs.add_metric([name], loop.runs)
            failures.add_metric([name], loop.failures)
            failing.add_metric([name], bool(loop.error))
            if loop.last is not None:
                last.add_metric([name], loop.last)
        yield from (runs, failures, failing, last)


class _Gauge(GaugeMetricFamily):
    def of(self, value: float) -> _Gauge:
        self.add_metric([], value)
        return self


class _Counter(CounterMetricFamily):
    def of(self, value: float) -> _Counter:
        self.add_metric([], value)
        return self


def _gauge(name: str, meaning: str, labels: list[str] | None = None) -> _Gauge:
    return _Gauge(name, meaning, labels=labels)


def _counter(name: str, meaning: str, labels: list[str] | None = None) -> _Counter:
    return _Counter(name, meaning, labels=labels)
