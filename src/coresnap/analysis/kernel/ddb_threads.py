"""Threads that the kernel's debugger traced into a text dump: ``alltrace``.

``db_trace_all_threads`` (``sys/ddb/db_command.c``, ``db_ps.c``) heads each stack with
``Tracing command NAME pid 20 tid 100064 td 0xfffff8000123a000``; ``db_trace_thread``
alone with ``Tracing pid 20 tid 100064 td 0x…``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from coresnap.analysis.kernel.backtrace import read_backtrace
from coresnap.model import Thread, UnwindEnd

__all__ = ["ddb_threads"]

_HEADING = re.compile(
    r"Tracing (?:command (.{1,64}?) )?pid ([0-9]{1,10}) tid ([0-9]{1,10}) td 0x"
)
_MOST = 4096
_LONGEST = 1024
"""Lines of one stack."""


def ddb_threads(text: str, crashed: int | None = None) -> Iterator[Thread]:
    """Yield the threads of ``ddb.txt``, each once; ``crashed`` is the tid, if known."""
    lines = text.splitlines()
    seen: set[int] = set()
    for at, line in enumerate(lines):
        match = _HEADING.match(line)
        if match is None or len(seen) >= _MOST:
            continue
        tid = int(match[3])
        if tid not in seen:
            seen.add(tid)
            yield _thread(tid, match[1], lines[at + 1 : at + 1 + _LONGEST], crashed)


def _thread(
    tid: int, name: str | None, lines: Sequence[str], crashed: int | None
) -> Thread:
    found = read_backtrace(lines)
    end = UnwindEnd.OUTERMOST if found.whole else UnwindEnd.NO_RULE
    return Thread(tid, tid == crashed, end, name, found.frames)
