"""How long the terminal viewer takes to show a snapshot, a small and a large one.

Starts `coresnap show -i` in a terminal of 80 columns and 24 rows, as its own process,
and waits for the first screen that names the thread that failed. Beside it: the same
snapshot as text by `coresnap show`, and textual's import alone.

    python benchmarks/viewer.py --runs 9 [SNAPSHOT ...]

Without a snapshot, two are made: 64 threads of 16 frames, with 1 MB and with 100 MB of
memory that does not compress.
"""

from __future__ import annotations

import argparse
import fcntl
import os
import pty
import random
import select
import statistics
import struct
import subprocess
import sys
import tempfile
import termios
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from coresnap.model import (
    Frame,
    MemoryRange,
    Signal,
    Snapshot,
    Thread,
    Trust,
    UnwindEnd,
    Variable,
    VariableKind,
)
from coresnap.snapshot.container import write_snapshot

SHOW = ("-m", "coresnap", "show")
SHOWN = b"#0 "
"""The first frame of the thread that failed."""
LONGEST = 30.0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("snapshots", nargs="*", metavar="SNAPSHOT", type=Path)
    parser.add_argument("--runs", type=int, default=9)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as directory:
        paths = arguments.snapshots or made(Path(directory))
        print(f"{'what':<44}{'median':>10}{'least':>10}{'most':>10}")
        told("import of textual", arguments.runs, import_textual)
        for path in paths:
            size = f"{path.stat().st_size / 1e6:.1f} MB"
            told(f"show, {size}", arguments.runs, partial(text, path))
            screen = partial(first_screen, sys.executable, path)
            told(f"show -i, {size}", arguments.runs, screen)


def told(name: str, runs: int, act: Callable[[], float]) -> None:
    """Print the seconds of a few runs, after one that warms what can be warm."""
    act()
    times = [act() for _ in range(runs)]
    middle = statistics.median(times)
    print(f"{name:<44}{middle:>9.3f}s{min(times):>9.3f}s{max(times):>9.3f}s")


def import_textual() -> float:
    start = time.perf_counter()
    words = [sys.executable, "-c", "import textual.app, textual.widgets"]
    subprocess.run(words, check=True)
    return time.perf_counter() - start


def text(path: Path) -> float:
    start = time.perf_counter()
    words = [sys.executable, *SHOW, str(path)]
    subprocess.run(words, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - start


def first_screen(python: str, path: Path) -> float:
    """Return the seconds until the first screen, from the start of the process."""
    start = time.perf_counter()
    process, terminal = pty.fork()
    if process == 0:
        os.environ["TERM"] = "xterm-256color"
        os.execv(python, [python, *SHOW, "-i", str(path)])
    try:
        fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
        wait_for(terminal, SHOWN)
        elapsed = time.perf_counter() - start
        os.write(terminal, b"q")
        drain(terminal)
    finally:
        os.close(terminal)
        os.waitpid(process, 0)
    return elapsed


def wait_for(terminal: int, wanted: bytes) -> None:
    said = b""
    end = time.monotonic() + LONGEST
    while wanted not in said:
        ready, _, _ = select.select([terminal], [], [], max(0, end - time.monotonic()))
        if not ready:
            raise SystemExit(f"the viewer showed nothing: {said[-500:]!r}")
        said += os.read(terminal, 65536)


def drain(terminal: int) -> None:
    try:
        while os.read(terminal, 65536):
            pass
    except OSError:
        return  # Linux says so when the other side of a terminal is closed


def made(directory: Path) -> Sequence[Path]:
    paths = []
    for size in (1_000_000, 100_000_000):
        data = random.Random(size).randbytes(size)
        path = directory / f"{size}.csnap"
        write_snapshot(snapshot(data), path)
        paths.append(path)
    return paths


def snapshot(data: bytes) -> Snapshot:
    return Snapshot(
        system="Linux",
        architecture="x86-64",
        pid=1,
        command="many",
        arguments="many",
        signal=Signal(11, "SIGSEGV", 1, "SEGV_MAPERR", 8),
        threads=tuple(thread(number) for number in range(64)),
        memory=(MemoryRange(0x7F00_0000_0000, data),),
    )


def thread(number: int) -> Thread:
    frames = tuple(
        Frame(
            0x400000 + number * 256 + index,
            Trust.CFI,
            function=f"function_{number}_{index}",
            file="/src/many.c",
            line=index + 1,
            variables=tuple(
                Variable(f"v{i}", "int", VariableKind.LOCAL, i) for i in range(20)
            ),
        )
        for index in range(16)
    )
    return Thread(1 + number, number == 0, UnwindEnd.OUTERMOST, frames=frames)


if __name__ == "__main__":
    main()
