"""How long the heap of a large process takes: 1 GiB of glibc's, 5 million blocks.

The core is written by gdb's gcore, and is gone afterwards; the rows are for
docs/performance.md. Beside it gdb's Python walks the same headers, as its
heap commands do; it is stopped after a hundred thousand, and its time is counted up.
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from coresnap.analysis.heap.find import find_heaps
from coresnap.elfcore.corefile import open_core

SOURCE = Path(__file__).parent / "programs" / "many_blocks.c"
MEBIBYTE = 1 << 20
PEER_CHUNKS = 100_000
PEER = """
import gdb, struct, time
inferior = gdb.selected_inferior()
start = time.monotonic()
at = {first:#x}
for _ in range({count}):
    size = struct.unpack("<Q", inferior.read_memory(at + 8, 8).tobytes())[0] & ~7
    at += size
print("SECONDS", time.monotonic() - start)
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--blocks", type=int, default=5_000_000)
    parser.add_argument("--places", type=int, default=1000)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        core = make_core(directory, options.blocks)
        print(
            f"### Heap: {core.stat().st_size >> 20:,} MiB, {options.blocks:,} blocks\n"
        )
        print("| what | seconds | peak memory, MiB |")
        print("|---|---|---|")
        measure(core, options.places)
        peer(core, options.blocks)


def make_core(directory: Path, blocks: int) -> Path:
    program = directory / "many_blocks"
    subprocess.run(["cc", "-O2", SOURCE, "-o", program], check=True)
    process = subprocess.Popen([program, str(blocks)], stdout=subprocess.PIPE)
    try:
        assert process.stdout is not None
        process.stdout.readline()  # it is ready
        commands = [f"attach {process.pid}", f"gcore {directory / 'core'}"]
        line = ["gdb", "-q", "-nx", "-batch", *(f"-ex={one}" for one in commands)]
        subprocess.run(line, check=True, capture_output=True)
    finally:
        process.kill()
        process.wait()
    return directory / "core"


def measure(path: Path, places: int) -> None:
    """Print a row for each question, each in a process that has asked nothing yet."""
    for what in ("report", "place", "freed"):
        line = [sys.executable, __file__, "--ask", what, str(path), str(places)]
        print(
            subprocess.run(line, check=True, capture_output=True, text=True).stdout,
            end="",
        )


def ask(what: str, path: Path, places: int) -> None:
    start = time.monotonic()
    core = open_core(path)
    heap = find_heaps(core).heaps[-1]
    label = what
    if what == "report":
        report = heap.report()
        label = (
            f"totals, damage, freed list ({report.live_blocks:,} live,"
            f" {report.free_blocks:,} free, {len(report.damage)} damaged)"
        )
    elif what == "place":
        mapping = max(core.mappings, key=lambda one: one.stored)
        step = (mapping.end - mapping.start) // places
        found = [heap.place(mapping.start + index * step) for index in range(places)]
        label = (
            f"where {places:,} addresses lie ({sum(f is not None for f in found):,})"
        )
    else:
        count = sum(1 for _ in heap.freed())
        label = f"every freed block by name ({count:,})"
    seconds = time.monotonic() - start
    print(f"| {label} | {seconds:.2f} | {own_memory() >> 20:,} |")


def own_memory() -> int:
    """Bytes of this process at most, without the pages of the core."""
    status = Path("/proc/self/status").read_text()
    found = dict(line.split(":", 1) for line in status.splitlines())
    anonymous = int(found["RssAnon"].split()[0]) * 1024
    whole = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    return min(anonymous, whole)


def peer(path: Path, blocks: int) -> None:
    core = open_core(path)
    mapping = max(core.mappings, key=lambda one: one.stored)
    script = PEER.format(first=mapping.start, count=PEER_CHUNKS)
    with tempfile.NamedTemporaryFile("w", suffix=".py") as file:
        file.write(script)
        file.flush()
        line = [
            "gdb",
            "-q",
            "-nx",
            "-batch",
            "-c",
            str(path),
            f"-ex=source {file.name}",
        ]
        run = subprocess.run(line, check=True, capture_output=True, text=True)
    (seconds,) = (
        float(row.split()[1])
        for row in run.stdout.splitlines()
        if row.startswith("SEC")
    )
    print(
        f"| gdb's Python, headers alone: {PEER_CHUNKS:,} in {seconds:.2f} s,"
        f" {blocks:,} would take | {seconds * blocks / PEER_CHUNKS:.0f} | – |"
    )


if __name__ == "__main__":
    if sys.argv[1:2] == ["--ask"]:
        ask(sys.argv[2], Path(sys.argv[3]), int(sys.argv[4]))
    else:
        main()
