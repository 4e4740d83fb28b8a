"""Writes the generated parts of ``docs/classifiers.md``: catalogue and matrices."""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Iterator, Sequence
from importlib import import_module
from itertools import groupby

from coresnap.analysis.classify.catalogue import rules
from coresnap.analysis.classify.rule import Rule
from lab.confusion import Row, confusion, percent, totals
from lab.crashing import ALLOCATORS
from lab.forms import FORMS
from lab.judging import Outcome

__all__ = ["PARTS", "catalogue", "generated", "matrices", "replace"]

PARTS = ("catalogue", "matrices")


def generated(page: str, part: str) -> str:
    """What stands between the marks of a part of the page."""
    begin, end = _marks(part)
    return page.partition(begin)[2].partition(end)[0].strip()


def replace(page: str, part: str, text: str) -> str:
    """The page with another text between the marks of a part."""
    begin, end = _marks(part)
    before, found, rest = page.partition(begin)
    if not found:
        raise ValueError(f"the page has no {begin}")
    return f"{before}{begin}\n\n{text}\n\n{end}{rest.partition(end)[2]}"


def _marks(part: str) -> tuple[str, str]:
    return f"<!-- {part}: generated, do not edit -->", f"<!-- end of {part} -->"


# --- the catalogue ------------------------------------------------------------


def catalogue() -> str:
    """A table of the rules of each family, as their classes say it."""
    families = groupby(rules(), key=lambda rule: type(rule).__module__)
    return "\n\n".join("\n".join(_family(name, of_it)) for name, of_it in families)


def _family(module: str, of_it: Iterable[Rule]) -> Iterator[str]:
    yield f"### {module.rpartition('.')[2].replace('_', ' ').capitalize()}"
    yield ""
    yield _flat(import_module(module).__doc__)
    yield ""
    yield "| classifier | confidence | rule | what it looks at |"
    yield "|---|---|---|---|"
    for rule in of_it:
        yield _row(rule)


def _row(rule: Rule) -> str:
    names = ", ".join(f"`{name}`" for name in rule.names)
    text = _flat(inspect.getdoc(type(rule)))
    if rule.replaces:
        replaced = ", ".join(f"`{name}`" for name in rule.replaces)
        text += f" Takes the place of {replaced}."
    cells = [names, ", ".join(rule.confidence), type(rule).__name__, text]
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _flat(text: str | None) -> str:
    return " ".join((text or "").replace("``", "`").split())


# --- the matrices -------------------------------------------------------------


def matrices(outcomes: Sequence[Outcome], programs: int) -> str:
    """Totals of each variant, then recall and mistakes of each classifier."""
    found = {
        variant: list(of_it)
        for variant, of_it in groupby(outcomes, key=lambda o: (o.allocator, o.form))
    }
    lines = [f"{programs} programs, {len(outcomes)} analyses.", ""]
    columns = ["allocator", "form", "cores", "found", "wrong", "of these sure"]
    lines += _head([*columns, "false alarms", "blocks, functions not known"])
    for (allocator, form), of_it in found.items():
        all_of = totals(of_it)
        share = f"{percent(all_of.recall)} of {all_of.found + all_of.missing}"
        numbers = [all_of.cores, share, all_of.wrong, all_of.sure, all_of.alarms]
        lines.append(_cells([allocator, form, *numbers, all_of.lacking]))
    for allocator in ALLOCATORS:
        of_allocator = {form: found.get((allocator, form)) for form in FORMS}
        present = {form: rows for form, rows in of_allocator.items() if rows}
        if present:
            lines += ["", f"### {allocator}", ""]
            lines += _confusions(present)
    return "\n".join(lines)


def _confusions(by_form: dict[str, list[Outcome]]) -> Iterator[str]:
    """One line for each classifier; of each form, found + allowed / missed / wrong."""
    rows = {form: {r.name: r for r in confusion(o)} for form, o in by_form.items()}
    yield from _head(["classifier", *by_form, "recall", "precision"])
    for name in sorted({name for of_form in rows.values() for name in of_form}):
        found = [rows[form].get(name, Row(name)) for form in by_form]
        everything = _sum(name, found)
        counts = [_counts(row) for row in found]
        shares = [percent(everything.recall), percent(everything.precision)]
        yield _cells([f"`{name}`", *counts, *shares])


def _counts(row: Row) -> str:
    found = f"{row.true_positive + row.allowed}"
    return f"{found} / {row.false_negative} / {row.false_positive}"


def _sum(name: str, rows: Iterable[Row]) -> Row:
    total = Row(name)
    for row in rows:
        total.true_positive += row.true_positive
        total.allowed += row.allowed
        total.false_positive += row.false_positive
        total.false_negative += row.false_negative
    return total


def _head(columns: Sequence[str]) -> list[str]:
    return [_cells(columns), "|---" * len(columns) + "|"]


def _cells(cells: Iterable[object]) -> str:
    return "| " + " | ".join(str(cell) for cell in cells) + " |"
