"""Of a program's debug information only the units with a frame are read."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import coresnap
from conftest import KernelCore
from coresnap.analysis.debuginfo.dwarf import DebugFile

pytestmark = [
    pytest.mark.compiler,
    pytest.mark.core_pattern,
    pytest.mark.libdw,
]

UNITS = 80
WITH_FRAMES = {"main.c", "unit7.c", "unit50.c"}
READERS = ("functions", "line_at", "types", "variables")
"""What reads a unit's contents; the unit is the first argument."""


@pytest.fixture(params=["gcc", "clang"])
def program(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """One function and one variable in each unit; 7 calls 50, which crashes."""
    body = {7: "return f50(number + 1);", 50: "return *(volatile int *)0 + number;"}
    for number in range(UNITS):
        (tmp_path / f"unit{number}.c").write_text(
            f"int f50(int);\nint global{number} = {number};\n"
            f"int f{number}(int number) {{ {body.get(number, 'return number;')} }}\n"
        )
    declared = "".join(f"int f{number}(int); " for number in range(UNITS))
    calls = " + ".join(f"f{number}(1)" for number in range(UNITS) if number != 50)
    main = f"{declared}\nint main(void) {{ return {calls}; }}\n"
    (tmp_path / "main.c").write_text(main)
    program = tmp_path / "program"
    sources = sorted(path.name for path in tmp_path.glob("*.c"))
    compiler = [request.param, "-g", "-O0", "-o", str(program)]
    subprocess.run([*compiler, *sources], cwd=tmp_path, check=True)
    return program


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """Names of units of which more than the unit itself was read."""
    names: set[str] = set()

    def noting(reader: Callable[..., Any]) -> Callable[..., Any]:
        def note(file: DebugFile, unit: int, *rest: Any, **named: Any) -> Any:  # noqa: ANN401
            if file.path.name == "program":
                names.add(os.path.basename(file.die(unit).name or "?"))
            return reader(file, unit, *rest, **named)

        return note

    for name in READERS:
        monkeypatch.setattr(DebugFile, name, noting(getattr(DebugFile, name)))
    return names


def test_only_units_with_a_frame_are_read(
    program: Path, kernel_core: KernelCore, read: set[str]
) -> None:
    snapshot = coresnap.analyze(kernel_core([program]))

    functions = [frame.function for frame in snapshot.threads[0].frames]
    assert functions[:3] == ["f50", "f7", "main"]
    assert read == WITH_FRAMES
    assert {variable.name for variable in snapshot.globals} == {"global7", "global50"}
    (note,) = (note for note in snapshot.notes if note.step == "globals")
    assert f"{UNITS + 1 - len(WITH_FRAMES)} others" in note.message


def test_who_asks_for_a_name_has_all_units_looked_at(
    program: Path, kernel_core: KernelCore, read: set[str]
) -> None:
    snapshot = coresnap.analyze(kernel_core([program]), globals="global33")

    assert [variable.value for variable in snapshot.globals] == [33]
    assert "unit33.c" in read
