"""What the daemon takes while it waits, and with its worker while it works.

The daemon runs as installed, on a directory of its own; real crashes are caught by the
helper as fast as they come. ``coresnapd`` is asked for its memory before and after; a
worker's peak is the most that any of its processes had. Proportional set size (PSS)
shares what the daemon and its forked worker have in common between them.
"""

from __future__ import annotations

import argparse
import contextlib
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import attrs
import psutil

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
from kernel import core_pattern

PROGRAMS = Path(__file__).parent / "programs"
DEADLINE_SECONDS = 120


@attrs.define
class Peak:
    """Bytes, the most that was seen."""

    daemon: int = 0
    workers: int = 0
    both_proportional: int = 0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--crashes", type=int, default=20)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="cs-") as name:
        directory = Path(name)
        directory.chmod(0o755)  # the daemon drops its privileges
        program = directory / "mapped"
        source = PROGRAMS / "mapped.c"
        subprocess.run(["cc", "-g", "-O2", source, "-o", program], check=True)
        with core_pattern("core"), installed(directory) as configuration:
            measure(configuration, [str(program), "0", "0"], options.crashes)


@contextlib.contextmanager
def installed(directory: Path) -> Iterator[Path]:
    """Install coresnap below ``directory``: its coresnap.conf."""
    configuration = directory / "coresnap.conf"
    configuration.write_text(
        f"[archive]\nroot = {directory}/r\nhandler = {directory}/catch\n"
        "door = pipe\ndump.quota = 0%\nstorm.rate = none\n"
        f"[daemon]\nsocket = {directory}/s/notify\n"
    )
    command = [sys.executable, "-m", "coresnap", "--config", str(configuration)]
    subprocess.run([*command, "install"], check=True, stdout=subprocess.DEVNULL)
    try:
        yield configuration
    finally:
        subprocess.run([*command, "uninstall"], check=True, stdout=subprocess.DEVNULL)


def measure(configuration: Path, crash: list[str], crashes: int) -> None:
    command = [sys.executable, "-m", "coresnap.daemon.main", "--foreground"]
    daemon = psutil.Popen(
        [*command, "--config", str(configuration)], stderr=subprocess.DEVNULL
    )
    try:
        time.sleep(2)
        idle, started = daemon.memory_full_info(), time.monotonic()
        for _ in range(crashes):
            limited = ["sh", "-c", 'ulimit -c unlimited; exec "$@"', "sh", *crash]
            subprocess.run(limited, stdout=subprocess.DEVNULL)
        peak = watch(daemon, configuration.parent / "r", crashes)
        report(daemon, idle.rss, idle.pss, peak, crashes, time.monotonic() - started)
    finally:
        daemon.send_signal(signal.SIGTERM)
        daemon.wait()


def watch(daemon: psutil.Process, root: Path, crashes: int) -> Peak:
    """Look often until every crash has its snapshot."""
    peak, deadline = Peak(), time.monotonic() + DEADLINE_SECONDS
    while len(list((root / "archive" / "sending").glob("*"))) < crashes:
        if time.monotonic() > deadline:
            raise SystemExit("the daemon made no snapshots of these crashes")
        family = [daemon, *daemon.children(recursive=True)]
        with contextlib.suppress(psutil.NoSuchProcess):
            memory = [one.memory_full_info() for one in family]
            peak.daemon = max(peak.daemon, memory[0].rss)
            peak.workers = max(peak.workers, *(one.rss for one in memory[1:]), 0)
            shared = sum(one.pss for one in memory)
            peak.both_proportional = max(peak.both_proportional, shared)
        time.sleep(0.002)
    return peak


def report(
    daemon: psutil.Process, rss: int, pss: int, peak: Peak, crashes: int, seconds: float
) -> None:
    after = daemon.memory_full_info()
    print(f"### Daemon: {crashes} crashes, {crashes / seconds:.1f} snapshots/s\n")
    print("| | resident MB | proportional MB |\n|---|---|---|")
    print(f"| coresnapd, waiting | {rss / 1e6:.1f} | {pss / 1e6:.1f} |")
    print(f"| coresnapd, at most | {peak.daemon / 1e6:.1f} | – |")
    print(f"| a worker, at most | {peak.workers / 1e6:.1f} | – |")
    print(f"| both, at most | – | {peak.both_proportional / 1e6:.1f} |")
    print(f"| coresnapd, afterwards | {after.rss / 1e6:.1f} | {after.pss / 1e6:.1f} |")


if __name__ == "__main__":
    main()
