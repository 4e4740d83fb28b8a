"""Whose instructions they are: the module that knows an architecture's."""

from __future__ import annotations

from importlib import import_module
from typing import Any, Protocol

from coresnap.analysis.instruction.disassembler import Decoded
from coresnap.analysis.instruction.machine import Machine
from coresnap.model import Access

__all__ = ["Family", "family"]

_MODULES = {
    "x86": "x86",
    "aarch64": "aarch64",
    "ppc64": "displaced",
    "s390x": "displaced",
}


class Family(Protocol):
    """What ``x86``, ``aarch64`` and the others answer."""

    def accesses(self, decoded: Decoded, machine: Machine) -> tuple[Access, ...]:
        """Every access to memory."""

    def alignment(self, decoded: Decoded, access: Access) -> int:
        """Bytes that the access has to be aligned to; 1 if it need not."""

    def divides(self, decoded: Decoded) -> bool:
        """Whether it can raise a divide error."""

    def is_privileged(self, decoded: Decoded) -> bool:
        """Whether user space may not execute it."""

    def repeats(self, decoded: Decoded) -> bool:
        """Whether one instruction runs over many elements."""


def family(machine: Machine) -> Family:
    """The module for a machine, imported when it is asked for."""
    name = _MODULES.get(machine.architecture.family, "load_store")
    module: Any = import_module(f"coresnap.analysis.instruction.{name}")
    found: Family = module
    return found
