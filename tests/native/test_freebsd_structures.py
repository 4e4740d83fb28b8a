"""The table of FreeBSD's structures: against its headers, and as Python has it."""

from __future__ import annotations

import importlib.util
import subprocess
from pathlib import Path
from types import ModuleType

import pytest

from catcher import NATIVE
from coresnap.model import freebsd_structures
from coresnap.model.freebsd_structures import MACHINES, OFFSETS, SIZES
from freebsd_compiler import compiler

FREEBSD = NATIVE / "freebsd"
ROWS = FREEBSD / "structures.h"


@pytest.fixture(scope="module")
def generator() -> ModuleType:
    spec = importlib.util.spec_from_file_location("generate", FREEBSD / "generate.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def compiled(machine: str, directory: Path) -> subprocess.CompletedProcess[str]:
    output = directory / "structures.o"
    line = [*compiler(machine), "-std=c11", "-Wall", "-Wextra", "-Werror"]
    return subprocess.run(
        [*line, "-c", str(directory / "structures.c"), "-o", str(output)],
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("machine", MACHINES)
def test_the_table_is_what_the_headers_say(machine: str, tmp_path: Path) -> None:
    for name in ("structures.c", "structures.h"):
        (tmp_path / name).write_text((FREEBSD / name).read_text())

    run = compiled(machine, tmp_path)

    assert run.returncode == 0, run.stderr[:4000]


@pytest.mark.parametrize("row", ["MEMBER(kinfo_proc, ki_pid, ", "STRUCTURE(reg, "])
def test_a_number_that_differs_does_not_compile(row: str, tmp_path: Path) -> None:
    rows = ROWS.read_text()
    assert row in rows
    (tmp_path / "structures.c").write_text((FREEBSD / "structures.c").read_text())
    (tmp_path / "structures.h").write_text(rows.replace(row, f"{row}1"))

    run = compiled("amd64", tmp_path)

    assert run.returncode != 0
    assert "static assertion failed" in run.stderr


def test_pythons_table_is_made_of_it(generator: ModuleType) -> None:
    made = generator.module(ROWS.read_text())

    assert made == Path(freebsd_structures.__file__).read_text()


def test_a_row_without_a_number_for_each_machine_is_refused(
    generator: ModuleType,
) -> None:
    with pytest.raises(ValueError, match="ki_new"):
        generator.module("MEMBER(kinfo_proc, ki_new, 8, 8, 8, 8)\n")


def test_every_structure_has_a_size_and_every_member_is_within() -> None:
    for tag, members in OFFSETS.items():
        for member, places in members.items():
            assert len(places) == len(MACHINES)
            for place, size in zip(places, SIZES[tag], strict=True):
                assert 0 <= place < size, (tag, member)
