"""How the store does while a scenario runs: asked again and again."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable

import attrs

from coresnap.store.api.service import Status
from fleet.network import Place, counters

__all__ = ["Sample", "Watch"]

_SECONDS = 0.5


@attrs.frozen
class Sample:
    """One look at the store."""

    time: float
    """Seconds since the watch began."""
    queued: int | None
    """Faults that wait for the index; None if the store did not answer."""
    oldest: int | None
    """Seconds that the first of them has waited."""
    connections: int
    """TCP connections that the store's host has accepted since it is there."""
    memory: int
    """Bytes of all the store's processes that nobody shares; 0 if it is down."""


@attrs.define
class Watch:
    """Looks twice a second until it is ended."""

    status: Callable[[], Status | None]
    memory: Callable[[], int]
    place: Place
    samples: list[Sample] = attrs.field(factory=list)
    began: float = attrs.field(factory=time.monotonic)
    _ending: threading.Event = attrs.field(factory=threading.Event)
    _thread: threading.Thread | None = None

    def start(self) -> None:
        """Begin to look."""
        self._thread = threading.Thread(target=self._look)
        self._thread.start()

    def end(self) -> None:
        """Look no more."""
        self._ending.set()
        if self._thread is not None:
            self._thread.join()

    def _look(self) -> None:
        # Whoever ends a run may end its processes before us.
        with contextlib.suppress(OSError):
            self._look_on()

    def _look_on(self) -> None:
        while not self._ending.wait(_SECONDS):
            status = self.status()
            sample = Sample(
                round(time.monotonic() - self.began, 2),
                None if status is None else status.queued,
                None if status is None else status.oldest,
                counters(self.place)["PassiveOpens"],
                self.memory(),
            )
            self.samples.append(sample)

    @property
    def most_queued(self) -> int:
        """The longest queue that was seen."""
        return max((s.queued or 0 for s in self.samples), default=0)

    @property
    def oldest(self) -> int:
        """The highest age of the queue that was seen, in seconds."""
        return max((s.oldest or 0 for s in self.samples), default=0)

    @property
    def most_memory(self) -> int:
        """The most bytes that the store had."""
        return max((s.memory for s in self.samples), default=0)

    def most_connections(self) -> float:
        """The most connections a second, between two looks that lie a second apart."""
        rates = [
            (after.connections - before.connections) / (after.time - before.time)
            for before, after in zip(self.samples, self.samples[2:], strict=False)
        ]
        return max(rates, default=0.0)
