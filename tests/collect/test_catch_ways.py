"""The two ways of fetching a core give the same bytes."""

from __future__ import annotations

import filecmp
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

import catcher as catching
from conftest import CompileProgram
from kernel import core_pattern, run_unlimited

pytestmark = [pytest.mark.core_pattern, pytest.mark.compiler, pytest.mark.root]

DRIVERS = Path(__file__).parents[1] / "native"
CRASH_SOURCE = catching.NATIVE / "crash" / "crash.c"


@pytest.fixture(scope="module")
def both_ways() -> Iterator[Path]:
    """A directory with the handler that gets a core by both ways."""
    with tempfile.TemporaryDirectory(prefix="cs-") as directory:
        catching.build(
            Path(directory) / "handler",
            "-O2",
            f"-I{catching.NATIVE}",
            str(DRIVERS / "compare_ways.c"),
            drop=["main.c"],
        )
        yield Path(directory)


def fetch_both(
    directory: Path,
    argv: Sequence[str | Path],
    *,
    sysctls: dict[Path, str] | None = None,
) -> tuple[Path, Path]:
    """Crash a program; return the cores from its memory and from the pipe."""
    result = directory / "result"
    result.unlink(missing_ok=True)
    pattern = f"|{directory}/handler {directory} %P %I"
    with core_pattern(pattern, pipe_limit=16, also=sysctls):
        run_unlimited(argv)
        deadline = time.monotonic() + 60
        while not result.exists() and time.monotonic() < deadline:
            time.sleep(0.02)
    assert result.read_text() == "0 0\n"
    return directory / "memory", directory / "pipe"


def assert_same_bytes(directory: Path, argv: Sequence[str | Path]) -> Path:
    memory, pipe = fetch_both(directory, argv)
    assert filecmp.cmp(memory, pipe, shallow=False)
    assert memory.stat().st_blocks <= pipe.stat().st_blocks
    return memory


def test_every_kind_of_mapping_is_fetched_as_the_kernel_would(
    both_ways: Path, compile_program: CompileProgram
) -> None:
    core = assert_same_bytes(both_ways, [compile_program("memory_kinds.c", "-O0")])
    content = core.read_bytes()
    # Pages in no page table of the process: of a private file mapping, of a memfd.
    assert content.count(b"F" * 4096) >= 60 + 8
    assert b"memfd" + bytes(4091) in content
    # PROT_NONE is part of a core, MADV_DONTDUMP is not.
    assert b"m" * 4096 in content
    assert b"b" * 4096 + b"c" * 4096 not in content


def test_threads_and_their_stacks_are_the_same(
    both_ways: Path, compile_program: CompileProgram
) -> None:
    program = compile_program(CRASH_SOURCE, "-O0", "-g", "-pthread")
    assert_same_bytes(both_ways, [program])


def test_a_mostly_empty_gibibyte_is_the_same(
    both_ways: Path, compile_program: CompileProgram
) -> None:
    core = assert_same_bytes(both_ways, [compile_program("large_hole.c", "-O0", "-g")])
    assert core.stat().st_blocks * 512 < 8 << 20


def test_a_big_real_program_is_the_same(both_ways: Path) -> None:
    code = "import os, json, ssl; x = [str(n) * 50 for n in range(20000)]; os.abort()"
    assert_same_bytes(both_ways, ["python3", "-c", code])


def test_a_core_sorted_by_size_is_refused_by_the_fast_way(
    both_ways: Path, compile_program: CompileProgram
) -> None:
    switch = Path("/proc/sys/kernel/core_sort_vma")
    if not switch.exists():
        pytest.skip("this kernel has no kernel.core_sort_vma")
    program = compile_program("memory_kinds.c", "-O0")
    with pytest.raises(AssertionError, match="-95 0"):  # ENOTSUP
        fetch_both(both_ways, [program], sysctls={switch: "1"})
