"""All rules, by what they look at. ``docs/classifiers.md`` is made from this list."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from importlib import import_module
from typing import Any

from coresnap.analysis.classify.rule import Rule

__all__ = ["AFTER_ALIASES", "FAMILIES", "OF_FAULTS", "OF_WORDS", "rules"]

FAMILIES: tuple[str, ...] = (
    "signals",
    "accesses",
    "pointers",
    "control_flow",
    "execution",
    "stacks",
    "hardware",
    "doubts",
    "messages",
    "malloc_words",
    "exceptions",
    "panics",
    "allocation",
    "checkers",
    "calls",
    "handlers",
    "limits",
    "locks",
    "security",
    "integrity",
    "use_after_free",
    "fill_patterns",
    "heaps",
)
"""Modules of ``rules``, each with its ``RULES``."""

OF_FAULTS = frozenset(
    {
        "accesses",
        "pointers",
        "control_flow",
        "execution",
        "stacks",
        "hardware",
        "doubts",
        "security",
        "integrity",
    }
)
"""Those that have nothing to say of a process in which no instruction failed."""

OF_WORDS = frozenset(
    {"messages", "malloc_words", "exceptions", "panics", "allocation", "checkers"}
)
"""Those that have nothing to say of a process that did not give up."""

AFTER_ALIASES: tuple[str, ...] = ("aliases", "leaks")
"""More of them, for when it is known who holds the pointers of the fault."""


def rules(families: Iterable[str] = (*FAMILIES, *AFTER_ALIASES)) -> Iterator[Rule]:
    """Yield every rule, family by family."""
    for family in families:
        module: Any = import_module(f"coresnap.analysis.classify.rules.{family}")
        yield from module.RULES
