"""All rules, by what they look at. ``docs/classifiers.md`` is made from this list."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module
from typing import Any

from coresnap.analysis.classify.rule import Rule

__all__ = ["FAMILIES", "rules"]

FAMILIES: tuple[str, ...] = (
    "signals",
    "accesses",
    "messages",
    "exceptions",
    "provenance",
    "heaps",
)
"""Modules beside this one, each with its ``RULES``."""


def rules() -> Iterator[Rule]:
    """Yield every rule, family by family."""
    for family in FAMILIES:
        module: Any = import_module(f"coresnap.analysis.classify.{family}")
        yield from module.RULES
