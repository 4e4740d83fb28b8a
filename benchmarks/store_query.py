"""What the index costs: load, disk, memory, and the time of ten queries.

Each engine gets the same faults, in its own process, in pieces as the indexer makes
them. Then each query runs ``--runs`` times; the median counts. Nothing of HTTP is in
these times. The number of faults that a query finds has to be the same everywhere.
"""

from __future__ import annotations

import argparse
import itertools
import statistics
import subprocess
import sys
import time
from pathlib import Path

import msgspec
from store_engines import ENGINES, opened, resident
from store_faults import END, faults
from store_queries import questions

from coresnap.store.fault import Fault

__all__ = ["Measured", "main"]

PIECE = 2000
_UNLIKE = ("groups that are new this week", "the last 20 faults of one application")
"""Whose SQL for peers counts what is shown, not what passed the filter."""


class Measured(msgspec.Struct):
    """One engine with one number of faults."""

    engine: str
    count: int
    load: float
    """Faults in a second, making them not counted."""
    size: float
    """Bytes for each fault."""
    memory: int
    milliseconds: list[float]
    found: list[int]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--counts", default="10000,100000,1000000")
    parser.add_argument("--engines", default=",".join(ENGINES))
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--directory", type=Path)
    parser.add_argument("--one", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        measured = measure(options.one, int(options.counts), options)
        sys.stdout.buffer.write(msgspec.json.encode(measured) + b"\n")
        return
    results = []
    for count in map(int, options.counts.split(",")):
        for engine in options.engines.split(","):
            results.append(_in_child(engine, count, options))
            print(results[-1], file=sys.stderr)
    for count in sorted({result.count for result in results}):
        print_table(count, [result for result in results if result.count == count])


def _in_child(engine: str, count: int, options: argparse.Namespace) -> Measured:
    command = [sys.executable, __file__, "--one", engine, "--counts", str(count)]
    command += ["--runs", str(options.runs)]
    if options.directory:
        command += ["--directory", str(options.directory)]
    answer = subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout
    return msgspec.json.decode(answer.splitlines()[-1], type=Measured)


def measure(name: str, count: int, options: argparse.Namespace) -> Measured:
    """Load one engine and ask it."""
    with opened(name, options.directory) as engine:
        arriving = faults(count)
        sample: list[Fault] = []
        fingerprints: set[str] = set()
        seconds = 0.0
        while piece := list(itertools.islice(arriving, PIECE)):
            fingerprints.update(fault.fingerprint for fault in piece)
            sample = piece
            begin = time.perf_counter()
            engine.load(piece)
            seconds += time.perf_counter() - begin
        begin = time.perf_counter()
        engine.finish(fingerprints)
        seconds += time.perf_counter() - begin
        times, found = [], []
        for question in questions(sample, END):
            taken = []
            for _ in range(options.runs):
                begin = time.perf_counter()
                passed = engine.ask(question)
                taken.append(1000 * (time.perf_counter() - begin))
                if sum(taken) > 20_000:
                    break
            times.append(statistics.median(taken))
            found.append(passed)
        size = engine.size() / count
        return Measured(name, count, count / seconds, size, resident(), times, found)


def print_table(count: int, results: list[Measured]) -> None:
    """Print one table of ``docs/performance.md``."""
    names = [question.name for question in questions(list(faults(3)), END)]
    print(f"\n### Index: {count:,} faults\n")
    print(f"| | {' | '.join(result.engine for result in results)} |")
    print(f"|---|{'---|' * len(results)}")
    rows = [
        ("loaded, faults/s", [f"{r.load:,.0f}" for r in results]),
        ("disk, bytes/fault", [f"{r.size:.0f}" for r in results]),
        ("peak memory of the process, MB", [f"{r.memory / 1e6:.0f}" for r in results]),
    ]
    for number, name in enumerate(names):
        times = [_milliseconds(r.milliseconds[number]) for r in results]
        rows.append((f"{name}, ms", times))
    for name, cells in rows:
        print(f"| {name} | {' | '.join(cells)} |")
    for number, name in enumerate(names):
        found = {result.found[number] for result in results}
        if len(found) > 1 and name not in _UNLIKE:
            print(f"differs: {name}: {found}", file=sys.stderr)


def _milliseconds(value: float) -> str:
    return f"{value:.1f}" if value < 10 else f"{value:,.0f}"


if __name__ == "__main__":
    main()
