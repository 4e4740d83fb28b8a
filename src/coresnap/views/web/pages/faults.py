"""One fault: its threads, frames, variables, memory and all else; the file of it."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Sequence
from typing import Any, BinaryIO

from coresnap.errors import UsageError
from coresnap.snapshot.container import SnapshotReader
from coresnap.snapshot.schema import SECTION_TYPES
from coresnap.store.api.attachments import AttachmentList
from coresnap.store.query.query import Condition, Operator, Query
from coresnap.store.query.result import Result
from coresnap.store.server.call import Content
from coresnap.views.fault.fault import Fault, Found
from coresnap.views.fault.look import Look
from coresnap.views.fault.memory import ROW, interesting_addresses
from coresnap.views.fault.position import GLOBALS, Position
from coresnap.views.fault.section import Section, sections_of
from coresnap.views.fault.stack import FrameView
from coresnap.views.fault.windows import Window
from coresnap.views.web.address import Address
from coresnap.views.web.fault_address import FaultAddress
from coresnap.views.web.page import SCOPE, Page, Redirect, Shown, Visit

__all__ = ["PAGES"]

_LARGEST = 16_000_000
"""Bytes of a snapshot's sections that a page decodes: some ten times that in memory,
for each of those who look at once."""
_VALUES = 1500
_DEPTH = 5
_FRAMES_BEFORE = 100
_FRAMES = 300
_ROWS = 32
_ROWS_BEFORE = 4
_INTERESTING = 24
_EXTENTS = 200


def _show(visit: Visit) -> Shown | Redirect | Content:
    fault = _fault(visit)
    found = _found(visit, fault)
    here = Address.of(f"{visit.base}/faults/{visit.path['object']}", visit.query)
    links = FaultAddress(here)
    sections = sections_of(fault)
    section = _section(visit, sections, found)
    context: dict[str, Any] = {
        "fault": fault,
        "found": found,
        "here": here,
        "links": links,
        "look": _look(fault, links),
        "sections": sections,
        "section": section,
        "globals_position": Position(GLOBALS),
        "group": _group(visit),
        "attachments": _attachments(visit),
        "register_threads": [found.thread] if found and found.thread else [],
        **_frames(found),
        **(_memory(visit, fault) if section.name == "memory" else {}),
    }
    return Shown("fault.html", context)


def _fault(visit: Visit) -> Fault:
    """Open the snapshot; what the page does not need is not fetched."""
    content: Content = visit.ask("get_fault")

    def fetch(offset: int, size: int) -> bytes:
        with content.open(offset, size) as stream:
            return _read(stream, size)

    reader = SnapshotReader.elsewhere(content.size, fetch)
    size = sum(one.size for n, one in reader.sections.items() if n in SECTION_TYPES)
    if size > _LARGEST:
        name = visit.path["object"]
        raise UsageError(
            f"the snapshot has {size:,} bytes of threads and variables, more than a "
            "page can show",
            remedy=f"`coroner get {visit.path['project']} {name}` reads it.",
        )
    return Fault.opened(reader)


def _read(stream: BinaryIO, size: int) -> bytes:
    """Return ``size`` bytes, or less if no more come."""
    parts = []
    while size > 0 and (part := stream.read(size)):
        parts.append(part)
        size -= len(part)
    return b"".join(parts)


def _found(visit: Visit, fault: Fault) -> Found | None:
    """Return what the address asks for; None if the snapshot has no thread."""
    text = visit.one("at")
    position = Position.parse(text) if text else fault.start
    if position is None:
        return None
    found = fault.find(position)
    if found.thread is not None and found.frame is None and found.thread.frames:
        found = fault.find(found.thread.frames[0].position)
    return found


def _section(visit: Visit, sections: Sequence[Section], found: Found | None) -> Section:
    is_global = found is not None and found.thread is None
    wanted = visit.one("tab", "globals" if is_global else "verdict")
    for section in sections:
        if section.name == wanted:
            return section
    return sections[0]


def _look(fault: Fault, links: FaultAddress) -> Look:
    return Look(links, _VALUES, _DEPTH, is_kept=fault.memory.is_kept)


def _frames(found: Found | None) -> dict[str, object]:
    """The frames around the one that is looked at; a stack may have a million."""
    frames: tuple[FrameView, ...] = ()
    if found is not None and found.thread is not None:
        frames = found.thread.frames
    index = found.frame.index if found is not None and found.frame is not None else 0
    first = max(0, index - _FRAMES_BEFORE)
    shown = frames[first : first + _FRAMES]
    end = first + len(shown)
    return {
        "frames": shown,
        "before": frames[max(0, first - _FRAMES_BEFORE)] if first else None,
        "after": frames[end] if end < len(frames) else None,
    }


def _memory(visit: Visit, fault: Fault) -> dict[str, object]:
    memory = fault.memory
    kept = [
        (address, name)
        for address, name in interesting_addresses(fault.snapshot)
        if memory.is_kept(address)
    ]
    text = visit.one("address")
    first = kept[0][0] if kept else memory.extents[0].address
    target = _address(text) if text else first
    start = max(0, target // ROW - _ROWS_BEFORE) * ROW
    return {
        "windows": [Window("", memory.rows(start, _ROWS), target)],
        "earlier": max(0, start + (_ROWS_BEFORE - _ROWS) * ROW),
        "later": start + (_ROWS + _ROWS_BEFORE) * ROW,
        "target": target,
        "interesting": list(dict(kept).items())[:_INTERESTING],
        "extents": memory.extents[:_EXTENTS],
    }


def _address(text: str) -> int:
    """Return the address that somebody typed: hexadecimal, with 0x or without."""
    try:
        address = int(text.strip().replace("`", ""), 16)
    except ValueError:
        address = -1
    if not 0 <= address < 1 << 64:
        raise UsageError(
            f"{text[:40]!r} is no address", remedy="Addresses are hexadecimal: 0x7ff0."
        )
    return address


def _group(visit: Visit) -> str:
    """Return the id of the fault's group; empty as long as it is not indexed."""
    plain = visit.path["object"].replace("-", "").lower()
    wanted = Condition("object", Operator.EQUAL, plain)
    result: Result = visit.ask(
        "query", body=Query(filter=wanted, select=("group",), limit=1)
    )
    return str(result.rows[0].values[0] or "") if result.rows else ""


def _attachments(visit: Visit) -> AttachmentList:
    attachments: AttachmentList = visit.ask("list_attachments")
    return attachments


def _attachment(visit: Visit) -> Shown | Redirect | Content:
    content: Content = visit.ask("get_attachment")
    return content


def _snapshot(visit: Visit) -> Shown | Redirect | Content:
    content: Content = visit.ask("get_fault")
    return content


def _report(visit: Visit) -> Shown | Redirect | Content:
    """The page as one file."""
    from coresnap.views.fault.report import render_report

    data = render_report(_fault(visit)).encode("utf-8", "backslashreplace")

    def open_part(start: int, size: int) -> BinaryIO:
        return io.BytesIO(data[start : start + size])

    return Content(
        open=open_part,
        size=len(data),
        digest=hashlib.sha256(data).hexdigest(),
        media_type="text/html; charset=utf-8",
        name=f"{visit.path['object'].replace('-', '')[:32]}.html",
    )


_FAULT = f"{SCOPE}/faults/{{object}}"

PAGES = (
    Page(_FAULT, _show),
    Page(f"{_FAULT}/snapshot", _snapshot),
    Page(f"{_FAULT}/report", _report),
    Page(f"{_FAULT}/attachments/{{attachment}}", _attachment),
)
