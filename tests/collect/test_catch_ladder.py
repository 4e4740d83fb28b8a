"""The degradation ladder of coresnap-catch: what is kept when not all is wanted."""

from __future__ import annotations

import filecmp
import re
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

import catcher as catching
import coresnap
from catcher import Catcher, Caught, assert_empty
from conftest import CompileProgram
from coresnap.analysis.session import analyze_record
from coresnap.elfcore.corefile import open_core
from kernel import run_unlimited
from twins import Twins, assert_honest, blocks, loads_of, stored

pytestmark = [pytest.mark.core_pattern, pytest.mark.compiler, pytest.mark.root]


CRASH_SOURCE = catching.NATIVE / "crash" / "crash.c"
FIXED = ["setarch", "-R"]
"""Runs a program at the same addresses each time."""
PAGE = 4096
MEBIBYTE = 1 << 20
PROGRAMS: dict[str, tuple[str | Path, list[str]]] = {
    "crash": (CRASH_SOURCE, []),
    "overflow": (CRASH_SOURCE, ["overflow"]),
    "workers": ("workers.c", []),
    "handler": ("handler.c", ["altstack"]),
    "deep": ("deep.c", ["3", "30"]),
    "many_threads": ("many_threads.c", []),
}


def backtraces(program: Path, core: Path) -> str:
    """What gdb says of all threads, without their ids."""
    script = ["-ex", "thread apply all bt"]
    command = ["gdb", "-nx", "-batch", *script, str(program), str(core)]
    run = subprocess.run(command, capture_output=True, text=True, check=True)
    start = run.stdout.index("\nThread ")
    return re.sub(r"LWP \d+", "LWP", run.stdout[start:])


@pytest.fixture(params=PROGRAMS)
def program(
    request: pytest.FixtureRequest, compile_program: CompileProgram
) -> list[str | Path]:
    source, words = PROGRAMS[request.param]
    flags = ["-O0", "-g", "-D_GNU_SOURCE"]
    return [compile_program(source, *flags, libraries=["-pthread"]), *words]


def keep(catcher: Catcher, rung: str, argv: Sequence[str | Path]) -> Caught:
    catcher.write_settings(keep=rung)
    return catcher.catch([*FIXED, *argv])


@pytest.fixture
def twins(catcher: Catcher, catch_program: Path) -> Iterator[Twins]:
    with (
        tempfile.TemporaryDirectory(prefix="cs-") as directory,
        catching.catcher(catch_program, Path(directory)) as part,
    ):
        # Both read the pipe: neither lets the process go while the other needs it.
        catcher.write_settings(fetch="pipe")
        yield Twins(catcher, part)


# --- chosen by policy -------------------------------------------------------------


def frames(caught: Caught) -> list[list[tuple[str | None, int | None, int]]]:
    snapshot = coresnap.analyze(caught.core, assets=caught.members)
    return [[(f.function, f.line, f.pc) for f in t.frames] for t in snapshot.threads]


@pytest.mark.gdb
@pytest.mark.libdw
def test_a_core_of_stacks_has_the_stacks_of_the_whole_core(
    twins: Twins, program: list[str | Path]
) -> None:
    twins.part.write_settings(keep="stacks")
    whole, part = twins.catch(program)
    assert part.capture["rung"] == "stacks"
    assert part.capture["rung_reason"] == "policy"
    assert part.capture["truncated"] is False
    assert set(part.checks.values()) == {"passed"}
    assert whole.capture["rung"] == "full"
    assert_honest(part.core, whole.core)
    executable = Path(program[0])
    assert backtraces(executable, part.core) == backtraces(executable, whole.core)
    assert frames(part) == frames(whole)
    assert frames(part)[0][0][0] is not None
    assert blocks(part.core) < 10 * MEBIBYTE
    assert part.capture["stored_ranges"] == sum(
        1 for x in loads_of(part.core) if x.size
    )


@pytest.mark.libdw
def test_a_core_of_notes_has_the_registers_of_all_threads(
    twins: Twins, program: list[str | Path]
) -> None:
    twins.part.write_settings(keep="notes")
    whole, part = twins.catch(program)
    assert part.capture["rung"] == "notes"
    assert stored(part.core) == 0
    assert_honest(part.core, whole.core)
    with open_core(part.core) as found, open_core(whole.core) as expected:
        assert found.threads == expected.threads
    # Without a byte of its module a frame has an address, and perhaps a name.
    assert frames(part)[0][0][-1] == frames(whole)[0][0][-1]


def test_a_record_is_kept_where_no_core_is_wanted(
    catcher: Catcher, program: list[str | Path]
) -> None:
    record = keep(catcher, "record", program)
    assert not record.core.exists()
    assert record.capture["rung"] == "record"
    assert record.capture["rung_reason"] == "policy"
    assert record.capture["cut"] is None
    assert record.capture["parked"] > 0
    snapshot = analyze_record(record.members)
    assert snapshot.signal is not None
    assert snapshot.attributes["capture.rung"] == "record"


def test_nothing_is_kept_of_a_program_that_is_not_wanted(
    catcher: Catcher, compile_program: CompileProgram
) -> None:
    unwanted = compile_program("full_memory.c", "-O0", name="unwanted")
    catcher.write_settings(rule="*/unwanted\tkeep=nothing")
    with catcher.registered():
        run_unlimited([unwanted])
        assert catcher.wait().startswith("suppressed pid=")
    assert_empty(catcher)
    assert catcher.catch([compile_program("full_memory.c", "-O0")]).core.exists()


def test_a_core_of_stacks_has_what_pointers_lead_to_and_no_more(
    catcher: Catcher, compile_program: CompileProgram
) -> None:
    program = compile_program("secrets.c", "-O0", "-g")
    core = keep(catcher, "stacks", [program]).core
    content = core.read_bytes()
    assert b"OBJECT-11" in content
    assert content.count(b"FILLER-FILLER-16") < 64 * 1024 // 16
    assert blocks(core) < MEBIBYTE


def test_r22_excluded_memory_is_absent_from_every_rung(
    catcher: Catcher, compile_program: CompileProgram
) -> None:
    program = compile_program("secrets.c", "-O0", "-g")
    for rung in ("full", "stacks", "notes"):
        for important in ("0", ""):
            catcher.write_settings(important=important)
            content = keep(catcher, rung, [program]).core.read_bytes()
            assert rung == "notes" or b"OBJECT-11" in content
            # Vector registers hold some of what memcpy moved.
            assert content.count(b"SECRET-SECRET-16") * 16 < 512


# --- chosen by size ---------------------------------------------------------------


@pytest.mark.parametrize(
    ("limit", "reason"),
    [
        ({"logical": "1000000"}, "logical-limit"),
        ({"physical": "1000000"}, "physical-limit"),
    ],
)
def test_a_core_above_a_limit_is_one_of_stacks(
    catcher: Catcher,
    compile_program: CompileProgram,
    limit: dict[str, str],
    reason: str,
) -> None:
    catcher.write_settings(**limit)
    caught = catcher.catch([compile_program("full_memory.c", "-O0"), "8"])
    assert caught.capture["rung"] == "stacks"
    assert caught.capture["rung_reason"] == reason
    assert caught.core.stat().st_size < 2 * MEBIBYTE
    assert blocks(caught.core) < MEBIBYTE
    assert caught.capture["expected_size"] > 8 * MEBIBYTE


def test_a_program_may_be_as_large_as_its_rule_says(
    catcher: Catcher, compile_program: CompileProgram
) -> None:
    program = compile_program("full_memory.c", "-O0")
    catcher.write_settings(physical="1000000", rule="*/full_memory\tphysical=")
    assert catcher.catch([program, "8"]).capture["rung"] == "full"


def test_a_huge_core_is_byte_for_byte_the_kernel_s(
    twins: Twins, compile_program: CompileProgram
) -> None:
    program = compile_program("full_memory.c", "-O0", "-g")
    for fetch in ("pipe", "memory"):
        twins.part.write_settings(fetch=fetch, important="1")
        whole, part = twins.catch([program, "100"])
        assert part.capture["rung"] == "full"
        assert filecmp.cmp(whole.core, part.core, shallow=False)
