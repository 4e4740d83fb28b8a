"""Differences in which gdb is wrong, or says the same in other words: with reasons."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable

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


HABITS: tuple[Habit, ...] = (
    Habit(
        re.compile(r"optimized out: (\w+ was not saved|all pieces of it)"),
        "gdb takes a register that calls may overwrite for unchanged, and shows what "
        "the called functions left in it",
    ),
    Habit(
        re.compile(
            r"strike: way: const char \* \d+ '[a-z]+' None, gdb {'value': \d+, "
        ),
        "`way` is the argument of the program in every frame: gdb's number is none",
    ),
    Habit(
        re.compile(r"not in the core: 0x[0-9a-f]{1,2},"),
        "clang writes values for DWARF 2 and 3 without DW_OP_stack_value, which came "
        "with DWARF 4: as they stand they are addresses, where nothing is",
        "clang",
    ),
)


def is_gdb_habit(cell: Cell, text: str) -> bool:
    """Whether a difference is one of ``HABITS``."""
    return any(
        habit.pattern.search(text) is not None and habit.toolchain in cell.toolchain
        for habit in HABITS
    )


def excuses(cell: Cell) -> Callable[[str], bool]:
    """``is_gdb_habit`` of one cell."""
    return functools.partial(is_gdb_habit, cell)
