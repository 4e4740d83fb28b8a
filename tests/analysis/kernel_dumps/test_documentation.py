"""The rules about kernels stand in ``docs/classifiers.md``, in their own words."""

from __future__ import annotations

import inspect
from pathlib import Path

from coresnap.analysis.kernel.verdict import kernel_rules

PAGE = Path(__file__).parents[3] / "docs" / "classifiers.md"


def test_every_rule_is_documented() -> None:
    lines = PAGE.read_text().splitlines()
    start = lines.index("## Of kernels")
    rows = [line for line in lines[start : start + 40] if line.startswith("| `")]

    assert rows == [
        "| {} | {} | {} | {} |".format(
            ", ".join(f"`{name}`" for name in rule.names),
            ", ".join(rule.confidence),
            type(rule).__name__,
            " ".join((inspect.getdoc(type(rule)) or "").split()),
        )
        for rule in kernel_rules()
    ]
