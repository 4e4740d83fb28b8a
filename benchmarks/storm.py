"""A program that crashes again and again: what each crash costs, and the disk.

``COUNT`` children of one program crash one after the other, each reaped before the
next. The figure is the time for one crash, fork and exit included; "no core" is the
same without any handler. Disk is what the storm left when it was over.
"""

from __future__ import annotations

import argparse
import functools
import subprocess
import sys
import tempfile
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

PROGRAMS = Path(__file__).parent / "programs"
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
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="cs", dir=options.directory) as name:
        directory = Path(name)
        program = directory / "storm"
        source = PROGRAMS / "storm.c"
        subprocess.run(["cc", "-g", "-O2", source, "-o", program], check=True)
        command = [str(program), str(options.count)]
        systemd = systemd_coredump(directory)
        with systemd_service(systemd):
            measure(contenders(directory, systemd), command, options)


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


def measure(
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


def storm(
    name: str, contender: Contender, command: list[str], disk: dict[str, int]
) -> tuple[float, int]:
    """Let it rain, and note what is on the disk afterwards."""
    limited = f'ulimit -c {contender.core_limit}; exec "$@"'
    with core_pattern(contender.pattern, pipe_limit=16):
        run = subprocess.run(
            ["sh", "-c", limited, "sh", *command],
            stdout=subprocess.PIPE,
            check=True,
        )
    time.sleep(1)  # systemd's service half works on
    if contender.files is not None:
        disk[name] = used(contender.files)
        empty(contender.files)
    return int(run.stdout) / 1e9, 0


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
