"""A fault as Markdown for tickets: what a reader needs first, in a bounded text."""

from __future__ import annotations

import re
from collections.abc import Iterator

from coresnap.snapshot.escape import printable
from coresnap.views.fault.fault import Fault
from coresnap.views.fault.stack import FrameView, ThreadView

__all__ = ["LONGEST", "render_markdown"]

LONGEST = 30_000
"""Characters; a description in Jira has 32,767 at most, one in GitHub 65,536."""

_LINE = 200
_FRAMES = 60
_VALUES = 40
_REMARKS = 20
_MARKS = re.compile(r"([\\`*_\[\]<>|~&$])")
_FIRST = re.compile(r"^(\d*)([#+\-=.)])")
"""What makes a heading, a list or a rule of a line."""
_LIVELY = re.compile(r"@|#\d|://|www\.", re.IGNORECASE)
_NOTEWORTHY = ("application", "version", "hostname", "uname.release", "object")
"""Attributes that say which of many this one is."""


def render_markdown(fault: Fault) -> str:
    """Return the fault in at most ``LONGEST`` characters.

    What does not fit is left out as whole parts, the least needed first.
    """
    text = f"# {_prose(fault.headline)}\n"
    for part in _parts(fault):
        if len(text) + len(part) > LONGEST:
            text += "\n…\n"
            break
        text += f"\n{part}"
    return text


def _parts(fault: Fault) -> Iterator[str]:
    snapshot = fault.snapshot
    if snapshot.summary:
        yield _prose(snapshot.summary) + "\n"
    if fault.groups:
        yield _stack(fault.groups[0].first)
    frame = _told(fault)
    if frame is not None and frame.values:
        lines = [f"{value.label} = {value.text}" for value in frame.values[:_VALUES]]
        yield f"**Variables of #{frame.number}**\n\n{_block(lines)}"
    verdict = list(_verdict(fault))
    if verdict:
        yield "**Verdict**\n\n" + "".join(f"- {line}\n" for line in verdict)
    yield _table(fault)
    if fault.remarks:
        lines = [
            f"- {one.level}: {_prose(one.message)}" for one in fault.remarks[:_REMARKS]
        ]
        yield "**Warnings**\n\n" + "\n".join(lines) + "\n"


def _told(fault: Fault) -> FrameView | None:
    """The frame that the verdict speaks of."""
    return None if fault.start is None else fault.find(fault.start).frame


def _stack(thread: ThreadView) -> str:
    lines = [
        f"#{frame.number:<3} {frame.signature} at {frame.place}"
        for frame in thread.frames[:_FRAMES]
    ]
    more = len(thread.frames) - _FRAMES
    if more > 0:
        lines.append(f"… {more:,} more frames")
    title = f"Thread {thread.position.thread}"
    crashed = " crashed" if thread.thread.crashed else ""
    return f"**{title}{crashed}**\n\n{_block(lines)}"


def _verdict(fault: Fault) -> Iterator[str]:
    for one in fault.snapshot.classifiers:
        sign = f": {_prose(one.evidence[0])}" if one.evidence else ""
        yield f"{_code(one.name)} ({_prose(one.confidence)}){sign}"
    instruction = fault.snapshot.instruction
    if instruction is not None:
        yield f"instruction {_code(f'{instruction.address:#x} {instruction.text}')}"


def _table(fault: Fault) -> str:
    known = fault.snapshot.attributes
    rows = [*fault.facts]
    rows += [(name, str(known[name])) for name in _NOTEWORTHY if known.get(name)]
    if fault.snapshot.fingerprint:
        rows.append(("fingerprint", fault.snapshot.fingerprint))
    once = dict(rows)
    lines = [f"| {_prose(name)} | {_cell(words)} |" for name, words in once.items()]
    return "| | |\n|---|---|\n" + "\n".join(lines) + "\n"


def _cut(text: str) -> str:
    plain = printable(text)
    return plain if len(plain) <= _LINE else plain[: _LINE - 1] + "…"


def _block(lines: list[str]) -> str:
    """Return lines as they are; the fence is longer than any in them."""
    body = [_cut(line) for line in lines]
    longest = max((len(run) for run in re.findall("`+", "\n".join(body))), default=0)
    fence = "`" * max(3, longest + 1)
    return "\n".join([f"{fence}text", *body, fence]) + "\n"


def _code(text: str) -> str:
    plain = _cut(text)
    longest = max((len(run) for run in re.findall("`+", plain)), default=0)
    mark = "`" * (longest + 1)
    pad = " " if "`" in plain or not plain.strip() else ""
    return f"{mark}{pad}{plain}{pad}{mark}"


def _prose(text: str) -> str:
    """Return text that stands for itself: no mark of it is Markdown.

    What would call people or link to tickets and sites cannot be escaped everywhere,
    and becomes code.
    """
    plain = printable(text)
    plain = plain if len(plain) <= 4 * _LINE else plain[: 4 * _LINE] + "…"
    if _LIVELY.search(plain):
        return _code(plain)
    return _FIRST.sub(r"\1\\\2", _MARKS.sub(r"\\\1", plain.strip()))


def _cell(text: str) -> str:
    """Return text for a cell, where a bar ends even code."""
    if _LIVELY.search(text):
        return _code(text).replace("|", "\\|")
    return _prose(text)
