"""The metrics of a machine as text, in Prometheus' format or OpenMetrics'.

prometheus_client writes it. Loading it takes time and memory (``benchmarks/metrics.py``
prints how much), so it is loaded by who writes metrics, which is never the daemon.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from importlib.metadata import version
from typing import TYPE_CHECKING

from coresnap.collect.overview import Overview
from coresnap.daemon.metrics import METRICS, Histogram, Metric, Sample, samples
from coresnap.errors import ConfigError

if TYPE_CHECKING:
    import prometheus_client

__all__ = ["check_library", "metrics_page"]


def check_library() -> None:
    """Raise ConfigError if there is nothing to write metrics with."""
    if importlib.util.find_spec("prometheus_client") is None:
        raise ConfigError(
            "prometheus_client, which writes metrics, is not installed",
            remedy="pip install 'coresnap[metrics]'",
        )


def metrics_page(overview: Overview, accept: str = "") -> tuple[bytes, str]:
    """Return the text, and its content type, in the format that ``accept`` (a header
    of HTTP) prefers; without one in Prometheus' own."""
    from prometheus_client.exposition import choose_encoder

    encode, content_type = choose_encoder(accept)
    return encode(_Families(overview)), content_type


class _Families:
    """What prometheus_client takes for a registry: something to collect from."""

    def __init__(self, overview: Overview) -> None:
        self._samples: dict[str, list[Sample]] = {}
        for sample in samples(overview, version("coresnap")):
            self._samples.setdefault(sample.name, []).append(sample)

    def collect(self) -> Iterator[prometheus_client.Metric]:
        """Yield a family for each metric of which something is known."""
        for metric in METRICS:
            if metric.name in self._samples:
                yield _family(metric, self._samples[metric.name])


def _family(metric: Metric, found: list[Sample]) -> prometheus_client.Metric:
    from prometheus_client.core import HistogramMetricFamily
    from prometheus_client.core import Metric as Family

    if metric.kind == "histogram":
        histogram = HistogramMetricFamily(metric.name, metric.meaning)
        for one in found:
            assert isinstance(one.value, Histogram)
            buckets = [_bucket(bound, count) for bound, count in one.value.buckets]
            histogram.add_metric([], buckets, one.value.sum)
        return histogram
    family = Family(metric.name, metric.meaning, metric.kind)
    suffix = "_total" if metric.kind == "counter" else ""
    for one in found:
        labels = {metric.label: one.label} if metric.label else {}
        assert not isinstance(one.value, Histogram)
        family.add_sample(metric.name + suffix, labels, float(one.value))
    return family


def _bucket(bound: float, count: float) -> tuple[str, float]:
    return ("+Inf" if bound == float("inf") else str(bound)), count
