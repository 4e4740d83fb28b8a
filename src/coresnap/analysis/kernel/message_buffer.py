"""The kernel's message buffer as lines, and which of them are of its last panic.

The buffer outlives a warm boot, so it may begin with messages of the boot before, their
panics included. A line may begin with the priority of what ``syslogd`` will get
(``<118>``, ``sys/kern/subr_prf.c``) and with the seconds since boot (``[383490]``,
``kern.msgbuf_show_timestamp``); neither is part of what was said.
"""

from __future__ import annotations

import re

import msgspec

__all__ = ["BUFFER_LIMIT", "Panic", "find_panic", "message_lines"]

BUFFER_LIMIT = 16 << 20
"""Bytes of a buffer that are read: ``kern.msgbufsize`` is 96 KiB as a rule."""
_LONGEST_LINE = 4096
_PREFIX = re.compile(r"(?:<[0-9]{1,4}>)?(?:\[[0-9]{1,12}(?:\.[0-9]{1,9})?\] ?)?")
_BOOTS = ("---<<BOOT>>---", "Copyright (c) 1992-")
_TRAP = "Fatal trap "
_ABORTS = ("Fatal data abort:", "Fatal instruction abort:")
"""What arm64 says instead (``sys/arm64/arm64/trap.c``)."""
_REPORT_BEFORE = 96
"""Lines before ``panic:`` that may tell why: registers, a heap's report, a stack."""


class Panic(msgspec.Struct, frozen=True):
    """What was said of one panic; lines without line breaks and prefixes."""

    text: str | None
    """What ``panic(9)`` was called with; None if the buffer has no panic."""
    before: tuple[str, ...] = ()
    """What led to it, oldest first: a trap's report, a heap checker's."""
    after: tuple[str, ...] = ()
    """The backtrace, and what the dying kernel went on to say."""

    @property
    def lines(self) -> tuple[str, ...]:
        """All of it, in order."""
        said = () if self.text is None else (f"panic: {self.text}",)
        return (*self.before, *said, *self.after)


def message_lines(text: str) -> list[str]:
    """Return the lines of the last boot that ``text`` holds, without prefixes."""
    raw = text[-BUFFER_LIMIT:].replace("\0", "").splitlines()
    lines = [_plain(line[:_LONGEST_LINE]) for line in raw]
    boots = [at for at, line in enumerate(lines) if line.startswith(_BOOTS)]
    # The copyright stands below the mark of the same boot.
    start = boots[-1] if boots else 0
    return lines[start:]


def _plain(line: str) -> str:
    match = _PREFIX.match(line)
    return line[match.end() if match else 0 :].rstrip()


def find_panic(lines: list[str], expected: str | None = None) -> Panic:
    """Return the first panic of ``lines``: what follows it follows from it.

    ``expected`` is the panic string that the dump's header has; a panic with these
    words counts before others, as consoles may show ``panic:`` for other reasons.
    """
    places = [at for at, line in enumerate(lines) if line.startswith("panic: ")]
    if not places:
        return Panic(None, tuple(lines[_start_of_trap(lines, len(lines)) :]))
    at = next((p for p in places if _says(lines[p], expected)), places[0])
    text = lines[at].removeprefix("panic: ")
    start = _start_of_trap(lines, at)
    return Panic(text, tuple(lines[start:at]), tuple(lines[at + 1 :]))


def _says(line: str, expected: str | None) -> bool:
    said = line.removeprefix("panic: ").strip()
    # The header holds one line of it, cut at 175 bytes.
    return (
        expected is not None and bool(said) and expected.strip().startswith(said[:60])
    )


def _start_of_trap(lines: list[str], end: int) -> int:
    """Where the report of the trap begins that ends at ``end``, or of what else may."""
    start = max(0, end - _REPORT_BEFORE)
    for at in range(end - 1, start - 1, -1):
        if lines[at].startswith((_TRAP, *_ABORTS)):
            return at
    return start
