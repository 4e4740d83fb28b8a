"""Differences in which gdb is wrong, or says the same in other words: with reasons."""

from __future__ import annotations

import re

import attrs

from matrix.design import Cell

__all__ = ["HABITS", "Habit", "is_gdb_habit"]


@attrs.frozen
class Habit:
    """A pattern of differences and why they count as agreement."""

    pattern: re.Pattern[str]
    reason: str
    toolchain: str = ""
    """Part of its name; empty for all."""


HABITS: tuple[Habit, ...] = ()


def is_gdb_habit(cell: Cell, text: str) -> bool:
    """Whether a difference is one of ``HABITS``."""
    return any(
        habit.pattern.search(text) is not None and habit.toolchain in cell.toolchain
        for habit in HABITS
    )
