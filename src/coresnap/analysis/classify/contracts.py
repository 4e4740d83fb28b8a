"""The call contracts: ``policies/contracts.txt`` as a table by function."""

from __future__ import annotations

import functools
import os

import msgspec

__all__ = ["Contract", "Demand", "contract_of", "load_contracts", "parse_contracts"]

_POLICY = f"{os.path.dirname(os.path.dirname(__file__))}/policies/contracts.txt"
_VERBS = frozenset({"write", "read", "apart", "stream"})
_PREFIXES = ("GI_", "IO_", "new_", "libc_")


class Demand(msgspec.Struct, frozen=True):
    """One demand on the arguments."""

    verb: str
    """``write``, ``read``, ``apart`` or ``stream``."""
    parameters: tuple[int, ...]
    """Indices in ``Contract.parameters``; of ``write`` and ``read`` the pointer, and
    the size if there is one."""


class Contract(msgspec.Struct, frozen=True):
    """What one function demands of its callers."""

    function: str
    parameters: tuple[str, ...]
    demands: tuple[Demand, ...]

    def pointers(self, *verbs: str) -> list[str]:
        """Names of the parameters that demands with these verbs are about."""
        return [
            self.parameters[demand.parameters[0]]
            for demand in self.demands
            if demand.verb in verbs
        ]


def parse_contracts(text: str) -> dict[str, Contract]:
    """Read the lines of a policy; raises ``ValueError`` that names a bad one."""
    contracts: dict[str, Contract] = {}
    for number, line in enumerate(text.splitlines(), 1):
        plain = line.partition("#")[0].strip()
        if plain:
            contract = _contract(plain, number)
            contracts[contract.function] = contract
    return contracts


def _contract(line: str, number: int) -> Contract:
    head, *demands = (part.split() for part in line.split(";"))
    function, parameters = head[0], tuple(head[1:])
    found = []
    for verb, *names in demands:
        if verb not in _VERBS or not names or not set(names) <= set(parameters):
            raise ValueError(f"line {number}: '{verb} {' '.join(names)}' is no demand")
        found.append(Demand(verb, tuple(parameters.index(name) for name in names)))
    return Contract(function, parameters, tuple(found))


def load_contracts() -> None:
    """Read the policy now, for a process that later may not be able to."""
    _contracts()


@functools.cache
def _contracts() -> dict[str, Contract]:
    # Not importlib.resources, which takes 8 ms to import.
    with open(_POLICY, encoding="utf-8") as stream:
        return parse_contracts(stream.read())


def contract_of(function: str | None) -> Contract | None:
    """The contract of what a C library calls ``__strlen_evex``, ``_IO_fread``, …"""
    if function is None:
        return None
    name = function.lstrip("_")
    for prefix in _PREFIXES:
        name = name.removeprefix(prefix)
    name = name.lstrip("_")
    contracts = _contracts()
    return contracts.get(name) or contracts.get(name.partition("_")[0])
