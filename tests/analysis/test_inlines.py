from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from coresnap.analysis.debuginfo.dwarf import open_debug_file
from coresnap.analysis.debuginfo.functions import FunctionFinder
from debuginfo_addresses import address_of

pytestmark = [pytest.mark.compiler, pytest.mark.libdw]

FIRST = """\
#include "deep.h"
int shared;
__attribute__((noinline)) int outer(int n)
{
    int sum = middle(n) + 1;
    for (int i = 0; i < n; i++)
        sum += middle(i);
    return sum;
}
int other(int n);
int main(int argc, char **argv)
{
    (void)argv;
    return outer(argc) + other(argc);
}
"""
SECOND = """\
#include "deep.h"
__attribute__((noinline)) int other(int n)
{
    return middle(n + 2) - middle(n);
}
"""
HEADER = """\
extern int shared;
static inline __attribute__((always_inline)) int inner(int n)
{
    shared = n * 7;
    return shared * shared;
}
static inline __attribute__((always_inline)) int middle(int n)
{
    return inner(n) +
        inner(n + 1);
}
"""

BUILDS = [
    ("gcc", "-g -O2"),
    ("gcc", "-gdwarf-4 -O2"),
    ("gcc", "-gdwarf-5 -O2 -gsplit-dwarf"),
    ("gcc", "-gdwarf-4 -O2 -gsplit-dwarf"),
    ("gcc", "-g -O2 -flto"),
    ("gcc", "-g -O3 -ffunction-sections"),
    ("clang", "-gdwarf-5 -O2"),
    ("clang", "-gdwarf-4 -O2"),
    ("clang", "-gdwarf-5 -O2 -gsplit-dwarf"),
    ("dwz", "-g -O2"),
]

_SYMBOLIZER = "llvm-symbolizer"
Chain = list[tuple[str, str, int]]


def built(compiler: str, flags: str, directory: Path) -> tuple[Path, Path]:
    """The program, and one with the same code whose DWARF every reader knows."""
    tools = {compiler, "gcc" if compiler == "dwz" else compiler, _SYMBOLIZER}
    if missing := sorted(tool for tool in tools if shutil.which(tool) is None):
        pytest.skip(f"not installed: {', '.join(missing)}")

    files = {"first.c": FIRST, "second.c": SECOND, "deep.h": HEADER}
    for name, text in files.items():
        (directory / name).write_text(text)
    real = "gcc" if compiler == "dwz" else compiler
    plain = flags.replace("-gsplit-dwarf", "")
    for name, options in (("plain", plain), ("program", flags)):
        command = [real, *options.split(), "-o", name, "first.c", "second.c"]
        subprocess.run(command, check=True, cwd=directory, capture_output=True)
    if compiler == "dwz":
        # Two programs share what both have in a third file.
        shutil.copy(directory / "program", directory / "twin")
        share = ["dwz", "-m", "shared.dwz", "program", "twin"]
        subprocess.run(share, check=True, cwd=directory, capture_output=True)
    return directory / "program", directory / "plain"


def ours(program: Path, addresses: list[int]) -> list[Chain]:
    with open_debug_file(program) as file:
        finder = FunctionFinder(file)
        chains = []
        for address in addresses:
            at = finder.find(address)
            assert at is not None, hex(address)
            chains.append(
                [
                    (one.name, Path(one.file or "?").name, one.line or 0)
                    for one in at.activations
                ]
            )
        return chains


def by_llvm(program: Path, addresses: list[int]) -> list[Chain]:
    run = subprocess.run(
        [_SYMBOLIZER, "--basenames", f"--obj={program}", *map(hex, addresses)],
        capture_output=True,
        text=True,
        check=True,
        cwd=program.parent,
    )
    chains: list[Chain] = []
    for block in run.stdout.strip().split("\n\n"):
        lines = block.splitlines()
        chain = []
        for name, place in zip(lines[::2], lines[1::2], strict=True):
            file, line, _ = place.rsplit(":", 2)
            chain.append((name, file, int(line)))
        chains.append(chain)
    return chains


@pytest.mark.parametrize(("compiler", "flags"), BUILDS)
def test_chains_of_inlined_calls_are_those_of_llvm(
    compiler: str, flags: str, tmp_path: Path
) -> None:
    program, plain = built(compiler, flags, tmp_path)
    starts = [address_of(program, name) for name in (b"outer", b"other")]
    addresses = [start + offset for start in starts for offset in range(12)]
    found, expected = ours(program, addresses), by_llvm(plain, addresses)
    # Of rows with one address each reader chooses another: the innermost line is
    # compared with gdb's (test_frames), functions and the lines of calls here.
    assert [[one[0] for one in chain] for chain in found] == [
        [one[0] for one in chain] for chain in expected
    ]
    assert [chain[1:] for chain in found] == [chain[1:] for chain in expected]
    assert max(map(len, found)) == 3
