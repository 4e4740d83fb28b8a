"""What is counted while requests are answered.

A put costs milliseconds, and these lines microseconds (``benchmarks/metrics.py``).
Labels are operations of ours, and the classes of ``errors``.
"""

from __future__ import annotations

import attrs
from prometheus_client import (
    CollectorRegistry,
    Counter,
    Histogram,
    disable_created_metrics,
)

from coresnap import errors

__all__ = ["Instruments"]

_BUCKETS = (0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0, 60.0)
_CLASSES = ("1xx", "2xx", "3xx", "4xx", "5xx")
_UNEXPECTED = "unexpected"


# A series more for each, which Prometheus does not need to see a restart.
disable_created_metrics()  # type: ignore[no-untyped-call]


@attrs.frozen
class Instruments:
    """Of one server, since its start; noted by one thread, read by any."""

    registry: CollectorRegistry = attrs.field(
        factory=lambda: CollectorRegistry(auto_describe=False)
    )
    _seconds: dict[str, Histogram] = attrs.field(factory=dict)
    _requests: dict[tuple[str, int], Counter] = attrs.field(factory=dict)
    _seconds_of: Histogram = attrs.field(init=False)
    _requests_of: Counter = attrs.field(init=False)
    _refused_of: Counter = attrs.field(init=False)
    received: Counter = attrs.field(init=False)
    """Bytes of bodies that came as files: snapshots, symbols, attachments."""

    def __attrs_post_init__(self) -> None:
        def put(field: str, value: object) -> None:
            object.__setattr__(self, field, value)  # frozen

        registry = self.registry
        put(
            "_seconds_of",
            Histogram(
                "coroner_request_seconds",
                "How long requests took, from their headers to the end of the answer.",
                ("operation",),
                buckets=_BUCKETS,
                registry=registry,
            ),
        )
        put(
            "_requests_of",
            Counter(
                "coroner_requests",
                "Requests by operation and class of the HTTP status.",
                ("operation", "status"),
                registry=registry,
            ),
        )
        put(
            "_refused_of",
            Counter(
                "coroner_refused",
                "Requests that were not done, by the class of the error.",
                ("operation", "error"),
                registry=registry,
            ),
        )
        put(
            "received",
            Counter(
                "coroner_received_bytes",
                "Bytes of snapshots and other files that came.",
                registry=registry,
            ),
        )

    def note(self, operation: str, seconds: float, status: int) -> None:
        """Count a request that was answered."""
        timing = self._seconds.get(operation)
        if timing is None:
            timing = self._seconds[operation] = self._seconds_of.labels(operation)
        timing.observe(seconds)
        key = operation, status // 100
        counter = self._requests.get(key)
        if counter is None:
            name = _CLASSES[min(max(key[1], 1), 5) - 1]
            counter = self._requests[key] = self._requests_of.labels(operation, name)
        counter.inc()

    def refuse(self, operation: str, error: Exception) -> None:
        """Count why a request was not done."""
        name = type(error).__name__
        known = name if name in errors.__all__ else _UNEXPECTED
        self._refused_of.labels(operation, known).inc()
