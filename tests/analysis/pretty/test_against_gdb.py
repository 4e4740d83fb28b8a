"""Containers against the printers that libstdc++ brings for gdb."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest
from shown import crashed_in

from conftest import CompileProgram, KernelCore
from coresnap.model import Variable

pytestmark = [
    pytest.mark.compiler,
    pytest.mark.core_pattern,
    pytest.mark.gdb,
    pytest.mark.libdw,
]

SCRIPT = Path(__file__).with_name("gdb_printers.py")

ELSEWISE = {
    *("bits", "flags"),  # one element a bit, or those that are set
    *("pointer", "path"),  # not followed; by components
    *("found", "place", "end"),  # as one text
    "fixed",  # as it is
    "zeros",  # gdb.Value.string ends at NUL
    *("small", "pairs"),  # keys, in ours, are as values are written
}
"""What gdb's printers show by other means than elements."""


def by_gdb(program: Path, core: Path, directory: Path) -> dict[str, Any]:
    output = directory / "gdb.json"
    environment = {**os.environ, "CORESNAP_GDB_OUTPUT": str(output)}
    subprocess.run(
        ["gdb", "-batch", "-nx", "-x", str(SCRIPT), str(program), str(core)],
        env=environment,
        capture_output=True,
        check=True,
    )
    found: dict[str, Any] = json.loads(output.read_text())
    return found


def differences(ours: Variable, gdb: Any, name: str) -> list[str]:  # noqa: ANN401
    """Where the two disagree, over everything below."""
    if isinstance(gdb, list) and gdb and not _is_pairs(ours, gdb):
        return _in_order(ours, gdb, name)
    if isinstance(gdb, list):
        return _pairs(ours, gdb, name)
    if isinstance(gdb, dict):
        members = {member.name: member for member in ours.members}
        return [
            text
            for key, value in gdb.items()
            for text in differences(members[key], value, f"{name}.{key}")
        ]
    if ours.target is not None:
        ours = ours.target
    value: object = ours.value
    if isinstance(gdb, str):
        value = str(ours.value) if ours.text is None else ours.text
    return [] if value == gdb else [f"{name}: {value!r}, gdb {gdb!r}"]


def _is_pairs(ours: Variable, gdb: list[Any]) -> bool:
    numbered = [f"[{index}]" for index in range(len(ours.items))]
    named = [item.name for item in ours.items] != numbered
    return named and all(isinstance(one, list) and len(one) == 2 for one in gdb)


def _in_order(ours: Variable, gdb: list[Any], name: str) -> list[str]:
    if len(ours.items) != len(gdb):
        return [f"{name}: {len(ours.items)} elements, gdb {len(gdb)}"]
    return [
        text
        for item, value in zip(ours.items, gdb, strict=True)
        for text in differences(item, value, name + item.name)
    ]


def _pairs(ours: Variable, gdb: list[Any], name: str) -> list[str]:
    keys = [_key(key) for key, _ in gdb]
    if [item.name for item in ours.items] != keys:
        return [f"{name}: {[item.name for item in ours.items]}, gdb {keys}"]
    return [
        text
        for item, (_, value) in zip(ours.items, gdb, strict=True)
        for text in differences(item, value, name + item.name)
    ]


def _key(key: Any) -> str:  # noqa: ANN401
    return f'["{key}"]' if isinstance(key, str) else f"[{key}]"


@pytest.mark.parametrize(
    ("part", "at_least"), [("texts", 8), ("sequences", 12), ("associations", 12)]
)
def test_elements_are_those_of_the_librarys_own_printers(
    compile_program: CompileProgram,
    kernel_core: KernelCore,
    tmp_path: Path,
    part: str,
    at_least: int,
) -> None:
    program = compile_program("containers.cc", "-std=c++20", "-g", "-O0", "-pthread")
    core = kernel_core([program, part])
    gdb = by_gdb(program, core, tmp_path)
    if isinstance(gdb.get("brief"), dict) or isinstance(gdb.get("numbers"), dict):
        pytest.skip("not installed: libstdc++'s printers for gdb")
    ours = crashed_in(core, part)
    compared = [n for n in gdb if n in ours and n not in ELSEWISE]
    assert len(compared) >= at_least
    assert [t for n in compared for t in differences(ours[n], gdb[n], n)] == []
