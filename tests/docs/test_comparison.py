"""The comparison has the numbers that the benchmarks printed into performance.md."""

from __future__ import annotations

import re

import pytest

from docs.pages import DOCS, REPOSITORY

PAGE = (DOCS / "comparison.md").read_text()
MEASURED = (DOCS / "performance.md").read_text()
SECTIONS = (
    "How long the crashed process waits",
    "A storm",
    "From core to answer",
    "Disk",
)
"""Of which every number in a table was measured here."""
NUMBER = re.compile(r"\d[\d,]*(?:\.\d+)?")


def numbers(text: str) -> list[str]:
    """The numbers of a text, without what separates thousands."""
    return [found.replace(",", "") for found in NUMBER.findall(text)]


def cells(section: str) -> list[str]:
    """What stands behind the first column of the section's tables."""
    text = PAGE.partition(f"## {section}\n")[2].partition("\n## ")[0]
    rows = [line for line in text.splitlines() if re.match(r"\|[^-|]", line)]
    return [cell for row in rows for cell in row.strip("|").split("|")[1:]]


def is_measured(cell: str, number: str) -> bool:
    """Whether a number of performance.md, rounded, is this one; or µs for its ms."""
    digits = len(number.partition(".")[2])
    scales = (1, 1e-3) if "ms" in cell else (1,)
    return any(
        round(float(one) * scale, digits) == float(number)
        for one in numbers(MEASURED)
        for scale in scales
    )


@pytest.mark.parametrize("section", SECTIONS)
def test_every_number_of_a_table_was_measured(section: str) -> None:
    told = [(cell, n) for cell in cells(section) for n in numbers(cell)]

    assert told
    headings = ("13.1", "0.188")  # versions of gdb and eu-stack
    wrong = [n for cell, n in told if n not in headings and not is_measured(cell, n)]
    assert wrong == []


def test_a_number_that_nobody_measured_is_found() -> None:
    assert not is_measured(" 7.7321 ms ", "7.7321")


def test_every_benchmark_that_is_named_is_there() -> None:
    named = set(re.findall(r"`(benchmarks/\w+\.py)`", PAGE))

    assert len(named) >= 4
    assert all((REPOSITORY / name).exists() for name in named)
