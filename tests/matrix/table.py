"""The matrix as Markdown: totals, a row for each cell, what differs and why."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from matrix.habits import HABITS
from matrix.verdict import Verdict

__all__ = ["share_of_values", "totals", "write_table"]

REASONS = 3
"""Shown of one cell."""
WIDTH = 160
HEAD = """\
# The matrix: what is read from which program, beside gdb and eu-stack

Written by `tests/matrix/run --markdown docs/matrix.md`; do not edit.

Each row is one program of `tests/matrix/programs`, compiled, linked and shipped as the
row says, killed by the kernel, and its core read by `coresnap analyze`, by gdb through
its Python interface, and by `eu-stack`. The rows are chosen so that every two values
of two columns that can meet do meet in one row (`tests/matrix/design.py`).

A *frame* is equal if pc, function, inline-ness, file and line are gdb's. A *value* is a
number or string in an argument or local variable, with all members, elements and what
pointers lead to; it is equal if gdb has the same, or both say that it is optimized out.
*Ours only* are values where gdb has none. A row passes if no frame and no value
differs. Of eu-stack, pc and name of all frames but the inlined ones are compared.
"""


def totals(verdicts: Iterable[Verdict]) -> str:
    """One line: shares of frames and values, cells passed."""
    found = list(verdicts)
    frames = _share([v.equal_frames for v in found], [v.frames for v in found])
    values = _share([_equal(v) for v in found], [_all(v) for v in found])
    eu = _share([v.equal_eu_frames for v in found], [v.eu_frames for v in found])
    only_ours = sum(len(v.values.only_ours) for v in found)
    excused = sum(v.values.excused for v in found)
    passed = sum(v.passed for v in found)
    return (
        f"{passed} of {len(found)} programs pass; frames equal to gdb's {frames}, "
        f"values {values} ({only_ours:,} more are ours only, {excused:,} are left out "
        f"as gdb's guesses), "
        f"frames equal to eu-stack's {eu}"
    )


def write_table(verdicts: Sequence[Verdict]) -> str:
    """The whole page."""
    lines = [HEAD, f"**{totals(verdicts)}.**", ""]
    columns = ["toolchain", "form", "optimised", "level", "DWARF", "dies by", "result"]
    columns += ["frames", "values", "ours only", "eu-stack"]
    lines.append("| " + " | ".join(columns) + " |")
    lines.append("|---" * len(columns) + "|")
    lines += [_row(verdict) for verdict in verdicts]
    lines += ["", "## What differs", ""]
    for verdict in verdicts:
        lines += _reasons(verdict)
    lines += ["", "## What counts as equal, or is left out as a guess", ""]
    lines += [f"- {habit.reason}" for habit in HABITS]
    return "\n".join(lines) + "\n"


def share_of_values(verdicts: Iterable[Verdict]) -> float:
    """Equal ones, 0 to 1; 1 if there are none."""
    found = list(verdicts)
    return sum(map(_equal, found)) / (sum(map(_all, found)) or 1)


def _row(verdict: Verdict) -> str:
    cell = verdict.cell
    words = [cell.toolchain, cell.form, cell.optimisation, cell.debug, cell.dwarf]
    words += [cell.argument, "pass" if verdict.passed else "**fail**"]
    words.append(_share([verdict.equal_frames], [verdict.frames]))
    words.append(_share([_equal(verdict)], [_all(verdict)]))
    words.append(str(len(verdict.values.only_ours)))
    words.append(_share([verdict.equal_eu_frames], [verdict.eu_frames]))
    return "| " + " | ".join(words) + " |"


def _reasons(verdict: Verdict) -> list[str]:
    reasons = verdict.reasons if verdict.failure is None else [verdict.failure]
    if not reasons:
        return []
    lines = [f"- {verdict.cell.name}"]
    for reason in reasons[:REASONS]:
        # The directory is that of one machine.
        text = re.sub(r"/[^ ']*/programs/", "", reason.replace("`", ""))
        lines.append(f"  - `{text[:WIDTH]}`")
    if len(reasons) > REASONS:
        lines.append(f"  - and {len(reasons) - REASONS} more")
    return lines


def _equal(verdict: Verdict) -> int:
    return verdict.values.agreed + verdict.values.absent


def _all(verdict: Verdict) -> int:
    return _equal(verdict) + verdict.values.unequal


def _share(parts: Sequence[int], wholes: Sequence[int]) -> str:
    part, whole = sum(parts), sum(wholes)
    if not whole:
        return "–"
    # Rounded down: 100 % is all of them.
    return f"{part * 10000 // whole / 100:.2f} % of {whole:,}"
