"""Does the core belong to the crash? Real cores, and cores that lie."""

from __future__ import annotations

import json
import os
import shutil
import signal
import struct
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import kernel
from coresnap.collect.checks import capture_notes, run_checks
from coresnap.model import Note
from shortpath import short_directory

UNAME = "\n".join([*os.uname(), ""]).encode()
FINE = json.dumps({"truncated": False, "checks": []}).encode()


def steps(notes: object) -> list[str]:
    return [note.step for note in notes]  # type: ignore[attr-defined]


@pytest.fixture(scope="module")
def real() -> Iterator[tuple[Path, Path, int]]:
    """A core, the program that it is of, and its pid."""
    if reason := kernel.why_no_core_pattern():
        pytest.skip(reason)
    with short_directory() as directory:
        program = Path(shutil.copy("/bin/sleep", directory / "sleeper"))
        with kernel.core_pattern(f"{directory}/core.%P"):
            script = 'ulimit -c unlimited; exec "$0" 60'
            with subprocess.Popen(["/bin/sh", "-c", script, str(program)]) as process:
                while os.readlink(f"/proc/{process.pid}/exe") != str(program):
                    time.sleep(0.001)
                process.send_signal(signal.SIGSEGV)
        (core,) = directory.glob("core.*")
        yield core, program, int(core.suffix[1:])


def assets(pid: int, **more: object) -> dict[str, bytes]:
    record = {"pid": pid, "signal": 11, "time": 0} | more
    return {
        "crash.json": json.dumps(record).encode(),
        "system/uname": UNAME,
        "capture.json": FINE,
    }


@pytest.mark.core_pattern
def test_a_core_that_belongs_passes_everything(real: tuple[Path, Path, int]) -> None:
    core, _, pid = real

    assert run_checks(core, assets(pid)) == ()


@pytest.mark.core_pattern
def test_another_pid_is_found(real: tuple[Path, Path, int]) -> None:
    core, _, pid = real

    (note,) = run_checks(core, assets(pid + 1))
    assert note == Note("check.pid", f"expected {pid + 1}, found {pid}")


@pytest.mark.core_pattern
def test_the_pid_inside_a_namespace_is_as_good(real: tuple[Path, Path, int]) -> None:
    core, _, pid = real
    status = f"Name:\tsleep\nNSpid:\t99999\t{pid}\n".encode()

    assert run_checks(core, assets(99999) | {"process/status": status}) == ()


@pytest.mark.core_pattern
def test_another_signal_is_found(real: tuple[Path, Path, int]) -> None:
    core, _, pid = real

    (note,) = run_checks(core, assets(pid, signal=6))
    assert note == Note("check.signal", "expected 6, found 11")


@pytest.mark.core_pattern
def test_a_core_of_another_machine_is_found(real: tuple[Path, Path, int]) -> None:
    core, _, pid = real
    other = b"Linux\nbig\n6.1\n#1\ns390x\n"

    (note,) = run_checks(core, assets(pid) | {"system/uname": other})
    assert note.step == "check.machine"
    assert "s390x" in note.message


@pytest.mark.core_pattern
def test_a_core_cut_by_one_byte_is_found(
    real: tuple[Path, Path, int], tmp_path: Path
) -> None:
    core, _, pid = real
    cut = tmp_path / "core"
    shutil.copy(core, cut)
    os.truncate(cut, cut.stat().st_size - 1)

    assert steps(run_checks(cut, assets(pid))) == ["check.extents"]


@pytest.mark.core_pattern
def test_a_program_that_was_replaced_is_found(real: tuple[Path, Path, int]) -> None:
    core, program, pid = real
    before = program.read_bytes()
    program.unlink()
    shutil.copy("/bin/cat", program)
    try:
        (note,) = run_checks(core, assets(pid))
    finally:
        program.write_bytes(before)
    assert note.step == "check.build-id"
    assert str(program) in note.message


@pytest.mark.core_pattern
def test_a_fifo_in_place_of_the_program_does_not_hang(
    real: tuple[Path, Path, int],
) -> None:
    core, program, pid = real
    before = program.read_bytes()
    program.unlink()
    os.mkfifo(program)
    try:
        assert run_checks(core, assets(pid)) == ()
    finally:
        program.unlink()
        program.write_bytes(before)


@pytest.mark.core_pattern
def test_a_core_cut_at_any_place_is_an_answer_and_not_an_exception(
    real: tuple[Path, Path, int], tmp_path: Path
) -> None:
    core, _, pid = real
    data = core.read_bytes()
    cut = tmp_path / "core"
    for size in (0, 1, 4, 16, 40, 63, 64, 65, 100, 120, 500, 1000, 4000, 5000, 9000):
        cut.write_bytes(data[:size])
        found = steps(run_checks(cut, assets(pid)))
        assert set(found) & {"check.format", "check.extents"}, size


# --- what is no core ----------------------------------------------------------


MAKE: dict[str, Callable[[Path], object]] = {
    "empty": lambda path: path.write_bytes(b""),
    "text": lambda path: path.write_text("not a core\n" * 100),
    "program": lambda path: shutil.copy("/bin/true", path),
    "zeros": lambda path: path.write_bytes(bytes(4096)),
    "missing": lambda path: None,
}


@pytest.mark.parametrize("name", MAKE)
def test_what_is_no_core_fails_the_first_check(tmp_path: Path, name: str) -> None:
    path = tmp_path / "core"
    MAKE[name](path)

    assert steps(run_checks(path, assets(1))) == ["check.format"]


@settings(max_examples=150, deadline=None)
@given(
    data=st.binary(max_size=400),
    flags=st.tuples(st.sampled_from([1, 2]), st.sampled_from([1, 2])),
)
def test_any_bytes_after_an_elf_header_are_answered(
    tmp_path_factory: pytest.TempPathFactory, data: bytes, flags: tuple[int, int]
) -> None:
    path = tmp_path_factory.getbasetemp() / "any-core"
    head = b"\x7fELF" + bytes([*flags, 1]) + bytes(9) + struct.pack("<H", 4)
    path.write_bytes(head + data)

    for note in run_checks(path, assets(1)):
        assert note.step.startswith("check.")


# --- what the handler found ---------------------------------------------------


def test_the_handler_s_verdicts_become_notes() -> None:
    record = {
        "truncated": True,
        "cut": "quota",
        "checks": [
            {"name": "pid", "result": "failed", "expected": "7", "found": "8"},
            {"name": "signal", "result": "passed", "expected": "6", "found": "6"},
            {"name": "machine", "result": "unknown", "expected": None, "found": None},
        ],
    }
    notes = tuple(capture_notes({"capture.json": json.dumps(record).encode()}))

    assert notes == (
        Note("check.extents", "the core is cut: quota"),
        Note("check.pid", "expected 7, found 8"),
    )


@pytest.mark.parametrize(
    "members",
    [
        {},
        {"crash.json": b"{}"},
        {"capture.json": b"no json"},
        {"capture.json": b"[]"},
    ],
)
def test_assets_that_are_not_whole_are_said_to_be(members: dict[str, bytes]) -> None:
    assert steps(capture_notes(members)) == ["check.assets"]


@pytest.mark.parametrize("checks", [None, 7, "x", [7, None, "x", {}], {"a": 1}])
def test_verdicts_that_make_no_sense_are_skipped(checks: object) -> None:
    data = json.dumps({"checks": checks}).encode()

    assert list(capture_notes({"capture.json": data})) == []
