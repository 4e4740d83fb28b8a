"""How long a minidump of 1 GiB takes until its memory can be read, and how much memory.

    python benchmarks/vmcore_open.py [--gib 1]

Writes a sparse one: every page of the machine is in it, and the kernel's map has page
tables for 256 MiB of addresses. Each number is the median of runs in a process of
their own; the first reads are of 1,000 pages that are anywhere in the map.
"""

from __future__ import annotations

import argparse
import os
import random
import resource
import statistics
import struct
import subprocess
import sys
import tempfile
import time
from pathlib import Path

PAGE = 4096
BASE = 0xFFFF_FE00_0000_0000
MAP_SIZE = 8_384_512
"""Bytes of the map in a real dump of FreeBSD 13."""
MAPPED = 128
"""Entries of it that have a page table, each for 2 MiB."""


def write_dump(path: Path, pages: int) -> None:
    bitmap = b"\xff" * (pages // 8)
    header = struct.pack(
        "<24sIIII", b"minidump FreeBSD/amd64", 3, 98232, len(bitmap), MAP_SIZE
    )
    header += struct.pack("<QQQI", BASE, 0xFFFFF80000000000, 0xFFFFFC0000000000, PAGE)
    ranges = struct.pack("<4Q", 0, pages * PAGE, 0, 0)
    messages = b"<6>Copyright (c) 1992-2023 The FreeBSD Project.\n"
    directory = b"".join(
        struct.pack("<Q", (pages - MAPPED + entry) * PAGE | 3)
        for entry in range(MAPPED)
    )
    with path.open("wb") as file:
        offset = 0
        for part, size in (
            (header, len(header)),
            (messages, 98232),
            (ranges, PAGE),
            (bitmap, len(bitmap)),
            (directory, MAP_SIZE),
        ):
            file.seek(offset)
            file.write(part)
            offset += -(-size // PAGE) * PAGE
        file.seek(offset + (pages - MAPPED) * PAGE)
        for entry in range(MAPPED):
            first = entry * 512
            file.write(
                b"".join(struct.pack("<Q", (first + n) * PAGE | 3) for n in range(512))
            )
        file.truncate(offset + pages * PAGE)


def read_dump(path: Path) -> None:
    from coresnap.elfcore.vmcore import open_vmcore

    begun = time.perf_counter()
    vmcore = open_vmcore(path)
    opened = time.perf_counter() - begun
    assert vmcore.memory is not None
    choice = random.Random(1)
    begun = time.perf_counter()
    for _ in range(1000):
        vmcore.memory.read(BASE + choice.randrange(MAPPED * 512) * PAGE, 8)
    reads = time.perf_counter() - begun
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(opened * 1e3, reads * 1e3, peak)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--gib", type=int, default=1)
    parser.add_argument("--runs", type=int, default=9)
    parser.add_argument("--read", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.read is not None:
        read_dump(options.read)
        return
    with tempfile.TemporaryDirectory(dir="/var/tmp") as directory:
        path = Path(directory) / "vmcore.0"
        write_dump(path, options.gib * (1 << 30) // PAGE)
        words = [sys.executable, __file__, "--read", str(path)]
        lines = [
            subprocess.run(words, capture_output=True, text=True, check=True).stdout
            for _ in range(options.runs)
        ]
        numbers = zip(*(map(float, line.split()) for line in lines), strict=True)
        names = ("open, ms", "1,000 reads, ms", "peak memory, MB")
        size = os.stat(path).st_size
        print(f"| minidump of {size:,} bytes | median of {options.runs} |\n|---|---|")
        for name, values in zip(names, numbers, strict=True):
            print(f"| {name} | {statistics.median(values):.1f} |")


if __name__ == "__main__":
    main()
