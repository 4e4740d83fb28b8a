"""Runs the laboratory: builds, lets crash, and judges in every form."""

from __future__ import annotations

import functools
import itertools
import platform
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from lab.building import Program, build, missing_tools
from lab.crashing import ALLOCATORS, LIBRARIES, crash_all
from lab.forms import FORMS
from lab.judging import Outcome, judge
from lab.truth import Truth

__all__ = ["VARIANTS", "Variant", "run_lab", "why_not"]

Variant = tuple[str, str]
VARIANTS: list[Variant] = list(itertools.product(ALLOCATORS, FORMS))
_BATCH = 24
"""Programs that crash in one hold of core_pattern, which others wait for."""


def why_not(variants: Sequence[Variant]) -> str | None:
    """Say what this machine lacks for these variants, or None."""
    if platform.machine() != "x86_64":
        return "the programs are x86-64's"
    needed = {LIBRARIES[name] for name, _ in variants if name in LIBRARIES}
    missing = missing_tools() + [name for name in needed if not Path(name).exists()]
    return f"not installed: {', '.join(missing)}" if missing else None


def run_lab(
    truths: Sequence[Truth],
    variants: Sequence[Variant],
    directory: Path,
    workers: int = 2,
    *,
    keep: bool = False,
) -> list[Outcome]:
    """Run programs in variants; cores are removed as they have been read.

    Raises ``ToolError`` if a program cannot be built.
    """
    outcomes: list[Outcome] = []
    with ProcessPoolExecutor(workers) as pool:
        programs = list(pool.map(functools.partial(build, directory=directory), truths))
        for allocator in ALLOCATORS:
            forms = [form for name, form in variants if name == allocator]
            wanted = [p for p in programs if p.truth.goes_wrong_with(allocator)]
            for batch in _batches(wanted) if forms else ():
                crashes = crash_all(batch, allocator, directory)
                jobs = [
                    pool.submit(judge, crash, form, directory)
                    for crash in crashes
                    for form in forms
                ]
                outcomes += [job.result() for job in jobs]
                for crash in crashes:
                    if crash.core is not None and not keep:
                        crash.core.unlink()
    return sorted(outcomes, key=lambda o: variants.index((o.allocator, o.form)))


def _batches(programs: Sequence[Program]) -> Iterator[Sequence[Program]]:
    for start in range(0, len(programs), _BATCH):
        yield programs[start : start + _BATCH]
