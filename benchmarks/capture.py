"""What a crashed process waits for: our handler against the peers'.

``parked`` is the time from the instruction before the crash to the parent's waitpid.
``first byte`` is the time from exec of the handler to its first read of the core, run
by hand over a pipe that the benchmark watches.
"""

from __future__ import annotations

import argparse
import functools
import os
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from measure import interleaved, run_command, table
from peers import (
    empty_systemd,
    minicoredumper,
    script,
    systemd_coredump,
    systemd_service,
)

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
from kernel import core_pattern

PROGRAMS = Path(__file__).parent / "programs"
SPECIFIERS = "%P %i %s %t %u %g %d %c %F -- %E"
Handler = tuple[str, Callable[[], None]]
"""core_pattern, and what to clean up after each crash."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=7)
    parser.add_argument("--directory", type=Path, default=Path("/dev/shm"))
    parser.add_argument("--catch", type=Path, help="coresnap-catch to measure")
    parser.add_argument("--only", help="one target by name")
    options = parser.parse_args()
    catch = options.catch or installed_catch()
    with tempfile.TemporaryDirectory(prefix="cs", dir=options.directory) as name:
        directory = Path(name)
        systemd = systemd_coredump(directory)
        mini = minicoredumper(directory)
        for title, command in targets(directory).items():
            if options.only in (None, title):
                handlers = parked_handlers(directory, catch, systemd, mini)
                measure_parked(title, command, handlers, systemd, options.runs)
        if options.only in (None, "first byte"):
            measure_first_byte(directory, catch, systemd, options.runs)
        if options.only in (None, "memory"):
            measure_memory(directory, catch, options.runs)


def installed_catch() -> Path:
    import coresnap

    return Path(coresnap.__file__).parent / "libexec" / "coresnap-catch"


def targets(directory: Path) -> dict[str, list[str]]:
    """Title to the command that prints the time and crashes."""
    mapped = build(directory, "mapped.c")
    return {
        "0.3 MB": [mapped, "0", "0"],
        "538 MB, 64 threads, nearly all holes": [build(directory, "threads.c")],
        "512 MiB, 5 % touched": [mapped, "512", "5"],
        "512 MiB, 90 % touched": [mapped, "512", "90"],
        "1 GiB, 20 % touched": [mapped, "1024", "20"],
        "4 GiB, 1 % touched": [mapped, "4096", "1"],
        "4 GiB, 90 % touched": [mapped, "4096", "90"],
    }


def build(directory: Path, source: str) -> str:
    target = directory / Path(source).stem
    if not target.exists():
        command = ["cc", "-g", "-O2", "-pthread", str(PROGRAMS / source)]
        subprocess.run([*command, "-o", str(target)], check=True)
    return str(target)


WAYS = {
    "pipe": "fetch=pipe",
    "memory": "fetch=memory",
    "stacks": "fetch=memory\nkeep=stacks",
}


def settings(directory: Path, way: str) -> Path:
    """A spool and the settings for one of the ``WAYS``, without rate limits."""
    spool = directory / way
    for stage in ("pending", "assets", "sending"):
        (spool / stage).mkdir(parents=True, exist_ok=True)
    path = directory / f"{way}.conf"
    path.write_text(f"spool={spool}\n{WAYS[way]}\nquota=0%\nowner=0:0\nadmission=\n")
    path.chmod(0o600)
    return path


def parked_handlers(
    directory: Path, catch: Path, systemd: Path | None, mini: str | None
) -> dict[str, Handler]:
    """Name to (core_pattern, clean-up after each crash)."""
    local = Path(shutil.copy(catch, directory / "catch"))
    null = script(directory / "null", "cat >/dev/null")
    save = script(directory / "save", f"cat >{directory}/saved")
    handlers: dict[str, Handler] = {
        "cat > /dev/null": (f"|{null}", lambda: None),
        "cat > file": (f"|{save}", (directory / "saved").unlink),
    }
    for name in ("pipe", "memory", "stacks"):
        conf = settings(directory, name)
        pattern = f"|{local} -c {conf} {SPECIFIERS}"
        clean = functools.partial(empty, directory / name)
        handlers[f"coresnap, {name}"] = (pattern, clean)
    if mini is not None:
        remove = functools.partial(remove_below, directory / "mini")
        handlers["minicoredumper (stacks)"] = (mini, remove)
    if systemd is not None:
        pattern = f"|{systemd} %P %u %g %s %t %c %h"
        handlers["systemd-coredump"] = (pattern, empty_systemd)
    return handlers


def measure_memory(directory: Path, catch: Path, runs: int) -> None:
    """Print what the helper holds while it takes 256 MiB by hand."""
    conf = settings(directory, "pipe")
    core = directory / "core"
    core.write_bytes(os.urandom(1 << 20) * 256)

    def swallow(command: list[str]) -> tuple[float, int]:
        cat = subprocess.Popen(["cat", str(core)], stdout=subprocess.PIPE)
        assert cat.stdout is not None
        figures = run_command(command, stdin=cat.stdout.fileno())
        cat.stdout.close()
        cat.wait()
        empty(directory / "pipe")
        return figures

    me = arguments(os.getpid())
    contenders = {
        "cat > file": lambda: swallow(["sh", "-c", f"cat >{directory}/saved"]),
        "coresnap-catch": lambda: swallow([str(catch), "-c", str(conf), *me]),
    }
    series = interleaved(contenders, runs)
    print(table("Helper by hand, 256 MiB that do not compress", series, "cat > file"))
    core.unlink()


def empty(spool: Path) -> None:
    for stage in ("pending", "assets"):
        for path in (spool / stage).iterdir():
            path.unlink()


def remove_below(directory: Path) -> None:
    for path in directory.iterdir():
        shutil.rmtree(path)


def measure_parked(
    title: str,
    command: list[str],
    handlers: dict[str, Handler],
    systemd: Path | None,
    runs: int,
) -> None:
    def contender(pattern: str, clean: Callable[[], None]) -> tuple[float, int]:
        with core_pattern(pattern, pipe_limit=16):
            seconds = parked(command)
        time.sleep(0.05)  # cat may outlive the wait when the pipe limit is 0
        clean()
        return seconds, 0

    contenders = {
        name: functools.partial(contender, pattern, clean)
        for name, (pattern, clean) in handlers.items()
    }
    with systemd_service(systemd):
        series = interleaved(contenders, runs)
    print(table(f"Parked: {title}", series, "cat > /dev/null"), flush=True)


def parked(command: list[str]) -> float:
    """Crash ``command`` and return the seconds until it can be reaped."""
    # systemd-coredump honours RLIMIT_CORE, so that it must not be zero.
    unlimited = ["sh", "-c", 'ulimit -c unlimited; exec "$@"', "sh", *command]
    child = subprocess.Popen(unlimited, stdout=subprocess.PIPE)
    assert child.stdout is not None
    started = int(child.stdout.readline())
    child.wait()
    ended = time.clock_gettime_ns(time.CLOCK_MONOTONIC)
    child.stdout.close()
    if child.returncode != -signal.SIGSEGV:
        raise RuntimeError(f"{command[0]} ended with {child.returncode}")
    return (ended - started) / 1e9


def measure_first_byte(
    directory: Path, catch: Path, systemd: Path | None, runs: int
) -> None:
    conf = settings(directory, "pipe")
    contenders: dict[str, Callable[[], tuple[float, int]]] = {
        "coresnap-catch": lambda: first_byte(
            lambda pid: [
                str(catch),
                "-c",
                str(conf),
                *arguments(pid),
                "--",
                "!bin!sleep",
            ]
        )
    }
    if systemd is not None:
        contenders["systemd-coredump"] = lambda: first_byte(
            lambda pid: [str(systemd), str(pid), "0", "0", "11", "0", "0", "host"]
        )
    with systemd_service(systemd):
        series = interleaved(contenders, max(runs, 20))
    base = "systemd-coredump" if systemd else "coresnap-catch"
    print(table("Helper start to first byte read", series, base), flush=True)
    empty(directory / "pipe")


def arguments(pid: int) -> list[str]:
    now = str(int(time.time()))
    return [str(pid), str(pid), "11", now, "0", "0", "1", "0", ""]


def first_byte(command: Callable[[int], list[str]]) -> tuple[float, int]:
    """Fill a pipe, start the handler on it, wait until the pipe takes more."""
    victim = subprocess.Popen(["sleep", "60"])
    core = b"\x7fELF" + bytes(4092)
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    while select.select([], [writer], [], 0)[1]:
        os.write(writer, core)
    started = time.perf_counter()
    child = subprocess.Popen(
        command(victim.pid), stdin=reader, stderr=subprocess.DEVNULL
    )
    os.close(reader)
    if not select.select([], [writer], [], 10)[1]:
        raise RuntimeError(f"{command(victim.pid)[0]} never read")
    seconds = time.perf_counter() - started
    os.close(writer)
    child.wait()
    victim.kill()
    victim.wait()
    return seconds, 0


if __name__ == "__main__":
    main()
