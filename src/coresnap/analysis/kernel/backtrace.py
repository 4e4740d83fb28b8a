"""Stacks that the kernel printed: by the debugger's unwinder, or by stack(9).

``db_backtrace`` (``sys/amd64/amd64/db_trace.c``) prints ``name() at name+0x2b/frame
0xADDRESS``, with the address between where ``DDB_NUMSYM`` is set, and ``--- trap 0xc,
rip = …, rsp = …, rbp = … ---`` where the processor stacked a frame. ``stack_print``
(``sys/kern/subr_stack.c``) prints ``#0 0xADDRESS at name+0x2b``. Both walk frame
pointers, so a function without a frame of its own is left out.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

import msgspec

from coresnap.model import Frame, Trust

__all__ = ["KERNEL", "MOST_FRAMES", "Backtrace", "read_backtrace", "read_backtraces"]

KERNEL = "kernel"
"""The module of a frame: no backtrace says whether it is the kernel's or a module's."""
MOST_FRAMES = 1024
_MOST_BACKTRACES = 64

_NAME = r"(?P<name>[^\s()]{1,512})"
_OFFSET = r"(?P<offset>0x[0-9a-f]{1,16})"
_DDB = re.compile(
    rf"{_NAME}\(.*?\) at (?:(?P<pc>0x[0-9a-f]{{1,16}})(?: = )?)?"
    rf"(?:(?P<at>[^\s+/]{{1,512}})(?:\+{_OFFSET})?)?"
    r"(?:/frame (?P<frame>0x[0-9a-f]{1,16}))?\s*$"
)
_STACK = re.compile(
    rf"#[0-9]{{1,4}} (?P<pc>0x[0-9a-f]{{1,16}}) at {_NAME}\+{_OFFSET}(?:\s.*)?$"
)
_TRAP = re.compile(
    r"--- (?P<what>trap|interrupt|syscall|exception|handler|NMI)\b"
    r"(?P<rest>.*?)(?: ---)?$"
)
_RIP = re.compile(r"\b[re]ip = (?:0x)?([0-9a-f]{1,16})\b")
_RSP = re.compile(r"\b[re]sp = (?:0x)?([0-9a-f]{1,16})\b")
_HEADINGS = ("KDB: stack backtrace", "Allocation backtrace:", "Free backtrace:")


class Backtrace(msgspec.Struct, frozen=True):
    """One printed stack."""

    title: str
    """The line above it."""
    frames: tuple[Frame, ...]
    """Innermost first; a frame whose address was not printed has the pc 0."""
    system_call: str | None = None
    """By which the process had come into the kernel: ``477, FreeBSD ELF64, mmap``."""
    trapped: int | None = None
    """Index of the frame that a trap interrupted."""
    whole: bool = False
    """Its end was seen: a system call, an interrupt, or the start of a thread."""


def read_backtraces(lines: Sequence[str]) -> Iterator[Backtrace]:
    """Yield the stacks that ``lines`` hold, each below its heading."""
    count = 0
    for at, line in enumerate(lines):
        if line.startswith(_HEADINGS) and count < _MOST_BACKTRACES:
            count += 1
            yield read_backtrace(lines[at + 1 :], line.rstrip(":"))


def read_backtrace(lines: Sequence[str], title: str = "") -> Backtrace:
    """Read the stack that ``lines`` begin with, up to what is not a part of one."""
    frames: list[Frame] = []
    trapped: int | None = None
    interrupted: re.Match[str] | None = None
    call: str | None = None
    whole = False
    for line in lines:
        if match := _TRAP.match(line):
            interrupted = match
            if match["what"] == "syscall":
                call = match["rest"].strip().removeprefix("(").partition(")")[0]
            # Nothing of the kernel is above a system call or a thread's first frame.
            whole = call is not None or _is_start(match["rest"])
            if whole:
                break
            continue
        frame = _frame(line, interrupted)
        if frame is None or len(frames) >= MOST_FRAMES:
            break
        if interrupted is not None and trapped is None:
            trapped = len(frames)
        interrupted = None
        frames.append(frame)
    return Backtrace(title, tuple(frames), call, trapped, whole)


def _is_start(rest: str) -> bool:
    """``--- trap 0, rip = 0, …``: what ``fork_trampoline`` left above it."""
    match = _RIP.search(rest)
    return match is not None and int(match[1], 16) == 0


def _frame(line: str, interrupted: re.Match[str] | None) -> Frame | None:
    if match := _STACK.match(line):
        pc, within = int(match["pc"], 16), int(match["offset"], 16)
        return _made(match["name"], pc, within, None, interrupted)
    match = _DDB.match(line)
    if match is None or (match["pc"] is None and match["at"] is None):
        return None
    pc = int(match["pc"], 16) if match["pc"] else 0
    offset = int(match["offset"], 16) if match["offset"] else None
    stack = int(match["frame"], 16) if match["frame"] else None
    # Without symbols the debugger prints the address for a name.
    name = None if match["name"].startswith("0x") else match["at"] or match["name"]
    return _made(name, pc, offset, stack, interrupted)


def _made(
    name: str | None,
    pc: int,
    offset: int | None,
    frame_pointer: int | None,
    interrupted: re.Match[str] | None,
) -> Frame:
    stack = frame_pointer
    if interrupted is not None:
        if pc == 0 and (match := _RIP.search(interrupted["rest"])):
            pc = int(match[1], 16)
        if match := _RSP.search(interrupted["rest"]):
            stack = int(match[1], 16)
    trust = Trust.CONTEXT if interrupted is not None else Trust.FRAME_POINTER
    return Frame(
        pc,
        trust,
        function=name,
        function_offset=offset,
        module=KERNEL,
        stack_pointer=stack,
    )
