"""The core of a process that still lives, as the kernel would begin to write it."""

from __future__ import annotations

import re
from pathlib import Path

from corewriter import (
    X86_64,
    Segment,
    auxv,
    mapped_files,
    prpsinfo,
    prstatus,
    write_core,
)

_MAPPING = re.compile(rb"([0-9a-f]+)-([0-9a-f]+) (\S{4}) ([0-9a-f]+) \S+ (\d+) *(.*)")
PAGE = 4096


def core_of(pid: int) -> bytes:
    """Write a core of a stopped process: its private writable memory.

    Notes and memory are those of the process, so that a helper that is given both
    finds that they belong together, and gets the same bytes from either.
    """
    process = Path(f"/proc/{pid}")
    segments, files = [], []
    with (process / "mem").open("rb", buffering=0) as memory:
        for line in (process / "maps").read_bytes().splitlines():
            match = _MAPPING.fullmatch(line)
            assert match is not None, line
            start, end = int(match[1], 16), int(match[2], 16)
            if match[6].startswith(b"/"):
                files.append((start, end, int(match[4], 16) // PAGE, match[6]))
            if match[3] == b"rw-p":
                memory.seek(start)
                segments.append(Segment(start, memory.read(end - start)))
    command = (process / "comm").read_bytes().rstrip(b"\n")
    words = (process / "auxv").read_bytes()
    vector = {
        int.from_bytes(words[at : at + 8], "little"): int.from_bytes(
            words[at + 8 : at + 16], "little"
        )
        for at in range(0, len(words) - 16, 16)
    }
    notes = [
        prstatus(X86_64, tid=pid, registers={"rsp": segments[-1].address}, signal=11),
        prpsinfo(X86_64, pid=pid, command=command),
        auxv(X86_64, vector),
        mapped_files(X86_64, files),
    ]
    return write_core(X86_64, notes=notes, segments=segments)
