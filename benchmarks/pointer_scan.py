"""How fast memory is searched for pointers, beside gdb's ``find`` and grep.

The memory is made up: small integers, text, and pointers into one heap, as a program
of many small objects has. ``find`` and grep look for one value; the scan looks for
pointers into spans, one or thousands of them. gdb's start is taken off its figure.
"""

from __future__ import annotations

import argparse
import random
import struct
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import median

import attrs

from coresnap.elfcore.corefile import open_core
from coresnap.elfcore.pointer_scan import scan_pointers, scan_pointers_python

HEAP = 0x5555_5555_9000
HIGH = HEAP >> 40
GDB = ["gdb", "-q", "-nx", "-batch"]
HOLDER = """
import ctypes, sys
data = open(sys.argv[1], "rb").read()
start = ctypes.cast(data, ctypes.c_void_p).value
print(-(-start // 8) * 8, flush=True)
sys.stdin.read()
"""
MEBIBYTE = 1 << 20
UNIT = MEBIBYTE
LIMIT = 1 << 20
BLOCK = 64


@attrs.frozen
class Image:
    """A core, and where the made-up memory is in it."""

    core: Path
    start: int
    size: int
    value: int
    """A pointer that it holds."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--mebibytes", type=int, default=256)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        image = process_image(Path(name), options.mebibytes * MEBIBYTE)
        print(f"### Pointer scan: {options.mebibytes} MiB of heap\n")
        print("| | GB/s, median [min–max] | found |\n|---|---|---|")
        for what, run, scanned in contenders(image):
            report(what, run, scanned, options.runs)


def process_image(directory: Path, size: int) -> Image:
    """Write the core of a process that holds the memory."""
    unit = memory(UNIT, size)
    (directory / "memory").write_bytes(unit * (size // UNIT))
    child = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(directory / "memory")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert child.stdout is not None
    start = int(child.stdout.readline())
    command = ["gcore", "-o", str(directory / "core"), str(child.pid)]
    subprocess.run(command, check=True, capture_output=True)
    child.communicate("\n")
    value = next(
        word for (word,) in struct.iter_unpack("<Q", unit) if word >> 40 == HIGH
    )
    return Image(directory / f"core.{child.pid}", start, size, value)


def memory(size: int, heap: int) -> bytes:
    """A third each of pointers, small integers and text."""
    chance = random.Random(1)
    words = []
    for _ in range(size // 8):
        kind = chance.randrange(3)
        if kind == 0:
            words.append(HEAP + chance.randrange(heap) // 16 * 16)
        elif kind == 1:
            words.append(chance.randrange(1 << 20))
        else:
            words.append(
                int.from_bytes(chance.randbytes(8), "little") & 0x7F7F7F7F7F7F7F7F
            )
    return struct.pack(f"<{len(words)}Q", *words)


def contenders(image: Image) -> Iterator[tuple[str, Callable[[], int], int]]:
    """Name, what it runs, and how many bytes that reads."""
    one = [(image.value & -BLOCK, (image.value & -BLOCK) + BLOCK)]
    step = image.size // 4096
    starts = (HEAP + step * index for index in range(4096))
    many = [(start, start + BLOCK) for start in starts]
    part, size = min(image.size, 16 * MEBIBYTE), image.size
    yield "one block", lambda: scan(image, one, scan_pointers, size), size
    yield "4,096 blocks", lambda: scan(image, many, scan_pointers, size), size
    yield "one block, twin", lambda: scan(image, one, scan_pointers_python, part), part
    yield "`grep -c`, one value", lambda: grep(image), image.core.stat().st_size
    yield "gdb `find /g`, one value", lambda: gdb(image), size


def scan(
    image: Image,
    wanted: list[tuple[int, int]],
    run: Callable[..., list[tuple[int, int]]],
    size: int,
) -> int:
    """From the mapped file to matches, as an analysis does it."""
    with open_core(image.core) as core:
        views = core.memory.stored_views(image.start, image.start + size)
        return sum(
            len(run(view, wanted, pointer_size=8, byte_order="little", limit=LIMIT))
            for _, view in views
        )


def grep(image: Image) -> int:
    """Lines with the value's bytes, wherever they stand."""
    pattern = "".join(f"\\x{byte:02x}" for byte in struct.pack("<Q", image.value))
    found = subprocess.run(
        ["grep", "-c", "-a", "-P", pattern, str(image.core)],
        capture_output=True,
        check=False,
        env={"LC_ALL": "C"},
    )
    return int(found.stdout or 0)


def gdb(image: Image) -> int:
    """Its own search, from which its start is taken off."""
    search = f"find /g {image.start:#x}, +{image.size}, {image.value:#x}"
    found = subprocess.run(
        [*GDB, "-c", str(image.core), "-ex", search], capture_output=True, check=False
    )
    return sum(line.startswith(b"0x") for line in found.stdout.splitlines())


def report(what: str, run: Callable[[], int], size: int, runs: int) -> None:
    """Print a row; the first run warms the page cache."""
    found = run()
    overhead = start_of_gdb() if what.startswith("gdb") else 0.0
    rates = []
    for _ in range(runs):
        began = time.perf_counter()
        run()
        rates.append(size / 1e9 / (time.perf_counter() - began - overhead))
    low, high = min(rates), max(rates)
    print(f"| {what} | {median(rates):.2f} [{low:.2f}–{high:.2f}] | {found:,} |")


def start_of_gdb() -> float:
    began = time.perf_counter()
    subprocess.run(GDB, capture_output=True, check=False)
    return time.perf_counter() - began


if __name__ == "__main__":
    main()
