"""Results as people read them."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterator, Sequence
from pathlib import Path

from fleet.result import Result

__all__ = ["lines", "markdown", "replace"]

_HEAD = (
    "scenario",
    "hosts",
    "made",
    "stored",
    "lost",
    "doubled",
    "tries",
    "seconds",
    "median s",
    "slowest s",
    "queue",
    "queue age s",
    "connections/s",
    "store MB",
    "hosts MB",
)
_BEGIN, _END = "<!-- fleet: begin -->", "<!-- fleet: end -->"


def lines(results: Sequence[Result]) -> Iterator[str]:
    """Yield the table, and below it what was seen in each scenario."""
    rows = [_HEAD, *map(_row, results)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        first, *rest = (
            cell.ljust(width) if place == 0 else cell.rjust(width)
            for place, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        yield "  ".join((first, *rest))
    for result in results:
        yield f"\n{result.scenario}"
        yield from (f"  {name}: {text}" for name, text in result.facts.items())
        yield from (f"  NOT AS IT SHOULD BE: {text}" for text in result.failures)
    verdict = "not all is" if any(r.failures for r in results) else "all is"
    yield f"\n{verdict} as it should be"


def markdown(results: Sequence[Result]) -> str:
    """Return the same for the page."""
    table = [
        f"| {' | '.join(_HEAD)} |",
        f"|{'---|' * len(_HEAD)}",
        *(f"| {' | '.join(_row(result))} |" for result in results),
    ]
    seen = [
        line
        for result in results
        for line in (
            f"\n**{result.scenario[0].upper()}{result.scenario[1:]}.**\n",
            *(f"- {name}: {text}" for name, text in result.facts.items()),
        )
    ]
    return "\n".join((f"Measured on {_machine()}.\n", *table, *seen))


def replace(page: str, text: str) -> str:
    """Return a page with another text between its marks."""
    before, _, rest = page.partition(_BEGIN)
    _, _, after = rest.partition(_END)
    return f"{before}{_BEGIN}\n{text}\n{_END}{after}"


def _row(result: Result) -> tuple[str, ...]:
    return (
        result.scenario,
        str(result.hosts),
        str(result.made),
        str(result.stored),
        str(result.lost),
        str(result.doubled),
        str(result.tries),
        f"{result.seconds:.0f}",
        f"{result.median:.1f}",
        f"{result.slowest:.1f}",
        str(result.queue),
        str(result.queue_age),
        f"{result.connections:.0f}",
        f"{result.store_memory / 1e6:.0f}",
        f"{result.hosts_memory / 1e6:.0f}",
    )


def _machine() -> str:
    cpus = os.cpu_count()
    memory = Path("/proc/meminfo").read_text().split()[1]
    release = platform.release().split("-")[0]
    return (
        f"Linux {release}, {platform.machine()}, {cpus} processors and "
        f"{int(memory) / 1e6:.0f} GB of memory for the store and all hosts"
    )
