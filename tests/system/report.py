"""What was expected and what was seen, as text and as JSON."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import attrs

from system.ledger import Crash

__all__ = ["Expectation", "Report", "lines", "replace"]

_BEGIN, _END = "<!-- report -->", "<!-- end of report -->"


@attrs.frozen
class Expectation:
    """One thing that has to be so."""

    step: str
    text: str
    is_met: bool
    seen: str
    """What was looked at, in a few words; may be empty."""


@attrs.define
class Report:
    """All expectations of a run, and where it ran."""

    system: dict[str, str] = attrs.field(factory=dict)
    """Facts of the machine, by name."""
    expectations: list[Expectation] = attrs.field(factory=list)
    seconds: dict[str, float] = attrs.field(factory=dict)
    """How long each step took."""
    crashes: list[Crash] = attrs.field(factory=list)

    @property
    def failures(self) -> int:
        """How many expectations were not met."""
        return sum(not one.is_met for one in self.expectations)

    def as_json(self) -> dict[str, Any]:
        """Return everything as plain data."""
        return {**attrs.asdict(self), "failures": self.failures}


def lines(report: Report) -> Iterator[str]:
    """Yield the report as text: a line for each expectation, below its step."""
    yield ", ".join(f"{name} {value}" for name, value in report.system.items())
    for step, seconds in report.seconds.items():
        yield ""
        yield f"{step} ({seconds:.0f} s)"
        for one in report.expectations:
            if one.step == step:
                mark = "ok    " if one.is_met else "FAILED"
                yield f"  {mark} {one.text}" + (f": {one.seen}" if one.seen else "")
    yield ""
    total = len(report.expectations)
    yield (
        f"{total - report.failures} of {total} expectations met, "
        f"{len(report.crashes)} crashes, {sum(report.seconds.values()):.0f} s"
    )


def replace(page: str, text: Sequence[str]) -> str:
    """Return the page with its report replaced."""
    head, found, rest = page.partition(_BEGIN)
    _, closed, tail = rest.partition(_END)
    if not (found and closed):
        raise ValueError(f"the page has no {_BEGIN} … {_END}")
    block = "\n".join(f"    {line}".rstrip() for line in text)
    return f"{head}{_BEGIN}\n\n{block}\n\n{_END}{tail}"
