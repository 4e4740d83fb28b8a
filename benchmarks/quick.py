"""Benchmarks that take a second or less, for either of two installed commits.

Each says what it needs, and makes a function that measures one side once. What is
measured are commands and servers of the side; what measures them is this tree, so that
both are measured alike.
"""

from __future__ import annotations

import contextlib
import functools
import io
import os
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import attrs
from analyze import TARGETS
from capture import SPECIFIERS, empty, parked, settings, targets
from measure import run_command
from sides import Side
from store_http import distinct, group_list, served
from store_senders import client_of
from viewer import first_screen

import coresnap
from coresnap.store.api.queries import QUERY
from coresnap.store.client.putting import put_snapshot
from kernel import core_pattern, kernel_core

__all__ = ["BENCHMARKS", "Benchmark", "Measure"]

Measure = Callable[[Side], Mapping[str, float]]
"""Measures a side once: figure by name; more is worse."""
PUTS = 40


@attrs.frozen
class Benchmark:
    """One of those that can be chosen."""

    purpose: str
    units: Mapping[str, str]
    """Of each figure that it gives."""
    prepare: Callable[
        [Path, tuple[Side, ...]], contextlib.AbstractContextManager[Measure]
    ]
    """Makes what is needed below a directory, and takes it away again."""


def _milliseconds(command: list[str]) -> tuple[float, float]:
    seconds, peak = run_command(command)
    return seconds * 1e3, peak / 1e6


@contextlib.contextmanager
def _analysis(
    title: str, name: str, directory: Path, _: tuple[Side, ...]
) -> Iterator[Measure]:
    core = kernel_core(TARGETS[title](directory), directory)
    with contextlib.ExitStack() as stack:
        stack.callback(core.unlink)

        def measure(side: Side) -> Mapping[str, float]:
            # A cache of its own: what one side remembers may not serve the other.
            os.environ["XDG_CACHE_HOME"] = str(directory / f"cache-{side.name}")
            snapshot = directory / f"{side.name}.csnap"
            words = [str(side.command), "analyze", str(core)]
            text, peak = _milliseconds([*words, "--thread", "all"])
            kept, _ = _milliseconds([*words, "-o", str(snapshot)])
            return {
                f"analyze {name}, text": text,
                f"analyze {name} -o": kept,
                f"analyze {name}, peak memory": peak,
                f"snapshot of {name}": snapshot.stat().st_size / 1e3,
            }

        yield measure


@contextlib.contextmanager
def _show(directory: Path, _: tuple[Side, ...]) -> Iterator[Measure]:
    core = kernel_core(TARGETS["tiny"](directory), directory)
    path = directory / "shown.csnap"
    coresnap.write_snapshot(coresnap.analyze(core), path)
    core.unlink()

    def measure(side: Side) -> Mapping[str, float]:
        text, _ = _milliseconds([str(side.command), "show", str(path)])
        return {
            "show": text,
            "show -i, first screen": first_screen(str(side.python), path) * 1e3,
        }

    yield measure


@contextlib.contextmanager
def _catch(directory: Path, _: tuple[Side, ...]) -> Iterator[Measure]:
    crash = targets(directory)["0.3 MB"]
    spool = directory / "memory"
    configuration = settings(directory, "memory")

    def measure(side: Side) -> Mapping[str, float]:
        # A name of its own, for a pattern has room for 127 bytes.
        handler = directory / side.name
        if not handler.exists():
            handler.symlink_to(side.catch)
        pattern = f"|{handler} -c {configuration} {SPECIFIERS}"
        with core_pattern(pattern, pipe_limit=16):
            seconds = parked(crash)
        empty(spool)
        return {"process held, 0.3 MB": seconds * 1e3}

    yield measure


@contextlib.contextmanager
def _store(directory: Path, sides: tuple[Side, ...]) -> Iterator[Measure]:
    core = kernel_core(TARGETS["tiny"](directory), directory)
    snapshot = coresnap.analyze(core)
    core.unlink()
    counts = dict.fromkeys((side.name for side in sides), 0)
    with contextlib.ExitStack() as stack:
        clients = {}
        for side in sides:
            data = directory / f"store-{side.name}"
            config, _ = stack.enter_context(served(data, str(side.python)))
            clients[side.name] = stack.enter_context(client_of(config))

        def measure(side: Side) -> Mapping[str, float]:
            first, client = counts[side.name], clients[side.name]
            bodies = [distinct(snapshot, first + n) for n in range(PUTS)]
            counts[side.name] += PUTS
            begun = time.perf_counter()
            for body in bodies:
                put_snapshot(client, io.BytesIO(body))
            put = (time.perf_counter() - begun) / PUTS
            begun = time.perf_counter()
            client.call(QUERY, group_list(int(time.time())))
            return {
                "a put": put * 1e3,
                "list of groups": (time.perf_counter() - begun) * 1e3,
            }

        yield measure


@contextlib.contextmanager
def _start(directory: Path, _: tuple[Side, ...]) -> Iterator[Measure]:
    def measure(side: Side) -> Mapping[str, float]:
        text, _ = _milliseconds([str(side.command), "--help"])
        library, _ = _milliseconds([str(side.python), "-c", "import coresnap"])
        return {"coresnap --help": text, "import coresnap": library}

    yield measure


def _of_analysis(title: str, name: str) -> Benchmark:
    units = {
        f"analyze {name}, text": "ms",
        f"analyze {name} -o": "ms",
        f"analyze {name}, peak memory": "MB",
        f"snapshot of {name}": "kB",
    }
    return Benchmark(
        f"a core of {title}, by whole processes",
        units,
        functools.partial(_analysis, title, name),
    )


BENCHMARKS: dict[str, Benchmark] = {
    "start": Benchmark(
        "what every command pays first",
        {"coresnap --help": "ms", "import coresnap": "ms"},
        _start,
    ),
    "tiny": _of_analysis("tiny", "tiny"),
    "threads": _of_analysis("64 threads, 205 frames each", "64 threads"),
    "templates": _of_analysis("C++, standard library", "C++"),
    "show": Benchmark(
        "a snapshot as text, and in the viewer",
        {"show": "ms", "show -i, first screen": "ms"},
        _show,
    ),
    "catch": Benchmark(
        "how long a process is held, from crash to wait",
        {"process held, 0.3 MB": "ms"},
        _catch,
    ),
    "store": Benchmark(
        f"{PUTS} puts through HTTP, then a question, to a store that grows",
        {"a put": "ms", "list of groups": "ms"},
        _store,
    ),
}


def described() -> str:
    """What can be chosen, for the help."""
    return "\n".join(f"  {name:<10} {b.purpose}" for name, b in BENCHMARKS.items())
