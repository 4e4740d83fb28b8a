"""What a verdict costs: each step of analysis on small crashes, and a large heap.

The first table has the steps of a worker's analysis, its modules loaded as the daemon
has them; the fastest of ``--runs`` counts. The second has whole commands on a heap of
``--blocks`` blocks: ``coresnap analyze`` with its verdict, beside gdb's full backtrace,
which concludes nothing.
"""

from __future__ import annotations

import argparse
import functools
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path

from measure import interleaved, run_command, table

import coresnap
from coresnap.daemon.job import preload

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
from kernel import kernel_core

PROGRAMS = Path(__file__).parent / "programs"
CORES = Path(__file__).parents[1] / "tests" / "cores"
READING = ("signal", "unwind", "debug files", "frames", "interpreters", "memory")
"""Steps that an analysis without a verdict has, too."""
JEMALLOC = {"LD_PRELOAD": "libjemalloc.so.2"}
TARGETS: Mapping[str, tuple[Path, Mapping[str, str]]] = {
    "null pointer": (PROGRAMS / "tiny.c", {}),
    "use after free, glibc": (CORES / "simple.c", {}),
    "use after free, jemalloc": (CORES / "simple.c", JEMALLOC),
    "64 threads": (PROGRAMS / "threads.c", {}),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--blocks", type=int, default=5_000_000)
    options = parser.parse_args()
    preload()
    with tempfile.TemporaryDirectory(prefix="coresnap-bench-", dir="/var/tmp") as name:
        directory = Path(name)
        rows = {
            title: steps(crash(directory, source, environment), options.runs)
            for title, (source, environment) in TARGETS.items()
        }
        print(step_table(rows), flush=True)
        program = build(directory, PROGRAMS / "blocks.c")
        core = kernel_core([str(program), str(options.blocks)], directory)
        print(large_heap(program, core, options))


def build(directory: Path, source: Path) -> Path:
    program = directory / source.stem
    line = ["cc", "-g", "-O0", "-pthread", str(source), "-o", str(program)]
    subprocess.run(line, check=True)
    return program


def crash(directory: Path, source: Path, environment: Mapping[str, str]) -> Path:
    with set_in(environment):
        return kernel_core([str(build(directory, source))], directory)


@contextmanager
def set_in(environment: Mapping[str, str]) -> Iterator[None]:
    """Set variables for what is started inside."""
    os.environ.update(environment)
    try:
        yield
    finally:
        for name in environment:
            del os.environ[name]


def steps(core: Path, runs: int) -> dict[str, float]:
    """Milliseconds of each step, the least of all runs."""
    least: dict[str, float] = {}
    for _ in range(runs + 1):
        marks: list[tuple[str, float]] = []

        def mark(name: str, marks: list[tuple[str, float]] = marks) -> None:
            marks.append((name, time.perf_counter()))

        coresnap.analyze(core, progress=mark)
        for (name, start), (_, end) in pairwise(marks):
            spent = (end - start) * 1e3
            least[name] = min(spent, least.get(name, spent))
    core.unlink()
    return least


def step_table(rows: Mapping[str, Mapping[str, float]]) -> str:
    names = [name for name in next(iter(rows.values())) if name not in READING]
    lines = [
        "### The verdict on small crashes\n",
        "Milliseconds. Unwinding is the stacks of all threads; reading is that with",
        "names and variables; the rest is the verdict.\n",
        f"| crash | unwinding | reading | verdict | {' | '.join(names)} |",
        "|---" * (len(names) + 4) + "|",
    ]
    for title, row in rows.items():
        reading = sum(row.get(name, 0.0) for name in READING)
        own = [row.get(name, 0.0) for name in names]
        cells = [row["unwind"], reading, sum(own), *own]
        lines.append(f"| {title} | " + " | ".join(f"{ms:.2f}" for ms in cells) + " |")
    return "\n".join([*lines, ""])


def large_heap(program: Path, core: Path, options: argparse.Namespace) -> str:
    analyze = [str(Path(sys.executable).with_name("coresnap")), "analyze", str(core)]
    gdb = ["gdb", "-nx", "-batch", "-ex", "bt full", str(program), str(core)]
    contenders = {
        "gdb bt full (no verdict)": functools.partial(run_command, gdb),
        "coresnap analyze": functools.partial(run_command, analyze),
        "coresnap, no aliases": functools.partial(
            run_command, [*analyze, "--aliases", "0"]
        ),
    }
    series = interleaved(contenders, options.runs)
    size = core.stat().st_size / (1 << 30)
    title = f"Verdict: {options.blocks:,} blocks, a core of {size:.2f} GiB"
    return table(title, series, "gdb bt full (no verdict)")


if __name__ == "__main__":
    main()
