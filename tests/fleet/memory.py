"""How much memory processes have."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

__all__ = ["memory_below"]


def memory_below(pid: int) -> int:
    """Return the bytes of a process and its descendants, each page counted once.

    It is the sum of what the kernel calls PSS: a page that n processes share is an nth
    of each one's (proc(5), /proc/PID/smaps_rollup). What has ended counts nothing.
    """
    return sum(map(_memory, _family(pid)))


def _family(pid: int) -> Iterator[int]:
    yield pid
    # Each thread has its own children.
    for path in Path(f"/proc/{pid}/task").glob("*/children"):
        with contextlib.suppress(OSError):
            for child in path.read_text().split():
                yield from _family(int(child))


def _memory(pid: int) -> int:
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0
    return sum(int(line.split()[1]) << 10 for line in lines if line.startswith("Pss:"))
