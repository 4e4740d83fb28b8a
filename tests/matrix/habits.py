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
    form: str = ""
    """Empty for all."""

    def covers(self, cell: Cell, text: str) -> bool:
        """Whether a difference in a cell is this one."""
        return (
            self.toolchain in cell.toolchain
            and self.form in ("", cell.form)
            and self.pattern.search(text) is not None
        )


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
    Habit(
        re.compile(
            r"frames \[.*'(main|wait_idly)'.*\], gdb \[(None|'vsnprintf'|, )*\]"
            r"|_start: pc \d+, gdb 0$"
        ),
        "Debian's musl has no call frame information: gdb's stack is lost in it, ours "
        "reaches the program's functions, and `main` or the thread's function",
        form="musl",
    ),
    Habit(
        re.compile(
            r"(line \d+|file \S+), gdb None$|frames \[.*\], gdb \[\]$"
            r"|function .*(::h[0-9a-f]{16}|\[[0-9a-f]{14,16}\].*)$"
        ),
        "gdb 13 finds no unit for most code of rustc's fat LTO (`info line` says so), "
        "where addr2line has the functions, inlined calls and lines that we have",
        toolchain="rustc",
        form="lto",
    ),
)


def is_gdb_habit(cell: Cell, text: str) -> bool:
    """Whether a difference is one of ``HABITS``."""
    return any(habit.covers(cell, text) for habit in HABITS)


def excuses(cell: Cell) -> Callable[[str], bool]:
    """``is_gdb_habit`` of one cell."""
    return functools.partial(is_gdb_habit, cell)
