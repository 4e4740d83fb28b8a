"""Where a worker's time goes: the share of each part of one analysis.

Runs what the daemon's worker does, its modules loaded as the daemon has them, on a real
core. Parts within others are taken out of them; the fastest of ``--runs`` counts. Debug
files are opened in threads: their part is how long is waited for them. The first core
of a program has nothing in the cache.
"""

from __future__ import annotations

import argparse
import functools
import gc
import importlib
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from coresnap.daemon.job import preload

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
from kernel import kernel_core

PROGRAMS = Path(__file__).parent / "programs"

PARTS = {
    "read the core": ("coresnap.elfcore.corefile", None, "open_core"),
    "unwind": ("coresnap.analysis.unwind.unwinder", "Unwinder", "unwind"),
    "wait for debug files": ("coresnap.analysis.debuginfo.files", "DebugFiles", "of"),
    "frames": ("coresnap.analysis.frames", "FrameBuilder", "frames"),
    "values": ("coresnap.analysis.values.variables", "VariablesPlan", "read"),
    "globals": ("coresnap.analysis.globals", "GlobalsFinder", "read"),
    "memory": ("coresnap.analysis.steps.reading", None, "retained_memory"),
    "write": ("coresnap.snapshot.container", None, "write_snapshot"),
}
"""Part to the function that does it: module, class if it is a method, name."""

TARGETS = {
    "tiny": ("tiny.c", ()),
    "64 threads, 205 frames each": ("threads.c", ()),
    "C++, standard library": ("templates.cc", ("-std=c++17",)),
}

FIRST = "tiny"
"""Whose first core is shown too."""


class Clock:
    """Seconds by part; a part that runs within another one is not counted there."""

    def __init__(self) -> None:
        self.seconds = dict.fromkeys((*PARTS, "rest"), 0.0)
        self._running = ["rest"]
        self._since = time.perf_counter()

    def _switch(self) -> None:
        now = time.perf_counter()
        self.seconds[self._running[-1]] += now - self._since
        self._since = now

    @contextmanager
    def part(self, name: str) -> Iterator[None]:
        """What runs within is a part's."""
        self._switch()
        self._running.append(name)
        try:
            yield
        finally:
            self._switch()
            self._running.pop()

    def stop(self) -> None:
        """Count what ran until now."""
        self._switch()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=5)
    options = parser.parse_args()
    preload()
    gc.disable()  # as the worker does
    results = {}
    with tempfile.TemporaryDirectory(prefix="coresnap-bench-") as name:
        directory = Path(name)
        for title, (source, flags) in TARGETS.items():
            core = kernel_core([build(source, flags, directory)], directory)
            profiled(core, directory / "warm-up")
            caches = [directory / f"cache{number}" for number in range(options.runs)]
            firsts = [profiled(core, cache) for cache in caches]
            if title == FIRST:
                results[f"{title}, first core"] = fastest(firsts)
            results[title] = fastest([profiled(core, cache) for cache in caches])
            core.unlink()
    print(table(results))


def fastest(runs: list[dict[str, float]]) -> dict[str, float]:
    return min(runs, key=lambda run: sum(run.values()))


def build(source: str, flags: tuple[str, ...], directory: Path) -> str:
    target = directory / Path(source).stem
    compiler = "c++" if source.endswith(".cc") else "cc"
    line = [compiler, "-g", "-O0", "-pthread", *flags, str(PROGRAMS / source)]
    subprocess.run([*line, "-o", str(target)], check=True)
    return str(target)


def profiled(core: Path, cache: Path) -> dict[str, float]:
    """Seconds of each part of one analysis."""
    clock = Clock()
    restore = [instrument(clock, part, *place) for part, place in PARTS.items()]
    session = importlib.import_module("coresnap.analysis.session")
    container = importlib.import_module("coresnap.snapshot.container")
    try:
        snapshot = session.analyze(core, cache=cache)
        container.write_snapshot(snapshot, core.with_suffix(".snapshot"))
    finally:
        clock.stop()
        for undo in restore:
            undo()
    return clock.seconds


def instrument(
    clock: Clock, part: str, module: str, owner: str | None, name: str
) -> Callable[[], None]:
    """Have a function counted as ``part``; returns what takes that back."""
    place: Any = importlib.import_module(module)
    if module == "coresnap.elfcore.corefile":
        # The session has its own name for it.
        place = importlib.import_module("coresnap.analysis.session")
    place = place if owner is None else getattr(place, owner)
    original = getattr(place, name)

    @functools.wraps(original)
    def counted(*arguments: Any, **named: Any) -> Any:  # noqa: ANN401 - any function
        with clock.part(part):
            return original(*arguments, **named)

    setattr(place, name, counted)
    return functools.partial(setattr, place, name, original)


def table(results: dict[str, dict[str, float]]) -> str:
    lines = [
        "### Profile of a worker: ms, and shares",
        "",
        f"| | {' | '.join(results)} |",
        f"|---|{'---|' * len(results)}",
    ]
    for part in (*PARTS, "rest"):
        cells = [
            f"{run[part] * 1e3:.1f} ({run[part] / sum(run.values()):.0%})"
            for run in results.values()
        ]
        lines.append(f"| {part} | {' | '.join(cells)} |")
    totals = [f"{sum(run.values()) * 1e3:.1f}" for run in results.values()]
    lines.append(f"| all | {' | '.join(totals)} |")
    return "\n".join([*lines, ""])


if __name__ == "__main__":
    main()
