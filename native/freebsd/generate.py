"""Make ``coresnap.model.freebsd_structures`` of structures.h: python generate.py.

Prints the module, or writes it to the path that is given.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
MACHINES = ("amd64", "arm64", "i386", "arm", "riscv64")
HEAD = '''"""Sizes and members of FreeBSD's structures, of native/freebsd/structures.h.

Not to be edited: native/freebsd/generate.py writes it, and a test compares. Numbers are
bytes, one for each machine, in the order of ``MACHINES``.
"""

from __future__ import annotations

__all__ = ["MACHINES", "OFFSETS", "SIZES"]
'''
_ROW = re.compile(r"^(STRUCTURE|MEMBER)\((.*)\)$", re.MULTILINE)


def module(text: str) -> str:
    """Return the module for the rows of structures.h.

    Raises ValueError for a row that has not one number for each machine.
    """
    sizes: dict[str, str] = {}
    offsets: dict[str, dict[str, str]] = {}
    for kind, row in _ROW.findall(text):
        words = row.split(", ")
        names, numbers = words[: -len(MACHINES)], words[-len(MACHINES) :]
        if len(names) != (1 if kind == "STRUCTURE" else 2):
            raise ValueError(f"not a number for each machine: {kind}({row})")
        value = f"({', '.join(str(int(number)) for number in numbers)})"
        if kind == "STRUCTURE":
            sizes[names[0]] = value
        else:
            offsets.setdefault(names[0], {})[names[1]] = value
    return "".join([HEAD, *_machines(), *_sizes(sizes), *_offsets(offsets)])


def _machines() -> list[str]:
    names = ", ".join(f'"{name}"' for name in MACHINES)
    return [f"\nMACHINES = ({names})\n"]


def _sizes(sizes: dict[str, str]) -> list[str]:
    rows = [f'    "{tag}": {value},\n' for tag, value in sizes.items()]
    return ["SIZES: dict[str, tuple[int, ...]] = {\n", *rows, "}\n"]


def _offsets(offsets: dict[str, dict[str, str]]) -> list[str]:
    lines = ["OFFSETS: dict[str, dict[str, tuple[int, ...]]] = {\n"]
    for tag, members in offsets.items():
        lines.append(f'    "{tag}": {{\n')
        lines += [f'        "{name}": {value},\n' for name, value in members.items()]
        lines.append("    },\n")
    return [*lines, "}\n"]


if __name__ == "__main__":
    made = module((HERE / "structures.h").read_text(encoding="utf-8"))
    if sys.argv[1:]:
        Path(sys.argv[1]).write_text(made, encoding="utf-8")
    else:
        print(made, end="")
