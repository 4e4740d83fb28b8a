"""Values of GLib against what lists.c puts into them."""

from __future__ import annotations

import shutil
import subprocess

import pytest
from shown import crashed_in

from conftest import CompileProgram, KernelCore
from coresnap.model import Variable

pytestmark = [
    pytest.mark.compiler,
    pytest.mark.core_pattern,
    pytest.mark.libdw,
]


def _flags(what: str) -> list[str]:
    if shutil.which("pkg-config") is None:
        pytest.skip("not installed: pkg-config")
    command = ["pkg-config", what, "glib-2.0"]
    found = subprocess.run(command, capture_output=True, text=True, check=False)
    if found.returncode:
        pytest.skip("not installed: GLib's headers")
    return found.stdout.split()


@pytest.fixture(scope="module")
def pointees(
    compile_program: CompileProgram, kernel_core: KernelCore
) -> dict[str, Variable]:
    """What the variables of main point to."""
    flags, libraries = _flags("--cflags"), _flags("--libs")
    program = compile_program("lists.c", "-g", "-O0", *flags, libraries=libraries)
    found = crashed_in(kernel_core([program]), "main")
    return {name: v.target for name, v in found.items() if v.target is not None}


def text_at(variable: Variable) -> int:
    assert isinstance(variable.value, int)
    return variable.value


def test_containers_are_their_elements(pointees: dict[str, Variable]) -> None:
    texts = {
        "list": "GList",
        "single": "GSList",
        "pointers": "GPtrArray of 2",
        "string": "text of a GString",
        "array": "GArray of 3",
        "octets": "GByteArray of 3",
        "queue": "GQueue of 1",
        "table": "GHashTable of 2",
    }
    assert {name: pointees[name].text for name in texts} == texts
    values = {name: [item.value for item in pointees[name].items] for name in texts}
    first, second = values["list"]
    assert text_at(pointees["list"].items[1]) - text_at(pointees["list"].items[0]) == 6
    assert first != second
    assert values["single"] == [7]
    assert values["pointers"][1] == 0
    assert values["octets"] == [1, 2, 3]
    assert len(values["queue"]) == 1
    names = [item.name for item in pointees["table"].items]
    assert all(name.startswith("[0x") for name in names)
    assert len(set(names)) == 2
    assert 0 not in values["table"]
