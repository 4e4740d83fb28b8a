"""Source and instructions around a frame, and the thread's registers."""

from __future__ import annotations

from collections.abc import Iterator

from coresnap.snapshot.escape import printable
from coresnap.views.fault.fault import Fault
from coresnap.views.fault.stack import FrameView
from coresnap.views.viewer.disassembly import instructions_around
from coresnap.views.viewer.line import Line, line
from coresnap.views.viewer.looked import Looked

__all__ = ["registers", "source"]


def source(fault: Fault, looked: Looked, width: int) -> list[Line]:
    """Return the lines of the source around the frame, then its instructions."""
    view = looked.frame
    if view is None:
        return [line(("no frame", "doubt"))]
    return [*_heading(view), *_source(view), *_instructions(fault, view)]


def _heading(view: FrameView) -> Iterator[Line]:
    frame = view.frame
    yield line((view.name, "function"), " at ", (view.place, "place"))
    facts = [f"pc {frame.pc:#x}"]
    if frame.module is not None and frame.module_offset is not None:
        facts.append(f"{printable(frame.module)}+{frame.module_offset:#x}")
    if frame.build_id:
        facts.append(f"build-id {printable(frame.build_id)}")
    facts += [printable(one) for one in (frame.language, frame.producer) if one]
    yield line((f"  {'  '.join(facts)}", "doubt"))


def _source(view: FrameView) -> Iterator[Line]:
    lines = view.source
    if not lines:
        yield line(("  no source is kept", "doubt"))
    for one in lines:
        if one.is_current:
            yield line((f"{one.number:>7} > {one.text}", "title"))
        else:
            yield line((f"{one.number:>7} | ", "doubt"), one.text)


def _instructions(fault: Fault, view: FrameView) -> Iterator[Line]:
    found = instructions_around(fault, view)
    if not found:
        yield line(("  no code is kept", "doubt"))
    for one in found:
        is_current = one.address == view.frame.pc
        sign, style = (" > ", "title") if is_current else (" | ", "")
        yield line(
            (f"  {one.address:#x}{sign}", style or "doubt"),
            (f"{one.data.hex():<22} ", style or "doubt"),
            (printable(one.text), style),
        )


def registers(fault: Fault, looked: Looked, width: int) -> list[Line]:
    """Return the thread's registers and what lies where they point."""
    thread = looked.thread
    if thread is None or not thread.thread.registers:
        return [line(("no registers", "doubt"))]
    return [
        line(
            (f"{printable(name):>10} ", "name"),
            f"{value:#018x}  ",
            (fault.places.words(value), "place"),
            target=value,
        )
        for name, value in thread.thread.registers.items()
    ]
