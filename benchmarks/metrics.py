"""What telling monitors costs: the library, a look at a full archive, and a request.

    python benchmarks/metrics.py
    python benchmarks/metrics.py --archives 1000 --requests 10000

``library`` is a fresh interpreter with what the daemon has loaded, and the same with
prometheus_client. ``look`` is an archive of so many crashes, read as ``coresnap
status`` and the served page do. ``request`` is what the server notes of each: beside
it stands what a put costs (``benchmarks/store_http.py puts``).
"""

from __future__ import annotations

import argparse
import json
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import attrs

from coresnap.backends.fake import FakeBackend
from coresnap.collect.journal import Event, Journal
from coresnap.collect.overview import read_overview
from coresnap.collect.spool import create_spool
from coresnap.config import Config, load_config
from coresnap.daemon.metrics_page import metrics_page
from coresnap.errors import InputError
from coresnap.store.server.monitoring.instruments import Instruments

_IMPORTS = """
import resource, time
import coresnap.daemon.exporter
began = time.process_time()
memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
import prometheus_client
print(time.process_time() - began,
      resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - memory)
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--archives", type=int, default=100_000)
    parser.add_argument("--requests", type=int, default=200_000)
    arguments = parser.parse_args()
    print("| what | cost |\n|---|---|")
    for name, cost in (
        *library(),
        *look(arguments.archives),
        *request(arguments.requests),
    ):
        print(f"| {name} | {cost} |")


def library() -> Iterator[tuple[str, str]]:
    words = [sys.executable, "-c", _IMPORTS]
    found = [
        subprocess.run(words, capture_output=True, text=True, check=True).stdout.split()
        for _ in range(5)
    ]
    seconds = statistics.median(float(one[0]) for one in found)
    kilobytes = statistics.median(int(one[1]) for one in found)
    yield "prometheus_client, loaded: processor time", f"{seconds * 1e3:.0f} ms"
    yield "prometheus_client, loaded: memory", f"{kilobytes / 1e3:.1f} MB"


def look(count: int) -> Iterator[tuple[str, str]]:
    with tempfile.TemporaryDirectory() as directory:
        config = attrs.evolve(load_config(Path("/dev/null")), root=Path(directory))
        fill(config, count)
        backend = FakeBackend()
        seconds = processor(lambda: read_overview(config, backend), 3)
        yield f"a look at {count:,} crashes: processor time", f"{seconds:.2f} s"
        overview = read_overview(config, backend)
        seconds = processor(lambda: metrics_page(overview), 20)
        yield "its text: processor time", f"{seconds * 1e3:.1f} ms"


def fill(config: Config, count: int) -> None:
    """Leave so many crashes that were analysed, each with snapshot and assets."""
    create_spool(config.spool)
    config.journal.parent.mkdir()
    detail = {
        **{"rung": "full", "checks": [], "fingerprint": "ab" * 32, "sure": True},
        **{"project": "blackhole", "confinement": ["seccomp"], "seconds": 0.2},
    }
    with Journal(config.journal) as journal:
        journal.record("f" * 32, Event.ARRIVED)
        with journal._database as database:
            for number in range(count):
                name = f"{number:032x}"
                text = json.dumps({**detail, "parked": number / count})
                values = (name, "sent", 0, 0, number, number, text)
                database.execute("INSERT INTO entry VALUES (?,?,?,?,?,?,?)", values)
                for part in ("assets", "sending"):
                    (config.spool / part / name).touch()


def request(count: int) -> Iterator[tuple[str, str]]:
    instruments = Instruments()
    error = InputError("no snapshot")
    instruments.note("post_fault", 0.005, 200)

    def note() -> None:
        for _ in range(count):
            began = time.perf_counter()
            instruments.received.inc(5000)
            instruments.note("post_fault", time.perf_counter() - began, 200)

    def refuse() -> None:
        for _ in range(count):
            instruments.refuse("post_fault", error)

    yield "what is noted of a put", f"{processor(note, 3) / count * 1e6:.1f} µs"
    yield "and of one that is refused", f"{processor(refuse, 3) / count * 1e6:.1f} µs"


def processor(work: Callable[[], object], times: int) -> float:
    """Median of the processor time of some runs, in seconds."""
    found = []
    for _ in range(times):
        began = time.process_time()
        work()
        found.append(time.process_time() - began)
    return statistics.median(found)


if __name__ == "__main__":
    main()
    usage = resource.getrusage(resource.RUSAGE_SELF)
    print(f"\npeak memory of this: {usage.ru_maxrss / 1e3:.0f} MB")
