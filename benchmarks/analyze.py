"""From core to answer: ``coresnap analyze`` against gdb, lldb and eu-stack.

gdb and lldb print a full backtrace of all threads with all variables; eu-stack prints
frames with inlined calls, source lines and the list of modules, and no variables. Each
row is a whole process, Python's or gdb's start included. "first core" has no cache of
decompressed debug information, the other rows of coresnap find what it left.
"""

from __future__ import annotations

import argparse
import functools
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from breakpad import minidump_content
from heavy import build_heavy
from measure import interleaved, run_command, table

from coresnap.elfcore.elffile import open_elf
from coresnap.snapshot.compression import compress

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
from kernel import kernel_core

PROGRAMS = Path(__file__).parent / "programs"
LLDB = (
    "script for t in lldb.process: [print(f, f.GetVariables(True, True, True, True)) "
    "for f in t]"
)
"""``frame variable`` in every frame."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--only", help="targets whose title holds this")
    options = parser.parse_args()
    sizes = []
    with tempfile.TemporaryDirectory(prefix="coresnap-bench-", dir="/var/tmp") as name:
        directory = Path(name)
        os.environ["XDG_CACHE_HOME"] = str(directory / "cache")
        for title, build_command in TARGETS.items():
            if options.only is None or options.only in title:
                command = build_command(directory)
                core = kernel_core(command, directory)
                measure(title, command[0], core, options.runs)
                sizes.append(size_row(title, core))
                core.unlink()
    print("\n".join([SIZES_HEAD, *sizes]))


def measure(title: str, program: str, core: Path, runs: int) -> None:
    contenders = {
        name: functools.partial(run_command, command)
        for name, command in commands(program, core).items()
        if shutil.which(command[0])
    }
    series = interleaved(contenders, runs)
    print(table(f"Analysis: {title}", series, "gdb bt full"))
    size = dwarf_size(Path(program))
    print(f"debug information of the program: {size / 1e6:,.1f} MB\n", flush=True)


def commands(program: str, core: Path) -> dict[str, list[str]]:
    """Contenders; the one without a cache comes before those that have one."""
    gdb = ["gdb", "-nx", "-batch", "-ex", "thread apply all bt full", program]
    lldb = ["lldb", "--no-lldbinit", "--batch", "-c", str(core), program]
    coresnap = [str(Path(sys.executable).with_name("coresnap")), "analyze", str(core)]
    return {
        "gdb bt full": [*gdb, str(core)],
        "lldb, frames and variables": [*lldb, "-o", "thread backtrace all", "-o", LLDB],
        "eu-stack (frames only)": [
            "eu-stack",
            "-isl",
            "--core",
            str(core),
            "-e",
            program,
        ],
        "coresnap, first core": [*coresnap, "--no-cache", "--thread", "all"],
        "coresnap, text": [*coresnap, "--thread", "all"],
        "coresnap -o": [*coresnap, "-o", f"{core}.snapshot"],
    }


def dwarf_size(program: Path) -> int:
    """Bytes of the debug sections of a program's own file."""
    sections = open_elf(program).sections
    return sum(s.size for s in sections if s.name.startswith(".debug_"))


SIZES_HEAD = """\
### Sizes

Minidump content is what Breakpad stores: registers, every stack from its stack pointer
up, and the list of modules. "compressed" is that content as a snapshot compresses.

| | core | snapshot | core / snapshot | minidump content | compressed |
|---|---|---|---|---|---|"""


def size_row(title: str, core: Path) -> str:
    size, snapshot = core.stat().st_size, Path(f"{core}.snapshot").stat().st_size
    content = minidump_content(core)
    packed = len(compress(content))
    return (
        f"| {title} | {size / 1e6:,.2f} MB | {snapshot / 1e3:,.1f} kB "
        f"| {size / snapshot:,.0f}× | {len(content) / 1e3:,.1f} kB "
        f"| {packed / 1e3:,.1f} kB |"
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
    "1,000 threads, 25 frames each": compiled(
        "threads.c", "-DTHREADS=1000", "-DDEPTH=20"
    ),
    "C++, standard library": compiled("templates.cc", "-std=c++17"),
    "C++, Boost Spirit and multi_index": compiled("boost.cc", "-std=c++17"),
    "debug-heavy C++, 800 units": debug_heavy,
    "Debian's python3": debian_python,
    "Debian's gdb": debian_gdb,
}

if __name__ == "__main__":
    main()
