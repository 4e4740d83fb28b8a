"""Timing of whole commands, interleaved so that a drifting machine stays fair."""

from __future__ import annotations

import atexit
import functools
import os
import shutil
import statistics
import subprocess
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import attrs

__all__ = ["Series", "interleaved", "run_command", "table"]


@attrs.define
class Series:
    """Figures of one contender."""

    name: str
    seconds: list[float] = attrs.field(factory=list)
    peak_bytes: int = 0

    @property
    def median(self) -> float:
        """Median seconds."""
        return statistics.median(self.seconds)

    def milliseconds(self) -> str:
        """Median, minimum and maximum for a table."""
        low, high = min(self.seconds) * 1e3, max(self.seconds) * 1e3
        return f"{self.median * 1e3:.1f} [{low:.1f}–{high:.1f}]"


def interleaved(
    contenders: Mapping[str, Callable[[], tuple[float, int]]], runs: int
) -> list[Series]:
    """Run each contender in turn, one warm-up round first.

    A contender returns (seconds, peak bytes; 0 if not measured).
    """
    series = {name: Series(name) for name in contenders}
    for number in range(runs + 1):
        for name, contender in contenders.items():
            seconds, peak = contender()
            if number:
                series[name].seconds.append(seconds)
                series[name].peak_bytes = max(series[name].peak_bytes, peak)
    return list(series.values())


@functools.cache
def timed() -> str:
    """Compile the small parent that measures a command, once per process."""
    program = Path(tempfile.mkdtemp(prefix="coresnap-timed-")) / "timed"
    source = Path(__file__).parent / "programs" / "timed.c"
    subprocess.run(["cc", "-O2", str(source), "-o", str(program)], check=True)
    atexit.register(shutil.rmtree, program.parent)
    return str(program)


def run_command(
    command: Sequence[str], stdin: int = subprocess.DEVNULL
) -> tuple[float, int]:
    """Run to the end, output thrown away: (seconds, peak resident bytes)."""
    reader, writer = os.pipe()
    script = ["sh", "-c", f'exec "$@" 3>&{writer}', "sh", timed(), *command]
    with open(reader) as figures:
        subprocess.run(
            script,
            stdin=stdin,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            pass_fds=[writer],
        )
        os.close(writer)
        nanoseconds, peak = figures.read().split()
    return int(nanoseconds) / 1e9, int(peak)


def table(title: str, series: Sequence[Series], base: str) -> str:
    """Render a Markdown table; ratios are to the contender named ``base``."""
    reference = next(one.median for one in series if one.name == base)
    lines = [
        f"### {title}",
        "",
        f"| | ms, median [min–max] | × {base} | peak MB |",
        "|---|---|---|---|",
    ]
    for one in series:
        peak = f"{one.peak_bytes / 1e6:.1f}" if one.peak_bytes else "–"
        ratio = one.median / reference
        lines.append(f"| {one.name} | {one.milliseconds()} | {ratio:.2f} | {peak} |")
    return "\n".join([*lines, ""])
