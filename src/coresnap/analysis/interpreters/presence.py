"""Which modules of a core may hold an interpreter: a look at names, for every core."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from coresnap.elfcore.corefile import CoreFile, LoadedModule

__all__ = ["PYTHON_NAME", "PYTHON_SECTION", "python_modules"]

PYTHON_NAME = (
    r"(?:lib)?python(?:(\d)\.(\d+)|\d)?[dmtu]*(?:-[\w-]+)?(?:\.so[.\d]*)?"
    r"(?: \(deleted\))?"
)
"""Base name of an executable or library that may be CPython; its version."""
_MODULE_LIMIT = 8
PYTHON_SECTION = ".PyRuntime"
"""Holds nothing but ``_PyRuntime`` (3.10)."""


def python_modules(core: CoreFile) -> list[LoadedModule]:
    """The modules that may hold CPython; empty for nearly every other program.

    A library comes before its executable, which only starts it.
    """
    executable = core.executable
    found = [
        module
        for module in core.modules
        if _may_be_python(module.path.rpartition("/")[2])
        or (module is executable and module.elf and module.elf.section(PYTHON_SECTION))
    ]
    return sorted(found, key=lambda module: ".so" not in module.path)[:_MODULE_LIMIT]


def _may_be_python(name: str) -> bool:
    return "python" in name and re.fullmatch(PYTHON_NAME, name) is not None
