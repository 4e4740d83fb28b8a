"""From core to answer: ``coresnap analyze`` against gdb and eu-stack.

gdb prints a full backtrace of all threads with all variables; eu-stack prints frames
only. Each row is a whole process, Python's or gdb's start included.
"""

from __future__ import annotations

import argparse
import functools
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from heavy import build_heavy
from measure import interleaved, run_command, table

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
from kernel import kernel_core

PROGRAMS = Path(__file__).parent / "programs"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=7)
    parser.add_argument("--only", help="targets whose title holds this")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="coresnap-bench-") as name:
        directory = Path(name)
        for title, build_command in TARGETS.items():
            if options.only is None or options.only in title:
                command = build_command(directory)
                core = kernel_core(command, directory)
                measure(title, command[0], core, options.runs)
                core.unlink()


def measure(title: str, program: str, core: Path, runs: int) -> None:
    gdb = ["gdb", "-nx", "-batch", "-ex", "thread apply all bt full", program]
    coresnap = [sys.executable, "-m", "coresnap", "analyze", str(core)]
    commands = {
        "gdb bt full": [*gdb, str(core)],
        "eu-stack (frames only)": ["eu-stack", "--core", str(core), "-e", program],
        "coresnap analyze, text": [*coresnap, "--thread", "all"],
        "coresnap analyze -o": [*coresnap, "-o", f"{core}.snapshot"],
    }
    contenders = {
        name: functools.partial(run_command, command)
        for name, command in commands.items()
    }
    series = interleaved(contenders, runs)
    print(table(f"Analysis: {title}", series, "gdb bt full"))
    size, snapshot = core.stat().st_size, Path(f"{core}.snapshot").stat().st_size
    print(
        f"core {size:,} bytes, snapshot {snapshot:,} bytes: {size / snapshot:,.0f}×\n"
    )


def compiled(source: str, *flags: str) -> Callable[[Path], list[str]]:
    """Return a function that compiles ``source`` into a directory."""

    def build(directory: Path) -> list[str]:
        target = directory / Path(source).stem
        compiler = "c++" if source.endswith(".cc") else "cc"
        line = [compiler, "-g", "-O0", "-pthread", *flags, str(PROGRAMS / source)]
        subprocess.run([*line, "-o", str(target)], check=True)
        return [str(target)]

    return build


def debian_python(_directory: Path) -> list[str]:
    python = Path("/usr/bin/python3").resolve()
    return [str(python), "-c", "import ctypes; ctypes.string_at(0)"]


def debian_gdb(directory: Path) -> list[str]:
    tiny = compiled("tiny.c")(directory)[0]
    crash = "python import ctypes; ctypes.string_at(0)"
    return [
        "/usr/bin/gdb",
        "-nx",
        "-batch",
        "-ex",
        "info functions",
        "-ex",
        crash,
        tiny,
    ]


def debug_heavy(directory: Path) -> list[str]:
    return [str(build_heavy(PROGRAMS / "templates.cc", directory))]


TARGETS: dict[str, Callable[[Path], list[str]]] = {
    "tiny": compiled("tiny.c"),
    "64 threads, 205 frames each": compiled("threads.c"),
    "C++, standard library": compiled("templates.cc", "-std=c++17"),
    "C++, Boost Spirit and multi_index": compiled("boost.cc", "-std=c++17"),
    "debug-heavy C++, 600 units": debug_heavy,
    "Debian's python3": debian_python,
    "Debian's gdb": debian_gdb,
}

if __name__ == "__main__":
    main()
