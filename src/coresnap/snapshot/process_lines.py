"""What the process had open and what bounded it, in lines for people."""

from __future__ import annotations

from collections.abc import Iterator

from coresnap.model import Snapshot
from coresnap.snapshot.display import Display
from coresnap.snapshot.escape import printable
from coresnap.snapshot.process_context import LimitLine, process_context

__all__ = ["process_lines"]

_MOST_FILES = 64


def process_lines(snapshot: Snapshot, display: Display) -> Iterator[str]:
    """Yield the process's directory, limits, environment and open files.

    Limits that are unlimited are left out; of more files than 64 the rest is counted.
    """
    context = process_context(snapshot.assets)
    lines: list[str] = []
    if context.directory is not None:
        lines.append(f"  directory    {printable(context.directory)}")
    if context.umask is not None:
        lines.append(f"  umask        {context.umask}")
    lines += _block("environment", [printable(v) for v in context.environment])
    lines += _block("limits", [_limit(one) for one in context.limits if _bounds(one)])
    files = [f"{d.number:>5} {printable(d.target)}" for d in context.descriptors]
    if (more := len(files) - _MOST_FILES) > 0:
        files[_MOST_FILES:] = [f"      and {more} more"]
    lines += _block(f"open files ({len(context.descriptors)})", files)
    if lines:
        yield display.ink.title("process")
        yield from lines


def _block(title: str, lines: list[str]) -> Iterator[str]:
    if lines:
        yield f"  {title}"
        yield from (f"    {line}" for line in lines)


def _bounds(limit: LimitLine) -> bool:
    return limit.soft is not None


def _limit(limit: LimitLine) -> str:
    hard = "unlimited" if limit.hard is None else f"{limit.hard:,}"
    more = "" if limit.soft == limit.hard else f", at most {hard}"
    unit = f" {printable(limit.unit)}" if limit.unit else ""
    return f"{printable(limit.name)}: {limit.soft:,}{unit}{more}"
