"""Builds a program with more than 500 MB of DWARF, as large products ship.

The template-heavy C++ program is compiled once and linked many times under other entry
names, so that the build takes seconds, while a debugger meets as many compile units,
each with tens of thousands of DIEs, as a browser has.
"""

from __future__ import annotations

import subprocess
from pathlib import Path

__all__ = ["build_heavy"]

_UNITS = 800


def build_heavy(source: Path, directory: Path) -> Path:
    """Link ``source`` (C++, with a ``main``) 800 times; crashes in the last copy."""
    unit = directory / "unit.o"
    compiler = ["c++", "-g", "-O0", "-std=c++17"]
    _run(*compiler, "-c", str(source), "-o", str(unit))
    objects = [str(directory / f"unit{number}.o") for number in range(_UNITS)]
    for number, target in enumerate(objects):
        _run("objcopy", f"--redefine-sym=main=entry_{number}", str(unit), target)
    entry = directory / "heavy.cc"
    entry.write_text(_entry_source())
    program = directory / "heavy"
    _run(*compiler, str(entry), *objects, "-o", str(program))
    for target in objects:
        Path(target).unlink()
    return program


def _entry_source() -> str:
    names = [f"entry_{number}" for number in range(_UNITS)]
    declarations = "\n".join(f'extern "C" int {name}();' for name in names)
    return (
        f"{declarations}\nint (*entries[])() = {{ {', '.join(names)} }};\n"
        f"int main() {{ return entries[{_UNITS - 1}](); }}\n"
    )


def _run(*command: str) -> None:
    subprocess.run(command, check=True)
