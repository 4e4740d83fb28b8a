"""What happened, and everything that the snapshot warns of."""

from __future__ import annotations

from collections.abc import Iterator

from coresnap.snapshot.alias_lines import alias_lines
from coresnap.snapshot.display import Display
from coresnap.snapshot.escape import printable
from coresnap.snapshot.heading import heading_lines
from coresnap.snapshot.ink import Ink
from coresnap.snapshot.verdict_lines import verdict_lines
from coresnap.views.fault.fault import Fault
from coresnap.views.viewer.annotations import annotation_lines_of
from coresnap.views.viewer.line import Line, inked, line
from coresnap.views.viewer.looked import Looked

__all__ = ["summary", "warnings"]

_SIGNS = {"critical": "!!", "warning": "! ", "comment": "* "}


def summary(fault: Fault, looked: Looked, width: int) -> list[Line]:
    """Return the heading, the verdict, what is remarked on the whole, and aliases."""
    display = Display(ink=Ink(colour=True), width=width)
    snapshot = fault.snapshot
    return [
        *inked(heading_lines(snapshot, display)),
        *inked(verdict_lines(snapshot, display)),
        *annotation_lines_of(snapshot.annotations, "  "),
        *inked(alias_lines(snapshot, display, all_of_them=True)),
        *_quality(fault),
    ]


def _quality(fault: Fault) -> Iterator[Line]:
    parts = fault.snapshot.quality_parts
    if parts:
        yield line((f"quality {fault.snapshot.quality}/100", "title"))
    for part in parts:
        got = f"{part.weight * part.value:4.1f} of {part.weight:>2}"
        why = "; ".join(printable(one) for one in (part.reason, part.remedy) if one)
        yield line(f"  {printable(part.name):<16} {got}  ", (why, "doubt"))


def warnings(fault: Fault, looked: Looked, width: int) -> list[Line]:
    """Return a line for each warning; Enter leads to what it speaks of."""
    lines = []
    for one in fault.remarks:
        source = f" [{one.source}]" if one.source else ""
        owner = f" ({one.position})" if one.position is not None else ""
        target = one.position or one.address or _TABS.get(one.section)
        lines.append(
            line(
                (f"{_SIGNS[one.level]} ", one.level),
                one.message,
                (f"{source}{owner}", "doubt"),
                target=target,
            )
        )
    return lines or [line(("nothing to warn of", "doubt"))]


_TABS = {
    "verdict": "summary",
    "heap": "heap",
    "modules": "modules",
    "process": "summary",
    "quality": "summary",
}
"""Section of a remark to the tab that shows it."""
