"""A program that crashes again and again: what each crash costs, the machine, the disk.

First ``COUNT`` children of one program crash one after the other, each reaped before
the next. The figure is the time for one crash, fork and exit included; "no core" is the
same without any handler. Then as many crash with ``PARALLEL`` at once while somebody
else starts ``true`` again and again: how long that takes is how the machine feels. Disk
is what the storm left when it was over.
"""

from __future__ import annotations

import argparse
import functools
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

import attrs
from measure import interleaved
from peers import (
    empty_systemd,
    minicoredumper,
    script,
    systemd_coredump,
    systemd_service,
)

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
from kernel import core_pattern

PROGRAM = Path(__file__).parents[1] / "tests" / "cores" / "storm.c"
PROBE_PAUSE_SECONDS = 0.005
SPECIFIERS = "%P %I %s %t %u %g %d %c %F -- %E"
SYSTEMD_CORES = Path("/var/lib/systemd/coredump")


@attrs.frozen
class Contender:
    """A core_pattern, how many may crash at once, and where it leaves its files."""

    pattern: str
    files: Path | None = None
    core_limit: str = "unlimited"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--count", type=int, default=300)
    parser.add_argument("--directory", type=Path, default=Path("/dev/shm"))
    parser.add_argument("--parallel", type=int, default=12)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="cs", dir=options.directory) as name:
        directory = Path(name)
        program = directory / "storm"
        subprocess.run(["cc", "-g", "-O0", PROGRAM, "-o", program], check=True)
        systemd = systemd_coredump(directory)
        with systemd_service(systemd):
            found = contenders(directory, systemd)
            measure_cost(found, [str(program), str(options.count), "1"], options)
            command = [str(program), str(options.count), str(options.parallel)]
            measure_response(found, command, options)


def contenders(directory: Path, systemd: Path | None) -> dict[str, Contender]:
    import coresnap

    catch = directory / "catch"
    built = Path(coresnap.__file__).parent / "libexec" / "coresnap-catch"
    catch.write_bytes(built.read_bytes())
    catch.chmod(0o755)
    cat, saved = script(directory / "null", "cat >/dev/null"), directory / "saved"
    saved.mkdir()
    save = script(directory / "save", f"cat >{saved}/$1")
    found = {
        "no core": Contender("core", core_limit="0"),
        "cat > /dev/null": Contender(f"|{cat}"),
        "cat > file": Contender(f"|{save} %P", saved),
    }
    for name, admission in (("all archived", ""), ("admission", "table")):
        spool = directory / name.partition(" ")[0]
        for stage in ("pending", "assets", "sending"):
            (spool / stage).mkdir(parents=True)
        conf = spool / "conf"
        table = spool / admission if admission else ""
        conf.write_text(f"spool={spool}\nquota=0%\nowner=0:0\nadmission={table}\n")
        conf.chmod(0o600)
        pattern = f"|{catch} -c {conf} {SPECIFIERS}"
        found[f"coresnap, {name}"] = Contender(pattern, spool)
    if (mini := minicoredumper(directory)) is not None:
        found["minicoredumper"] = Contender(mini, directory / "mini")
    if systemd is not None:
        pattern = f"|{systemd} %P %u %g %s %t %c %h"
        found["systemd-coredump"] = Contender(pattern, SYSTEMD_CORES)
    return found


def measure_cost(
    found: dict[str, Contender], command: list[str], options: argparse.Namespace
) -> None:
    disk = dict.fromkeys(found, 0)
    runs: dict[str, Callable[[], tuple[float, int]]] = {}
    for name, contender in found.items():
        runs[name] = functools.partial(storm, name, contender, command, disk)
    series = interleaved(runs, options.runs)
    print(f"### Storm: {options.count} crashes of one program\n")
    print("| | µs for each, median [min–max] | crashes/s | × no core | MB on disk |")
    print("|---|---|---|---|---|")
    base = next(one.median for one in series if one.name == "no core")
    for one in series:
        each = [seconds / options.count * 1e6 for seconds in one.seconds]
        median = one.median / options.count * 1e6
        print(
            f"| {one.name} | {median:.0f} [{min(each):.0f}–{max(each):.0f}] "
            f"| {options.count / one.median:.0f} | {one.median / base:.2f} "
            f"| {disk[one.name] / 1e6:.2f} |"
        )


def measure_response(
    found: dict[str, Contender], command: list[str], options: argparse.Namespace
) -> None:
    print(f"\n### Storm: {options.parallel} at once, and how long `true` takes\n")
    print("| | `true` ms, median | the slowest | crashes/s | MB on disk |")
    print("|---|---|---|---|---|")
    for name, contender in found.items():
        disk = {name: 0}
        with Probe() as probe:
            seconds, _ = storm(name, contender, command, disk, calm=0)
        median = statistics.median(probe.seconds) * 1e3
        print(
            f"| {name} | {median:.1f} | {max(probe.seconds) * 1e3:.1f} "
            f"| {options.count / seconds:.0f} | {disk[name] / 1e6:.2f} |"
        )


@attrs.define
class Probe:
    """Starts ``true`` until it is left, and notes how long each took."""

    seconds: list[float] = attrs.field(factory=list)
    _over: threading.Event = attrs.field(factory=threading.Event)
    _thread: threading.Thread | None = None

    def __enter__(self) -> Probe:
        self._thread = threading.Thread(target=self._run)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        assert self._thread is not None
        self._over.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._over.wait(PROBE_PAUSE_SECONDS):
            start = time.perf_counter()
            subprocess.run(["true"], check=True)
            self.seconds.append(time.perf_counter() - start)


def storm(
    name: str,
    contender: Contender,
    command: list[str],
    disk: dict[str, int],
    calm: float = 1,
) -> tuple[float, int]:
    """Let it rain, and note what is on the disk afterwards."""
    limited = f'ulimit -c {contender.core_limit}; exec "$@"'
    with core_pattern(contender.pattern, pipe_limit=16):
        start = time.perf_counter()
        subprocess.run(
            ["sh", "-c", limited, "sh", *command],
            stdout=subprocess.DEVNULL,
            check=True,
        )
        seconds = time.perf_counter() - start
    time.sleep(calm)  # systemd's service half works on
    if contender.files is not None:
        disk[name] = used(contender.files)
        empty(contender.files)
    return seconds, 0


def used(directory: Path) -> int:
    return sum(
        path.stat().st_blocks * 512 for path in directory.rglob("*") if path.is_file()
    )


def empty(directory: Path) -> None:
    if directory == SYSTEMD_CORES:
        empty_systemd()
        return
    for path in directory.rglob("*"):
        if path.is_file() and path.name not in ("conf", "table"):
            path.unlink()


if __name__ == "__main__":
    main()
